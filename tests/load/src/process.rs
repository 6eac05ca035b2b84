//! What a process has used, by the kernel's account.

use std::fs;

use anyhow::{Context, Result};

/// Clock ticks per second of `/proc/*/stat` on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time that a process has used so far, in seconds.
pub(crate) fn processor_s(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(") ").next().context("unreadable stat")?;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).context("unreadable stat");
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// Memory that a process holds now, in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
