use contract::place::Place;
use contract::sample::{ALWAYS, block, blocks, recording, second, seconds};
use ctg::{Complaint, Device, DeviceEvent, DeviceEventKind, DeviceId};
use storage::{Quarantined, SecretDigest};

fn device(id: &str, label: &str, simulated: bool) -> Device {
    Device { id: id.parse().unwrap(), label: label.into(), simulated }
}

pub async fn are_registered_changed_and_barred(place: &Place) {
    let store = place.open().await;
    let (bed, demo) = (device("belt-1", "Bett 1 \0 床", false), device("belt-0", "", true));
    store.put_device(&bed, SecretDigest([1; 32]), second(0)).await.unwrap();
    store.put_device(&demo, SecretDigest([2; 32]), second(0)).await.unwrap();
    // U+0000 is no text in PostgreSQL; everything else stays.
    let kept = Device { label: "Bett 1 \u{FFFD} 床".into(), ..bed.clone() };
    assert_eq!(store.devices().await.unwrap(), [(demo.clone(), SecretDigest([2; 32])), (kept, SecretDigest([1; 32]))]);
    let renamed = device("belt-1", "bed 2", false);
    store.put_device(&renamed, SecretDigest([3; 32]), second(1)).await.unwrap();
    assert!(store.revoke_device(&demo.id, second(2)).await.unwrap());
    assert!(store.revoke_device(&demo.id, second(3)).await.unwrap());
    assert!(!store.revoke_device(&"belt-9".parse::<DeviceId>().unwrap(), second(3)).await.unwrap());
    assert_eq!(store.devices().await.unwrap(), [(renamed.clone(), SecretDigest([3; 32]))]);
    store.put_device(&demo, SecretDigest([4; 32]), second(4)).await.unwrap();
    assert_eq!(store.devices().await.unwrap(), [(demo, SecretDigest([4; 32])), (renamed, SecretDigest([3; 32]))]);
}

fn event(sequence: u64, at_s: i64, kind: DeviceEventKind) -> DeviceEvent {
    DeviceEvent { recording: Some(recording(1)), sequence, at: second(at_s), kind }
}

pub async fn events_are_stored_once(place: &Place) {
    let store = place.open().await;
    let belt = block(1, 0).device;
    let movement = |sequence| event(sequence, 5, DeviceEventKind::Movement);
    let outside = DeviceEvent { recording: None, ..movement(9) };
    let first = [movement(1), movement(u64::MAX), movement(1), outside];
    assert_eq!(store.append_events(&belt, &first, second(9)).await.unwrap(), [true, true, false, true]);
    let again = [movement(u64::MAX), event(1, 6, DeviceEventKind::Start), movement(2)];
    assert_eq!(store.append_events(&belt, &again, second(10)).await.unwrap(), [false, false, true]);
    let mut stored = store.events(recording(1), ALWAYS).await.unwrap();
    stored.sort_by_key(|event| event.sequence);
    assert_eq!(stored, [movement(1), movement(2), movement(u64::MAX)]);
    assert!(store.append_events(&belt, &[], second(10)).await.unwrap().is_empty());
}

pub async fn events_come_in_order_from_their_own_device(place: &Place) {
    let store = place.open().await;
    let belt = block(1, 0).device;
    let told: Vec<_> = (0..).zip(DeviceEventKind::ALL).map(|(at, kind)| event(20 - at as u64, at, *kind)).collect();
    store.append_events(&belt, &told, second(30)).await.unwrap();
    let strange = [event(1, 3, DeviceEventKind::Complaint(Complaint::Bleeding))];
    store.append_events(&"stranger".parse().unwrap(), &strange, second(30)).await.unwrap();
    store.append(&blocks(1, 0..1)).await.unwrap();
    assert_eq!(store.events(recording(1), ALWAYS).await.unwrap(), told);
    assert_eq!(store.events(recording(1), seconds(1, 3)).await.unwrap(), told[1..3]);
    assert_eq!(store.events(recording(2), ALWAYS).await.unwrap(), []);
}

pub async fn events_of_all_devices_come_by_arrival(place: &Place) {
    let store = place.open().await;
    let (first, other): (DeviceId, DeviceId) = ("belt-1".parse().unwrap(), "belt-2".parse().unwrap());
    let movement = |sequence| event(sequence, 100 - sequence as i64, DeviceEventKind::Movement);
    let outside = DeviceEvent { recording: None, ..movement(3) };
    for (device, told, received_s) in
        [(&first, movement(1), 10), (&other, movement(2), 20), (&first, outside.clone(), 30)]
    {
        store.append_events(device, &[told], second(received_s)).await.unwrap();
    }
    let all = [(first.clone(), movement(1)), (other.clone(), movement(2)), (first.clone(), outside)];
    assert_eq!(store.events_since(second(10), 10).await.unwrap(), all);
    assert_eq!(store.events_since(second(11), 10).await.unwrap(), all[1..]);
    assert_eq!(store.events_since(second(10), 2).await.unwrap(), all[..2]);
}

pub async fn quarantine_is_bounded(place: &Place) {
    let store = place.open().await;
    let packet = |number: usize, length: usize| Quarantined {
        received: second(number as i64),
        topic: format!("ctg/v1/belt-{number}/samples"),
        reason: "no recording id\0".into(),
        payload: vec![number as u8; length],
    };
    assert_eq!(store.quarantined(5).await.unwrap(), (0, vec![]));
    store.quarantine(&[packet(1, 0), packet(2, Quarantined::PAYLOAD_MAX + 1)]).await.unwrap();
    let (count, newest) = store.quarantined(1).await.unwrap();
    assert_eq!(count, 2);
    let kept = Quarantined {
        reason: "no recording id\u{FFFD}".into(),
        payload: vec![2; Quarantined::PAYLOAD_MAX],
        ..packet(2, 0)
    };
    assert_eq!(newest, [kept]);
    let many: Vec<_> = (3..=Quarantined::PACKETS_MAX as usize + 3).map(|number| packet(number, 1)).collect();
    store.quarantine(&many).await.unwrap();
    let (count, all) = store.quarantined(u32::MAX).await.unwrap();
    assert_eq!((count, all.len()), (Quarantined::PACKETS_MAX.into(), Quarantined::PACKETS_MAX as usize));
    assert_eq!(all[0].received, many.last().unwrap().received);
}
