use ctg::{DeviceId, FetusIndex, FindingKind, Interval, RecordingId, Timestamp};

/// Names one alert for ever: 16 random bytes, shown as a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(pub [u8; 16]);

/// What somebody must act upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// Seen in the signal.
    Signal(FindingKind),
    /// The mother pressed the complaint button.
    Complaint(ctg::Complaint),
    /// Samples or alerts are shown but could not be stored; concerns the whole service.
    NotRecorded,
    /// The analysis of a recording failed: its samples are shown, but nobody looks for danger in them.
    NotAnalyzed,
}

/// How fast harm may come if nobody acts (IEC 60601-1-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Awareness.
    Low,
    /// Prompt response.
    Medium,
    /// Immediate response.
    High,
}

/// What an alert is about; at most one alert of a key is open at a time (absent parts count as equal).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertKey {
    /// At which device; `None` for what concerns the whole service.
    pub device: Option<DeviceId>,
    /// In which recording; `None` for what concerns the device outside a recording, or the whole service.
    pub recording: Option<RecordingId>,
    /// Which fetus; `None` for what concerns the mother or the device.
    pub fetus: Option<FetusIndex>,
    /// What was detected.
    pub condition: Condition,
}

/// How far the answer to an alert has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    /// Nobody is known to have it on a screen (at this step of the ladder).
    Raised,
    /// A screen said that it shows it.
    Presented,
    /// A named person answers for it.
    Acknowledged,
    /// A named person closed it.
    Resolved,
}

/// A person who acts on alerts, by the name that the gateway authenticated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person(pub String);

/// Why an alert was raised, with its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Name of the alert policy in force.
    pub policy: String,
    /// Version of that policy.
    pub policy_version: u16,
    /// Method that made the finding; `None` for complaints and technical conditions.
    pub method: Option<ctg::Method>,
    /// Number of the finding in its recording, where there is one.
    pub finding: Option<u32>,
    /// Where in the trace.
    pub interval: Interval,
    /// The value that counted, in the unit that its quantity names.
    pub value: Option<ctg::Measurement>,
    /// The limit that it was compared with, in the same unit.
    pub limit: Option<f64>,
}

/// One condition that somebody must act upon, from its detection until it is closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its name.
    pub id: AlertId,
    /// What it is about.
    pub key: AlertKey,
    /// Never falls while the alert is open.
    pub priority: Priority,
    /// How far the answer has come.
    pub state: AlertState,
    /// Step of the escalation ladder, 0 = the station.
    pub step: u8,
    /// The version at which an answer given before stopped counting, because the condition got worse or the
    /// person who answered did nothing in time; 1 at first. Only who saw this version or a later one may answer.
    pub generation: u32,
    /// 1 at first; grows by one with every change. A change is saved only over the version it was decided on.
    pub version: u32,
    /// When the condition ended; `None` while it lasts. Its end does not close the alert.
    pub cleared: Option<Timestamp>,
    /// True if it was seen only in samples that arrived late: shown with the time it happened, never sounded.
    pub late: bool,
    /// How often the condition was detected anew while the alert was open; 1 at first.
    pub episodes: u32,
    /// When it was raised, by the service's clock.
    pub raised: Timestamp,
    /// When it last changed, by the service's clock.
    pub changed: Timestamp,
    /// When something happens if nobody acts; `None` once resolved.
    pub deadline: Option<Timestamp>,
    /// Who answers for it, once acknowledged; who closed it, once resolved.
    pub owner: Option<Person>,
    /// Why it was raised, by its newest episode.
    pub evidence: Evidence,
}

impl Alert {
    /// True until it was closed.
    pub fn is_open(&self) -> bool {
        self.state != AlertState::Resolved
    }

    /// True while the condition lasts.
    pub fn is_present(&self) -> bool {
        self.cleared.is_none()
    }
}

/// What happened to an alert, as the audit log keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogKind {
    /// The condition was detected.
    Raised,
    /// It was detected again; the answer given before still counts.
    Repeated,
    /// It got worse, or was seen live after it had been seen late; it must be answered anew.
    Worsened,
    /// The condition ended.
    Cleared,
    /// A screen shows it.
    Presented,
    /// Nobody answered in time; the next step of the ladder is told.
    Escalated,
    /// A person answers for it.
    Acknowledged,
    /// A person closed it.
    Resolved,
    /// The cause of a technical alert that a screen had shown is gone: it closed by itself.
    Closed,
}

/// One line of an alert's history; the lines of an alert, in order, give its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The alert's version after this; names the line within its alert.
    pub version: u32,
    /// When, by the service's clock.
    pub at: Timestamp,
    /// What happened.
    pub kind: LogKind,
    /// Who did it; `None` for what the service did by itself.
    pub by: Option<Person>,
    /// What the person wrote, or a fact such as the station's name.
    pub note: Option<String>,
    /// The alert's priority after this.
    pub priority: Priority,
    /// The alert's step after this.
    pub step: u8,
    /// The alert's deadline after this.
    pub deadline: Option<Timestamp>,
}

/// A decision: the alert as it shall be, and what its history says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertChange {
    /// The version that the decision was made on; `None` for a new alert.
    pub expected_version: Option<u32>,
    /// When that version was made. Two processes may each have made this version; only one of the two is saved, and
    /// what was decided on the other must not be saved over it.
    pub expected_changed: Option<Timestamp>,
    /// The alert after the change.
    pub alert: Alert,
    /// The line for its history.
    pub entry: LogEntry,
}
