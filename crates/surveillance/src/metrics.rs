use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

/// Numbers that tell how surveillance does; made once, and used by every run.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) recordings: IntGauge,
    pub(crate) alerts_open: IntGauge,
    pub(crate) blocks: IntCounter,
    pub(crate) analysis_s: Histogram,
    pub(crate) findings: IntCounter,
    pub(crate) panics: IntCounter,
    pub(crate) histories: IntCounter,
    pub(crate) news_missed: IntCounter,
    pub(crate) changes_saved: IntCounter,
    pub(crate) changes_conflicting: IntCounter,
    pub(crate) changes_unrecorded: IntGauge,
    pub(crate) changes_lost: IntCounter,
    pub(crate) analyses_waiting: IntGauge,
    pub(crate) analyses_lost: IntCounter,
}

/// From a tenth of a millisecond, one block, to seconds, a city's backlog.
const ANALYSIS_BUCKETS_S: [f64; 9] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0];

impl Metrics {
    /// Registers the numbers.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let options = HistogramOpts::new("maia_analysis_duration_seconds", "time to analyze one batch of blocks");
        let analysis_s = Histogram::with_opts(options.buckets(ANALYSIS_BUCKETS_S.to_vec()))?;
        registry.register(Box::new(analysis_s.clone()))?;
        Ok(Self {
            recordings: gauge("maia_surveillance_recordings", "recordings under surveillance now")?,
            alerts_open: gauge("maia_alerts_open", "open alerts now")?,
            blocks: counter("maia_analysis_blocks_total", "blocks handed to the analysis")?,
            analysis_s,
            findings: counter("maia_analysis_findings_total", "findings and their revisions")?,
            panics: counter("maia_analysis_panics_total", "analyses of one recording that panicked")?,
            histories: counter("maia_analysis_histories_total", "pasts of recordings read from the store")?,
            news_missed: counter("maia_surveillance_news_missed_total", "news lost to surveillance on the bus")?,
            changes_saved: counter("maia_alert_changes_saved_total", "changes of alerts saved")?,
            changes_conflicting: counter("maia_alert_changes_conflicting_total", "changes that came second")?,
            changes_unrecorded: gauge("maia_alert_changes_unrecorded", "changes published but not saved yet")?,
            changes_lost: counter("maia_alert_changes_lost_total", "changes published that will never be saved")?,
            analyses_waiting: gauge("maia_analyses_waiting", "analyses not saved yet")?,
            analyses_lost: counter("maia_analyses_lost_total", "analyses that will never be saved")?,
        })
    }
}
