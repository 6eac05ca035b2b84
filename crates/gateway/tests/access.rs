//! Who gets in: sessions, origins, and everything else denied.

mod support;

use serde_json::json;
use support::{CODE, Station};

#[tokio::test]
async fn every_private_route_needs_a_session_and_says_so() {
    let station = Station::start().await;
    let paths = [
        "/api/session",
        "/ws",
        "/api/recordings/07070707-0707-0707-0707-070707070707/blocks?from=0",
        "/api/recordings/07070707-0707-0707-0707-070707070707/findings?from_us=0&to_us=1",
        "/api/alerts/07070707-0707-0707-0707-070707070707/log",
    ];
    for path in paths {
        for cookie in ["", "maia_session=", "maia_session=00", "other=1"] {
            let answer = station.get(path, cookie).await;
            assert_eq!(answer.status, 401, "{path} {cookie}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert!(answer.json()["detail"].as_str().unwrap().contains("log in"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    assert_eq!(station.get("/api/nothing", "").await.status, 404);
    assert_eq!(station.get("/assets/../Cargo.toml", "").await.status, 404);
    station.stop().await;
}

#[tokio::test]
async fn the_page_and_the_signs_of_life_are_open_and_hardened() {
    let station = Station::start().await;
    let page = station.get("/", "").await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let text = String::from_utf8(page.body.clone()).unwrap();
    for reference in text.split('"').filter(|part| part.starts_with("/assets/")) {
        let asset = station.get(reference, "").await;
        assert_eq!(asset.status, 200, "{reference}");
        assert!(asset.header("cache-control").unwrap().contains("immutable"));
    }
    assert_eq!(station.get("/healthz", "").await.status, 200);
    assert_eq!(station.get("/readyz", "").await.status, 200);
    let metrics = String::from_utf8(station.get("/metrics", "").await.body).unwrap();
    assert!(metrics.contains("maia_viewer_open_count 0"), "{metrics}");
    let proxied = station.request("GET", "/metrics", &[("x-forwarded-for", "10.0.0.9")], "").await;
    assert_eq!(proxied.status, 401);
    station.stop().await;
}

#[tokio::test]
async fn a_session_opens_with_the_code_and_ends_when_closed() {
    let station = Station::start().await;
    let cookie = station.log_in("值班助产士").await;
    assert_eq!(station.get("/api/session", &cookie).await.json(), json!({"name": "值班助产士"}));
    let closed = station.request("DELETE", "/api/session", &[("cookie", &cookie)], "").await;
    assert_eq!(closed.status, 204);
    assert_eq!(station.get("/api/session", &cookie).await.status, 401);
    station.stop().await;
}

#[tokio::test]
async fn the_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites() {
    let station = Station::start().await;
    let body = json!({"name": "a", "access_code": CODE}).to_string();
    let answer = station.request("POST", "/api/session", &[], &body).await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    station.stop().await;
}

#[tokio::test]
async fn wrong_logins_are_refused_with_what_to_do() {
    let station = Station::start().await;
    let post = async |body: &str| station.request("POST", "/api/session", &[], body).await;
    assert_eq!(post(&json!({"name": "", "access_code": CODE}).to_string()).await.status, 422);
    assert_eq!(post("{}").await.status, 422);
    assert_eq!(post("nonsense").await.status, 400);
    let extra = json!({"name": "a", "access_code": CODE, "role": "administrator"});
    assert_eq!(post(&extra.to_string()).await.status, 422);
    assert_eq!(post(&json!({"name": "x".repeat(9_000), "access_code": CODE}).to_string()).await.status, 413);
    for _ in 0..10 {
        assert_eq!(post(&json!({"name": "a", "access_code": "wrong"}).to_string()).await.status, 401);
    }
    let waiting = post(&json!({"name": "a", "access_code": CODE}).to_string()).await;
    assert_eq!(waiting.status, 429);
    assert!(waiting.header("retry-after").unwrap().parse::<u32>().unwrap() <= 60);
    station.stop().await;
}

#[tokio::test]
async fn other_origins_can_neither_log_in_nor_connect() {
    let station = Station::start().await;
    let cookie = station.log_in("a").await;
    let body = json!({"name": "a", "access_code": CODE}).to_string();
    let answer = station.request("POST", "/api/session", &[("origin", "http://evil.example")], &body).await;
    assert_eq!(answer.status, 403);
    let own = format!("http://{}", station.address);
    for headers in [
        vec![("cookie", cookie.as_str()), ("origin", "http://evil.example")],
        vec![("cookie", cookie.as_str())],
        vec![("origin", own.as_str())],
    ] {
        assert!(station.open_socket(&headers).await.is_err(), "{headers:?}");
    }
    assert!(station.open_socket(&[("cookie", &cookie), ("origin", &own)]).await.is_ok());
    station.stop().await;
}

#[tokio::test]
async fn closing_a_session_closes_its_sockets() {
    let station = Station::start().await;
    let cookie = station.log_in("a").await;
    let mut client = station.connect(&cookie).await;
    client.hello(json!([])).await;
    client.until_type("caught_up").await;
    station.request("DELETE", "/api/session", &[("cookie", &cookie)], "").await;
    assert_eq!(client.closed().await.0, 4401);
    station.stop().await;
}

#[tokio::test]
async fn a_restart_of_the_service_logs_nobody_out() {
    let station = Station::start().await;
    let (open, closed) = (station.log_in("a").await, station.log_in("b").await);
    station.request("DELETE", "/api/session", &[("cookie", &closed)], "").await;
    let station = station.restart().await;
    assert_eq!(station.get("/api/session", &open).await.json(), json!({"name": "a"}));
    assert_eq!(station.get("/api/session", &closed).await.status, 401);
    station.stop().await;
}
