//! How well the signal crate agrees with experts, with published methods and with synthetic truth.
//!
//! The corpora stay outside of the project (`MAIA_CTG_DIR`, or `../shared/ctg` beside it). What counts as a match
//! follows the published evaluation code of FHRMA (Houzé de l'Aulnoit 2019, Boudet 2022) and gives the same figures.
#![forbid(unsafe_code)]

pub mod corpus;
pub mod engine;
pub mod score;
pub mod tables;

mod cleaning;
mod json;
mod synthetic;
