use super::*;

fn session() -> Session {
    Session::new("belt-1".parse().unwrap())
}

fn publish(topic: &str, packet_id: u16, length: usize) -> Publish {
    Publish {
        topic: topic.into(),
        delivery: Delivery::AtLeastOnce(packet_id),
        retain: false,
        payload: Bytes::from(vec![0; length]),
    }
}

fn send(session: &mut Session, publish: Publish) {
    let Effect::Wait(forward) = session.handle_packet(Incoming::Publish(publish)) else { panic!("refused") };
    session.wait(forward);
}

fn filter(path: &str) -> Filter {
    Filter { path: path.into(), at_least_once: true }
}

#[test]
fn publishes_only_its_own_topics() {
    let check = |topic: &str, retain, expect: Option<Channel>| {
        let publish = Publish { retain, ..publish(topic, 1, 10) };
        let effect = session().handle_packet(Incoming::Publish(publish.clone()));
        let expect = match expect {
            Some(channel) => Effect::Wait(Forward { channel, publish }),
            None => Effect::Close(CloseReason::Forbidden),
        };
        assert_eq!(effect, expect, "{topic}");
    };
    check("ctg/v1/belt-1/samples", false, Some(Channel::Samples));
    check("ctg/v1/belt-1/events", false, Some(Channel::Events));
    check("ctg/v1/belt-1/status", false, Some(Channel::Status));
    check("ctg/v1/belt-1/status", true, Some(Channel::Status));
    check("ctg/v1/belt-1/samples", true, None);
    check("ctg/v1/belt-1/events", true, None);
    check("ctg/v1/belt-1/control", false, None);
    for foreign in ["ctg/v1/belt-2/samples", "ctg/v1/belt-11/samples", "ctg/v1/+/samples", "$SYS/x", "ä", ""] {
        check(foreign, false, None);
    }
}

#[test]
fn an_endless_status_is_refused() {
    let publish = publish("ctg/v1/belt-1/status", 1, STATUS_BYTES_MAX + 1);
    assert_eq!(session().handle_packet(Incoming::Publish(publish)), Effect::Close(CloseReason::Forbidden));
}

#[test]
fn subscribes_only_its_own_control() {
    let paths = ["ctg/v1/belt-1/control", "ctg/v1/belt-2/control", "ctg/v1/+/control", "ctg/v1/belt-1/#", "#"];
    let filters = paths.map(filter).to_vec();
    let mut granted = vec![Granted::Refused; paths.len()];
    granted[0] = Granted::AtLeastOnce;
    let effect = session().handle_packet(Incoming::Subscribe { packet_id: 9, filters });
    assert_eq!(effect, Effect::Subscribed { packet_id: 9, granted });
}

#[test]
fn a_full_flight_stops_reading_until_the_service_acknowledges() {
    let mut session = session();
    for packet_id in 1..=IN_FLIGHT_MAX {
        assert!(session.may_read());
        send(&mut session, publish("ctg/v1/belt-1/samples", packet_id as u16, 10));
        if packet_id % 2 == 0 {
            assert!(session.hand_over().is_some());
        }
    }
    assert!(!session.may_read());
    session.handle_acknowledged(1);
    assert!(session.may_read());
}

#[test]
fn many_waiting_bytes_stop_reading_until_they_are_handed_over() {
    let mut session = session();
    send(&mut session, publish("ctg/v1/belt-1/samples", 1, WAITING_BYTES_MAX));
    assert!(!session.may_read());
    assert_eq!(session.hand_over().map(|forward| forward.channel), Some(Channel::Samples));
    assert!(session.may_read());
    assert!(!session.has_waiting());
}

#[test]
fn what_needs_no_acknowledgement_is_not_in_flight() {
    let mut session = session();
    for _ in 0..IN_FLIGHT_MAX {
        let publish = Publish { delivery: Delivery::AtMostOnce, ..publish("ctg/v1/belt-1/samples", 1, 1) };
        send(&mut session, publish);
        assert!(session.hand_over().is_some());
    }
    assert!(session.may_read());
}

#[test]
fn control_is_delivered_as_subscribed_and_numbered_without_clashes() {
    let mut session = session();
    let control = || Control { payload: Bytes::from_static(b"x"), at_least_once: true };
    assert!(!session.handle_control(control()), "nobody listens yet");
    let filters = vec![filter("ctg/v1/belt-1/control")];
    session.handle_packet(Incoming::Subscribe { packet_id: 1, filters });
    for _ in 0..CONTROL_WAITING_MAX {
        assert!(session.handle_control(control()));
    }
    assert!(!session.handle_control(control()), "the oldest is lost");
    let mut taken = Vec::new();
    while let Some((_, Delivery::AtLeastOnce(packet_id))) = session.next_control() {
        taken.push(packet_id);
    }
    assert_eq!(taken, (1..=CONTROL_IN_FLIGHT_MAX as u16).collect::<Vec<_>>());
    session.last_control_id = u16::MAX;
    session.handle_packet(Incoming::Acknowledge { packet_id: 3 });
    assert_eq!(session.next_control().map(|(_, delivery)| delivery), Some(Delivery::AtLeastOnce(3)));
}

#[test]
fn goodbye_and_a_second_connect_end_the_connection() {
    assert_eq!(session().handle_packet(Incoming::Disconnect), Effect::Close(CloseReason::Goodbye));
    assert_eq!(session().handle_packet(Incoming::Ping), Effect::Pong);
}
