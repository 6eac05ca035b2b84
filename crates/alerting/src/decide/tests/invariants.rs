//! What holds after any events in any order.

use proptest::prelude::*;

use super::*;
use crate::Raise;

#[derive(Clone, Debug)]
enum Act {
    Detect { priority: usize, start: i64, length: i64, late: bool },
    Clear,
    Show { behind: u32 },
    Answer { who: usize, behind: u32 },
    Close { who: usize, behind: u32 },
    Deadline,
}

const PEOPLE: [&str; 3] = ["Lin", "Wu", "Zhao"];

fn act() -> impl Strategy<Value = (i64, Act)> {
    let detect = (0..3_usize, -300..0_i64, 0..300_i64, any::<bool>());
    let by = || (0..PEOPLE.len(), 0..3_u32);
    let act = prop_oneof![
        3 => detect.prop_map(|(priority, start, length, late)| Act::Detect { priority, start, length, late }),
        1 => Just(Act::Clear),
        2 => (0..3_u32).prop_map(|behind| Act::Show { behind }),
        2 => by().prop_map(|(who, behind)| Act::Answer { who, behind }),
        1 => by().prop_map(|(who, behind)| Act::Close { who, behind }),
        3 => Just(Act::Deadline),
    ];
    (0..200_i64, act)
}

fn event(act: &Act, alert: Option<&Alert>, now: i64) -> AlertEvent {
    let seen = |behind: u32| alert.map_or(1, |alert| alert.version.saturating_sub(behind));
    match *act {
        Act::Detect { priority, start, length, late } => {
            let raise = raise(LOW_RATE, Priority::ALL[priority], (now + start, now + start + length));
            let priority = if late { Priority::Low } else { raise.priority };
            AlertEvent::Raise { raise: Raise { late, priority, ..raise }, id: AlertId([now as u8; 16]) }
        }
        Act::Clear => AlertEvent::Clear,
        Act::Show { behind } => shown(seen(behind)),
        Act::Answer { who, behind } => answer(PEOPLE[who], seen(behind)),
        Act::Close { who, behind } => close(PEOPLE[who], seen(behind)),
        Act::Deadline => AlertEvent::Deadline,
    }
}

/// What the lines of a history say about the alert, without looking at the alert.
#[derive(Debug, PartialEq)]
struct Standing {
    version: u32,
    state: AlertState,
    priority: Priority,
    step: u8,
    generation: u32,
    present: bool,
    deadline: Option<Timestamp>,
    owner: Option<Person>,
    raised: Timestamp,
    changed: Timestamp,
}

impl Standing {
    fn of(alert: &Alert) -> Self {
        Self {
            version: alert.version,
            state: alert.state,
            priority: alert.priority,
            step: alert.step,
            generation: alert.generation,
            present: alert.is_present(),
            deadline: alert.deadline,
            owner: alert.owner.clone(),
            raised: alert.raised,
            changed: alert.changed,
        }
    }

    fn replay(history: &[LogEntry]) -> Option<Self> {
        let first = history.first()?;
        let mut standing = Self {
            version: 0,
            state: AlertState::Raised,
            priority: first.priority,
            step: 0,
            generation: 1,
            present: true,
            deadline: None,
            owner: None,
            raised: first.at,
            changed: first.at,
        };
        for line in history {
            standing.take(line);
        }
        Some(standing)
    }

    fn take(&mut self, line: &LogEntry) {
        assert_eq!(line.version, self.version + 1, "no version is skipped or repeated");
        (self.version, self.priority, self.step) = (line.version, line.priority, line.step);
        (self.deadline, self.changed) = (line.deadline, line.at);
        match line.kind {
            LogKind::Raised => {}
            LogKind::Repeated => self.present = true,
            LogKind::Worsened => {
                self.present = true;
                self.demand_answer();
            }
            LogKind::Cleared => self.present = false,
            LogKind::Presented => self.state = AlertState::Presented,
            LogKind::Escalated if self.state == AlertState::Acknowledged => self.demand_answer(),
            LogKind::Escalated => self.state = AlertState::Raised,
            LogKind::Acknowledged => (self.state, self.owner) = (AlertState::Acknowledged, line.by.clone()),
            LogKind::Resolved => (self.state, self.owner) = (AlertState::Resolved, line.by.clone()),
            LogKind::Closed => (self.state, self.owner, self.present) = (AlertState::Resolved, None, false),
        }
    }

