use crate::contractions::ContractionMethod;
use crate::false_signal::FalseSignalMethod;
use crate::morphology::EventReading;
use crate::trace_method::MorphologyMethod;

/// Every threshold of the analysis that a site may have to answer for.
///
/// There is no default: a service reads the values from its policy file, and [`Settings::published`] gives
/// the published ones. Limits that belong to a rule set stand in its table, not here.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Lowest rate that counts as a heart rate, bpm (display clamp of fielded central stations: 30).
    pub valid_min_bpm: f32,
    /// Highest rate that counts as a heart rate, bpm (display clamp of fielded central stations: 240).
    pub valid_max_bpm: f32,
    /// A step between neighboring samples beyond which they are not one trace, bpm (Dawes 1981, FIGO 1987: 25).
    pub jump_bpm: f32,
    /// A new level after a jump is believed once it held for this long, s.
    pub jump_confirm_s: u32,
    /// A jump to double or half the rate is reported once it held for this long, s.
    pub rate_jump_s: u32,

    /// How baseline, accelerations and decelerations are found.
    pub morphology_method: MorphologyMethod,
    /// How contractions are found.
    pub contraction_method: ContractionMethod,
    /// How false signal (the mother's heart rate, or noise that looks like a rate) is found; `None` to not look.
    pub false_signal_method: Option<FalseSignalMethod>,
    /// Probability from which a second is false signal (Boudet 2022: a half).
    pub false_signal_probability: f32,
    /// Duration from which false signal is reported, s.
    pub false_signal_first_s: u32,
    /// True to keep false signal away from morphology as if it were lost, where the maternal rate is known too.
    ///
    /// Without a maternal channel it is only reported: a deep deceleration may look like the mother, and must stay.
    pub mask_false_signal: bool,

    /// Window over which signal loss is judged, s (CTU-UHB and FIGO practice: 10 min).
    pub loss_window_s: u32,
    /// Share of lost samples from which a stretch is `limited` (FIGO 1987: 20 %).
    pub loss_limited_ratio: f32,
    /// Share of lost samples above which a stretch is `uninterpretable` (50 %).
    pub loss_uninterpretable_ratio: f32,
    /// Share of lost samples below which a signal-loss finding ends.
    pub loss_clear_ratio: f32,
    /// Share of lost samples in a minute above which its shape says nothing of baseline and events (Houzé de l'Aulnoit
    /// 2019 leaves events out whose third is lost).
    pub broken_minute_ratio: f32,
    /// No signal-loss finding before the recording has this length, s.
    pub loss_first_s: u32,
    /// Silence after which communication counts as lost, s.
    pub communication_loss_s: u32,

    /// Window of the baseline, s (NICHD 2008, China 2015, FIGO 2015: 10 min).
    pub baseline_window_s: u32,
    /// Least baseline segment inside the window, s (NICHD 2008, China 2015: 2 min, need not be contiguous).
    pub baseline_segment_min_s: u32,
    /// Least amplitude of an acceleration or deceleration, bpm (NICHD 2008, China 2015, FIGO 2015: 15).
    pub event_amplitude_bpm: f32,
    /// Least duration of an acceleration or deceleration, s (NICHD 2008, China 2015, FIGO 2015: 15).
    pub event_duration_s: u32,
    /// What that duration is the duration of.
    pub event_reading: EventReading,
    /// Distance from the baseline at which an event begins and ends, bpm (fluctuation within 5 bpm is baseline).
    pub event_edge_bpm: f32,
    /// Signal loss that ends an event, s.
    pub event_gap_s: u32,
    /// Duration from which a deceleration is prolonged, s (NICHD 2008, China 2015: 2 min).
    pub prolonged_s: u32,
    /// Duration from which an event is a change of baseline, s (NICHD 2008: 10 min).
    pub baseline_change_s: u32,

    /// From onset to nadir less than this is abrupt, s (NICHD 2008, China 2015, FIGO 2015: 30).
    pub abrupt_s: u32,

    /// Baseline above which there is tachycardia, bpm (China 2015, FIGO 2015, NICHD 2008: 160).
    pub tachycardia_bpm: f32,
    /// Baseline below which there is bradycardia, bpm (China 2015, FIGO 2015, NICHD 2008: 110).
    pub bradycardia_bpm: f32,
    /// Duration from which a baseline outside these limits is reported, s (the same sources: 10 min).
    pub baseline_rate_first_s: u32,
    /// Baseline variability up to which it is reduced, bpm (China 2015, NICHD 2008: minimal up to 5).
    pub reduced_variability_bpm: f32,
    /// Duration from which reduced variability is reported, s (China 2015: atypical from 40 min).
    pub reduced_variability_first_s: u32,
    /// Baseline variability above which it is increased, bpm (China 2015, FIGO 2015, NICHD 2008: 25).
    pub increased_variability_bpm: f32,
    /// Duration from which increased variability is reported, s (China 2015: abnormal beyond 10 min).
    pub increased_variability_first_s: u32,
    /// Duration from which a sinusoidal trace is reported, s (half of NICHD 2008's 20 min, so that it is in time).
    pub sinusoidal_first_s: u32,
    /// Contractions in ten minutes, averaged over thirty, above which there is tachysystole (FIGO 2015, NICHD 2008: 5).
    pub tachysystole_per_10_min: f32,
    /// Two fetal channels closer than this may show one heart, bpm.
    pub twin_coincidence_bpm: f32,
    /// Duration from which coincidence of twins is reported, s.
    pub twin_coincidence_first_s: u32,

    /// Heart rate below which it is low, bpm (FIGO 2015: pathological baseline below 100).
    pub low_rate_bpm: f32,
    /// Heart rate below which it is very low, bpm (FIGO 2015: prolonged deceleration with FHR below 80).
    pub very_low_rate_bpm: f32,
    /// A low rate is first reported after this much valid time, s.
    pub low_rate_first_s: u32,
    /// A low rate ends this much above its limit, bpm.
    pub low_rate_hysteresis_bpm: f32,
    /// Valid time above the limit, or time without signal, that ends a low rate, s: (valid, lost).
    pub low_rate_end_s: (u32, u32),
}

