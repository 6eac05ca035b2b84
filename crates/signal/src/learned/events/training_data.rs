//! Writes what training reads: the network's inputs and the evidence of every excursion of CTU-UHB.
//!
//! `training/events.py` runs the ignored test below, so that what is trained on is what the engine sees.

#![expect(clippy::disallowed_methods, reason = "a tool for training reads recordings and writes features")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::inputs::INPUTS;
use super::{Situation, stage_place};
use crate::morphology::{EventReading, Morphology, MorphologySecond, MorphologySettings};

/// What the module saw of one recording.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    /// The network's inputs, block by block.
    pub(super) inputs: Vec<[f32; INPUTS]>,
    /// One line per excursion: stage, direction, first second, end, newest second known, evidence.
    excursions: String,
}

impl Journal {
    /// Notes an excursion that ended.
    pub(super) fn note(&mut self, situation: &Situation<'_>, evidence: Vec<f32>) {
        let (stage, excursion) = (stage_place(situation.stage), situation.excursion);
        let direction = excursion.direction.place();
        let (start_s, end_s, now_s) = (excursion.start_s, excursion.end_s, situation.now_s);
        write!(self.excursions, "{stage},{direction},{start_s},{end_s},{now_s}").unwrap();
        for number in evidence {
            write!(self.excursions, ",{number}").unwrap();
        }
        self.excursions.push('\n');
    }
}

/// The published limits; the module chooses among the excursions.
const SETTINGS: MorphologySettings = MorphologySettings {
    event_amplitude_bpm: 15.0,
    event_duration_s: 15,
    event_reading: EventReading::Sustained,
    event_edge_bpm: 5.0,
    event_gap_s: 20,
    baseline_change_s: 600,
    learned: true,
};

/// Rate in bpm and toco of a recording in WFDB format 16: two interleaved signals in hundredths, 4 Hz.
fn seconds(path: &Path) -> Vec<MorphologySecond> {
    let bytes = std::fs::read(path).unwrap();
    let samples: Vec<[f32; 2]> = bytes
        .chunks_exact(4)
        .map(|pair| [0, 2].map(|at| f32::from(i16::from_le_bytes([pair[at], pair[at + 1]])) / 100.0))
        .collect();
    let second = |(index, samples): (usize, &[[f32; 2]])| MorphologySecond {
        index: index as u32,
        fhr_bpm: std::array::from_fn(|at| Some(samples[at][0]).filter(|bpm| *bpm > 0.0)),
        toco: std::array::from_fn(|at| Some(samples[at][1])),
    };
    samples.chunks_exact(4).enumerate().map(second).collect()
}

#[test]
#[ignore = "run by training/events.py, which names the folders"]
fn training_data() {
    let folder = |name| PathBuf::from(std::env::var_os(name).unwrap());
    let (from, to) = (folder("MAIA_CTG_DIR").join("ctu-uhb"), folder("MAIA_FEATURES_DIR"));
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "dat") {
            continue;
        }
        let mut morphology = Morphology::new(SETTINGS);
        let seconds = seconds(&path);
        for second in &seconds {
            morphology.push(second);
        }
        morphology.finish(seconds.len() as u32);
        let journal = morphology.journal();
        let inputs: Vec<u8> = journal.inputs.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
        let file = |extension| to.join(path.with_extension(extension).file_name().unwrap());
        std::fs::write(file("f32"), inputs).unwrap();
        std::fs::write(file("csv"), &journal.excursions).unwrap();
    }
}
