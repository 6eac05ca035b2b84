use clap::Parser;
use recordings::{Fetus, Trace, Woman};

use super::*;

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    arguments: Arguments,
}

pub(super) fn arguments(input: &str, output: &str, more: &[&str]) -> Arguments {
    let line = ["analyze", input, "--output", output].into_iter().chain(more.iter().copied());
    Alone::parse_from(line).arguments
}

fn csv(trace: &Trace) -> String {
    let toco = trace.toco.as_deref().unwrap();
    let lines = trace.fhr[0].rates.iter().zip(toco).enumerate().map(|(at, (rate, toco))| {
        let bpm = rate.map_or(0.0, |rate| rate.bpm());
        format!("{:.2},{bpm},{}\n", at as f64 / 4.0, toco.map_or(127.5, |toco| toco.units()))
    });
    std::iter::once("t_s,fhr_bpm,toco\n".to_owned()).chain(lines).collect()
}

fn woman() -> Trace {
    let fetus = Fetus::new(140.0).accelerations_every(120.0, 300.0, 30.0, 1200.0);
    Woman::new(5, 1260.0).fetus(fetus).contractions_every(60.0, 200.0, 70.0, 45.0).record().trace
}

/// Analyzes a folder of files; gives the folder of results and the kinds of failures.
fn check(files: &[(&str, &[u8])], more: &[&str], expect: &[Kind]) -> tempfile::TempDir {
    let (input, output) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (name, content) in files {
        std::fs::write(input.path().join(name), content).unwrap();
    }
    let arguments = arguments(&shown(input.path()), &shown(output.path()), more);
    let kinds: Vec<Kind> = analyze_all(&arguments, &sources::find(input.path()).unwrap())
        .into_iter()
        .map(|failure| {
            assert!(failure.message.contains(&shown(input.path())), "{}", failure.message);
            failure.kind
        })
        .collect();
    assert_eq!(kinds, expect);
    output
}

#[test]
fn a_bad_file_does_not_keep_the_others() {
    let good = csv(&woman());
    let output = check(
        &[
            ("good.csv", good.as_bytes()),
            ("empty.csv", b"t_s,fhr_bpm,toco\n"),
            ("broken.csv", b"t_s,fhr_bpm,toco\n0,140,0\n1,140,0\n"),
            ("table.csv", b"name,ph\n1,7.1\n"),
            ("alone.hea", b"alone 2 4 1\n"),
            ("nothing.edf", b""),
            ("notes.txt", b"not looked at"),
        ],
        &["--jobs", "2"],
        &[Kind::Malformed, Kind::Empty, Kind::Empty, Kind::OtherTable, Kind::Unreadable],
    );
    let names: Vec<_> = std::fs::read_dir(output.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["good.json"]);
}

#[test]
fn the_document_has_what_scorers_read_and_why() {
    let output = check(&[("a.csv", csv(&woman()).as_bytes())], &["--rules", "figo2015"], &[]);
    let text = std::fs::read_to_string(output.path().join("a.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let length = |key: &str| document[key].as_array().unwrap().len();
    assert_eq!((document["fs"].as_u64(), length("baseline"), length("false_signal")), (Some(4), 1260, 5040));
    assert!(length("accelerations") >= 3 && length("contractions") >= 5 && length("decelerations") == 0);
    assert_eq!(document["rules"][0]["rule_set"], "figo2015");
    assert_eq!(document["rules"][0]["criteria"][0]["limit"], "110–160");
    assert!(document["findings"].as_array().unwrap().iter().all(|finding| finding["method"].is_string()));
}

#[test]
fn look_ahead_decides_which_opinion_is_written() {
    let recording = csv(&woman());
    let read = |more: &[&str]| {
        let output = check(&[("a.csv", recording.as_bytes())], more, &[]);
        std::fs::read_to_string(output.path().join("a.json")).unwrap()
    };
    let (at_once, in_a_minute) = (read(&["--look-ahead", "0"]), read(&["--look-ahead", "60"]));
    assert!(at_once.contains("\"look_ahead_s\":0") && at_once.contains("\"stage\":\"provisional\""));
    assert!(in_a_minute.contains("\"look_ahead_s\":60") && !in_a_minute.contains("\"stage\":\"provisional\""));
}

#[test]
fn a_folder_without_recordings_is_empty_and_a_missing_file_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(sources::find(folder.path()).unwrap_err().kind, Kind::Empty);
    assert_eq!(sources::find(&folder.path().join("none.csv")).unwrap_err().kind, Kind::Unreadable);
}

#[test]
fn kinds_of_failure_have_their_exit_codes() {
    let of = |kinds: &[Kind]| {
        let failure = |kind: &Kind| Failure { kind: *kind, message: String::new() };
        failure::exit_code(&kinds.iter().map(failure).collect::<Vec<_>>())
    };
    assert_eq!([of(&[]), of(&[Kind::Empty]), of(&[Kind::Empty, Kind::Empty])], [0, 5, 5]);
    assert_eq!(of(&[Kind::Empty, Kind::Unreadable]), 8);
}
