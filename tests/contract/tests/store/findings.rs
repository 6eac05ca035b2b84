use contract::place::Place;
use contract::sample::{ALWAYS, blocks, finding, recording, second, seconds};
use ctg::{Analysis, BaselinePoint, FetusIndex, Finding, Quantity, Stage};
use storage::StoreError;

fn said(findings: impl Into<Vec<Finding>>) -> Analysis {
    Analysis { findings: findings.into(), ..Analysis::default() }
}

fn point(fetus: u8, at_s: i64, baseline_bpm: Option<f32>, stage: Stage) -> BaselinePoint {
    BaselinePoint { fetus: FetusIndex::new(fetus).unwrap(), at: second(at_s), baseline_bpm, stage }
}

fn baseline(points: impl Into<Vec<BaselinePoint>>) -> Analysis {
    Analysis { baseline: points.into(), ..Analysis::default() }
}

pub async fn keep_every_revision(place: &Place) {
    let store = place.open().await;
    store.append(&blocks(1, 0..1)).await.unwrap();
    let first = finding(1, 0, 0, seconds(10, 20));
    let grown = finding(1, 0, 1, seconds(10, 40));
    let mut withdrawn = finding(1, 1, 1, seconds(30, 50));
    withdrawn.stage = Stage::Withdrawn;
    withdrawn.fetus = None;
    withdrawn.measurements.clear();
    let other = finding(1, 1, 0, seconds(5, 50));
    store.record_analysis(recording(1), &said([first.clone(), other.clone()]), second(60)).await.unwrap();
    assert_eq!(store.findings(recording(1), ALWAYS).await.unwrap(), [other.clone(), first.clone()]);
    store.record_analysis(recording(1), &said([grown.clone(), withdrawn.clone()]), second(61)).await.unwrap();
    assert_eq!(store.findings(recording(1), ALWAYS).await.unwrap(), [grown.clone(), withdrawn.clone()]);
    assert_eq!(store.findings(recording(1), seconds(0, 30)).await.unwrap(), std::slice::from_ref(&grown));
    assert_eq!(store.findings(recording(1), seconds(40, 60)).await.unwrap(), [withdrawn.clone()]);
    // Only the newest revision counts: the first one of the second finding began earlier.
    assert_eq!(store.findings(recording(1), seconds(5, 10)).await.unwrap(), []);
    assert_eq!(store.finding_history(recording(1), 0).await.unwrap(), [first, grown]);
    assert_eq!(store.finding_history(recording(1), 1).await.unwrap(), [other, withdrawn]);
    assert_eq!(store.finding_history(recording(1), 2).await.unwrap(), []);
}

pub async fn do_not_change_afterwards(place: &Place) {
    let store = place.open().await;
    store.append(&blocks(1, 0..1)).await.unwrap();
    let stored = finding(1, 0, 0, seconds(10, 20));
    store.record_analysis(recording(1), &said([stored.clone()]), second(60)).await.unwrap();
    // Said again after a restart: nothing changes.
    store.record_analysis(recording(1), &said([stored.clone()]), second(99)).await.unwrap();
    let changes: [fn(&mut Finding); 4] = [
        |finding| finding.interval = seconds(10, 21),
        |finding| finding.measurements[0].value += f64::EPSILON,
        |finding| finding.measurements[0].quantity = Quantity::NadirBpm,
        |finding| finding.ongoing = false,
    ];
    for change in changes {
        let mut other = stored.clone();
        change(&mut other);
        let mixed = Analysis {
            findings: vec![finding(1, 1, 0, seconds(10, 20)), other],
            baseline: vec![point(0, 15, Some(140.0), Stage::Final)],
            numerics: vec![],
        };
        let recorded = store.record_analysis(recording(1), &mixed, second(61)).await;
        assert!(matches!(recorded, Err(StoreError::Conflict)), "{recorded:?}");
    }
    assert_eq!(store.findings(recording(1), ALWAYS).await.unwrap(), [stored]);
    assert_eq!(store.baseline(recording(1), ALWAYS).await.unwrap(), []);
}

pub async fn need_their_recording(place: &Place) {
    let store = place.open().await;
    let recorded = store.record_analysis(recording(1), &said([finding(1, 0, 0, seconds(1, 2))]), second(3)).await;
    assert!(matches!(recorded, Err(StoreError::Conflict)), "{recorded:?}");
    store.record_analysis(recording(1), &Analysis::default(), second(3)).await.unwrap();
    assert_eq!(store.findings(recording(1), ALWAYS).await.unwrap(), []);
    assert_eq!(store.finding_history(recording(1), 0).await.unwrap(), []);
    assert_eq!(store.baseline(recording(1), ALWAYS).await.unwrap(), []);
}

pub async fn of_many_recordings_are_kept_together_or_not_at_all(place: &Place) {
    let store = place.open().await;
    store.append(&[blocks(1, 0..1), blocks(2, 0..1)].concat()).await.unwrap();
    let (first, second_one) = (finding(1, 0, 0, seconds(1, 2)), finding(2, 0, 0, seconds(1, 2)));
    let (first_said, second_said) = (said([first.clone()]), said([second_one.clone()]));
    let unknown = said([finding(3, 0, 0, seconds(1, 2))]);
    let with_unknown = [(recording(1), &first_said), (recording(3), &unknown)];
    let recorded = store.record_analyses(&with_unknown, second(3)).await;
    assert!(matches!(recorded, Err(StoreError::Conflict)), "{recorded:?}");
    assert_eq!(store.findings(recording(1), ALWAYS).await.unwrap(), []);
    let together = [(recording(1), &first_said), (recording(2), &second_said)];
    store.record_analyses(&together, second(3)).await.unwrap();
    assert_eq!(store.findings(recording(1), ALWAYS).await.unwrap(), [first]);
    assert_eq!(store.findings(recording(2), ALWAYS).await.unwrap(), [second_one]);
}

pub async fn baseline_points_share_rows(place: &Place) {
    let store = place.open().await;
    store.append(&blocks(1, 0..1)).await.unwrap();
    let mut expected = Vec::new();
    for at_s in 0..400 {
        let value = if at_s % 50 == 0 { None } else { Some(140.0 + at_s as f32 / 7.0) };
        let points = [
            point(0, at_s, value, Stage::Final),
            point(1, at_s, Some(120.5), Stage::Final),
            point(0, at_s + 60, Some(1.0), Stage::Provisional),
        ];
        store.record_analysis(recording(1), &baseline(points), second(at_s)).await.unwrap();
        expected.extend([points[0], points[1]]);
    }
    assert_eq!(store.baseline(recording(1), ALWAYS).await.unwrap(), expected);
    assert_eq!(store.baseline(recording(1), seconds(59, 62)).await.unwrap(), expected[118..124]);
    // Two fetuses, at most eight begun minutes.
    assert!(place.number("select count(*) from baseline").await <= 16);
}

pub async fn baseline_points_stay_as_first_said(place: &Place) {
    let store = place.open().await;
    store.append(&blocks(1, 0..1)).await.unwrap();
    let first = point(0, 10, Some(140.25), Stage::Final);
    store.record_analysis(recording(1), &baseline([first]), second(11)).await.unwrap();
    let again = [point(0, 11, None, Stage::Final), point(0, 10, Some(150.0), Stage::Final)];
    store.record_analysis(recording(1), &baseline(again), second(12)).await.unwrap();
    assert_eq!(store.baseline(recording(1), ALWAYS).await.unwrap(), [first, again[0]]);
    assert_eq!(store.baseline(recording(1), seconds(11, 12)).await.unwrap(), [again[0]]);
}
