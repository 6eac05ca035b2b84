//! Analysis of live recordings, raising and escalation of alerts.
