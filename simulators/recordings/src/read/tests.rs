use super::*;

const HEADER: &str =
    "x1 2 4 3\nx1.dat 16 100(0)/bpm 12 0 14625 6289 0 FHR\nx1.dat 16 100/nd 12 0 2600 -6136 0 UC\n\n#pH 7\n";

fn signal(frames: &[(i16, i16)]) -> Vec<u8> {
    frames.iter().flat_map(|(fhr, uc)| [fhr.to_le_bytes(), uc.to_le_bytes()].concat()).collect()
}

fn quarters(channel: &FhrChannel) -> Vec<u16> {
    channel.rates.iter().map(|rate| rate.map_or(0, QuarterBpm::quarters)).collect()
}

fn halves(trace: &Trace) -> Vec<Option<u8>> {
    trace.toco.iter().flatten().map(|toco| toco.map(HalfToco::halves)).collect()
}

#[test]
fn csv_is_read_exactly() {
    let trace =
        read_csv("t_s,fhr_bpm,toco,fhr2_bpm\n0.00,140.25,0,0\n0.25,0,12.5,131\r\n0.50,141,127.5,132\n").unwrap();
    assert_eq!(quarters(&trace.fhr[0]), [561, 0, 564]);
    assert_eq!(quarters(&trace.fhr[1]), [0, 524, 528]);
    assert_eq!(halves(&trace), [Some(0), Some(25), None]);
    assert_eq!((trace.fhr_step_quarter_bpm, trace.rate), (1, SampleRate::FOUR_HZ));
}

#[test]
fn whole_rates_have_a_coarse_step() {
    let trace = read_csv("t_s,fhr_bpm,toco\n0,140,0\n0.25,141,0\n").unwrap();
    assert_eq!(trace.fhr_step_quarter_bpm, 4);
}

#[test]
fn wfdb_is_read_exactly() {
    let trace = read_wfdb(HEADER, &signal(&[(14_625, 2600), (0, 0), (14_650, 12_750)])).unwrap();
    assert_eq!(quarters(&trace.fhr[0]), [585, 0, 586]);
    assert_eq!(halves(&trace), [Some(52), Some(0), None]);
}

fn check_csv(text: &str, expect: &str) {
    assert_eq!(read_csv(text).unwrap_err().to_string(), expect);
}

#[test]
fn csv_errors_name_line_and_remedy() {
    check_csv("", "first line must be t_s,fhr_bpm,toco or t_s,fhr_bpm,toco,fhr2_bpm");
    check_csv("t_s,fhr_bpm,toco\n", "recording is empty: it must have at least one sample");
    check_csv("t_s,fhr_bpm,toco\n0,140,1\n0.5,140,1\n", "line 3: time must go on by 0.25 s from line to line, from 0");
    check_csv("t_s,fhr_bpm,toco\n0,140\n", "line 2: a column is missing");
    check_csv("t_s,fhr_bpm,toco\n0,140,1,1\n", "line 2: too many columns");
    check_csv("t_s,fhr_bpm,toco\n0,x,1\n", "line 2: not a number");
    for rate in ["140.1", "-1", "300.25", "NaN", "inf"] {
        let text = format!("t_s,fhr_bpm,toco\n0,{rate},1\n");
        check_csv(&text, "line 2: heart rate must be 0 to 300 bpm in steps of 0.25");
    }
    check_csv("t_s,fhr_bpm,toco\n0,140,128\n", "line 2: toco must be 0 to 127.5 in steps of 0.5");
}

fn check_header(from: &str, to: &str, expect: &str) {
    let error = read_wfdb(&HEADER.replace(from, to), &signal(&[(14_625, 2600); 3])).unwrap_err();
    assert_eq!(error.to_string(), expect);
}

#[test]
fn wfdb_errors_name_what_does_not_fit() {
    check_header("x1 2 4 3", "x1 2 4", "header: first line must be: record, signals, rate, samples");
    check_header("2 4 3", "2 250 3", "header: record must have 2 signals at 4 samples per second");
    check_header("2 4 3", "2 4 x", "header: number of samples cannot be read");
    check_header("2 4 3", "2 4 4", "signal file has 12 bytes where the header asks for 16");
    check_header("2 4 3", "2 4 99999999999", "recording must last at most a week");
    check_header("16 100/nd", "212 100/nd", "header: signals must be in format 16");
    check_header("0 UC", "0 FHR", "header: signals must be FHR, then UC");
    check_header("100(0)/bpm", "100(7)/bpm", "header: gain must be a whole number with baseline 0");
    let error = read_wfdb(HEADER, &signal(&[(14_625, 2600), (14_610, 0), (0, 0)])).unwrap_err();
    assert_eq!(error, ReadError::Sample { index: 1 });
}
