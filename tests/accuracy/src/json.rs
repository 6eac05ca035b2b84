//! Reading the truth files.

use anyhow::{Context, Result};
use serde_json::Value;

/// Pairs of numbers under a key; none where the key is missing.
pub(crate) fn pairs(record: &Value, key: &str) -> Result<Vec<(f64, f64)>> {
    let Some(list) = record.get(key).and_then(Value::as_array) else { return Ok(Vec::new()) };
    let pair = |pair: &Value| Some((pair.get(0)?.as_f64()?, pair.get(1)?.as_f64()?));
    list.iter().map(|value| pair(value).with_context(|| format!("{key} must hold pairs of numbers"))).collect()
}

/// Numbers under a key; `None` where the key is missing.
pub(crate) fn numbers(record: &Value, key: &str) -> Option<Vec<f64>> {
    record.get(key)?.as_array()?.iter().map(Value::as_f64).collect()
}
