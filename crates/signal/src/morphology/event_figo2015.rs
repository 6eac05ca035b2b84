//! Which excursions are accelerations and decelerations.
//!
//! Ayres-de-Campos D, Spong CY, Chandraharan E, FIGO consensus guidelines on intrapartum fetal monitoring:
//! cardiotocography, Int J Gynaecol Obstet 2015;131:13-24: more than 15 bpm from the baseline in amplitude and
//! more than 15 s long. The words can be read in two ways, and so can those of NICHD 2008 and of the Chinese
//! consensus of 2015 ("at least 15"); computer methods differ accordingly, so the reading is a setting.

use super::excursion::Excursion;

/// What the fifteen seconds of the definition are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventReading {
    /// The time that the trace keeps the amplitude; nearest to what experts mark (CTU-UHB).
    Sustained,
    /// The time from onset to return, with the amplitude reached once (NICHD 2008, Boudet 2019).
    Peak,
}

/// Least amplitude and duration, and how they are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventRule {
    pub(crate) amplitude_bpm: f32,
    pub(crate) duration_s: u32,
    pub(crate) reading: EventReading,
}

impl EventRule {
    /// True for an acceleration or deceleration.
    pub(crate) fn admits(&self, excursion: &Excursion) -> bool {
        match self.reading {
            EventReading::Sustained => excursion.beyond_s >= self.duration_s,
            EventReading::Peak => excursion.peak_bpm >= self.amplitude_bpm && excursion.duration_s() >= self.duration_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::Direction;

    #[test]
    fn the_two_readings_at_below_and_above_the_limits() {
        let cases = [
            // peak, seconds beyond 15 bpm, duration: sustained, peak
            (15.0, 15, 15, true, true),
            (15.0, 14, 15, false, true),
            (15.0, 1, 15, false, true),
            (14.9, 0, 40, false, false),
            (30.0, 14, 14, false, false),
            (30.0, 16, 40, true, true),
        ];
        for (peak_bpm, beyond_s, duration_s, sustained, peak) in cases {
            let excursion = Excursion {
                direction: Direction::Down,
                start_s: 100,
                end_s: 100 + duration_s,
                extreme_s: 105,
                extreme_bpm: 140.0 - peak_bpm,
                baseline_bpm: 140.0,
                peak_bpm,
                beyond_s,
                area_bpm_s: 0.0,
            };
            let admits = |reading| EventRule { amplitude_bpm: 15.0, duration_s: 15, reading }.admits(&excursion);
            assert_eq!(admits(EventReading::Sustained), sustained, "{excursion:?}");
            assert_eq!(admits(EventReading::Peak), peak, "{excursion:?}");
        }
    }
}
