import type { Trace } from "../trace/trace.ts";
import type { Finding } from "../wire/messages.ts";
import { COLORS } from "./colors.ts";
import type { Geometry } from "./geometry.ts";
import { haloText } from "./paper.ts";

/** Width at the left edge that belongs to the scales. */
const SCALE_PX = 26;

/** Words on the paper, in the language of the page. */
export interface MarkNames {
  readonly late: string;
  /** The short name of a finding's kind, such as LD. */
  readonly short: (kind: string) => string;
}

/** The number of one quantity of a finding; null where it has none. */
export function measured(finding: Finding, quantity: string): number | null {
  return finding.measurements.find(([name]) => name === quantity)?.[1] ?? null;
}

/** What a mark says: short name, and the numbers that it rests on. */
export function markText(finding: Finding, names: MarkNames): string {
  const amplitude = measured(finding, "amplitude_bpm");
  const duration = measured(finding, "duration_s") ?? (finding.end_us - finding.start_us) / 1e6;
  const sign = finding.kind === "acceleration" ? "+" : "−";
  const parts = [names.short(finding.kind) + (finding.stage === "provisional" ? "?" : "")];
  if (amplitude !== null && (finding.kind === "acceleration" || finding.kind.endsWith("deceleration"))) {
    parts.push(`${sign}${Math.round(amplitude)}`);
  }
  parts.push(`${Math.round(duration)}s${finding.ongoing ? "…" : ""}`);
  return parts.join(" ");
}

/** Draws accelerations, decelerations, contractions and other findings as brackets with their type and numbers. */
export function drawMarks(
  context: CanvasRenderingContext2D,
  geometry: Geometry,
  trace: Trace,
  names: MarkNames,
): void {
  const taken = new Map<string, number>();
  const shown = [...trace.findings.values()].filter((finding) => isOnPaper(finding, geometry));
  shown.sort((one, other) => one.start_us - other.start_us);
  for (const finding of shown) {
    const lane = laneOf(finding, geometry);
    const left = Math.max(0, geometry.x(finding.start_us));
    const right = Math.min(geometry.width, geometry.x(finding.end_us));
    bracket(context, finding, left, right, lane);
    const free = taken.get(lane.name) ?? 0;
    context.font = "10px system-ui, sans-serif";
    const text = markText(finding, names);
    const width = context.measureText(text).width;
    const x = Math.min(Math.max(left, free, SCALE_PX), geometry.width - width - 2);
    if (x >= free) {
      context.textAlign = "left";
      context.textBaseline = "middle";
      haloText(context, text, x, lane.textY, lane.color);
      taken.set(lane.name, x + width + 6);
    }
  }
}

interface Lane {
  readonly name: string;
  readonly y: number;
  readonly textY: number;
  readonly color: string;
}

function isOnPaper(finding: Finding, geometry: Geometry): boolean {
  const drawn = finding.kind !== "communication_loss" && finding.kind !== "signal_loss";
  const inside = finding.end_us > geometry.startUs && finding.start_us < geometry.endUs;
  return drawn && inside && finding.stage !== "withdrawn";
}

function laneOf(finding: Finding, geometry: Geometry): Lane {
  if (finding.kind === "acceleration") {
    return { name: "top", y: 17, textY: 9, color: COLORS.acceleration };
  }
  if (finding.kind.endsWith("deceleration")) {
    return { name: "bottom", y: geometry.fhrBottom - 7, textY: geometry.fhrBottom - 15, color: COLORS.deceleration };
  }
  if (finding.kind === "contraction" || finding.kind === "tachysystole") {
    return { name: "toco", y: geometry.tocoTop + 15, textY: geometry.tocoTop + 7, color: COLORS.contraction };
  }
  return { name: "other", y: 31, textY: 24, color: COLORS.finding };
}

/** A line over the finding's time with feet at its ends; dashed while provisional, open while it lasts. */
function bracket(
  context: CanvasRenderingContext2D,
  finding: Finding,
  left: number,
  right: number,
  lane: Lane,
): void {
  context.strokeStyle = lane.color;
  context.lineWidth = 2;
  context.setLineDash(finding.stage === "provisional" ? [4, 2] : []);
  context.beginPath();
  context.moveTo(left, lane.y + 4);
  context.lineTo(left, lane.y);
  context.lineTo(Math.max(right, left + 2), lane.y);
  if (!finding.ongoing) {
    context.lineTo(Math.max(right, left + 2), lane.y + 4);
  }
  context.stroke();
  context.setLineDash([]);
}
