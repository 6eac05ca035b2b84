import type { Block } from "../src/wire/blocks.ts";
import type { Alert, RecordingInfo } from "../src/wire/messages.ts";

export const START_US = 1_795_338_900_000_000;

export function recording(change: Partial<RecordingInfo>): RecordingInfo {
  return {
    type: "recording", index: 0, id: "07070707-0707-0707-0707-070707070707", device: "belt-01", start_us: START_US,
    block_length_ms: 1000, fhr_hz: 4, toco_hz: 4, fhr_step_quarter_bpm: 1, fetuses: 1, stored_through: null, stopped_us: null,
    ...change,
  };
}

export function block(change: { sequence: number; late?: boolean; fhr?: number[][]; recording?: number; delayMs?: number }): Block {
  const fhr = change.fhr ?? [[560, 560, 560, 560]];
  return {
    recording: change.recording ?? 0,
    sequence: change.sequence,
    startUs: START_US + change.sequence * 1e6,
    delayMs: change.delayMs ?? 250,
    late: change.late ?? false,
    fhrHz: 4,
    tocoHz: 4,
    fhr: fhr.map((values) => Uint16Array.from(values)),
    mhr: null,
    toco: null,
    quality: null,
  };
}

export function alert(change: Partial<Alert>): Alert {
  return {
    id: "a", recording: null, device: "belt-01", fetus: null, condition: "signal_loss", priority: "medium", state: "raised",
    step: 0, generation: 1, version: 1, present: true, cleared_us: null, late: false, episodes: 1, raised_us: START_US,
    changed_us: START_US, deadline_us: null, owner: null,
    evidence: {
      policy: "p", policy_version: 1, method: null, finding: null, start_us: START_US, end_us: START_US + 1, value: null, limit: null,
    },
    ...change,
  };
}
