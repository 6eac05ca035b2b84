import { Ring } from "../trace/ring.ts";
import { MARK, NO_SIGNAL, NO_TOCO, type Trace } from "../trace/trace.ts";
import { COLORS, FHR_DASHES } from "./colors.ts";
import type { Geometry } from "./geometry.ts";
import { drawMarks, type MarkNames } from "./marks.ts";
import { drawPaper, haloText } from "./paper.ts";
import { BREAK_BPM, lines, type Stretch, stretches } from "./segments.ts";

/** Shortest loss that gets its own bar, s; shorter ones are seen as breaks of the line. */
const LOST_MIN_S = 2;
/** Height of the bar that shows lost signal. */
const LOST_BAR_PX = 4;

/** What a strip shows beside the samples. */
export interface StripOptions {
  readonly names: MarkNames;
  /** A stretch of time that a person wants to see, device time. */
  readonly focus: readonly [startUs: number, endUs: number] | null;
  /** True if nothing comes any more: the empty paper after the newest sample is a gap. */
  readonly silent: boolean;
}

/** Draws one recording on its paper. */
export function drawStrip(
  context: CanvasRenderingContext2D,
  geometry: Geometry,
  trace: Trace | null,
  options: StripOptions,
): void {
  context.save();
  drawPaper(context, geometry);
  if (trace !== null) {
    drawShades(context, geometry, trace, options);
    drawFocus(context, geometry, options.focus);
    drawBaseline(context, geometry, trace);
    drawToco(context, geometry, trace);
    drawRates(context, geometry, trace);
    drawMovements(context, geometry, trace);
    drawMarks(context, geometry, trace, options.names);
  }
  context.restore();
}

/** Samples of a channel that lie on the paper. */
function visible(geometry: Geometry, trace: Trace, ring: Ring, hz: number): Stretch {
  const first = Math.max(ring.begin, trace.sampleAt(geometry.startUs, hz) - 1, 0);
  return { first, end: Math.min(ring.end, trace.sampleAt(geometry.endUs, hz) + 1) };
}

function drawShades(context: CanvasRenderingContext2D, geometry: Geometry, trace: Trace, options: StripOptions): void {
  const hz = trace.info.fhr_hz;
  const { marks } = trace;
  const { first, end } = visible(geometry, trace, marks, hz);
  const x = (number: number): number => geometry.x(trace.timeOf(number, hz));
  for (const gap of stretches(first, end, (number) => marks.at(number) === Ring.GAP)) {
    hatch(context, x(gap.first), x(gap.end), geometry.height);
  }
  if (options.silent && x(marks.end) < geometry.width) {
    hatch(context, x(marks.end), geometry.width, geometry.height);
  }
  const isLate = (number: number): boolean => marks.at(number) !== Ring.GAP && (marks.at(number) & MARK.late) !== 0;
  for (const late of stretches(first, end, isLate)) {
    const left = Math.max(0, x(late.first));
    context.fillStyle = COLORS.late;
    context.fillRect(left, 0, x(late.end) - left, geometry.height);
    context.font = "10px system-ui, sans-serif";
    context.textAlign = "left";
    context.textBaseline = "middle";
    if (x(late.end) - left > 60) {
      haloText(context, options.names.late, left + 22, geometry.height - 8, COLORS.lateText);
    }
  }
  const ring = trace.fhr[0]!;
  for (const lost of stretches(first, end, (number) => ring.at(number) === NO_SIGNAL)) {
    if (lost.end - lost.first >= LOST_MIN_S * hz) {
      context.fillStyle = COLORS.lost;
      context.fillRect(x(lost.first), geometry.fhrBottom - LOST_BAR_PX, x(lost.end) - x(lost.first), LOST_BAR_PX);
    }
  }
}

/** Oblique lines over a stretch for which nothing was received. */
function hatch(context: CanvasRenderingContext2D, left: number, right: number, height: number): void {
  const from = Math.max(0, left);
  context.save();
  context.beginPath();
  context.rect(from, 0, right - from, height);
  context.clip();
  context.fillStyle = COLORS.gap;
  context.globalAlpha = 0.55;
  context.fillRect(from, 0, right - from, height);
  context.globalAlpha = 1;
  context.strokeStyle = COLORS.gapLine;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = Math.floor((from - height) / 10) * 10; x < right; x += 10) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
  context.restore();
}

function drawFocus(context: CanvasRenderingContext2D, geometry: Geometry, focus: StripOptions["focus"]): void {
  if (focus === null) {
    return;
  }
  const left = Math.max(0, geometry.x(focus[0]));
  const right = Math.min(geometry.width, Math.max(geometry.x(focus[1]), left + 2));
  context.fillStyle = COLORS.focus;
  context.fillRect(left, 0, right - left, geometry.height);
  context.fillStyle = COLORS.focusLine;
  context.fillRect(left, 0, 2, geometry.height);
  context.fillRect(right - 2, 0, 2, geometry.height);
}

