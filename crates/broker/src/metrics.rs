use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// Numbers that tell how the endpoint does; made once, and used by every run.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Connections by role: `device`, `service`, `arriving`.
    pub(crate) connections: IntGaugeVec,
    pub(crate) accept_failures: IntCounter,
    /// Connections that did not get in, by reason.
    pub(crate) refused: IntCounterVec,
    /// Connections that ended, by reason.
    pub(crate) closed: IntCounterVec,
    /// Publishes accepted from devices.
    pub(crate) publishes: IntCounter,
    /// Publishes that the service acknowledged.
    pub(crate) acknowledged: IntCounter,
    /// Publishes offered to the service again.
    pub(crate) repeated: IntCounter,
    /// Publishes that the service has not acknowledged yet.
    pub(crate) unacknowledged: IntGauge,
    /// Control messages accepted from the service.
    pub(crate) controls: IntCounter,
    /// Control messages that no device heard.
    pub(crate) controls_lost: IntCounter,
}

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
        let by_reason = |name: &str, help: &str| {
            let counters = IntCounterVec::new(Opts::new(name, help), &["reason"])?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let connections =
            IntGaugeVec::new(Opts::new("maia_broker_connections", "MQTT connections now, by role"), &["role"])?;
        registry.register(Box::new(connections.clone()))?;
        let unacknowledged =
            IntGauge::new("maia_broker_unacknowledged_packets", "publishes that the service has not acknowledged")?;
        registry.register(Box::new(unacknowledged.clone()))?;
        Ok(Self {
            connections,
            unacknowledged,
            accept_failures: counter("maia_broker_accept_failures_total", "sockets that could not be accepted")?,
            refused: by_reason("maia_broker_connections_refused_total", "connections that did not get in")?,
            closed: by_reason("maia_broker_connections_closed_total", "connections that ended after they got in")?,
            publishes: counter("maia_broker_publishes_total", "publishes accepted from devices")?,
            acknowledged: counter("maia_broker_publishes_acknowledged_total", "publishes the service acknowledged")?,
            repeated: counter("maia_broker_publishes_repeated_total", "publishes offered to the service again")?,
            controls: counter("maia_broker_controls_total", "control messages accepted from the service")?,
            controls_lost: counter("maia_broker_controls_lost_total", "control messages that no device heard")?,
        })
    }
}

/// Counts one connection of a role for as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted(IntGauge);

impl Counted {
    pub(crate) fn new(connections: &IntGaugeVec, role: &str) -> Self {
        let gauge = connections.with_label_values(&[role]);
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
