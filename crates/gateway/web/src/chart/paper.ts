import { COLORS } from "./colors.ts";
import { type Geometry, TOCO_LABELS, TOCO_LINES } from "./geometry.ts";

/** Normal range of the baseline, bpm (FIGO 2015; Chinese consensus 2015). */
const NORMAL_BPM = [110, 160] as const;

/** Draws the empty paper: normal band, grid, scales, times. */
export function drawPaper(context: CanvasRenderingContext2D, geometry: Geometry): void {
  const { width, height, fhrBottom, tocoTop } = geometry;
  context.fillStyle = COLORS.paper;
  context.fillRect(0, 0, width, height);
  context.fillStyle = COLORS.band;
  const top = geometry.fhrY(NORMAL_BPM[1]);
  context.fillRect(0, top, width, geometry.fhrY(NORMAL_BPM[0]) - top);
  drawRows(context, geometry);
  drawColumns(context, geometry);
  context.fillStyle = COLORS.paper;
  context.fillRect(0, fhrBottom + 1, width, tocoTop - fhrBottom - 1);
  drawScales(context, geometry);
  drawTimes(context, geometry);
}

function drawRows(context: CanvasRenderingContext2D, geometry: Geometry): void {
  const heavy = new Set(geometry.fhrHeavyLines());
  for (const bpm of geometry.fhrLines()) {
    row(context, geometry.width, geometry.fhrY(bpm), heavy.has(bpm));
  }
  for (const units of TOCO_LINES) {
    row(context, geometry.width, geometry.tocoY(units), TOCO_LABELS.includes(units));
  }
}

function row(context: CanvasRenderingContext2D, width: number, y: number, major: boolean): void {
  context.fillStyle = major ? COLORS.major : COLORS.minor;
  context.fillRect(0, Math.round(y), width, 1);
}

function drawColumns(context: CanvasRenderingContext2D, geometry: Geometry): void {
  for (const us of geometry.timeLines()) {
    context.fillStyle = us % 60e6 === 0 ? COLORS.major : COLORS.minor;
    context.fillRect(Math.round(geometry.x(us)), 0, 1, geometry.height);
  }
}

function drawScales(context: CanvasRenderingContext2D, geometry: Geometry): void {
  context.font = "10px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const bpm of geometry.fhrLabels()) {
    const y = Math.min(geometry.fhrBottom - 6, Math.max(6, geometry.fhrY(bpm)));
    haloText(context, String(bpm), 3, y, COLORS.label);
  }
  for (const units of TOCO_LABELS) {
    const y = Math.min(geometry.height - 6, Math.max(geometry.tocoTop + 6, geometry.tocoY(units)));
    haloText(context, String(units), 3, y, COLORS.label);
  }
}

function drawTimes(context: CanvasRenderingContext2D, geometry: Geometry): void {
  context.textAlign = "center";
  const y = (geometry.fhrBottom + geometry.tocoTop) / 2 + 0.5;
  for (const us of geometry.timeLabels()) {
    const x = geometry.x(us);
    if (x > 16 && x < geometry.width - 16) {
      haloText(context, clock(us), x, y, COLORS.time);
    }
  }
}

/** Text that stays readable over lines. */
export function haloText(context: CanvasRenderingContext2D, text: string, x: number, y: number, color: string): void {
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = COLORS.paper;
  context.strokeText(text, x, y);
  context.fillStyle = color;
  context.fillText(text, x, y);
}

/** Hours and minutes of a moment, by the clock on the wall. */
export function clock(us: number): string {
  const date = new Date(us / 1000);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
