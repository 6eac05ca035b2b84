//! One suite per promise, every store and every bus.
//!
//! SQLite runs in a folder of its own. PostgreSQL is the server at `MAIA_TEST_POSTGRES_URL`, or else a private one
//! that [`postgres::server`] starts from the machine's binaries; every test makes a database of its own there.
#![forbid(unsafe_code)]

pub mod place;
pub mod postgres;
pub mod sample;
