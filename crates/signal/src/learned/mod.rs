//! Learned modules: small recurrent networks trained on public expert annotations.
//!
//! Each is separate from the published rules, labelled by its own method name and switchable. Weights lie
//! in `weights/` beside their provenance; the scripts that made them lie in `training/`.

pub(crate) mod contractions;
pub(crate) mod events;
pub(crate) mod false_signal;
pub(crate) mod layers;
pub(crate) mod weights;