    fn demand_answer(&mut self) {
        (self.state, self.generation, self.owner) = (AlertState::Raised, self.version, None);
    }
}

fn check_change(before: Option<&Alert>, change: &AlertChange, now: Timestamp) {
    let after = &change.alert;
    assert_eq!(change.expected_version, before.map(|alert| alert.version));
    assert_eq!(change.expected_changed, before.map(|alert| alert.changed));
    assert_eq!(after.version, before.map_or(1, |alert| alert.version + 1), "version grows by one");
    assert_eq!(after.is_open(), after.deadline.is_some(), "an open alert always has a deadline");
    assert!(after.step <= policy().ladders.of(after.priority).last_step());
    assert_eq!((change.entry.version, change.entry.at, after.changed), (after.version, now, now));
    if change.entry.kind != LogKind::Acknowledged {
        let longest_s = 3 * 3600;
        assert!(after.deadline.is_none_or(|deadline| deadline <= now.plus_seconds(longest_s)));
    }
    let Some(before) = before else { return };
    assert!(after.priority >= before.priority, "priority never falls");
    assert!(after.generation >= before.generation && after.episodes >= before.episodes);
    assert!(!after.late || before.late, "a live alert never becomes late");
    assert_eq!((after.id, &after.key, after.raised), (before.id, &before.key, before.raised));
    if after.state == AlertState::Resolved {
        assert!(change.entry.by.is_some(), "this condition is closed by a person");
    }
    if after.state == AlertState::Acknowledged {
        assert!(after.owner.is_some(), "who answers is known");
    }
}

proptest! {
    #[test]
    fn any_history_keeps_the_promises(acts in prop::collection::vec(act(), 1..60)) {
        let mut alert: Option<Alert> = None;
        let mut history: Vec<LogEntry> = Vec::new();
        let mut now = 0;
        for (wait_s, act) in acts {
            now += wait_s;
            let event = event(&act, alert.as_ref(), now);
            let Ok(Some(change)) = decide(alert.as_ref(), &event, at(now), &policy()) else { continue };
            if change.expected_version.is_none() {
                history.clear();
            }
            check_change(alert.as_ref().filter(|alert| alert.is_open()), &change, at(now));
            history.push(change.entry);
            let expect = Standing::of(&change.alert);
            prop_assert_eq!(Standing::replay(&history), Some(expect));
            alert = Some(change.alert);
        }
    }

    /// Whoever answered, an alert that got worse afterwards is nobody's until it is answered again.
    #[test]
    fn an_answer_never_covers_a_later_generation(acts in prop::collection::vec(act(), 1..60)) {
        let mut alert: Option<Alert> = None;
        let mut now = 0;
        let mut answered: Option<(AlertId, u32)> = None;
        for (wait_s, act) in acts {
            now += wait_s;
            let event = event(&act, alert.as_ref(), now);
            let Ok(Some(change)) = decide(alert.as_ref(), &event, at(now), &policy()) else { continue };
            if let AlertEvent::Acknowledge { version, .. } = event {
                prop_assert!(version >= change.alert.generation);
                answered = Some((change.alert.id, change.alert.generation));
            }
            if change.alert.state == AlertState::Acknowledged {
                prop_assert_eq!(answered, Some((change.alert.id, change.alert.generation)));
            }
            alert = Some(change.alert);
        }
    }

    /// However often the condition comes and goes, somebody further up is told within the time of the step.
    #[test]
    fn an_unanswered_alert_is_never_put_off(flaps in prop::collection::vec((1..50_i64, any::<bool>()), 1..80)) {
        let mut alert = then(&raised(), shown(1), 1);
        let due = alert.deadline.unwrap();
        let mut now = 1;
        for (wait_s, clears) in flaps {
            now += wait_s;
            let event = if clears { AlertEvent::Clear } else { detected(Priority::High, (now - 1, now)) };
            if let Ok(Some(change)) = decide(Some(&alert), &event, at(now), &policy()) {
                alert = change.alert;
            }
            prop_assert!(alert.deadline.unwrap() <= due);
        }
    }
}
