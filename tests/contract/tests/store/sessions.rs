use alerting::Person;
use contract::place::Place;
use contract::sample::second;
use storage::{SecretDigest, Session};

fn session(number: u8, opened_s: i64) -> Session {
    Session {
        token: SecretDigest([number; 32]),
        person: Person(format!("person {number} 床")),
        opened: second(opened_s),
    }
}

pub async fn survive_reopening_until_they_end_or_expire(place: &Place) {
    let store = place.open().await;
    for (number, opened_s) in [(2, 20), (1, 10), (3, 30)] {
        store.put_session(&session(number, opened_s), second(0)).await.unwrap();
    }
    store.put_session(&session(1, 10), second(0)).await.unwrap();
    store.close().await;
    let store = place.open().await;
    assert_eq!(store.sessions().await.unwrap(), [session(1, 10), session(2, 20), session(3, 30)]);
    store.remove_session(SecretDigest([2; 32])).await.unwrap();
    store.remove_session(SecretDigest([9; 32])).await.unwrap();
    store.put_session(&session(4, 40), second(11)).await.unwrap();
    assert_eq!(store.sessions().await.unwrap(), [session(3, 30), session(4, 40)]);
}
