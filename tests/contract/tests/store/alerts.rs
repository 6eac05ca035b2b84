use alerting::{Alert, AlertChange, AlertId, AlertState, Condition, LogKind, Person, Priority};
use contract::place::Place;
use contract::sample::{answer, raise, second};
use ctg::{Complaint, FindingKind, Timestamp};
use storage::{Store, StoreError};

const KIND: FindingKind = FindingKind::Bradycardia;

fn is_conflict(result: &Result<(), StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict))
}

fn ids(alerts: &[Alert]) -> Vec<u8> {
    alerts.iter().map(|alert| alert.id.0[0]).collect()
}

async fn resolve(store: &Store, alert: &Alert, at_s: i64) -> Alert {
    let change = answer(alert, AlertState::Resolved, LogKind::Resolved, "Dr. Wang", second(at_s));
    store.record_change(&change).await.unwrap();
    change.alert
}

pub async fn come_back_whole(place: &Place) {
    let store = place.open().await;
    let full = raise(1, 1, KIND);
    let mut bare = raise(2, 2, KIND);
    bare.alert.key.device = None;
    bare.alert.key.recording = None;
    bare.alert.key.fetus = None;
    bare.alert.key.condition = Condition::NotRecorded;
    bare.alert.evidence.method = None;
    bare.alert.evidence.finding = None;
    bare.alert.evidence.value = None;
    bare.alert.evidence.limit = None;
    bare.alert.cleared = Some(second(105));
    bare.alert.late = true;
    let mut complaint = raise(3, 3, KIND);
    complaint.alert.key.condition = Condition::Complaint(Complaint::Bleeding);
    complaint.alert.priority = Priority::High;
    complaint.alert.raised = second(99);
    for change in [&full, &bare, &complaint] {
        store.record_change(change).await.unwrap();
        assert_eq!(store.alert(change.alert.id).await.unwrap().as_ref(), Some(&change.alert));
        assert_eq!(store.alert_log(change.alert.id).await.unwrap(), std::slice::from_ref(&change.entry));
    }
    assert_eq!(store.open_alerts().await.unwrap(), [complaint.alert, full.alert.clone(), bare.alert]);
    let taken = answer(&full.alert, AlertState::Acknowledged, LogKind::Acknowledged, "护士 Li", second(110));
    store.record_change(&taken).await.unwrap();
    assert_eq!(store.alert(full.alert.id).await.unwrap(), Some(taken.alert));
    assert_eq!(store.alert_log(full.alert.id).await.unwrap(), [full.entry, taken.entry]);
    assert_eq!(store.alert(AlertId([9; 16])).await.unwrap(), None);
    assert_eq!(store.alert_log(AlertId([9; 16])).await.unwrap(), []);
}

pub async fn change_only_over_the_version_decided_on(place: &Place) {
    let store = place.open().await;
    let raised = raise(1, 1, KIND);
    let take =
        |alert: &Alert, person| answer(alert, AlertState::Acknowledged, LogKind::Acknowledged, person, second(110));
    // Nothing to change yet.
    assert!(is_conflict(&store.record_change(&take(&raised.alert, "Ada")).await));
    store.record_change(&raised).await.unwrap();
    assert!(is_conflict(&store.record_change(&raised).await));
    let taken = take(&raised.alert, "Ada");
    store.record_change(&taken).await.unwrap();
    assert!(is_conflict(&store.record_change(&take(&raised.alert, "Eve")).await));
    assert!(is_conflict(&store.record_change(&taken).await));
    // The version has the right number, but it is not the one that was saved.
    let unsaved = answer(&raised.alert, AlertState::Presented, LogKind::Presented, "Eve", second(111)).alert;
    assert_eq!(unsaved.version, taken.alert.version);
    assert!(is_conflict(&store.record_change(&take(&unsaved, "Eve")).await));
    assert_eq!(store.alert(raised.alert.id).await.unwrap().unwrap().owner, Some(Person("Ada".into())));
    assert_eq!(store.alert_log(raised.alert.id).await.unwrap().len(), 2);
}

pub async fn are_open_once_per_key(place: &Place) {
    let store = place.open().await;
    let first = raise(1, 1, KIND);
    store.record_change(&first).await.unwrap();
    assert!(is_conflict(&store.record_change(&raise(2, 1, KIND)).await));
    assert_eq!(store.alert(AlertId([2; 16])).await.unwrap(), None);
    assert_eq!(store.alert_log(AlertId([2; 16])).await.unwrap(), []);
    // Another condition and another recording are other keys.
    store.record_change(&raise(3, 1, FindingKind::Tachycardia)).await.unwrap();
    store.record_change(&raise(4, 2, KIND)).await.unwrap();
    let resolved = resolve(&store, &first.alert, 120).await;
    store.record_change(&raise(2, 1, KIND)).await.unwrap();
    assert_eq!(ids(&store.open_alerts().await.unwrap()), [2, 3, 4]);
    // A closed alert cannot open again beside it.
    let reopened = answer(&resolved, AlertState::Presented, LogKind::Presented, "Ada", second(130));
    assert!(is_conflict(&store.record_change(&reopened).await));
    assert_eq!(store.alert(first.alert.id).await.unwrap(), Some(resolved));
}