function drawRates(context: CanvasRenderingContext2D, geometry: Geometry, trace: Trace): void {
  if (trace.hasMhr) {
    context.setLineDash([2, 2]);
    drawRate(context, geometry, trace, trace.mhr, COLORS.mhr, 1);
  }
  trace.fhr.forEach((ring, fetus) => {
    context.setLineDash([...FHR_DASHES[fetus]!]);
    drawRate(context, geometry, trace, ring, COLORS.fhr[fetus]!, 1.4);
  });
  context.setLineDash([]);
  if (trace.fhr.length > 1) {
    trace.fhr.forEach((ring, fetus) => drawName(context, geometry, trace, ring, `F${fetus + 1}`, COLORS.fhr[fetus]!));
  }
  if (trace.hasMhr) {
    drawName(context, geometry, trace, trace.mhr, "M", COLORS.mhr);
  }
}

function drawRate(
  context: CanvasRenderingContext2D,
  geometry: Geometry,
  trace: Trace,
  ring: Ring,
  color: string,
  lineWidth: number,
): void {
  const hz = trace.info.fhr_hz;
  const { first, end } = visible(geometry, trace, ring, hz);
  context.strokeStyle = color;
  context.lineWidth = lineWidth;
  context.lineJoin = "round";
  context.beginPath();
  for (const line of lines(ring, first, end, NO_SIGNAL, BREAK_BPM * 4)) {
    path(context, line, (number) => geometry.x(trace.timeOf(number, hz)), (number) => geometry.fhrY(ring.at(number) / 4));
  }
  context.stroke();
}

function path(
  context: CanvasRenderingContext2D,
  line: Stretch,
  x: (number: number) => number,
  y: (number: number) => number,
): void {
  context.moveTo(x(line.first), y(line.first));
  if (line.end - line.first === 1) {
    context.lineTo(x(line.first) + 1, y(line.first));
  }
  for (let number = line.first + 1; number < line.end; number += 1) {
    context.lineTo(x(number), y(number));
  }
}

/** The name of a channel at the right end of its line. */
function drawName(
  context: CanvasRenderingContext2D,
  geometry: Geometry,
  trace: Trace,
  ring: Ring,
  name: string,
  color: string,
): void {
  const hz = trace.info.fhr_hz;
  const { first, end } = visible(geometry, trace, ring, hz);
  for (let number = end - 1; number >= Math.max(first, end - 10 * hz); number -= 1) {
    const value = ring.at(number);
    if (value !== Ring.GAP && value !== NO_SIGNAL) {
      context.font = "bold 11px system-ui, sans-serif";
      context.textAlign = "right";
      context.textBaseline = "bottom";
      const x = Math.min(geometry.width - 2, geometry.x(trace.timeOf(number, hz)));
      haloText(context, name, x, Math.max(14, geometry.fhrY(value / 4) - 3), color);
      return;
    }
  }
}

function drawBaseline(context: CanvasRenderingContext2D, geometry: Geometry, trace: Trace): void {
  context.strokeStyle = COLORS.baseline;
  context.lineWidth = 1.6;
  context.setLineDash([7, 4]);
  context.globalAlpha = 0.85;
  context.beginPath();
  for (const ring of trace.baseline) {
    const { first, end } = visible(geometry, trace, ring, 1);
    for (const line of lines(ring, first, end, 0, Infinity)) {
      path(context, line, (number) => geometry.x(trace.timeOf(number, 1)), (number) => geometry.fhrY(ring.at(number) / 10));
    }
  }
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function drawToco(context: CanvasRenderingContext2D, geometry: Geometry, trace: Trace): void {
  const hz = trace.info.toco_hz;
  const { first, end } = visible(geometry, trace, trace.toco, hz);
  context.strokeStyle = COLORS.toco;
  context.lineWidth = 1.2;
  context.beginPath();
  for (const line of lines(trace.toco, first, end, NO_TOCO, Infinity)) {
    path(context, line, (number) => geometry.x(trace.timeOf(number, hz)), (number) => geometry.tocoY(trace.toco.at(number) / 2));
  }
  context.stroke();
}

/** An arrow above the toco for each press of the movement button, as on paper. */
function drawMovements(context: CanvasRenderingContext2D, geometry: Geometry, trace: Trace): void {
  context.fillStyle = COLORS.movement;
  for (const us of trace.movements.values()) {
    const x = geometry.x(us);
    if (x >= 0 && x <= geometry.width) {
      const y = geometry.fhrBottom - 1;
      context.beginPath();
      context.moveTo(x, y - 9);
      context.lineTo(x - 3.5, y);
      context.lineTo(x + 3.5, y);
      context.fill();
    }
  }
}
