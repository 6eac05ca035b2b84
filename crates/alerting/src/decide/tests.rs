use super::*;
use crate::Priority;
use crate::examples::{ID, LOW_RATE, SILENCE, at, person, policy, raise};

mod invariants;

/// One row of the table: what was, what happened, what is to follow.
struct Row {
    name: &'static str,
    alert: Alert,
    event: AlertEvent,
    now: i64,
    expect: Expect,
}

enum Expect {
    Nothing,
    Refused(Refusal),
    /// Kind of the entry, state, step, deadline (s), generation.
    Changed(LogKind, AlertState, u8, Option<i64>, u32),
}

/// A high alert of a low heart rate, raised at 0.
fn raised() -> Alert {
    start(LOW_RATE, Priority::High)
}

fn start(condition: crate::Condition, priority: Priority) -> Alert {
    let event = AlertEvent::Raise { raise: raise(condition, priority, (0, 60)), id: ID };
    decide(None, &event, at(0), &policy()).unwrap().unwrap().alert
}

fn then(alert: &Alert, event: AlertEvent, now: i64) -> Alert {
    decide(Some(alert), &event, at(now), &policy()).unwrap().unwrap().alert
}

fn presented() -> Alert {
    then(&raised(), shown(1), 2)
}

/// Acknowledged by Lin at 10, version 3.
fn acknowledged() -> Alert {
    then(&presented(), answer("Lin", 2), 10)
}

fn cleared(alert: &Alert) -> Alert {
    then(alert, AlertEvent::Clear, 40)
}

fn resolved() -> Alert {
    then(&acknowledged(), close("Lin", 3), 20)
}

fn shown(version: u32) -> AlertEvent {
    AlertEvent::Present { station: "ward-2".to_owned(), version }
}

fn answer(name: &str, version: u32) -> AlertEvent {
    AlertEvent::Acknowledge { by: person(name), version }
}

fn close(name: &str, version: u32) -> AlertEvent {
    AlertEvent::Resolve { by: person(name), version, note: Some("turned to her left side".to_owned()) }
}

fn detected(priority: Priority, stretch: (i64, i64)) -> AlertEvent {
    AlertEvent::Raise { raise: raise(LOW_RATE, priority, stretch), id: AlertId([8; 16]) }
}

fn check(row: Row) {
    let outcome = decide(Some(&row.alert), &row.event, at(row.now), &policy());
    match (outcome, row.expect) {
        (Ok(None), Expect::Nothing) => {}
        (Err(refusal), Expect::Refused(expect)) => assert_eq!(refusal, expect, "{}", row.name),
        (Ok(Some(change)), Expect::Changed(kind, state, step, deadline, generation)) => {
            assert_eq!(change.expected_version, Some(row.alert.version), "{}", row.name);
            assert_eq!(change.entry.kind, kind, "{}", row.name);
            let found = (change.alert.state, change.alert.step, change.alert.deadline, change.alert.generation);
            assert_eq!(found, (state, step, deadline.map(at), generation), "{}", row.name);
        }
        (outcome, _) => panic!("{}: unexpected {outcome:?}", row.name),
    }
}

fn row(name: &'static str, alert: Alert, event: AlertEvent, now: i64, expect: Expect) {
    check(Row { name, alert, event, now, expect });
}

#[test]
fn a_first_detection_raises_and_waits_for_a_screen() {
    let alert = raised();
    assert_eq!((alert.version, alert.generation, alert.episodes, alert.step), (1, 1, 1, 0));
    assert_eq!(alert.deadline, Some(at(5)));
    assert_eq!(alert.state, AlertState::Raised);
}

#[test]
fn raised_meets_every_event() {
    use Expect::{Changed, Nothing, Refused};
    row("same again", raised(), detected(Priority::High, (0, 70)), 70, Nothing);
    row("lower again", raised(), detected(Priority::Low, (0, 70)), 70, Nothing);
    row("deadline not reached", raised(), AlertEvent::Deadline, 4, Nothing);
    row("deadline", raised(), AlertEvent::Deadline, 5, Changed(LogKind::Escalated, AlertState::Raised, 1, Some(65), 1));
    row("shown", raised(), shown(1), 2, Changed(LogKind::Presented, AlertState::Presented, 0, Some(62), 1));
    row("unknown version shown", raised(), shown(2), 2, Nothing);
    let acknowledged = Changed(LogKind::Acknowledged, AlertState::Acknowledged, 0, Some(603), 1);
    row("acknowledged unseen by its screen's word", raised(), answer("Lin", 1), 3, acknowledged);
    row("closed without answer", raised(), close("Lin", 1), 3, Refused(Refusal::NotAcknowledged));
    row("cleared", raised(), AlertEvent::Clear, 3, Changed(LogKind::Cleared, AlertState::Raised, 0, Some(5), 1));
}

