use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use ctg::{Interval, RecordingId, Timestamp};
use serde::Deserialize;
use serde_json::json;
use storage::{SecretDigest, StoreError};
use wire::viewer::{CLIENT_MESSAGE_MAX, FILL_MAX, ServerMessage, history_json, join_blocks, join_messages};

use crate::access::{self, Denied, SessionKey};
use crate::board::{Progress, baseline_texts, frame};
use crate::run::{App, now};
use crate::viewer::Text;

/// Largest body of a request, in bytes: a name and a code fit many times.
const BODY_MAX: usize = 4_096;
/// Most viewers at once: each costs up to 2 MiB while it is slow.
const VIEWERS_MAX: usize = 512;
/// Longest stretch of findings in one answer, in microseconds: four hours.
const FINDINGS_MAX_US: i64 = 14_400 * ctg::MICROS_PER_SECOND;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Who asks, as the session says.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) session: SessionKey,
    pub(crate) person: alerting::Person,
}

/// An RFC 9457 problem: what went wrong, and what to do.
#[derive(Debug)]
struct Problem {
    status: StatusCode,
    detail: String,
    retry_after_s: Option<i64>,
}

/// Every route. What is not listed as open needs a session; what is not listed at all is not found.
pub(crate) fn router(app: Arc<App>) -> Router {
    let open = Router::new()
        .route("/", get(index))
        .route("/assets/{name}", get(asset))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/session", post(open_session));
    let private = Router::new()
        .route("/api/session", get(show_session).delete(close_session))
        .route("/api/recordings/{id}/blocks", get(blocks))
        .route("/api/recordings/{id}/findings", get(findings))
        .route("/api/alerts/{id}/log", get(alert_log))
        .route("/ws", get(connect))
        .route_layer(from_fn_with_state(Arc::clone(&app), require_session));
    open.merge(private)
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "there is nothing here: begin at /") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method")
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(Arc::clone(&app), require_own_origin))
        .layer(from_fn(add_headers))
        .with_state(app)
}

async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What changes something, and the handshake of a viewer, must come from the page itself.
async fn require_own_origin(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if only_reads(&request) || is_from_own_page(request.headers(), &app.config.origins) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::FORBIDDEN, "ask from the page of this service, or add its origin to the configuration")
        .into_response()
}

fn only_reads(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && !request.headers().contains_key(header::UPGRADE)
}

fn is_from_own_page(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    access::is_own_origin(text(header::ORIGIN), text(header::HOST), allowed)
}

async fn require_session(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let Some(caller) = caller(&app, request.headers()) else {
        return Problem::new(StatusCode::UNAUTHORIZED, "log in: POST /api/session with name and access_code")
            .into_response();
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn caller(app: &App, headers: &HeaderMap) -> Option<Caller> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let access = app.access();
    cookies.filter_map(|text| access.session(text, now())).map(|(session, person)| Caller { session, person }).next()
}

async fn index(State(app): State<Arc<App>>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, app.page.index()).into_response()
}

async fn asset(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Response, Problem> {
    let gone = || Problem::new(StatusCode::NOT_FOUND, "the page was renewed: reload it");
    let asset = app.page.asset(&name).ok_or_else(gone)?;
    let caching = "public, max-age=31536000, immutable";
    let headers = [(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, caching)];
    Ok((headers, asset.bytes.clone()).into_response())
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    let mut missing = (app.config.unready)();
    if app.store.ping().await.is_err() {
        missing.push("store does not answer".to_owned());
    }
    if missing.is_empty() {
        return "ready\n".into_response();
    }
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, &missing.join("; ")).into_response()
}

async fn metrics(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let proxied = ["forwarded", "x-forwarded-for"].iter().any(|name| headers.contains_key(*name));
    if (proxied || !peer.ip().is_loopback()) && caller(&app, &headers).is_none() {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "read metrics from this machine, or log in"));
    }
    let families = app.all_metrics.gather();
    let text = prometheus::TextEncoder::new().encode_to_string(&families);
    let text = text.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be written"))?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    name: String,
    access_code: String,
}

