//! Stable text codes, shared by everything that writes these words down.

use std::fmt;
use std::str::FromStr;

use ctg::{Complaint, DeviceEventKind, FindingKind};

use crate::{AlertId, AlertState, Condition, LogKind, Priority};

/// Gives a type one text per value, readable both ways.
macro_rules! codes {
    ($type:ident { $($value:ident => $code:literal;)+ }) => {
        impl $type {
            /// Every value, in a fixed order.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The stable text of this value, in stores and on the wire.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$value => $code,)+
                }
            }

            /// The value with this text; `None` if there is none.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        }
    };
}

codes!(Priority {
    Low => "low";
    Medium => "medium";
    High => "high";
});

codes!(AlertState {
    Raised => "raised";
    Presented => "presented";
    Acknowledged => "acknowledged";
    Resolved => "resolved";
});

codes!(LogKind {
    Raised => "raised";
    Repeated => "repeated";
    Worsened => "worsened";
    Cleared => "cleared";
    Presented => "presented";
    Escalated => "escalated";
    Acknowledged => "acknowledged";
    Resolved => "resolved";
    Closed => "closed";
});

impl Condition {
    /// The text of [`Condition::NotAnalyzed`].
    const NOT_ANALYZED: &'static str = "not_analyzed";
    /// The text of [`Condition::NotRecorded`].
    const NOT_RECORDED: &'static str = "not_recorded";

    /// The stable text of this condition: a finding's code, a complaint's code, `not_recorded` or `not_analyzed`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Signal(kind) => kind.code(),
            Self::Complaint(complaint) => DeviceEventKind::Complaint(complaint).code(),
            Self::NotRecorded => Self::NOT_RECORDED,
            Self::NotAnalyzed => Self::NOT_ANALYZED,
        }
    }

    /// The condition with this text; `None` if there is none.
    pub fn from_code(code: &str) -> Option<Self> {
        if code == Self::NOT_RECORDED {
            return Some(Self::NotRecorded);
        }
        if code == Self::NOT_ANALYZED {
            return Some(Self::NotAnalyzed);
        }
        let complaint = || complaint_from_code(code).map(Self::Complaint);
        FindingKind::from_code(code).map(Self::Signal).or_else(complaint)
    }
}

fn complaint_from_code(code: &str) -> Option<Complaint> {
    match DeviceEventKind::from_code(code)? {
        DeviceEventKind::Complaint(complaint) => Some(complaint),
        DeviceEventKind::Start | DeviceEventKind::Stop | DeviceEventKind::Movement => None,
    }
}

/// A text that is no [`AlertId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertIdError;

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", uuid::Uuid::from_bytes(self.0).hyphenated())
    }
}

impl FromStr for AlertId {
    type Err = AlertIdError;

    fn from_str(text: &str) -> Result<Self, AlertIdError> {
        uuid::Uuid::try_parse(text).map(|id| Self(id.into_bytes())).map_err(|_| AlertIdError)
    }
}

impl fmt::Display for AlertIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("alert id must be a UUID of 16 bytes")
    }
}

impl std::error::Error for AlertIdError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_reads_back_from_its_code() {
        let signals = FindingKind::ALL.iter().copied().map(Condition::Signal);
        let complaints = DeviceEventKind::ALL.iter().filter_map(|kind| complaint_from_code(kind.code()));
        for condition in
            signals.chain(complaints.map(Condition::Complaint)).chain([Condition::NotRecorded, Condition::NotAnalyzed])
        {
            assert_eq!(Condition::from_code(condition.code()), Some(condition));
        }
        assert_eq!(Condition::from_code("movement"), None);
        assert_eq!(Condition::from_code(""), None);
    }

    #[test]
    fn states_and_priorities_read_back() {
        assert_eq!(AlertState::from_code("acknowledged"), Some(AlertState::Acknowledged));
        assert_eq!(Priority::from_code("high"), Some(Priority::High));
        assert_eq!(LogKind::from_code("Escalated"), None);
    }

    #[test]
    fn alert_id_survives_text() {
        let id = AlertId(*b"0123456789abcdef");
        assert_eq!(id.to_string(), "30313233-3435-3637-3839-616263646566");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("x".parse::<AlertId>(), Err(AlertIdError));
    }
}
