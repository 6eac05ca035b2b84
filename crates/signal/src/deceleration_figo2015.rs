//! The type of a deceleration from its shape and its place beside the contraction.
//!
//! Ayres-de-Campos D et al., FIGO consensus guidelines on intrapartum fetal monitoring, Int J Gynaecol Obstet
//! 2015;131:13-24, with the shapes of the Chinese consensus of 2015 and NICHD 2008: variable = from onset to nadir
//! less than 30 s; gradual otherwise: early when its nadir coincides with the contraction's peak, late when it is
//! delayed; prolonged from two minutes on, whatever its shape.

use ctg::DecelerationKind;

use crate::Settings;
use crate::marks::{ContractionMark, EventMark, TICKS_PER_SECOND};

/// A nadir this near to the contraction's peak coincides with it, s.
const COINCIDES_S: f32 = 15.0;
/// A late deceleration has its nadir at most this long after the contraction's end, s.
const AFTER_CONTRACTION_S: u32 = 60;

/// Type, and time from the contraction's peak to the nadir in seconds where there is a contraction.
pub(crate) fn kind<'a>(
    mark: &EventMark,
    contractions: impl Iterator<Item = &'a ContractionMark>,
    settings: &Settings,
) -> (DecelerationKind, Option<f32>) {
    let lag_s = nearest_lag_s(mark, contractions);
    let abrupt = mark.onset_to_extreme_s() < settings.abrupt_s as f32;
    let kind = if mark.duration_s() >= settings.prolonged_s as f32 {
        DecelerationKind::Prolonged
    } else if abrupt {
        DecelerationKind::Variable
    } else {
        match lag_s {
            Some(lag_s) if lag_s > COINCIDES_S => DecelerationKind::Late,
            Some(lag_s) if lag_s >= -COINCIDES_S => DecelerationKind::Early,
            Some(_) | None => DecelerationKind::Untyped,
        }
    };
    (kind, lag_s)
}

fn nearest_lag_s<'a>(mark: &EventMark, contractions: impl Iterator<Item = &'a ContractionMark>) -> Option<f32> {
    let reach = AFTER_CONTRACTION_S * TICKS_PER_SECOND;
    contractions
        .filter(|contraction| {
            mark.start < contraction.end + reach
                && mark.end > contraction.start
                && mark.extreme < contraction.end + reach
        })
        .map(|contraction| (mark.extreme as f32 - contraction.peak as f32) / TICKS_PER_SECOND as f32)
        .min_by(|one, other| one.abs().total_cmp(&other.abs()))
}

#[cfg(test)]
mod tests {
    use ctg::Stage;

    use super::*;
    use crate::marks::Direction;

    fn check(onset_to_nadir_s: u32, length_s: u32, lag_s: Option<i32>, expect: DecelerationKind) {
        let tick = |second: u32| second * TICKS_PER_SECOND;
        let nadir_s = 1000 + onset_to_nadir_s;
        let mark = EventMark {
            key: 0,
            direction: Direction::Down,
            stage: Stage::Final,
            ongoing: false,
            start: tick(1000),
            end: tick(1000 + length_s),
            extreme: tick(nadir_s),
            extreme_bpm: 110.0,
            baseline_bpm: 140.0,
            area_beats: 10.0,
        };
        let contraction = lag_s.map(|lag_s| {
            let peak_s = nadir_s.saturating_add_signed(-lag_s);
            ContractionMark {
                key: 0,
                stage: Stage::Final,
                ongoing: false,
                start: tick(peak_s - 30),
                peak: tick(peak_s),
                end: tick(peak_s + 30),
                amplitude_toco: 40.0,
            }
        });
        assert_eq!(kind(&mark, contraction.iter(), &Settings::published()).0, expect);
    }

    #[test]
    fn shape_decides_before_the_contraction_does() {
        check(29, 60, Some(0), DecelerationKind::Variable);
        check(30, 60, Some(0), DecelerationKind::Early);
        check(30, 119, Some(0), DecelerationKind::Early);
        check(30, 120, Some(0), DecelerationKind::Prolonged);
        check(10, 120, None, DecelerationKind::Prolonged);
    }

    #[test]
    fn the_nadir_of_a_late_one_is_delayed() {
        check(30, 60, Some(15), DecelerationKind::Early);
        check(30, 60, Some(16), DecelerationKind::Late);
        check(30, 60, Some(-15), DecelerationKind::Early);
        check(30, 60, Some(-16), DecelerationKind::Untyped);
        check(30, 60, None, DecelerationKind::Untyped);
    }
}