impl Settings {
    /// The values of the publications named at each field.
    pub const fn published() -> Self {
        Self {
            valid_min_bpm: 30.0,
            valid_max_bpm: 240.0,
            jump_bpm: 25.0,
            jump_confirm_s: 5,
            rate_jump_s: 10,
            morphology_method: MorphologyMethod::WeightedMedianBoudet2019,
            contraction_method: ContractionMethod::Prominence2026,
            false_signal_method: Some(FalseSignalMethod::Learned2026),
            false_signal_probability: 0.5,
            false_signal_first_s: 10,
            mask_false_signal: true,
            loss_window_s: 600,
            loss_limited_ratio: 0.2,
            loss_uninterpretable_ratio: 0.5,
            loss_clear_ratio: 0.15,
            broken_minute_ratio: 1.0 / 3.0,
            loss_first_s: 120,
            communication_loss_s: 10,
            baseline_window_s: 600,
            baseline_segment_min_s: 120,
            event_amplitude_bpm: 15.0,
            event_duration_s: 15,
            event_reading: EventReading::Sustained,
            event_edge_bpm: 5.0,
            event_gap_s: 20,
            prolonged_s: 120,
            baseline_change_s: 600,
            abrupt_s: 30,
            tachycardia_bpm: 160.0,
            bradycardia_bpm: 110.0,
            baseline_rate_first_s: 600,
            reduced_variability_bpm: 5.0,
            reduced_variability_first_s: 2400,
            increased_variability_bpm: 25.0,
            increased_variability_first_s: 600,
            sinusoidal_first_s: 600,
            tachysystole_per_10_min: 5.0,
            twin_coincidence_bpm: 2.0,
            twin_coincidence_first_s: 30,
            low_rate_bpm: 100.0,
            very_low_rate_bpm: 80.0,
            low_rate_first_s: 15,
            low_rate_hysteresis_bpm: 5.0,
            low_rate_end_s: (5, 60),
        }
    }
}
