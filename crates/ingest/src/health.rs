use ctg::Timestamp;

/// How the intake does, for those who must show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The broker answers.
    pub connected: bool,
    /// When the oldest packet arrived that the store would not take; `None` while the store takes
    /// everything. What arrived since then is shown live and **not recorded**; the devices keep it.
    pub not_recorded_since: Option<Timestamp>,
}
