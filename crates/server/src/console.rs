//! What Maia says to the person who started it, apart from the log.

use std::io::Write;

/// Says a line. A closed terminal is no reason to stop the service.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Says what went wrong, apart from results.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