pub async fn absent_parts_of_a_key_are_equal(place: &Place) {
    let store = place.open().await;
    let without_fetus = |id| {
        let mut change = raise(id, 1, KIND);
        change.alert.key.fetus = None;
        change
    };
    let of_service = |id| {
        let mut change = without_fetus(id);
        (change.alert.key.device, change.alert.key.recording) = (None, None);
        change
    };
    let of_device = |id| {
        let mut change = without_fetus(id);
        change.alert.key.recording = None;
        change
    };
    let makers: [&dyn Fn(u8) -> AlertChange; 4] = [&|id| raise(id, 1, KIND), &without_fetus, &of_service, &of_device];
    for (place, make) in (0..).zip(makers) {
        store.record_change(&make(10 + place)).await.unwrap();
        assert!(is_conflict(&store.record_change(&make(20 + place)).await));
    }
    assert_eq!(ids(&store.open_alerts().await.unwrap()), [10, 11, 12, 13]);
}

pub async fn have_one_winner_under_concurrency(place: &Place) {
    const RIVALS: u8 = 12;
    let stores = [place.open().await, place.open().await, place.open().await];
    let mut raising = tokio::task::JoinSet::new();
    for rival in 0..RIVALS {
        let store = stores[usize::from(rival) % stores.len()].clone();
        raising.spawn(async move { store.record_change(&raise(rival, 1, KIND)).await });
    }
    let results = raising.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().all(|result| result.is_ok() || is_conflict(result)), "{results:?}");
    let raised = stores[0].open_alerts().await.unwrap().remove(0);
    let mut taking = tokio::task::JoinSet::new();
    for rival in 0..RIVALS {
        let (store, raised) = (stores[usize::from(rival) % stores.len()].clone(), raised.clone());
        taking.spawn(async move {
            let person = format!("person {rival}");
            let change = answer(&raised, AlertState::Acknowledged, LogKind::Acknowledged, &person, second(110));
            (store.record_change(&change).await, person)
        });
    }
    let results = taking.join_all().await;
    let winners: Vec<_> = results.iter().filter(|(result, _)| result.is_ok()).map(|(_, person)| person).collect();
    assert!(results.iter().all(|(result, _)| result.is_ok() || is_conflict(result)), "{results:?}");
    assert_eq!(winners.len(), 1);
    let taken = stores[1].alert(raised.id).await.unwrap().unwrap();
    assert_eq!(taken.owner.map(|person| person.0).as_ref(), Some(winners[0]));
    assert_eq!(stores[2].alert_log(raised.id).await.unwrap().len(), 2);
}

pub async fn are_due_by_deadline(place: &Place) {
    let store = place.open().await;
    for (id, deadline_s) in [(1, Some(30)), (2, Some(10)), (3, None), (4, Some(20))] {
        let mut change = raise(id, id, KIND);
        change.alert.deadline = deadline_s.map(second);
        store.record_change(&change).await.unwrap();
    }
    let due = async |at_s, limit| ids(&store.alerts_due(second(at_s), limit).await.unwrap());
    assert!(due(9, 10).await.is_empty());
    assert_eq!(due(10, 10).await, [2]);
    assert_eq!(due(1000, 10).await, [2, 4, 1]);
    assert_eq!(due(1000, 2).await, [2, 4]);
    let second_alert = store.alert(AlertId([2; 16])).await.unwrap().unwrap();
    resolve(&store, &second_alert, 15).await;
    assert_eq!(due(1000, 10).await, [4, 1]);
}

pub async fn are_listed_after_their_end(place: &Place) {
    let store = place.open().await;
    for (id, end_s) in [(1, Some(300)), (2, Some(100)), (3, None), (4, Some(200))] {
        let change = raise(id, id, KIND);
        store.record_change(&change).await.unwrap();
        if let Some(end_s) = end_s {
            resolve(&store, &change.alert, end_s).await;
        }
    }
    let since = async |since: Timestamp, limit| ids(&store.resolved_alerts_since(since, limit).await.unwrap());
    assert_eq!(since(second(0), 10).await, [1, 4, 2]);
    assert_eq!(since(second(0), 2).await, [1, 4]);
    assert_eq!(since(second(200), 10).await, [1, 4]);
    assert!(since(second(301), 10).await.is_empty());
    assert_eq!(ids(&store.open_alerts().await.unwrap()), [3]);
}

pub async fn leave_nothing_of_a_failed_change(place: &Place) {
    let store = place.open().await;
    let raised = raise(1, 1, KIND);
    store.record_change(&raised).await.unwrap();
    // The history has a line of this number: the whole change fails.
    let mut change = answer(&raised.alert, AlertState::Acknowledged, LogKind::Acknowledged, "Ada", second(110));
    change.entry.version = raised.entry.version;
    assert!(is_conflict(&store.record_change(&change).await));
    assert_eq!(store.alert(raised.alert.id).await.unwrap(), Some(raised.alert));
    assert_eq!(store.alert_log(AlertId([1; 16])).await.unwrap(), [raised.entry]);
}
