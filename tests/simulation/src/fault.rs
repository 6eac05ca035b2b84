/// A mistake planted into the simulated surroundings; the product's own code is the same in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The watermark is told before the commit.
    WatermarkBeforeCommit,
    /// A block that comes again is stored again.
    BlocksWithoutKey,
    /// A change of an alert is saved whatever its version, the last one wins.
    VersionsUnchecked,
    /// A change is saved over a version of that number, whoever made it.
    HandsUnchecked,
    /// Two alerts of one key may be open.
    KeysUnchecked,
    /// A change that meets a store that is down is forgotten.
    ChangesForgotten,
    /// Whoever was second does not decide anew.
    ConflictsForgotten,
    /// Nobody wakes the ward.
    TimersStopped,
    /// Deadlines pass without consequence.
    DeadlinesIgnored,
    /// The ladder ends at its last step.
    LadderEnds,
    /// An acknowledged alert has no deadline any more.
    AcknowledgedForever,
    /// A process that starts does not look at what was recorded while it was away.
    PastIgnored,
    /// A process that missed news goes on as if it had not, and never asks the store for missing blocks.
    MissedNewsIgnored,
    /// Old samples are stamped as if they had just been taken.
    LatenessHidden,
    /// A person's answer counts whatever version the person saw.
    GenerationsUnchecked,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 15] = [
        Self::WatermarkBeforeCommit,
        Self::BlocksWithoutKey,
        Self::VersionsUnchecked,
        Self::HandsUnchecked,
        Self::KeysUnchecked,
        Self::ChangesForgotten,
        Self::ConflictsForgotten,
        Self::TimersStopped,
        Self::DeadlinesIgnored,
        Self::LadderEnds,
        Self::AcknowledgedForever,
        Self::PastIgnored,
        Self::MissedNewsIgnored,
        Self::LatenessHidden,
        Self::GenerationsUnchecked,
    ];
}
