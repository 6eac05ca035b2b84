use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::intake::Outcome;

/// Limits of the batch sizes counted, in blocks.
const COMMIT_BLOCKS: &[f64] = &[1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0];

/// Limits of the commit times counted, in seconds.
const COMMIT_SECONDS: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// Limits of the delays counted, in seconds: 10 s is where live ends, a day is what devices keep.
const DELAY_SECONDS: &[f64] = &[0.0, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0, 3600.0, 86_400.0];

/// Numbers that tell how the intake does; made once, and used by every run.
#[derive(Clone, Debug)]
pub struct Metrics {
    packets: IntCounterVec,
    pub(crate) commit_blocks: Histogram,
    pub(crate) commit_duration: Histogram,
    pub(crate) delay: Histogram,
    pub(crate) watermarks: IntCounter,
    pub(crate) store_failures: IntCounter,
    pub(crate) connections: IntCounter,
    pub(crate) held: IntGauge,
}

impl Metrics {
    /// Registers the numbers.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let histogram = |name: &str, help: &str, limits: &[f64]| {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(limits.to_vec()))?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let packets =
            IntCounterVec::new(Opts::new("maia_ingest_packets_total", "packets settled, by outcome"), &["outcome"])?;
        registry.register(Box::new(packets.clone()))?;
        let held = IntGauge::new("maia_ingest_held_packets", "packets received and not yet acknowledged")?;
        registry.register(Box::new(held.clone()))?;
        Ok(Self {
            packets,
            held,
            commit_blocks: histogram("maia_ingest_commit_blocks", "blocks in one commit", COMMIT_BLOCKS)?,
            commit_duration: histogram("maia_ingest_commit_duration_seconds", "time of one commit", COMMIT_SECONDS)?,
            delay: histogram("maia_ingest_block_delay_seconds", "from last sample to arrival", DELAY_SECONDS)?,
            watermarks: counter("maia_ingest_watermarks_total", "stored watermarks told to devices")?,
            store_failures: counter(
                "maia_ingest_store_failures_total",
                "times the store refused, and was asked again",
            )?,
            connections: counter("maia_ingest_broker_connections_total", "connections to the broker")?,
        })
    }

    pub(crate) fn count(&self, outcome: Outcome) {
        self.packets.with_label_values(&[outcome.label()]).inc();
    }
}
