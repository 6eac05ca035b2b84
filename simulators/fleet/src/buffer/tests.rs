use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn buffer(measured: u32) -> Buffer {
    let mut buffer = Buffer::new();
    buffer.handle_measured(measured);
    buffer.handle_connected(at(0));
    buffer
}

fn drain(buffer: &mut Buffer, now: Duration) -> Vec<u32> {
    std::iter::from_fn(|| buffer.take_next(now)).collect()
}

#[test]
fn sends_each_block_once_and_keeps_it_until_covered() {
    let mut buffer = buffer(5);
    assert_eq!(drain(&mut buffer, at(0)), [0, 1, 2, 3, 4]);
    assert_eq!(buffer.kept(), 5);
    assert_eq!(buffer.handle_stored(2, at(1)), Moved::Forward);
    assert_eq!((buffer.kept(), buffer.has_next()), (2, false));
}

#[test]
fn a_new_connection_begins_with_the_oldest_uncovered() {
    let mut buffer = buffer(5);
    drain(&mut buffer, at(0));
    buffer.handle_stored(1, at(1));
    buffer.handle_measured(7);
    buffer.handle_connected(at(2));
    assert_eq!(drain(&mut buffer, at(2)), [2, 3, 4, 5, 6]);
}

#[test]
fn a_watermark_that_stands_still_has_the_oldest_sent_again_ever_more_seldom() {
    let mut buffer = buffer(200);
    drain(&mut buffer, at(10));
    buffer.handle_timeout(at(39));
    assert!(!buffer.has_next());
    buffer.handle_timeout(at(40));
    assert_eq!(drain(&mut buffer, at(40)), (0..64).collect::<Vec<_>>());
    buffer.handle_timeout(at(99));
    assert!(!buffer.has_next());
    buffer.handle_timeout(at(100));
    assert!(buffer.has_next());
    for hours in 1..10 {
        buffer.handle_timeout(at(hours * 3600));
    }
    assert_eq!(buffer.next_timeout(), Some(at(9 * 3600 + 600)));
}

#[test]
fn a_filled_hole_has_the_next_part_sent_again_at_once() {
    let mut buffer = buffer(100);
    drain(&mut buffer, at(0));
    buffer.handle_timeout(at(30));
    drain(&mut buffer, at(30));
    assert_eq!(buffer.handle_stored(63, at(31)), Moved::Forward);
    assert_eq!(drain(&mut buffer, at(31)), (64..100).collect::<Vec<_>>());
    buffer.handle_stored(99, at(32));
    assert_eq!((buffer.next_timeout(), buffer.has_next()), (None, false));
}

#[test]
fn what_was_forgotten_is_not_sent_again() {
    let mut buffer = buffer(10);
    drain(&mut buffer, at(0));
    buffer.handle_stored(7, at(1));
    assert_eq!(buffer.handle_stored(3, at(2)), Moved::Back);
    assert_eq!(buffer.handle_stored(7, at(2)), Moved::Not);
    buffer.handle_connected(at(3));
    assert_eq!(drain(&mut buffer, at(3)), [8, 9]);
}

#[test]
fn a_watermark_beyond_the_recording_covers_what_there_is() {
    let mut buffer = buffer(3);
    buffer.handle_stored(u32::MAX, at(0));
    assert_eq!((buffer.kept(), buffer.covered()), (0, 3));
}

#[test]
fn a_refused_block_is_sent_again_without_content() {
    let mut buffer = buffer(5);
    drain(&mut buffer, at(0));
    buffer.handle_refused(3);
    buffer.handle_refused(9);
    assert!(buffer.is_void(3) && !buffer.is_void(9));
    assert_eq!(drain(&mut buffer, at(1)), [3]);
    buffer.handle_stored(4, at(2));
    assert!(!buffer.is_void(3));
}

proptest! {
    /// Whatever is lost on the way: in the end everything is stored, and nothing covered is sent.
    #[test]
    fn everything_arrives_in_the_end(
        steps in prop::collection::vec((0_u32..20, any::<u64>(), any::<bool>()), 1..60),
    ) {
        let (mut buffer, mut stored, mut measured, mut now) = (Buffer::new(), BTreeSet::new(), 0, at(0));
        buffer.handle_connected(now);
        let quiet = (0, u64::MAX, false);
        for (new, arrives, reconnect) in steps.into_iter().chain(std::iter::repeat_n(quiet, 200)) {
            measured += new;
            buffer.handle_measured(measured);
            if reconnect {
                buffer.handle_connected(now);
            }
            now += at(7);
            buffer.handle_timeout(now);
            while let Some(sequence) = buffer.take_next(now) {
                prop_assert!(sequence >= buffer.covered() && sequence < measured);
                if arrives >> (sequence % 64) & 1 == 1 {
                    stored.insert(sequence);
                }
            }
            let through = (0..).take_while(|sequence| stored.contains(sequence)).last();
            if let Some(through) = through {
                buffer.handle_stored(through, now);
            }
        }
        prop_assert_eq!(buffer.kept(), 0);
        prop_assert_eq!(stored.len() as u32, measured);
    }
}
