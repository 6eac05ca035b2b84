use std::ops::RangeInclusive;

/// Most stretches beyond the first hole that are remembered of one recording; a device that sends live
/// blocks and an older backlog makes two or three.
const STRETCHES_MAX: usize = 16;

/// Which blocks of one recording are known to be stored.
///
/// `through` is never more than the truth. It may be less while something stored is not known here;
/// then, as soon as that could matter, the store is to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    through: Option<u32>,
    /// Stored stretches after the first hole, in order, with holes between them.
    beyond: Vec<(u32, u32)>,
    /// False while blocks beyond the first hole may be stored that are not in `beyond`.
    complete: bool,
    asking: bool,
}

/// What the store knows of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Every block up to and including this one is stored.
    pub(crate) through: Option<u32>,
    /// Something after the first hole is stored too.
    pub(crate) beyond: bool,
}

impl Progress {
    /// A recording of which nothing is known.
    pub(crate) fn unknown() -> Self {
        Self { asking: true, ..Self::default() }
    }

    /// Every block up to and including this one is stored.
    pub(crate) fn through(&self) -> Option<u32> {
        self.through
    }

    /// True when the store may know more that matters now.
    pub(crate) fn should_ask(&self) -> bool {
        self.asking
    }

    /// A block is stored.
    pub(crate) fn handle_stored(&mut self, sequence: u32) {
        let before = self.through;
        self.add(sequence..=sequence);
        if self.through != before && !self.complete {
            self.asking = true;
        }
    }

    /// The store answered. It knows every block that was handled here before it was asked.
    pub(crate) fn handle_known(&mut self, known: Known) {
        self.asking = false;
        self.complete = !known.beyond;
        if let Some(through) = known.through {
            self.add(0..=through);
        }
    }

    fn add(&mut self, stored: RangeInclusive<u32>) {
        let (mut first, mut last) = (*stored.start(), *stored.end());
        self.beyond.retain(|(start, end)| {
            let apart = *start > last.saturating_add(1) || *end < first.saturating_sub(1);
            if !apart {
                (first, last) = (first.min(*start), last.max(*end));
            }
            apart
        });
        let joins = self.through.map_or(first == 0, |through| first <= through.saturating_add(1));
        if joins {
            self.through = self.through.max(Some(last));
        } else {
            let place = self.beyond.partition_point(|(start, _)| *start < first);
            self.beyond.insert(place, (first, last));
        }
        if self.beyond.len() > STRETCHES_MAX {
            self.beyond.truncate(STRETCHES_MAX);
            self.complete = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// What is stored, one number each.
    #[derive(Default)]
    struct Model(BTreeSet<u32>);

    impl Model {
        fn known(&self) -> Known {
            let holes = (0..).find(|sequence| !self.0.contains(sequence)).unwrap();
            Known { through: holes.checked_sub(1), beyond: self.0.range(holes..).next().is_some() }
        }
    }

    fn check(stored: &[u32], expect: Option<u32>) {
        let mut progress = Progress::unknown();
        progress.handle_known(Known { through: None, beyond: false });
        for sequence in stored {
            progress.handle_stored(*sequence);
        }
        assert_eq!((progress.through(), progress.should_ask()), (expect, false), "{stored:?}");
    }

    #[test]
    fn every_block_up_to_the_first_hole_counts() {
        check(&[], None);
        check(&[0], Some(0));
        check(&[1, 2], None);
        check(&[1, 2, 0], Some(2));
        check(&[0, 1, 3, 4, 6, 2], Some(4));
        check(&[0, 0, 1, 1, 0], Some(1));
        check(&[u32::MAX, 0], Some(0));
    }

    #[test]
    fn a_filled_hole_asks_for_what_was_stored_in_an_earlier_life() {
        let mut progress = Progress::unknown();
        assert!(progress.should_ask());
        progress.handle_known(Known { through: Some(4), beyond: true });
        progress.handle_stored(9);
        assert!(!progress.should_ask());
        progress.handle_stored(5);
        assert_eq!((progress.through(), progress.should_ask()), (Some(5), true));
        progress.handle_known(Known { through: Some(9), beyond: false });
        assert_eq!((progress.through(), progress.should_ask()), (Some(9), false));
    }

    #[test]
    fn more_holes_than_are_remembered_cost_a_question_and_no_memory() {
        let mut progress = Progress::unknown();
        progress.handle_known(Known { through: None, beyond: false });
        for sequence in (1..1000).step_by(2) {
            progress.handle_stored(sequence);
        }
        assert_eq!(progress.beyond.len(), STRETCHES_MAX);
        progress.handle_stored(0);
        assert_eq!((progress.through(), progress.should_ask()), (Some(1), true));
    }

    proptest! {
        #[test]
        fn agrees_with_a_set_of_numbers(
            earlier in prop::collection::btree_set(0_u32..60, 0..60),
            steps in prop::collection::vec((0_u32..60, any::<bool>()), 0..150),
        ) {
            let mut model = Model(earlier);
            let mut progress = Progress::unknown();
            for (sequence, answers) in steps {
                model.0.insert(sequence);
                progress.handle_stored(sequence);
                prop_assert!(progress.through() <= model.known().through);
                if progress.should_ask() && answers {
                    progress.handle_known(model.known());
                }
                if !progress.should_ask() {
                    prop_assert_eq!(progress.through(), model.known().through);
                }
            }
        }
    }
}
