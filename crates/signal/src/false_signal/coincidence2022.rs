//! False signal by coincidence: the fetal channel shows the maternal rate.
//!
//! The rule that Boudet 2022 (Biosensors 12:691) compares with, and that monitors' coincidence alarms rest on.

/// Rates closer than this are the same heart, bpm.
const COINCIDENCE_BPM: f32 = 5.0;

/// 1 where the rates coincide, 0 where they do not; `None` where either is absent.
pub(super) fn coincidence(fhr_bpm: Option<f32>, mhr_bpm: Option<f32>) -> Option<f32> {
    let (fhr_bpm, mhr_bpm) = fhr_bpm.zip(mhr_bpm)?;
    Some(if (fhr_bpm - mhr_bpm).abs() < COINCIDENCE_BPM { 1.0 } else { 0.0 })
}