async fn open_session(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    login: Result<Json<Login>, JsonRejection>,
) -> Result<Response, Problem> {
    let expected = "send JSON with exactly name and access_code";
    let Json(login) = login.map_err(|rejection| Problem::new(rejection.status(), expected))?;
    let mut token = [0; 32];
    let no_token = |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no random numbers now: try again");
    getrandom::fill(&mut token).map_err(no_token)?;
    let opened = app.access().open(&login.name, &login.access_code, peer.ip(), token, now());
    let opened = opened.map_err(|denied| {
        app.metrics.sessions_denied.inc();
        Problem::from(denied)
    })?;
    app.keep_session(opened.session).await;
    let cookie = access::set_cookie(&opened.cookie, app.config.tls);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

async fn show_session(Extension(caller): Extension<Caller>) -> Response {
    Json(json!({"name": caller.person.0})).into_response()
}

async fn close_session(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Result<Response, Problem> {
    app.access().close(caller.session);
    app.store.remove_session(SecretDigest(caller.session)).await?;
    let done = (StatusCode::NO_CONTENT, [(header::SET_COOKIE, access::clear_cookie())]);
    Ok(done.into_response())
}

async fn connect(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| Problem::new(StatusCode::UPGRADE_REQUIRED, "connect with a WebSocket"))?;
    if app.board().viewer_count() >= VIEWERS_MAX {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many viewers: close one, or add a gateway"));
    }
    let upgrade = upgrade.max_message_size(CLIENT_MESSAGE_MAX).max_frame_size(CLIENT_MESSAGE_MAX);
    Ok(upgrade.on_upgrade(move |socket| crate::socket::serve(app, socket, caller)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlocksWanted {
    from: u32,
    limit: Option<u32>,
}

async fn blocks(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    wanted: Result<Query<BlocksWanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "ask with ?from=N&limit=M"))?;
    let (id, index) = shown(&app, id).await?;
    let limit = wanted.limit.unwrap_or(FILL_MAX).min(FILL_MAX);
    let blocks = app.store.blocks_from(id, wanted.from, limit).await?;
    let frames: Vec<_> = blocks.iter().map(|block| frame(index, block, app.config.late_after_s).bytes).collect();
    let message = join_blocks(frames.iter().map(AsRef::as_ref));
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from(message)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FindingsWanted {
    from_us: i64,
    to_us: i64,
}

async fn findings(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    wanted: Result<Query<FindingsWanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let refuse = || Problem::new(StatusCode::BAD_REQUEST, "ask with ?from_us=A&to_us=B, at most four hours apart");
    let Query(wanted) = wanted.map_err(|_| refuse())?;
    let within = Interval { start: Timestamp::from_micros(wanted.from_us), end: Timestamp::from_micros(wanted.to_us) };
    if !(0..=FINDINGS_MAX_US).contains(&within.end.micros_since(within.start)) {
        return Err(refuse());
    }
    let (id, index) = shown(&app, id).await?;
    let found = app.store.findings(id, within).await?;
    let mut texts: Vec<Text> = vec![ServerMessage::Findings(index, &found).to_json().into()];
    texts.extend(baseline_texts(index, &app.store.baseline(id, within).await?));
    Ok(json_response(join_messages(texts.iter().map(AsRef::as_ref))))
}

async fn alert_log(State(app): State<Arc<App>>, id: Result<Path<String>, PathRejection>) -> Result<Response, Problem> {
    let id = id.ok().and_then(|Path(id)| id.parse().ok());
    let id = id.ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "an alert is named by a UUID"))?;
    if app.store.alert(id).await?.is_none() {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no such alert"));
    }
    Ok(json_response(history_json(&app.store.alert_log(id).await?)))
}

/// The recording in the address and its index, announced to everybody if it was not shown yet.
async fn shown(app: &App, id: Result<Path<String>, PathRejection>) -> Result<(RecordingId, u32), Problem> {
    let id = id.ok().and_then(|Path(id)| id.parse::<RecordingId>().ok());
    let id = id.ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "a recording is named by a UUID"))?;
    let found = app.store.recording(id).await?;
    let found = found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such recording"))?;
    let progress = Progress { stored_through: found.stored_through, stopped: found.stopped };
    Ok((id, app.board().show(&found.recording, progress, now())))
}

fn json_response(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

impl Problem {
    fn new(status: StatusCode, detail: &str) -> Self {
        Self { status, detail: detail.to_owned(), retry_after_s: None }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Code => Self::new(StatusCode::UNAUTHORIZED, "wrong access code: see the terminal of the service"),
            Denied::Name => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "give a name of 1 to 40 printable characters"),
            Denied::TooManyTries { retry_after_s } => {
                let detail = format!("too many wrong codes from this address: try again in {retry_after_s} s");
                Self { retry_after_s: Some(retry_after_s), ..Self::new(StatusCode::TOO_MANY_REQUESTS, &detail) }
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::warn!(error = %error, "a request could not be answered from the store");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer now: try again")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("error");
        let body = json!({"title": title, "status": self.status.as_u16(), "detail": self.detail});
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
