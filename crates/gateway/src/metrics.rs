use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

/// What the gateway counts; see `docs/style.md` for the names.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) viewers_open: IntGauge,
    pub(crate) blocks_sent: IntCounter,
    pub(crate) bytes_sent: IntCounter,
    pub(crate) messages_sent: IntCounter,
    pub(crate) resyncs: IntCounter,
    pub(crate) overflows: IntCounter,
    pub(crate) sessions_denied: IntCounter,
    pub(crate) snapshot_seconds: Histogram,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// If a name is taken already.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let viewers_open = IntGauge::new("maia_viewer_open_count", "Viewers connected now.")?;
        registry.register(Box::new(viewers_open.clone()))?;
        let snapshot_seconds = Histogram::with_opts(
            HistogramOpts::new("maia_viewer_snapshot_seconds", "From hello to caught_up.")
                .buckets(vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]),
        )?;
        registry.register(Box::new(snapshot_seconds.clone()))?;
        Ok(Self {
            viewers_open,
            blocks_sent: counter("maia_viewer_blocks_sent_total", "Blocks sent to viewers.")?,
            bytes_sent: counter("maia_viewer_sent_bytes_total", "Bytes sent to viewers.")?,
            messages_sent: counter("maia_viewer_messages_sent_total", "Text messages sent to viewers.")?,
            resyncs: counter("maia_viewer_resyncs_total", "Times that a viewer was too slow and jumped to live.")?,
            overflows: counter("maia_viewer_overflows_total", "Viewers closed because not even alerts fitted.")?,
            sessions_denied: counter("maia_session_denied_total", "Refused attempts to open a session.")?,
            snapshot_seconds,
        })
    }
}