#[test]
fn presented_meets_every_event() {
    use Expect::{Changed, Nothing, Refused};
    row("second screen", presented(), shown(2), 3, Nothing);
    let escalated = Changed(LogKind::Escalated, AlertState::Raised, 1, Some(122), 1);
    row("deadline", presented(), AlertEvent::Deadline, 62, escalated);
    let acknowledged = Changed(LogKind::Acknowledged, AlertState::Acknowledged, 0, Some(603), 1);
    row("acknowledged", presented(), answer("Lin", 2), 3, acknowledged);
    row("nobody acknowledges", presented(), answer("  ", 2), 3, Refused(Refusal::Nameless));
    row("closed without answer", presented(), close("Lin", 2), 3, Refused(Refusal::NotAcknowledged));
    row("cleared", presented(), AlertEvent::Clear, 3, Changed(LogKind::Cleared, AlertState::Presented, 0, Some(62), 1));
    row("same again", presented(), detected(Priority::High, (0, 70)), 70, Nothing);
}

#[test]
fn acknowledged_meets_every_event() {
    use Expect::{Changed, Nothing, Refused};
    let taken = || Refusal::Taken { owner: person("Lin") };
    row("second person", acknowledged(), answer("Wu", 3), 11, Refused(taken()));
    row("same person", acknowledged(), answer("Lin", 3), 11, Nothing);
    row("closed by another", acknowledged(), close("Wu", 3), 11, Refused(taken()));
    row("shown", acknowledged(), shown(3), 11, Nothing);
    row("not due", acknowledged(), AlertEvent::Deadline, 609, Nothing);
    let forgotten = Changed(LogKind::Escalated, AlertState::Raised, 1, Some(670), 4);
    row("acknowledged and forgotten", acknowledged(), AlertEvent::Deadline, 610, forgotten);
    let cleared = Changed(LogKind::Cleared, AlertState::Acknowledged, 0, Some(610), 1);
    row("cleared", acknowledged(), AlertEvent::Clear, 11, cleared);
    let repeated = Changed(LogKind::Repeated, AlertState::Acknowledged, 0, Some(610), 1);
    row("new episode", acknowledged(), detected(Priority::High, (90, 150)), 150, repeated);
    row("closed", acknowledged(), close("Lin", 3), 20, Changed(LogKind::Resolved, AlertState::Resolved, 0, None, 1));
    let long = AlertEvent::Resolve { by: person("Lin"), version: 3, note: Some("x".repeat(501)) };
    row("too long a note", acknowledged(), long, 20, Refused(Refusal::NoteTooLong));
}

#[test]
fn resolved_meets_every_event() {
    use Expect::{Nothing, Refused};
    let closed = || Refusal::Closed { by: Some(person("Lin")) };
    row("acknowledged", resolved(), answer("Wu", 4), 21, Refused(closed()));
    row("closed again", resolved(), close("Wu", 4), 21, Refused(closed()));
    row("shown", resolved(), shown(4), 21, Nothing);
    row("cleared", resolved(), AlertEvent::Clear, 21, Nothing);
    row("deadline", resolved(), AlertEvent::Deadline, 9_999, Nothing);
    let change = decide(Some(&resolved()), &detected(Priority::High, (90, 150)), at(150), &policy()).unwrap().unwrap();
    assert_eq!((change.expected_version, change.alert.id), (None, AlertId([8; 16])));
}

#[test]
fn an_unknown_alert_is_refused() {
    for event in [AlertEvent::Clear, AlertEvent::Deadline, shown(1), answer("Lin", 1), close("Lin", 1)] {
        assert_eq!(decide(None, &event, at(0), &policy()), Err(Refusal::Unknown));
    }
}

