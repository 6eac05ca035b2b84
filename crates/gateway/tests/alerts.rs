//! Alerts on screens: shown, presented, answered by a named person, and known to everybody.

mod support;

use std::sync::Arc;

use alerting::{AlertState, Person};
use bus::News;
use serde_json::{Value, json};
use support::{Client, Station, block, now, raise};

async fn viewer(station: &Station, name: &str) -> Client {
    let cookie = station.log_in(name).await;
    let mut client = station.connect(&cookie).await;
    client.hello(json!([])).await;
    client.until_type("caught_up").await;
    client
}

async fn with_a_recording() -> Station {
    let station = Station::start().await;
    station.put_device(1).await;
    station.receive(&[block(1, now().plus_seconds(-1), 0)]).await;
    station
}

fn acknowledge(request: u32, alert: &alerting::Alert, version: u32) -> Value {
    json!({"type": "acknowledge", "request": request, "alert": alert.id.to_string(), "version": version})
}

#[tokio::test]
async fn the_first_of_two_persons_gets_the_alert_and_the_other_is_told_who() {
    let station = with_a_recording().await;
    let (mut one, mut two) = (viewer(&station, "助产士甲").await, viewer(&station, "助产士乙").await);
    let alert = station.raise(1, 9).await;
    one.until_type("alert").await;
    two.until_type("alert").await;
    one.say(acknowledge(1, &alert, alert.version)).await;
    two.say(acknowledge(1, &alert, alert.version)).await;
    let (first, second) = (one.until_type("answer").await, two.until_type("answer").await);
    let (winner, refused) = if first["ok"] == true { ("助产士甲", &second) } else { ("助产士乙", &first) };
    assert_eq!(refused["ok"], false);
    assert_eq!(refused["reason"], "already_acknowledged");
    assert_eq!(refused["by"], winner);
    let stored = station.store.alert(alert.id).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.owner), (AlertState::Acknowledged, Some(Person(winner.to_owned()))));
    for client in [&mut one, &mut two] {
        client.say(json!({"type": "beat"})).await;
    }
    let mut third = viewer(&station, "c").await;
    third.say(acknowledge(7, &alert, alert.version)).await;
    assert_eq!(third.until_type("answer").await["by"], winner);
    station.stop().await;
}

#[tokio::test]
async fn everybody_sees_who_answers_and_the_history_tells_it() {
    let station = with_a_recording().await;
    let (mut one, mut two) = (viewer(&station, "助产士甲").await, viewer(&station, "助产士乙").await);
    let alert = station.raise(1, 9).await;
    one.until_type("alert").await;
    one.say(json!({"type": "presented", "alert": alert.id.to_string(), "version": alert.version})).await;
    let presented = two.until(|message| message["alert"]["state"] == "presented").await;
    let version = presented["alert"]["version"].as_u64().unwrap() as u32;
    one.say(acknowledge(1, &alert, version)).await;
    let seen = two.until(|message| message["alert"]["state"] == "acknowledged").await;
    assert_eq!(seen["alert"]["owner"], "助产士甲");
    let version = seen["alert"]["version"].clone();
    one.say(json!({"type": "resolve", "request": 2, "alert": alert.id.to_string(), "version": version, "note": "ok"}))
        .await;
    one.until(|message| message["type"] == "answer" && message["request"] == 2 && message["ok"] == true).await;
    two.until(|message| message["alert"]["state"] == "resolved").await;
    let cookie = station.log_in("c").await;
    let log = station.get(&format!("/api/alerts/{}/log", alert.id), &cookie).await.json();
    let kinds: Vec<&str> = log.as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["raised", "presented", "acknowledged", "resolved"]);
    assert_eq!(log[2]["by"], "助产士甲");
    station.stop().await;
}

#[tokio::test]
async fn an_alert_lost_on_the_bus_reaches_screens_from_the_store() {
    let station = with_a_recording().await;
    let mut client = viewer(&station, "a").await;
    let change = raise(1, 3);
    station.store.record_change(&change).await.unwrap();
    let shown = client.until_type("alert").await;
    assert_eq!(shown["alert"]["id"], change.alert.id.to_string());
    station.stop().await;
}

#[tokio::test]
async fn an_alert_that_could_not_be_stored_is_shown_and_marked() {
    let station = with_a_recording().await;
    let mut client = viewer(&station, "a").await;
    let change = raise(1, 3);
    station.bus.publish(News::Alert { alert: Arc::new(change.alert.clone()), recorded: false });
    let shown = client.until_type("alert").await;
    assert_eq!(shown["recorded"], false);
    station.store.record_change(&change).await.unwrap();
    let shown = client.until_type("alert").await;
    assert_eq!(shown["recorded"], true);
    station.stop().await;
}

#[tokio::test]
async fn an_alert_that_nobody_knows_is_refused() {
    let station = with_a_recording().await;
    let mut client = viewer(&station, "a").await;
    let change = raise(1, 3);
    client.say(acknowledge(1, &change.alert, 1)).await;
    assert_eq!(client.until_type("answer").await["reason"], "unknown_alert");
    station.stop().await;
}
