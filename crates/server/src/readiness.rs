//! What is not ready, in words, for `/readyz`.

use std::sync::Arc;

use ingest::Health;
use tokio::sync::watch;

/// A function that lists what is not ready now; nothing when the service can do its work.
pub(crate) fn unready(intake: watch::Receiver<Health>) -> Arc<dyn Fn() -> Vec<String> + Send + Sync> {
    Arc::new(move || problems(*intake.borrow()))
}

fn problems(intake: Health) -> Vec<String> {
    let mut problems = Vec::new();
    if !intake.connected {
        problems.push("no connection to the broker: devices' packets do not arrive".to_owned());
    }
    if let Some(since) = intake.not_recorded_since {
        problems.push(format!(
            "the store takes nothing since {since}: check disk and database; devices keep their samples"
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use ctg::Timestamp;

    use super::*;

    #[test]
    fn says_what_does_not_work() {
        assert!(problems(Health { connected: true, not_recorded_since: None }).is_empty());
        let down = problems(Health { connected: false, not_recorded_since: Some(Timestamp::from_micros(0)) });
        assert!(down[0].contains("broker") && down[1].contains("1970-01-01"), "{down:?}");
    }
}
