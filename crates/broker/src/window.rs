use std::collections::{BTreeMap, VecDeque};

/// Most packets that the service may have unacknowledged: one second of a city of 20,000 devices.
pub(crate) const PACKETS_MAX: u16 = 20_000;

/// Most payload bytes that the service may have unacknowledged, so that long packets cannot fill the memory.
pub(crate) const BYTES_MAX: usize = 64 * 1024 * 1024;

/// What was offered to the service and is not yet acknowledged, in the order of the first offer.
///
/// It outlives the service's connection: what the next connection finds here it is offered again.
#[derive(Debug)]
pub(crate) struct Window<T> {
    offered: BTreeMap<u64, (u16, T)>,
    /// By packet number less one: under which key it is offered, if it is.
    keys: Vec<Option<u64>>,
    /// Numbers not in use; the one idle for longest is taken first.
    idle: VecDeque<u16>,
    next_key: u64,
    bytes: usize,
}

/// Something that takes room in a [`Window`].
pub(crate) trait Weighed {
    /// Bytes that it holds in memory.
    fn bytes(&self) -> usize;
}

impl<T: Weighed> Window<T> {
    pub(crate) fn new() -> Self {
        Self {
            offered: BTreeMap::new(),
            keys: vec![None; usize::from(PACKETS_MAX)],
            idle: (1..=PACKETS_MAX).collect(),
            next_key: 0,
            bytes: 0,
        }
    }

    /// Number of packets that may still be offered.
    pub(crate) fn room(&self) -> usize {
        if self.bytes >= BYTES_MAX { 0 } else { self.idle.len() }
    }

    pub(crate) fn len(&self) -> usize {
        self.offered.len()
    }

    /// Keeps a packet under a number; gives it back when there is no room.
    pub(crate) fn offer(&mut self, item: T) -> Result<(u16, &T), T> {
        let Some(number) = self.idle.pop_front() else { return Err(item) };
        let key = self.next_key;
        self.next_key += 1;
        self.bytes += item.bytes();
        self.keys[usize::from(number) - 1] = Some(key);
        let (_, item) = self.offered.entry(key).or_insert((number, item));
        Ok((number, item))
    }

    /// Gives out what was kept under a number; `None` if nothing was.
    pub(crate) fn acknowledge(&mut self, number: u16) -> Option<T> {
        let key = self.keys.get_mut(usize::from(number).checked_sub(1)?)?.take()?;
        let (_, item) = self.offered.remove(&key)?;
        self.idle.push_back(number);
        self.bytes -= item.bytes();
        Some(item)
    }

    /// The first packet offered at or after `key`, with the key after it.
    pub(crate) fn offered_from(&self, key: u64) -> Option<(u64, u16, &T)> {
        self.offered.range(key..).next().map(|(key, (number, item))| (key + 1, *number, item))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Weighed for usize {
        fn bytes(&self) -> usize {
            *self
        }
    }

    fn offered(window: &Window<usize>) -> Vec<(u16, usize)> {
        let mut key = 0;
        std::iter::from_fn(|| {
            let (next, number, item) = window.offered_from(key)?;
            key = next;
            Some((number, *item))
        })
        .collect()
    }

    #[test]
    fn room_ends_with_numbers_and_with_bytes() {
        let mut window = Window::new();
        for size in 0..usize::from(PACKETS_MAX) {
            assert!(window.offer(size % 7).is_ok());
        }
        assert_eq!(window.room(), 0);
        assert_eq!(window.offer(3), Err(3));

        let mut window = Window::new();
        assert!(window.offer(BYTES_MAX).is_ok());
        assert_eq!(window.room(), 0);
        assert_eq!(window.acknowledge(1), Some(BYTES_MAX));
        assert_eq!(window.room(), usize::from(PACKETS_MAX));
    }

    #[test]
    fn foreign_numbers_are_ignored() {
        let mut window = Window::new();
        assert!(window.offer(1).is_ok());
        for number in [0, 2, PACKETS_MAX, PACKETS_MAX + 1, u16::MAX] {
            assert_eq!(window.acknowledge(number), None);
        }
        assert_eq!(window.acknowledge(1), Some(1));
        assert_eq!(window.acknowledge(1), None);
    }

    proptest! {
        #[test]
        fn keeps_in_order_what_is_not_acknowledged(steps in prop::collection::vec((any::<bool>(), 0_usize..50), 0..200)) {
            let mut window = Window::new();
            let mut model: Vec<(u16, usize)> = Vec::new();
            for (add, value) in steps {
                if add {
                    let (number, _) = window.offer(value).unwrap();
                    prop_assert!(model.iter().all(|(used, _)| *used != number));
                    model.push((number, value));
                } else if !model.is_empty() {
                    let (number, expect) = model.remove(value % model.len());
                    prop_assert_eq!(window.acknowledge(number), Some(expect));
                }
                prop_assert_eq!(offered(&window), model.clone());
                prop_assert_eq!(window.room(), usize::from(PACKETS_MAX) - model.len());
            }
        }
    }
}
