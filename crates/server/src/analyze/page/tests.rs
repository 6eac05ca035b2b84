use recordings::{Fetus, Woman};
use signal::report::LookAhead;

use super::*;
use crate::analyze::tests::arguments;
use crate::analyze::{engine, pdf};

fn page(woman: Woman, name: &str) -> String {
    let arguments = arguments("in", "out", &[]);
    let analyzed = engine::analyze(woman.record().trace, &arguments);
    assert!(analyzed.fetuses.iter().all(|seen| !seen.report.findings(LookAhead::Minute).is_empty()));
    svg(name, &analyzed, &arguments)
}

#[test]
fn the_page_shows_events_with_their_numbers_in_both_languages() {
    let fetus = Fetus::new(140.0).prolonged_deceleration(900.0, 200.0, 50.0);
    let svg = page(Woman::new(3, 1800.0).fetus(fetus).contractions_every(100.0, 240.0, 70.0, 45.0), "<one>");
    for expected in ["PD −", "延长减速 prolonged dec.", "FIGO 2015", "&lt;one&gt;", "1 cm/min · 30 bpm/cm"] {
        assert!(svg.contains(expected), "{expected}");
    }
    assert!(!svg.contains("<one>") && !svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn the_page_of_a_day_stays_within_what_a_pdf_can_hold() {
    let mut paper = Woman::new(1, 10.0).fetus(Fetus::new(140.0)).record().trace;
    paper.fhr[0].rates = vec![None; 2 * 86_400 * 4];
    let paper = Paper::new(&paper, 3, 20);
    assert!(paper.rows().count() as f64 * paper.row_height() < 5000.0);
    assert!(paper.note().is_some());
}

#[test]
fn the_page_becomes_a_pdf() {
    let fetus = Fetus::new(140.0).accelerations_every(60.0, 200.0, 25.0, 600.0);
    let pdf = pdf::from_svg(&page(Woman::new(3, 600.0).fetus(fetus), "one")).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
}
