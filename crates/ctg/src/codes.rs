//! Stable text codes, shared by everything that writes these words down.

use crate::{Complaint, DecelerationKind, DeviceEventKind, FindingKind, Quantity, SignalGrade, Stage};

/// Gives a type one text per value, readable both ways.
macro_rules! codes {
    ($type:ty { $($value:pat => $make:expr, $code:literal;)+ }) => {
        impl $type {
            /// Every value, in a fixed order.
            pub const ALL: &'static [Self] = &[$($make),+];

            /// The stable text of this value, in stores and on the wire.
            pub const fn code(self) -> &'static str {
                match self {
                    $($value => $code,)+
                }
            }

            /// The value with this text; `None` if there is none.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        }
    };
}

codes!(FindingKind {
    Self::CommunicationLoss => Self::CommunicationLoss, "communication_loss";
    Self::SignalLoss => Self::SignalLoss, "signal_loss";
    Self::Acceleration => Self::Acceleration, "acceleration";
    Self::Deceleration(DecelerationKind::Untyped) => Self::Deceleration(DecelerationKind::Untyped), "deceleration";
    Self::Deceleration(DecelerationKind::Early) => Self::Deceleration(DecelerationKind::Early), "early_deceleration";
    Self::Deceleration(DecelerationKind::Late) => Self::Deceleration(DecelerationKind::Late), "late_deceleration";
    Self::Deceleration(DecelerationKind::Variable) =>
        Self::Deceleration(DecelerationKind::Variable), "variable_deceleration";
    Self::Deceleration(DecelerationKind::Prolonged) =>
        Self::Deceleration(DecelerationKind::Prolonged), "prolonged_deceleration";
    Self::Contraction => Self::Contraction, "contraction";
    Self::Tachysystole => Self::Tachysystole, "tachysystole";
    Self::LowHeartRate => Self::LowHeartRate, "low_heart_rate";
    Self::Tachycardia => Self::Tachycardia, "tachycardia";
    Self::Bradycardia => Self::Bradycardia, "bradycardia";
    Self::ReducedVariability => Self::ReducedVariability, "reduced_variability";
    Self::IncreasedVariability => Self::IncreasedVariability, "increased_variability";
    Self::Sinusoidal => Self::Sinusoidal, "sinusoidal";
    Self::FalseSignal => Self::FalseSignal, "false_signal";
    Self::TwinCoincidence => Self::TwinCoincidence, "twin_coincidence";
    Self::RateJump => Self::RateJump, "rate_jump";
});

codes!(Stage {
    Self::Provisional => Self::Provisional, "provisional";
    Self::Final => Self::Final, "final";
    Self::Withdrawn => Self::Withdrawn, "withdrawn";
});

codes!(Quantity {
    Self::BaselineBpm => Self::BaselineBpm, "baseline_bpm";
    Self::AmplitudeBpm => Self::AmplitudeBpm, "amplitude_bpm";
    Self::NadirBpm => Self::NadirBpm, "nadir_bpm";
    Self::FhrBpm => Self::FhrBpm, "fhr_bpm";
    Self::MhrBpm => Self::MhrBpm, "mhr_bpm";
    Self::DurationS => Self::DurationS, "duration_s";
    Self::OnsetToExtremeS => Self::OnsetToExtremeS, "onset_to_extreme_s";
    Self::LagS => Self::LagS, "lag_s";
    Self::AreaBeats => Self::AreaBeats, "area_beats";
    Self::VariabilityBpm => Self::VariabilityBpm, "variability_bpm";
    Self::LossRatio => Self::LossRatio, "loss_ratio";
    Self::AmplitudeToco => Self::AmplitudeToco, "amplitude_toco";
    Self::ContractionsPerTenMinutes => Self::ContractionsPerTenMinutes, "contractions_per_10_min";
    Self::CyclesPerMinute => Self::CyclesPerMinute, "cycles_per_min";
    Self::Probability => Self::Probability, "probability";
    Self::SilenceS => Self::SilenceS, "silence_s";
    Self::Limit => Self::Limit, "limit";
});

codes!(SignalGrade {
    Self::Uninterpretable => Self::Uninterpretable, "uninterpretable";
    Self::Limited => Self::Limited, "limited";
    Self::Adequate => Self::Adequate, "adequate";
});

codes!(DeviceEventKind {
    Self::Start => Self::Start, "start";
    Self::Stop => Self::Stop, "stop";
    Self::Movement => Self::Movement, "movement";
    Self::Complaint(Complaint::NoMovement) => Self::Complaint(Complaint::NoMovement), "no_movement";
    Self::Complaint(Complaint::Bleeding) => Self::Complaint(Complaint::Bleeding), "bleeding";
    Self::Complaint(Complaint::Waters) => Self::Complaint(Complaint::Waters), "waters";
    Self::Complaint(Complaint::Pain) => Self::Complaint(Complaint::Pain), "pain";
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_names_one_value() {
        for kind in FindingKind::ALL {
            assert_eq!(FindingKind::from_code(kind.code()), Some(*kind));
        }
        for quantity in Quantity::ALL {
            assert_eq!(Quantity::from_code(quantity.code()), Some(*quantity));
        }
        for kind in DeviceEventKind::ALL {
            assert_eq!(DeviceEventKind::from_code(kind.code()), Some(*kind));
        }
        assert_eq!(Stage::from_code("final"), Some(Stage::Final));
        assert_eq!(SignalGrade::from_code("Adequate"), None);
    }
}
