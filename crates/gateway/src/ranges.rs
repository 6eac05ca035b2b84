use std::collections::BTreeMap;

/// A set of sequence numbers, kept as closed ranges: as a rule one range per recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// First of each range to its last; ranges neither overlap nor touch.
    last_by_first: BTreeMap<u32, u32>,
}

impl Ranges {
    /// The numbers from each `first` up to and including its `last`; inverted pairs are empty.
    pub(crate) fn from_pairs(pairs: &[(u32, u32)]) -> Self {
        let mut ranges = Self::default();
        for (first, last) in pairs.iter().filter(|(first, last)| first <= last) {
            ranges.insert_range(*first, *last);
        }
        ranges
    }

    /// Adds one number; false if it was there already.
    pub(crate) fn insert(&mut self, number: u32) -> bool {
        if self.contains(number) {
            return false;
        }
        self.insert_range(number, number);
        true
    }

    /// True if the number is in the set.
    pub(crate) fn contains(&self, number: u32) -> bool {
        self.range_at(number).is_some()
    }

    /// Takes one number out.
    pub(crate) fn remove(&mut self, number: u32) {
        let Some((first, last)) = self.range_at(number) else { return };
        self.last_by_first.remove(&first);
        if first < number {
            self.last_by_first.insert(first, number - 1);
        }
        if number < last {
            self.last_by_first.insert(number + 1, last);
        }
    }

    /// The first number from `from` on that is not in the set; `None` at the end of all numbers.
    pub(crate) fn next_missing(&self, from: u32) -> Option<u32> {
        match self.range_at(from) {
            Some((_, last)) => last.checked_add(1),
            None => Some(from),
        }
    }

    fn range_at(&self, number: u32) -> Option<(u32, u32)> {
        let (first, last) = self.last_by_first.range(..=number).next_back()?;
        (*last >= number).then_some((*first, *last))
    }

    fn insert_range(&mut self, first: u32, last: u32) {
        let (mut first, mut last) = (first, last);
        while let Some((other_first, other_last)) = self.touching(first, last) {
            self.last_by_first.remove(&other_first);
            first = first.min(other_first);
            last = last.max(other_last);
        }
        self.last_by_first.insert(first, last);
    }

    /// A range that overlaps `first..=last` or lies directly beside it.
    fn touching(&self, first: u32, last: u32) -> Option<(u32, u32)> {
        let (other_first, other_last) = self.last_by_first.range(..=last.saturating_add(1)).next_back()?;
        (other_last.saturating_add(1) >= first).then_some((*other_first, *other_last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbors_melt_into_one_range() {
        let mut ranges = Ranges::from_pairs(&[(0, 3), (5, 9), (8, 2)]);
        assert_eq!(ranges.next_missing(0), Some(4));
        assert!(ranges.insert(4));
        assert!(!ranges.insert(4));
        assert_eq!(ranges, Ranges::from_pairs(&[(0, 9)]));
    }

    #[test]
    fn the_last_number_has_no_next() {
        let ranges = Ranges::from_pairs(&[(u32::MAX - 1, u32::MAX)]);
        assert_eq!(ranges.next_missing(u32::MAX), None);
        assert!(ranges.contains(u32::MAX));
    }

    proptest! {
        #[test]
        fn behaves_like_a_plain_set(
            pairs in proptest::collection::vec((0_u32..40, 0_u32..40), 0..6),
            steps in proptest::collection::vec((any::<bool>(), 0_u32..40), 0..60),
        ) {
            let mut ranges = Ranges::from_pairs(&pairs);
            let mut model: BTreeSet<u32> = pairs.iter().flat_map(|(first, last)| *first..=*last).collect();
            for (add, number) in steps {
                if add {
                    prop_assert_eq!(ranges.insert(number), model.insert(number));
                } else {
                    ranges.remove(number);
                    model.remove(&number);
                }
            }
            for number in 0..42 {
                prop_assert_eq!(ranges.contains(number), model.contains(&number));
                prop_assert_eq!(ranges.next_missing(number), (number..).find(|n| !model.contains(n)));
            }
        }
    }
}
