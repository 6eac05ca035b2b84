use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use signal::report::LookAhead;
use signal::rules::{Context, Labor, RuleSet};
use signal::{ContractionMethod, EventReading, MorphologyMethod, Settings};

/// What `maia analyze` is told.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// A recording, or a folder of recordings: .csv (columns t_s, fhr_bpm, toco, perhaps fhr2_bpm), .hea (WFDB), .edf (EDF, EDF+), .fhrm.
    #[arg(value_name = "FILE|DIR")]
    pub(super) input: PathBuf,
    /// Where the results are written: one JSON per recording, named like it.
    #[arg(long, short, value_name = "DIR")]
    pub(super) output: PathBuf,
    /// Seconds of look-ahead: 0 gives what was said at once, 60 what stayed.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub(super) look_ahead: Seconds,
    /// Rule sets to ask, such as figo2015,china2015_nst; all of them unless said.
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = rule_set)]
    pub(super) rules: Vec<RuleSet>,
    /// Whether labor has begun, which decides what rule sets apply.
    #[arg(long, default_value = "intrapartum")]
    pub(super) labor: Stage,
    /// Gestational age in completed weeks and days, such as 39+2.
    #[arg(long, value_name = "WEEKS+DAYS", value_parser = gestation_days)]
    pub(super) gestation: Option<u16>,
    /// A one-page report beside each JSON, with the strip to scale.
    #[arg(long, default_value = "none")]
    pub(super) report: Report,
    /// Vertical scale of the report, bpm per cm.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u8).range(20..=30))]
    pub(super) bpm_per_cm: u8,
    /// Horizontal scale of the report, cm per minute.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(super) cm_per_min: u8,
    /// Published rules, or the learned modules where there are some.
    #[arg(long, default_value = "published")]
    pub(super) methods: Methods,
    /// Read events as offline WMFB does (the amplitude is reached once) instead of as FIGO 2015 does.
    #[arg(long)]
    pub(super) peak_events: bool,
    /// Several heart-rate channels are sensors of one fetus: the higher rate counts.
    #[arg(long)]
    pub(super) one_fetus: bool,
    /// Leave the maternal heart rate out, as if it had not been measured.
    #[arg(long)]
    pub(super) ignore_maternal: bool,
    /// Recordings at once; as many as there are cores unless said.
    #[arg(long, value_name = "COUNT")]
    pub(super) jobs: Option<NonZero<usize>>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all analyzed; 3 a file cannot be read; 4 a file is malformed; 5 a file or folder is empty;
6 a file is of an unsupported kind; 7 a result cannot be written; 8 several of these; 9 an internal error.
A bad file does not keep the others from being analyzed.";

/// Seconds of look-ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Seconds {
    /// What was said at once.
    #[value(name = "0")]
    None,
    /// What stayed.
    #[value(name = "60")]
    Minute,
}

/// Before labor or in labor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// Before labor.
    Antenatal,
    /// In labor.
    Intrapartum,
}

/// The page beside each JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Report {
    /// None.
    None,
    /// An SVG drawing, in millimeters.
    Svg,
    /// A PDF page of the same.
    Pdf,
}

/// Which methods find events and contractions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Methods {
    /// Published rules with visible inputs.
    Published,
    /// Networks trained on experts' marks.
    Learned,
}

impl Arguments {
    pub(super) fn look_ahead(&self) -> LookAhead {
        match self.look_ahead {
            Seconds::None => LookAhead::None,
            Seconds::Minute => LookAhead::Minute,
        }
    }

    pub(super) fn look_ahead_s(&self) -> u32 {
        match self.look_ahead {
            Seconds::None => 0,
            Seconds::Minute => 60,
        }
    }

    pub(super) fn settings(&self) -> Settings {
        let published = Settings::published();
        let event_reading = if self.peak_events { EventReading::Peak } else { published.event_reading };
        match self.methods {
            Methods::Published => Settings { event_reading, ..published },
            Methods::Learned => Settings {
                event_reading,
                morphology_method: MorphologyMethod::Learned2026,
                contraction_method: ContractionMethod::Learned2026,
                ..published
            },
        }
    }

    pub(super) fn context(&self) -> Context {
        let labor = match self.labor {
            Stage::Antenatal => Labor::Antenatal,
            Stage::Intrapartum => Labor::Intrapartum,
        };
        Context { gestation_days: self.gestation, labor }
    }

    pub(super) fn rule_sets(&self) -> &[RuleSet] {
        if self.rules.is_empty() { &RuleSet::ALL } else { &self.rules }
    }
}

fn rule_set(code: &str) -> Result<RuleSet, String> {
    let known = || RuleSet::ALL.map(RuleSet::code).join(", ");
    RuleSet::from_code(code).ok_or_else(|| format!("there are these rule sets: {}", known()))
}

fn gestation_days(text: &str) -> Result<u16, String> {
    let (weeks, days) = text.split_once('+').unwrap_or((text, "0"));
    let parsed = weeks.parse::<u16>().ok().zip(days.parse::<u16>().ok());
    let plausible = parsed.filter(|(weeks, days)| (20..=45).contains(weeks) && *days < 7);
    plausible.map(|(weeks, days)| weeks * 7 + days).ok_or_else(|| "say weeks and days, such as 39+2".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gestation_is_weeks_and_days() {
        assert_eq!(gestation_days("39+2"), Ok(275));
        assert_eq!(gestation_days("40"), Ok(280));
        for wrong in ["", "39+7", "19+6", "46", "39-2", "+3"] {
            assert!(gestation_days(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rule_sets_go_by_their_codes() {
        assert_eq!(rule_set("figo2015"), Ok(RuleSet::Figo2015));
        assert!(rule_set("figo").unwrap_err().contains("figo2015"));
    }
}
