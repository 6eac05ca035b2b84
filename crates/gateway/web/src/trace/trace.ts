import type { Block } from "../wire/blocks.ts";
import type { BaselineStretch, Finding, RecordingInfo } from "../wire/messages.ts";
import { Ring } from "./ring.ts";
import { Sequences } from "./sequences.ts";

/** Length of trace that is kept per recording, s: the longest window that the protocol knows. */
export const KEPT_S = 14_400;
/** No signal in a heart-rate ring. */
export const NO_SIGNAL = 0;
/** Absent toco in a toco ring. */
export const NO_TOCO = 255;
/** Bits of a place in the ring of marks. */
export const MARK = { quality: 3, late: 4 } as const;

/** Everything known of one recording: samples in columns, findings, baseline. Times are the device's clock. */
export class Trace {
  readonly info: RecordingInfo;
  readonly fhr: readonly Ring[];
  readonly mhr: Ring;
  readonly toco: Ring;
  /** Per heart-rate sample of the first fetus: the device's opinion, and whether the block came late. */
  readonly marks: Ring;
  readonly held = new Sequences();
  readonly findings = new Map<number, Finding>();
  /** Per fetus, one place a second from the start: tenths of a bpm, 0 = cannot be determined. */
  readonly baseline: readonly Ring[];
  /** Movement button: when it was pressed, by the number of the event. */
  readonly movements = new Map<number, number>();
  hasMhr = false;
  hasToco = false;
  stoppedUs: number | null;

  constructor(info: RecordingInfo) {
    this.info = info;
    this.stoppedUs = info.stopped_us;
    const channels = Array.from({ length: info.fetuses });
    this.fhr = channels.map(() => new Ring(KEPT_S * info.fhr_hz));
    this.baseline = channels.map(() => new Ring(KEPT_S));
    this.mhr = new Ring(KEPT_S * info.fhr_hz);
    this.toco = new Ring(KEPT_S * info.toco_hz);
    this.marks = new Ring(KEPT_S * info.fhr_hz);
  }

  /** Takes a block in; false if it was there already, or does not belong to the recording. */
  add(block: Block): boolean {
    const { info } = this;
    if (block.fhrHz !== info.fhr_hz || block.tocoHz !== info.toco_hz || block.fhr.length !== info.fetuses) {
      return false;
    }
    if (!this.held.add(block.sequence)) {
      return false;
    }
    const first = this.sampleAt(block.startUs, info.fhr_hz);
    block.fhr.forEach((values, fetus) => this.fhr[fetus]!.write(first, values));
    this.marks.write(first, marksOf(block));
    if (block.mhr !== null) {
      this.hasMhr = true;
      this.mhr.write(first, block.mhr);
    }
    if (block.toco !== null) {
      this.hasToco = true;
      this.toco.write(this.sampleAt(block.startUs, info.toco_hz), block.toco);
    }
    return true;
  }

  /** Device time after the newest sample; null before the first block. */
  get newestUs(): number | null {
    const end = this.marks.end;
    return end === 0 ? null : this.timeOf(end, this.info.fhr_hz);
  }

  /** Takes a finding in, unless a newer revision is known. */
  addFinding(finding: Finding): boolean {
    const known = this.findings.get(finding.number);
    if (known !== undefined && known.revision > finding.revision) {
      return false;
    }
    this.findings.set(finding.number, finding);
    return true;
  }

  /** Takes baseline points in; provisional points do not replace final ones that are newer knowledge. */
  addBaseline(stretch: BaselineStretch): void {
    const ring = this.baseline[stretch.fetus];
    if (ring === undefined || stretch.start_us === null) {
      return;
    }
    const first = this.sampleAt(stretch.start_us, 1);
    if (first >= 0) {
      ring.write(first, stretch.bpm.map((bpm) => (bpm === null ? 0 : Math.round(bpm * 10))));
    }
  }

  /** The newest heart rate of a fetus (or the mother) in the last seconds, bpm; null without signal. */
  current(ring: Ring, withinS: number): number | null {
    for (let number = ring.end - 1; number >= ring.end - withinS * this.info.fhr_hz; number -= 1) {
      const value = ring.at(number);
      if (value !== Ring.GAP && value !== NO_SIGNAL) {
        return value / 4;
      }
    }
    return null;
  }

  /** The newest toco in the last seconds, units; null without. */
  currentToco(withinS: number): number | null {
    for (let number = this.toco.end - 1; number >= this.toco.end - withinS * this.info.toco_hz; number -= 1) {
      const value = this.toco.at(number);
      if (value !== Ring.GAP && value !== NO_TOCO) {
        return value / 2;
      }
    }
    return null;
  }

  /** Number of the sample at a device time, for a channel of this rate. */
  sampleAt(us: number, hz: number): number {
    return Math.round(((us - this.info.start_us) * hz) / 1e6);
  }

  /** Device time of a sample of a channel of this rate. */
  timeOf(number: number, hz: number): number {
    return this.info.start_us + (number * 1e6) / hz;
  }
}

function marksOf(block: Block): Uint8Array {
  const late = block.late ? MARK.late : 0;
  const quality = block.quality?.[0];
  return new Uint8Array(block.fhr[0]!.length).map((_, at) => late | (quality?.[at] ?? 0));
}
