//! `maia analyze`: the streaming engine over files, one JSON and one page per recording.

mod arguments;
mod document;
mod engine;
mod failure;
mod page;
mod pdf;
mod sources;

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indicatif::{ProgressBar, ProgressStyle};

pub(crate) use arguments::Arguments;
use arguments::Report;
use failure::{Failure, Kind};
use sources::Source;

use crate::console::{complain, say};

/// Most recordings at once: each holds its samples and findings, some tens of megabytes for a long one.
const JOBS_MAX: usize = 64;

/// Analyzes every recording and says which ones could not be.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let sources = match sources::find(&arguments.input).and_then(|sources| prepared(arguments, sources)) {
        Ok(sources) => sources,
        Err(failure) => {
            complain(&failure.message);
            return ExitCode::from(failure.kind.exit_code());
        }
    };
    let failures = analyze_all(arguments, &sources);
    let (passed_over, failures): (Vec<_>, Vec<_>) =
        failures.into_iter().partition(|failure| arguments.input.is_dir() && failure.kind == Kind::OtherTable);
    for failure in &passed_over {
        say(&format!("passed over: {}", failure.message));
    }
    for failure in &failures {
        complain(&format!("{}: {}", failure.kind.name(), failure.message));
    }
    let analyzed = sources.len() - failures.len() - passed_over.len();
    say(&format!("{analyzed} recordings analyzed into {}, {} failed", arguments.output.display(), failures.len()));
    ExitCode::from(failure::exit_code(&failures))
}

fn prepared(arguments: &Arguments, sources: Vec<Source>) -> Result<Vec<Source>, Failure> {
    let refused = |error| Failure::output(&arguments.output, &error);
    std::fs::create_dir_all(&arguments.output).map_err(refused)?;
    Ok(sources)
}

/// Plain threads taking the next file: recordings are few and long, so that nothing is gained by finer pieces.
fn analyze_all(arguments: &Arguments, sources: &[Source]) -> Vec<Failure> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = arguments.jobs.map_or(cores, NonZero::get).min(JOBS_MAX).min(sources.len());
    let bar = progress_bar(sources.len());
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut failures = Vec::new();
        while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
            bar.set_message(source.name.clone());
            failures.extend(held(source, || analyze_one(arguments, source)).err());
            bar.inc(1);
        }
        failures
    };
    let mut failures: Vec<Failure> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        running.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    bar.finish_and_clear();
    failures.sort_by(|one, other| one.message.cmp(&other.message));
    failures
}

/// Holds a panic to its recording.
fn held(source: &Source, work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Failure::crash(&source.path)))
}

fn analyze_one(arguments: &Arguments, source: &Source) -> Result<(), Failure> {
    let trace = fleet::read_recording(&source.path).map_err(|error| Failure::input(&error))?;
    let analyzed = engine::analyze(engine::chosen_channels(trace, arguments), arguments);
    let written = |extension: &str, content: &[u8]| {
        let path = arguments.output.join(format!("{}.{extension}", source.name));
        std::fs::write(&path, content).map_err(|error| Failure::output(&path, &error))
    };
    let document = document::document(&source.name, &analyzed, arguments);
    written("json", document.to_string().as_bytes())?;
    if arguments.report == Report::None {
        return Ok(());
    }
    let svg = page::svg(&source.name, &analyzed, arguments);
    match arguments.report {
        Report::Svg | Report::None => written("svg", svg.as_bytes()),
        Report::Pdf => written("pdf", &pdf::from_svg(&svg).map_err(|problem| Failure::page(&source.path, &problem))?),
    }
}

fn progress_bar(length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} recordings, {eta} left  {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// What a file is called in messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
