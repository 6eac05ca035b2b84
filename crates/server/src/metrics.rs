//! One page of metrics from roles that may be started more than once.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::{Registry, proto};

/// The metrics of one role: each start of the role counts anew, as Prometheus expects of a restart.
#[derive(Clone)]
pub(crate) struct RoleMetrics {
    desc: Desc,
    current: Arc<Mutex<Registry>>,
}

impl RoleMetrics {
    /// Makes a place for a role's metrics on the common page.
    pub(crate) fn new(role: &str, page: &Registry) -> prometheus::Result<Self> {
        let desc = Desc::new(format!("maia_role_{role}"), "metrics of a role".to_owned(), vec![], Default::default())?;
        let metrics = Self { desc, current: Arc::default() };
        page.register(Box::new(metrics.clone()))?;
        Ok(metrics)
    }

    /// A fresh registry for a role that starts; what its predecessor counted leaves the page.
    pub(crate) fn renew(&self) -> Registry {
        let registry = Registry::new();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = registry.clone();
        registry
    }
}

impl Collector for RoleMetrics {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).gather()
    }
}

#[cfg(test)]
mod tests {
    use prometheus::IntCounter;

    use super::*;

    #[test]
    fn a_role_that_starts_again_counts_anew_on_the_same_page() {
        let page = Registry::new();
        let (ingest, gateway) =
            (RoleMetrics::new("ingest", &page).unwrap(), RoleMetrics::new("gateway", &page).unwrap());
        gateway.renew();
        for _ in 0..2 {
            let counter = IntCounter::new("maia_packets_total", "packets").unwrap();
            ingest.renew().register(Box::new(counter.clone())).unwrap();
            counter.inc();
        }
        let families = page.gather();
        assert_eq!(families.len(), 1);
        assert_eq!(families[0].get_metric()[0].get_counter().get_value(), 1.0);
    }
}
