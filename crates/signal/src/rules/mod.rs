//! Rule sets of guidelines and scores: one file each, one signature, every answer with rule, value, limit and interval.

mod china2015_cst;
mod china2015_nst;
mod china2015_tiers;
mod china_nst_score;
mod dawes_redman;
mod figo2015;
mod fischer1976;
mod krebs1979;
mod nice_ng229;
mod nichd2008;

mod comparison;
mod score;
mod table;
mod three_tier;
mod view;

#[cfg(test)]
mod sample;

use ctg::Interval;

use crate::Features;
pub use comparison::{Comparison, compare};
pub use table::Limit;

/// A guideline or score as published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleSet {
    /// Chinese consensus 2015, antenatal non-stress test.
    China2015Nst,
    /// Chinese consensus 2015, contraction stress test (CST, OCT).
    China2015Cst,
    /// Chinese consensus 2015, three tiers in labor.
    China2015Tiers,
    /// FIGO 2015, intrapartum.
    Figo2015,
    /// NICHD 2008, as ACOG uses it, intrapartum.
    Nichd2008,
    /// NICE NG229 of 2022 with the amendment on late decelerations, intrapartum.
    NiceNg229,
    /// Dawes-Redman criteria, antenatal.
    DawesRedman,
    /// Fischer's score of 1976 as used in China, 20 min.
    Fischer1976,
    /// Krebs's score of 1979, 30 min.
    Krebs1979,
    /// The Chinese score of the non-stress test, 20 min.
    ChinaNstScore,
}

impl RuleSet {
    /// Every rule set, in a fixed order.
    pub const ALL: [Self; 10] = [
        Self::China2015Nst,
        Self::China2015Cst,
        Self::China2015Tiers,
        Self::Figo2015,
        Self::Nichd2008,
        Self::NiceNg229,
        Self::DawesRedman,
        Self::Fischer1976,
        Self::Krebs1979,
        Self::ChinaNstScore,
    ];

    /// Its stable text.
    pub const fn code(self) -> &'static str {
        match self {
            Self::China2015Nst => "china2015_nst",
            Self::China2015Cst => "china2015_cst",
            Self::China2015Tiers => "china2015_tiers",
            Self::Figo2015 => "figo2015",
            Self::Nichd2008 => "nichd2008",
            Self::NiceNg229 => "nice_ng229",
            Self::DawesRedman => "dawes_redman",
            Self::Fischer1976 => "fischer1976",
            Self::Krebs1979 => "krebs1979",
            Self::ChinaNstScore => "china_nst_score",
        }
    }

    /// The rule set with this text; `None` if there is none.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rules| rules.code() == code)
    }

    /// Version of our reading of it; grows when an answer can change.
    pub const fn version(self) -> u16 {
        match self {
            Self::China2015Nst
            | Self::China2015Cst
            | Self::China2015Tiers
            | Self::Figo2015
            | Self::Nichd2008
            | Self::NiceNg229
            | Self::DawesRedman
            | Self::Fischer1976
            | Self::Krebs1979
            | Self::ChinaNstScore => 1,
        }
    }

    /// What it says of a trace.
    pub fn classify(self, features: &Features, context: &Context) -> Classification {
        let classify = match self {
            Self::China2015Nst => china2015_nst::classify,
            Self::China2015Cst => china2015_cst::classify,
            Self::China2015Tiers => china2015_tiers::classify,
            Self::Figo2015 => figo2015::classify,
            Self::Nichd2008 => nichd2008::classify,
            Self::NiceNg229 => nice_ng229::classify,
            Self::DawesRedman => dawes_redman::classify,
            Self::Fischer1976 => fischer1976::classify,
            Self::Krebs1979 => krebs1979::classify,
            Self::ChinaNstScore => china_nst_score::classify,
        };
        classify(features, context)
    }
}

/// Whether labor has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Labor {
    /// Before labor.
    Antenatal,
    /// In labor.
    Intrapartum,
}

/// What a rule set must be told beside the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Gestational age in completed days; `None` if unknown.
    pub gestation_days: Option<u16>,
    /// Whether labor has begun.
    pub labor: Labor,
}

impl Context {
    /// Gestational age in weeks.
    pub fn gestation_weeks(&self) -> Option<f64> {
        self.gestation_days.map(|days| f64::from(days) / 7.0)
    }

    /// The least amplitude in bpm and duration in s of an acceleration: 10 and 10 before 32 weeks, else 15 and 15.
    pub fn acceleration_limits(&self) -> (f64, f64) {
        const WEEKS_OF_FULL_SIZE: f64 = 32.0;
        let early = self.gestation_weeks().is_some_and(|weeks| weeks < WEEKS_OF_FULL_SIZE);
        if early { (10.0, 10.0) } else { (15.0, 15.0) }
    }
}

/// How much a trace worries, comparable between rule sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Concern {
    /// Normal, reactive, negative, category I, criteria met.
    Normal,
    /// Suspicious, atypical, category II.
    Suspicious,
    /// Pathological, abnormal, positive, category III, criteria not met.
    Pathological,
}

/// Why a rule set does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is for labor only.
    Antenatal,
    /// It is for the time before labor only.
    Intrapartum,
    /// It is for later weeks only, or the week is unknown.
    Gestation,
    /// The source is coarser than 4 Hz or 0.25 bpm.
    LowResolution,
}

/// What a rule set says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// A class by the name that the rule set gives it.
    Class {
        /// Its stable name.
        code: &'static str,
        /// How much it worries.
        concern: Concern,
    },
    /// A sum of points.
    Score {
        /// Points reached.
        points: u8,
        /// Points that could be reached.
        of: u8,
        /// How much that worries.
        concern: Concern,
    },
    /// Too little is known yet.
    Insufficient {
        /// Minutes of recording, or contractions, that are needed.
        needs: &'static str,
    },
    /// Too much signal is lost for any conclusion.
    Uninterpretable {
        /// Share of lost samples in the worst ten minutes.
        loss_ratio: f64,
    },
    /// The rule set is not made for this recording.
    NotApplicable {
        /// Why.
        reason: Reason,
    },
}

impl Answer {
    /// How much it worries; `None` where no conclusion was drawn.
    pub const fn concern(self) -> Option<Concern> {
        match self {
            Self::Class { concern, .. } | Self::Score { concern, .. } => Some(concern),
            Self::Insufficient { .. } | Self::Uninterpretable { .. } | Self::NotApplicable { .. } => None,
        }
    }
}

/// What one rule says of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Points of a score.
    Points(u8),
    /// Normal, white, met.
    Normal,
    /// Suspicious, amber, atypical.
    Suspicious,
    /// Pathological, red, abnormal, not met.
    Pathological,
    /// The value is not known.
    Undetermined,
}

/// One rule, the value it was applied to, and the limit that decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Criterion {
    /// Stable name of the rule.
    pub rule: &'static str,
    /// Unit of value and limit.
    pub unit: &'static str,
    /// The value; `None` if it could not be determined.
    pub value: Option<f64>,
    /// The limit that the value meets; `None` without a value.
    pub limit: Option<Limit>,
    /// What follows from it.
    pub level: Level,
    /// The stretch of trace that the value was taken from.
    pub interval: Interval,
}

/// What a rule set says of one trace, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// Which rule set.
    pub rule_set: RuleSet,
    /// Version of our reading of it.
    pub version: u16,
    /// What it says.
    pub answer: Answer,
    /// Every rule that was looked at, in the order of the publication.
    pub criteria: Vec<Criterion>,
    /// The stretch of trace that was looked at.
    pub interval: Interval,
}
