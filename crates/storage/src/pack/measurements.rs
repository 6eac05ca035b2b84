use ctg::{Finding, Measurement, Quantity, RecordingId};

use super::{Key, seal, unseal};

/// Layout of a finding's measurements; a later one gets another number, and this one stays readable.
const VERSION: u8 = 1;

/// A finding's numbers: for each the quantity's code after its length, and the value bit by bit.
pub(crate) fn pack_measurements(finding: &Finding) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for measurement in &finding.measurements {
        let code = measurement.quantity.code().as_bytes();
        bytes.push(code.len() as u8);
        bytes.extend_from_slice(code);
        bytes.extend_from_slice(&measurement.value.to_le_bytes());
    }
    seal(bytes, key(&finding.recording, finding.number, finding.revision))
}

/// The numbers stored for a finding's revision; `None` if their bytes were changed.
pub(crate) fn measurements(
    sealed: &[u8],
    recording: &RecordingId,
    number: u32,
    revision: u16,
) -> Option<Vec<Measurement>> {
    let mut reader = unseal(sealed, key(recording, number, revision))?;
    if reader.byte()? != VERSION {
        return None;
    }
    let mut measurements = Vec::new();
    while !reader.is_at_end() {
        let length = reader.byte()?;
        let code = std::str::from_utf8(reader.take(length.into())?).ok()?;
        let quantity = Quantity::from_code(code)?;
        measurements.push(Measurement { quantity, value: f64::from_le_bytes(reader.array()?) });
    }
    Some(measurements)
}

fn key(recording: &RecordingId, number: u32, revision: u16) -> Key<'_> {
    Key { recording: recording.as_bytes(), columns: [number.into(), revision.into()] }
}
