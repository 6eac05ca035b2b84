/** Where things lie on the paper; no drawing here. */

export const FHR_RANGES = { "50-210": [50, 210], "30-240": [30, 240] } as const;
export type FhrRange = keyof typeof FHR_RANGES;
export const SPEEDS_CM_PER_MIN = [1, 2, 3] as const;
export type Speed = (typeof SPEEDS_CM_PER_MIN)[number];

/** Pixels of CSS in a centimetre; real millimetres need a calibrated screen. */
const PX_PER_CM = 96 / 2.54;
const TOCO_MAX = 100;
/** Height of the row between the two charts, which holds the times. */
const TIME_ROW_PX = 15;
/** Height that a label needs. */
const LABEL_PX = 16;
/** Share of the rest that the heart rate gets, as on paper (FHR 8 cm, toco 4 cm). */
const FHR_SHARE = 0.68;

export interface Scale {
  readonly range: FhrRange;
  readonly speed: Speed;
}

/** A paper of some size whose right edge is a moment. */
export class Geometry {
  readonly fhrMin: number;
  readonly fhrMax: number;
  readonly pxPerS: number;
  readonly fhrBottom: number;
  readonly tocoTop: number;

  constructor(
    readonly width: number,
    readonly height: number,
    readonly endUs: number,
    readonly scale: Scale,
  ) {
    [this.fhrMin, this.fhrMax] = FHR_RANGES[scale.range];
    this.pxPerS = (scale.speed * PX_PER_CM) / 60;
    this.fhrBottom = Math.round((height - TIME_ROW_PX) * FHR_SHARE);
    this.tocoTop = this.fhrBottom + TIME_ROW_PX;
  }

  /** The moment at the left edge. */
  get startUs(): number {
    return this.endUs - (this.width / this.pxPerS) * 1e6;
  }

  x(us: number): number {
    return this.width - ((this.endUs - us) / 1e6) * this.pxPerS;
  }

  timeAt(x: number): number {
    return this.endUs - ((this.width - x) / this.pxPerS) * 1e6;
  }

  /** Height of a heart rate; rates beyond the paper lie on its edge. */
  fhrY(bpm: number): number {
    const inside = Math.min(this.fhrMax, Math.max(this.fhrMin, bpm));
    return ((this.fhrMax - inside) / (this.fhrMax - this.fhrMin)) * this.fhrBottom;
  }

  tocoY(units: number): number {
    const inside = Math.min(TOCO_MAX, Math.max(0, units));
    return this.tocoTop + (1 - inside / TOCO_MAX) * (this.height - this.tocoTop - 1);
  }

  /** Heart rates that get a heavy line. */
  fhrHeavyLines(): number[] {
    return steps(Math.ceil(this.fhrMin / 30) * 30, this.fhrMax, 30);
  }

  /** Heart rates that get a label: as many heavy lines as there is room for. */
  fhrLabels(): number[] {
    const roomy = (this.fhrBottom / (this.fhrMax - this.fhrMin)) * 30 >= LABEL_PX;
    return this.fhrHeavyLines().filter((bpm) => roomy || bpm % 60 === 0);
  }

  /** Every tenth heart rate on the paper. */
  fhrLines(): number[] {
    return steps(this.fhrMin, this.fhrMax, 10);
  }

  /** Moments of the 20-s lines on the paper. */
  timeLines(): number[] {
    const stepUs = 20e6;
    return steps(Math.ceil(this.startUs / stepUs) * stepUs, this.endUs, stepUs);
  }

  /** Moments that get a time; at least 90 px apart. */
  timeLabels(): number[] {
    const minutes = [1, 2, 5, 10, 20].find((minutes) => minutes * 60 * this.pxPerS >= 90) ?? 30;
    const stepUs = minutes * 60e6;
    return steps(Math.ceil(this.startUs / stepUs) * stepUs, this.endUs, stepUs);
  }
}

export const TOCO_LINES: readonly number[] = steps(0, TOCO_MAX, 10);
export const TOCO_LABELS: readonly number[] = [0, 50, 100];

function steps(first: number, last: number, step: number): number[] {
  const found: number[] = [];
  for (let value = first; value <= last; value += step) {
    found.push(value);
  }
  return found;
}
