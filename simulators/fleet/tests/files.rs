//! Files are read from disk, and what cannot be read is said with its name.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use std::path::Path;

use fleet::read_recording;

fn check(name: &str, content: &[u8], expect: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    let error = read_recording(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{} {expect}", path.display())), "{error}");
}

#[test]
fn a_csv_file_and_a_wfdb_record_hold_the_same_recording() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let csv = file("a.csv", b"t_s,fhr_bpm,toco\n0,140,10\n0.25,140.5,0\n");
    let header = b"b 2 4 2\nb.dat 16 100(0)/bpm 12 0 0 0 0 FHR\nb.dat 16 100/nd 12 0 0 0 0 UC\n";
    let wfdb = file("b.hea", header);
    file("b.dat", &[14_000_i16, 1000, 14_050, 0].map(i16::to_le_bytes).concat());
    assert_eq!(read_recording(&csv).unwrap(), read_recording(&wfdb).unwrap());
}

#[test]
fn errors_name_the_file() {
    check("a.csv", b"time,rate\n", "is no recording: first line must be");
    check("a.txt", b"", "must end in .csv");
    let missing = read_recording(Path::new("no/such.csv")).unwrap_err();
    assert_eq!(missing.to_string(), "cannot read no/such.csv");
}
