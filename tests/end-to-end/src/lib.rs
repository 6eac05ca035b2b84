//! Real processes, broker, database and browser.
