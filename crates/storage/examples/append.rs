//! Measures appending on SQLite: blocks per second, and bytes per hour of recording.
//!
//! `cargo run --release -p storage --example append -- [RECORDINGS] [HOURS] [BATCH]`
//!
//! The database lies in the temporary folder: set `TMPDIR` to measure another disk.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the measurement is for a terminal")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ctg::{DeviceId, FhrChannel, HalfToco, QuarterBpm, ReceivedBlock, RecordingId, SampleBlock, SampleRate, Timestamp};
use storage::{Appended, Store};

const START: Timestamp = Timestamp::from_micros(1_795_338_900_000_000);
const BLOCKS_PER_HOUR: u32 = 3600;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let argument = |place: usize, default: u32| match std::env::args().nth(place) {
        Some(text) => text.parse().with_context(|| format!("argument {place} must be a whole number")),
        None => Ok(default),
    };
    let (recordings, hours, batch) = (argument(1, 100)?, argument(2, 1)?, argument(3, 1000)?);
    let folder = tempfile::tempdir().context("the temporary folder must be writable")?;
    let path = folder.path().join("maia.db");
    let store = Store::open(&format!("sqlite:{}", path.display())).await?;
    let mut commits = Vec::new();
    let mut pending = Vec::with_capacity(batch as usize);
    for sequence in 0..hours * BLOCKS_PER_HOUR {
        for recording in 0..recordings {
            pending.push(Arc::new(second(recording, sequence)?));
            if pending.len() == batch as usize {
                commits.push(append(&store, &mut pending).await?);
            }
        }
    }
    commits.push(append(&store, &mut pending).await?);
    store.close().await;
    let blocks = f64::from(recordings) * f64::from(hours * BLOCKS_PER_HOUR);
    report(blocks, &mut commits, std::fs::metadata(&path)?.len());
    Ok(())
}

async fn append(store: &Store, pending: &mut Vec<Arc<ReceivedBlock>>) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let appended = store.append(pending).await?;
    let took = began.elapsed();
    anyhow::ensure!(appended.iter().all(|appended| *appended == Appended::Stored), "a block was not new");
    pending.clear();
    Ok(took)
}

fn report(blocks: f64, commits: &mut [Duration], file_bytes: u64) {
    commits.sort_unstable();
    let total_s: f64 = commits.iter().map(Duration::as_secs_f64).sum();
    let quantile = |share: f64| commits[((commits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let hours = blocks / f64::from(BLOCKS_PER_HOUR);
    println!("blocks appended          {blocks:.0}");
    println!("blocks/s                 {:.0}", blocks / total_s);
    println!("commit p50, p99, max     {:.2} ms, {:.2} ms, {:.2} ms", quantile(0.5), quantile(0.99), quantile(1.0));
    println!("bytes/recording-hour     {:.0}", file_bytes as f64 / hours);
    println!("bytes/block              {:.1}", file_bytes as f64 / blocks);
}

/// A second of one fetus at 4 Hz and toco: a wandering rate, and a tenth of the samples lost.
fn second(recording: u32, sequence: u32) -> anyhow::Result<ReceivedBlock> {
    let mut noise = (u64::from(recording) << 32 | u64::from(sequence)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut draw = |below: u64| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (noise >> 33) % below
    };
    let mut id = [0; 16];
    id[..4].copy_from_slice(&recording.wrapping_mul(0x9e37_79b9).to_le_bytes());
    let start = START.plus_seconds(sequence.into());
    let around = 560 + (f64::from(sequence) / 9.0).sin() as i64 * 12;
    let rates = (0..4).map(|_| {
        let quarters = u16::try_from(around + draw(24) as i64 - 12).unwrap_or_default();
        if draw(10) == 0 { None } else { QuarterBpm::new(quarters) }
    });
    let rates = rates.collect();
    let toco = (0..4).map(|_| HalfToco::new(16 + draw(8) as u8)).collect();
    Ok(ReceivedBlock {
        device: format!("belt-{recording}").parse::<DeviceId>().map_err(anyhow::Error::msg)?,
        received: start.plus_micros(1_000_000 + draw(300_000) as i64),
        block: SampleBlock {
            recording: RecordingId::from_bytes(id),
            sequence,
            start,
            block_length_ms: 1000,
            fhr_rate: SampleRate::FOUR_HZ,
            toco_rate: SampleRate::FOUR_HZ,
            fhr_step_quarter_bpm: 1,
            fhr: vec![FhrChannel { rates, quality: None }],
            mhr: None,
            toco: Some(toco),
        },
    })
}
