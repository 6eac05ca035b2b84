//! Boosted decision trees (Friedman 2001): each tree adds its leaf's value to the log odds.

/// A split or, in its stead, a leaf.
#[derive(Clone, Copy, Debug)]
enum Branch {
    Split(u16),
    Leaf(f32),
}

#[derive(Clone, Copy, Debug)]
struct Split {
    feature: u8,
    threshold: f32,
    /// Where values up to the threshold go, and where higher ones go.
    branches: [Branch; 2],
}

/// A forest of boosted trees.
#[derive(Clone, Debug)]
pub(crate) struct Forest {
    splits: Vec<Split>,
    roots: Vec<u16>,
}

/// Reads little-endian numbers from the front of a file; nothing is left to add past its end.
pub(crate) struct ForestReader<'a> {
    rest: &'a [u8],
}

impl<'a> ForestReader<'a> {
    /// Starts at the first byte of a file.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// True when everything was read.
    #[cfg(test)]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> f32 {
        f32::from_le_bytes(self.take())
    }

    /// The next forest: number of trees; of each the number of splits and then the splits in pre-order, each with
    /// its feature, threshold and two branches, a leaf being −1 and its value.
    pub(crate) fn forest(&mut self) -> Forest {
        let mut forest = Forest { splits: Vec::new(), roots: Vec::new() };
        let trees = u16::from_le_bytes(self.take());
        for _ in 0..trees {
            let root = forest.splits.len() as u16;
            let [splits] = self.take();
            for _ in 0..splits {
                let [feature] = self.take();
                let threshold = self.number();
                let branches = [self.branch(root), self.branch(root)];
                forest.splits.push(Split { feature, threshold, branches });
            }
            if splits > 0 {
                forest.roots.push(root);
            }
        }
        forest
    }

    fn branch(&mut self, root: u16) -> Branch {
        match i8::from_le_bytes(self.take()) {
            split @ 0.. => Branch::Split(root.saturating_add(split as u16)),
            _ => Branch::Leaf(self.number()),
        }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk::<N>() {
            Some((bytes, rest)) => {
                self.rest = rest;
                *bytes
            }
            None => [0; N],
        }
    }
}

impl Forest {
    /// Log odds: the sum over the trees.
    pub(crate) fn log_odds(&self, features: &[f32]) -> f32 {
        self.roots.iter().map(|root| self.value(*root, features)).sum()
    }

    /// The value of the leaf that one tree leads to; a walk visits no split twice.
    fn value(&self, root: u16, features: &[f32]) -> f32 {
        let mut at = root;
        for _ in 0..self.splits.len() {
            let Some(split) = self.splits.get(usize::from(at)) else { return 0.0 };
            let feature = features.get(usize::from(split.feature)).copied().unwrap_or(0.0);
            match split.branches[usize::from(feature > split.threshold)] {
                Branch::Split(next) => at = next,
                Branch::Leaf(value) => return value,
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two trees: one asks feature 1 and then feature 0, the other feature 0.
    fn bytes() -> Vec<u8> {
        let mut bytes = vec![2, 0];
        bytes.extend([2, 1]);
        bytes.extend(0.5_f32.to_le_bytes());
        bytes.push(1);
        leaf(&mut bytes, 1.0);
        bytes.push(0);
        bytes.extend(10.0_f32.to_le_bytes());
        leaf(&mut bytes, -1.0);
        leaf(&mut bytes, 0.25);
        bytes.extend([1, 0]);
        bytes.extend(20.0_f32.to_le_bytes());
        leaf(&mut bytes, 0.0);
        leaf(&mut bytes, 3.0);
        bytes
    }

    fn leaf(bytes: &mut Vec<u8>, value: f32) {
        bytes.push(u8::MAX);
        bytes.extend(value.to_le_bytes());
    }

    #[test]
    fn every_leaf_is_reached() {
        let bytes = bytes();
        let mut reader = ForestReader::new(&bytes);
        let forest = reader.forest();
        assert!(reader.is_exhausted());
        for (features, odds) in [([0.0, 1.0], 1.0), ([10.0, 0.5], -1.0), ([11.0, 0.0], 0.25), ([21.0, 0.0], 3.25)] {
            assert_eq!(forest.log_odds(&features), odds, "{features:?}");
        }
    }

    #[test]
    fn a_broken_file_says_nothing_and_does_not_hang() {
        let whole = bytes();
        for length in 0..whole.len() {
            let forest = ForestReader::new(&whole[..length]).forest();
            assert!(forest.log_odds(&[0.0, 0.0]).is_finite());
        }
    }
}
