//! Synthetic cardiotocograms with known truth; readers for CSV, WFDB, EDF+ and FHRMA.
//!
//! Pure: a script and a seed give the same recording on every run.
#![forbid(unsafe_code)]

mod demo;
mod read;
mod session;
mod shape;
mod synthesis;
mod trace;
mod woman;

pub use demo::{DEMO_HISTORY_S, Demo, demo_women};
pub use read::{ReadError, read_csv, read_edf, read_fhrm, read_wfdb};
pub use session::Session;
pub use synthesis::{Synthetic, TrueEvent, Truth};
pub use trace::Trace;
pub use woman::{Artifact, Contraction, Fetus, Woman};