#[test]
fn a_worse_condition_must_be_answered_anew() {
    let medium = start(LOW_RATE, Priority::Medium);
    let answered = then(&medium, answer("Lin", 1), 20);
    let worse = then(&answered, detected(Priority::High, (0, 180)), 180);
    assert_eq!((worse.state, worse.owner.as_ref(), worse.step), (AlertState::Raised, None, 1));
    assert_eq!((worse.generation, worse.version, worse.deadline), (3, 3, Some(at(240))));
    assert_eq!(worse.episodes, 1);
    let stale = decide(Some(&worse), &answer("Lin", 2), at(181), &policy());
    assert_eq!(stale, Err(Refusal::Superseded { owner: None }));
    assert!(decide(Some(&worse), &answer("Lin", 3), at(181), &policy()).is_ok());
}

#[test]
fn a_stale_answer_is_told_who_has_it() {
    let medium = start(LOW_RATE, Priority::Medium);
    let worse = then(&medium, detected(Priority::High, (0, 180)), 180);
    let taken = then(&worse, answer("Lin", 2), 181);
    let stale = decide(Some(&taken), &answer("Wu", 1), at(182), &policy());
    assert_eq!(stale, Err(Refusal::Superseded { owner: Some(person("Lin")) }));
}

#[test]
fn the_ladder_never_ends() {
    let mut alert = raised();
    let mut waits_s = Vec::new();
    for _ in 0..6 {
        let due = alert.deadline.unwrap();
        alert = decide(Some(&alert), &AlertEvent::Deadline, due, &policy()).unwrap().unwrap().alert;
        waits_s.push((alert.step, alert.deadline.unwrap().micros_since(due) / ctg::MICROS_PER_SECOND));
    }
    assert_eq!(waits_s, [(1, 60), (2, 120), (3, 180), (3, 180), (3, 180), (3, 180)]);
}

#[test]
fn what_is_over_and_unanswered_waits_longer_but_stays() {
    let over = cleared(&presented());
    assert_eq!(over.deadline, Some(at(62)));
    let escalated = then(&over, AlertEvent::Deadline, 62);
    assert_eq!((escalated.step, escalated.deadline), (1, Some(at(62 + 3 * 60))));
    let back = then(&escalated, detected(Priority::High, (70, 130)), 130);
    assert_eq!((back.is_present(), back.episodes, back.deadline), (true, 2, Some(at(190))));
}

#[test]
fn what_is_over_may_be_closed_by_a_person_who_saw_it() {
    let over = cleared(&presented());
    let closed = then(&over, close("Lin", 3), 50);
    assert_eq!((closed.state, closed.owner), (AlertState::Resolved, Some(person("Lin"))));
}

#[test]
fn a_technical_alert_closes_itself_only_after_a_screen_showed_it() {
    let silence = start(SILENCE, Priority::Medium);
    let latched = then(&silence, AlertEvent::Clear, 5);
    assert!(latched.is_open());
    let seen = then(&silence, shown(1), 3);
    let change = decide(Some(&seen), &AlertEvent::Clear, at(5), &policy()).unwrap().unwrap();
    assert_eq!((change.entry.kind, change.alert.state), (LogKind::Closed, AlertState::Resolved));
    let refused = decide(Some(&change.alert), &answer("Lin", 2), at(6), &policy());
    assert_eq!(refused, Err(Refusal::Closed { by: None }));
}

#[test]
fn late_data_never_make_a_live_alert_worse_and_live_data_make_a_late_alert_live() {
    let late = |priority, stretch| {
        let raise = crate::Raise { late: true, ..raise(LOW_RATE, priority, stretch) };
        AlertEvent::Raise { raise, id: ID }
    };
    let medium = start(LOW_RATE, Priority::Medium);
    assert_eq!(decide(Some(&medium), &late(Priority::High, (90, 300)), at(300), &policy()), Ok(None));

    let past = decide(None, &late(Priority::Low, (0, 60)), at(100), &policy()).unwrap().unwrap().alert;
    assert!(past.late);
    let live = then(&past, detected(Priority::Medium, (0, 170)), 170);
    assert_eq!((live.late, live.priority, live.generation, live.deadline), (false, Priority::Medium, 2, Some(at(130))));
}

#[test]
fn an_older_episode_found_again_changes_nothing() {
    let alert = then(&presented(), detected(Priority::High, (90, 150)), 150);
    assert_eq!(alert.episodes, 2);
    assert_eq!(decide(Some(&alert), &detected(Priority::High, (0, 60)), at(160), &policy()), Ok(None));
}

#[test]
fn the_next_deadline_is_the_earliest_of_open_alerts() {
    assert_eq!(next_deadline(&[acknowledged(), resolved(), presented()]), Some(at(62)));
    assert_eq!(next_deadline(&[resolved()]), None);
}
