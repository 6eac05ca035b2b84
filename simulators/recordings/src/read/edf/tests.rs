use super::*;

/// Label, range in units, samples per record.
type Described = (&'static str, (f64, f64), usize);

fn file(kind: &str, record_s: &str, signals: &[Described], records: &[&[i16]]) -> Vec<u8> {
    let announced = records.len().to_string();
    let header_bytes = (HEADER_BYTES * (signals.len() + 1)).to_string();
    let count = signals.len().to_string();
    let mut text = String::new();
    let mut put = |value: &str, width: usize| text.push_str(&format!("{value:<width$}"));
    put("0", 8);
    put("X X X X", 80);
    put("Startdate X X X X", 80);
    put("01.01.2601.01.01", 16);
    put(&header_bytes, 8);
    put(kind, 44);
    put(&announced, 8);
    put(record_s, 8);
    put(&count, 4);
    signals.iter().for_each(|signal| put(signal.0, 16));
    signals.iter().for_each(|_| put("", 80));
    signals.iter().for_each(|_| put("bpm", 8));
    signals.iter().for_each(|signal| put(&signal.1.0.to_string(), 8));
    signals.iter().for_each(|signal| put(&signal.1.1.to_string(), 8));
    signals.iter().for_each(|_| put("0", 8));
    signals.iter().for_each(|_| put("1200", 8));
    signals.iter().for_each(|_| put("", 80));
    signals.iter().for_each(|signal| put(&signal.2.to_string(), 8));
    signals.iter().for_each(|_| put("", 32));
    let samples = records.iter().flat_map(|record| record.iter().flat_map(|digit| digit.to_le_bytes()));
    text.into_bytes().into_iter().chain(samples).collect()
}

const RATES: (f64, f64) = (0.0, 300.0);
const SIGNALS: [Described; 4] =
    [("FHR1", RATES, 4), ("EDF Annotations", (0.0, 1.0), 3), ("MHR", RATES, 4), ("TOCO", (0.0, 120.0), 2)];
const RECORD: [i16; 13] = [560, 0, 562, -7, 9, 9, 9, 320, 321, 322, 323, 100, 255];

fn quarters(rates: &[Option<QuarterBpm>]) -> Vec<u16> {
    rates.iter().map(|rate| rate.map_or(0, QuarterBpm::quarters)).collect()
}

#[test]
fn signals_are_found_by_label_and_brought_to_one_rate() {
    let trace = read_edf(&file("EDF+C", "1", &SIGNALS, &[&RECORD, &RECORD])).unwrap();
    assert_eq!(quarters(&trace.fhr[0].rates), [560, 0, 562, 0, 560, 0, 562, 0]);
    assert_eq!(quarters(trace.mhr.as_ref().unwrap())[..4], [320, 321, 322, 323]);
    let toco: Vec<u8> = trace.toco.unwrap().into_iter().flatten().map(HalfToco::halves).collect();
    assert_eq!(toco, [20, 20, 51, 51, 20, 20, 51, 51]);
    assert_eq!((trace.rate, trace.fhr_step_quarter_bpm), (SampleRate::FOUR_HZ, 2));
}

#[test]
fn plain_edf_of_one_signal_is_read() {
    let trace = read_edf(&file("", "2", &[("FHR", RATES, 4)], &[&[561, 562, 563, 564]])).unwrap();
    assert_eq!((trace.rate.hz(), trace.fhr_step_quarter_bpm, trace.toco, trace.mhr), (2, 1, None, None));
}

#[test]
fn a_header_written_before_the_end_does_not_count_its_records() {
    let mut bytes = file("EDF+C", "1", &SIGNALS, &[&RECORD, &RECORD, &RECORD]);
    bytes[236..244].copy_from_slice(b"-1      ");
    assert_eq!(read_edf(&bytes).unwrap().sample_count(), 12);
}

fn check(bytes: &[u8], expect: &str) {
    assert_eq!(read_edf(bytes).unwrap_err().to_string(), expect);
}

#[test]
fn errors_say_what_does_not_fit() {
    check(b"", "recording is empty: it must have at least one sample");
    check(b"t_s,fhr_bpm,toco", "header: file is shorter than an EDF header");
    check(&[b'x'; 600], "header: file must begin with the version number 0 of EDF");
    let good = file("EDF+C", "1", &SIGNALS, &[&RECORD]);
    check(&good[..300], "header: file is shorter than its header says");
    check(&good[..good.len() - 1], "signal file has 25 bytes where the header asks for 26");
    check(&file("EDF+C", "1", &SIGNALS, &[]), "recording is empty: it must have at least one sample");
    check(&file("EDF+D", "1", &SIGNALS, &[&RECORD]), "not supported: the recording is discontinuous (EDF+D)");
    check(&file("EDF+C", "0", &SIGNALS, &[&RECORD]), "header: duration of a record must be a number of seconds");
    check(
        &file("EDF+C", "3", &SIGNALS, &[&RECORD]),
        "not supported: heart rate must have 1, 2, 4 or 8 samples per second",
    );
    check(&file("", "1", &[("ECG", RATES, 4)], &[&[1; 4]]), "not supported: no signal whose label begins with FHR");
    let coarse = [("FHR", (0.0, 3000.0), 4)];
    check(&file("", "1", &coarse, &[&[1; 4]]), "not supported: heart rate must have steps of at most 2 bpm");
    let uneven = [("FHR1", RATES, 4), ("FHR2", RATES, 2)];
    check(&file("", "1", &uneven, &[&[1; 6]]), "not supported: heart-rate signals must have one sample rate");
}

#[test]
fn no_damage_makes_it_panic() {
    let good = file("EDF+C", "1", &SIGNALS, &[&RECORD, &RECORD]);
    for at in 0..good.len() {
        for byte in [0, b' ', b'9', b'-', 255] {
            let mut damaged = good.clone();
            damaged[at] = byte;
            let _ = read_edf(&damaged);
        }
        let _ = read_edf(&good[..at]);
    }
}
