use ctg::{Analysis, SampleBlock};
use proptest::prelude::*;

use crate::trace::{Trace, analyze};

/// A trace with loss, events and noise, the same for the same seed.
fn lively(seed: u64, seconds: u32) -> Trace {
    Trace::new(seconds, move |at| {
        let noise = |period: f64, phase: f64| (at / period + phase * seed as f64).sin();
        let lost = noise(37.0, 0.3) > 0.93;
        let event = 30.0 * (noise(211.0, 0.7).powi(9));
        (!lost).then(|| 138.0 + 4.0 * noise(2.3, 1.1) + 2.0 * noise(0.4, 0.1) + event)
    })
}

fn shuffled_within(blocks: &[SampleBlock], moves: &[(usize, usize)]) -> Vec<SampleBlock> {
    let mut order = blocks.to_vec();
    for (at, by) in moves {
        let at = at % order.len();
        let to = (at + by % 5).min(order.len() - 1);
        order.swap(at, to);
    }
    order
}

fn findings_equal(one: &Analysis, other: &Analysis) -> Result<(), TestCaseError> {
    prop_assert_eq!(&one.findings, &other.findings);
    prop_assert_eq!(&one.baseline, &other.baseline);
    prop_assert_eq!(&one.numerics, &other.numerics);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn packetisation_changes_nothing(seed in 0_u64..1000, length in prop::sample::select(vec![250_u16, 500, 2000, 5000, 60_000])) {
        let trace = lively(seed, 900);
        let other = Trace { block_length_ms: length, ..trace.clone() };
        findings_equal(&trace.analyze(), &other.analyze())?;
    }

    #[test]
    fn order_and_repeats_within_the_window_change_nothing(
        seed in 0_u64..1000,
        moves in prop::collection::vec((0_usize..600, 0_usize..5), 0..20),
        repeats in prop::collection::vec(0_usize..600, 0..20),
    ) {
        let trace = lively(seed, 600);
        let mut blocks = shuffled_within(&trace.blocks(), &moves);
        for at in repeats {
            let block = blocks[at % blocks.len()].clone();
            blocks.insert((at + 1).min(blocks.len()), block);
        }
        findings_equal(&trace.analyze(), &analyze(&trace.recording(), &blocks))?;
    }
}
