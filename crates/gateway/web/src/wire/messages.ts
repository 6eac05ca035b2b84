/** Text messages of the viewer protocol, both directions (docs/viewer-protocol.md). */

export type Measurement = readonly [quantity: string, value: number];
export type Priority = "low" | "medium" | "high";
export type AlertState = "raised" | "presented" | "acknowledged" | "resolved";
export type Grade = "uninterpretable" | "limited" | "adequate";

export interface Device {
  readonly device: string;
  readonly label: string;
  readonly simulated: boolean;
}

export interface Method {
  readonly name: string;
  readonly version: number;
}

export interface Finding {
  readonly number: number;
  readonly revision: number;
  readonly fetus: number | null;
  readonly kind: string;
  readonly stage: "provisional" | "final" | "withdrawn";
  readonly start_us: number;
  readonly end_us: number;
  readonly ongoing: boolean;
  readonly known_until_us: number;
  readonly method: Method;
  readonly measurements: readonly Measurement[];
}

export interface Evidence {
  readonly policy: string;
  readonly policy_version: number;
  readonly method: Method | null;
  readonly finding: number | null;
  readonly start_us: number;
  readonly end_us: number;
  readonly value: Measurement | null;
  readonly limit: number | null;
}

export interface Alert {
  readonly id: string;
  readonly recording: string | null;
  readonly device: string | null;
  readonly fetus: number | null;
  readonly condition: string;
  readonly priority: Priority;
  readonly state: AlertState;
  readonly step: number;
  readonly generation: number;
  readonly version: number;
  readonly present: boolean;
  readonly cleared_us: number | null;
  readonly late: boolean;
  readonly episodes: number;
  readonly raised_us: number;
  readonly changed_us: number;
  readonly deadline_us: number | null;
  readonly owner: string | null;
  readonly evidence: Evidence;
}

export interface AlertUpdate {
  readonly alert: Alert;
  readonly recorded: boolean;
}

export interface Welcome {
  readonly type: "welcome";
  readonly protocol: number;
  readonly server_us: number;
  readonly service: string;
  readonly person: string;
  readonly window_s: number;
  readonly beat_ms: number;
  readonly not_live_ms: number;
  readonly late_after_s: number;
}

export interface RecordingInfo {
  readonly type: "recording";
  readonly index: number;
  readonly id: string;
  readonly device: string;
  readonly start_us: number;
  readonly block_length_ms: number;
  readonly fhr_hz: number;
  readonly toco_hz: number;
  readonly fhr_step_quarter_bpm: number;
  readonly fetuses: number;
  readonly stored_through: number | null;
  readonly stopped_us: number | null;
}

export interface DeviceStatus {
  readonly type: "status";
  readonly device: string;
  readonly online: boolean;
  readonly at_us: number | null;
  readonly battery_percent: number | null;
  readonly backlog_blocks: number | null;
}

export interface DeviceEvent {
  readonly type: "event";
  readonly device: string;
  readonly recording: string | null;
  readonly sequence: number;
  readonly at_us: number;
  readonly kind: string;
}

export interface BaselineStretch {
  readonly type: "baseline";
  readonly recording: number;
  readonly fetus: number;
  readonly stage: "provisional" | "final" | null;
  readonly start_us: number | null;
  readonly bpm: readonly (number | null)[];
}

export interface Numerics {
  readonly type: "numerics";
  readonly recording: number;
  readonly fetus: number;
  readonly at_us: number;
  readonly baseline_bpm: number | null;
  readonly variability_bpm: number | null;
  readonly loss_ratio: number;
  readonly grade: Grade;
}

export interface Answer {
  readonly type: "answer";
  readonly request: number;
  readonly ok: boolean;
  readonly reason?: string;
  readonly by?: string | null;
  readonly detail?: string;
}

export type ServerMessage =
  | Welcome
  | { readonly type: "devices"; readonly devices: readonly Device[] }
  | RecordingInfo
  | DeviceStatus
  | DeviceEvent
  | { readonly type: "findings"; readonly recording: number; readonly findings: readonly Finding[] }
  | BaselineStretch
  | Numerics
  | { readonly type: "alerts"; readonly alerts: readonly AlertUpdate[] }
  | ({ readonly type: "alert" } & AlertUpdate)
  | { readonly type: "filled"; readonly recording: number; readonly from: number; readonly to: number }
  | Answer
  | { readonly type: "resync"; readonly dropped: number }
  | { readonly type: "caught_up" }
  | { readonly type: "beat"; readonly server_us: number };

const KNOWN: ReadonlySet<string> = new Set<ServerMessage["type"]>([
  "welcome", "devices", "recording", "status", "event", "findings", "baseline", "numerics",
  "alerts", "alert", "filled", "answer", "resync", "caught_up", "beat",
]);

/** The messages of a text frame; types that a later server may know are passed over. */
export function parseMessages(text: string): ServerMessage[] {
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed)) {
    throw new TypeError("a text frame must hold a list of messages");
  }
  return parsed.filter(isKnown);
}

function isKnown(message: unknown): message is ServerMessage {
  if (typeof message !== "object" || message === null || !("type" in message)) {
    return false;
  }
  return typeof message.type === "string" && KNOWN.has(message.type);
}

export interface Held {
  readonly recording: string;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

export type ClientMessage =
  | { readonly type: "hello"; readonly protocol: 1; readonly window_s: number; readonly held: readonly Held[] }
  | { readonly type: "fill"; readonly recording: string; readonly from: number; readonly to: number }
  | { readonly type: "presented"; readonly alert: string; readonly version: number }
  | { readonly type: "acknowledge"; readonly request: number; readonly alert: string; readonly version: number }
  | {
      readonly type: "resolve";
      readonly request: number;
      readonly alert: string;
      readonly version: number;
      readonly note: string;
    }
  | { readonly type: "beat" };
