import { Alerts } from "../alerts/alerts.ts";
import { Trace } from "../trace/trace.ts";
import type { Block } from "../wire/blocks.ts";
import type {
  ClientMessage, Device, DeviceEvent, DeviceStatus, Held, Numerics, RecordingInfo, ServerMessage, Welcome,
} from "../wire/messages.ts";

/** Trace that the page asks for, s. */
export const WINDOW_S = 1_800;
/** A hole that lasts longer is asked for, ms. */
const HOLE_AFTER_MS = 2_000;
/** A hole that was asked for in vain is asked for again after this, ms. */
const HOLE_AGAIN_MS = 30_000;
/** Most blocks that one `fill` may ask for. */
const FILL_MAX = 1_200;
/** Most holes asked for at once. */
const FILLS_AT_ONCE = 8;
/** Limits of `hello`. */
const HELD_RECORDINGS_MAX = 500;
const HELD_RANGES_MAX = 1_500;

/** One recording on the page, and when its blocks came by the page's own clock. */
export interface Shown {
  readonly trace: Trace;
  readonly numerics: Map<number, Numerics>;
  /** Moment of the page's clock at which the newest sample was taken; null before the first block. */
  sampledAtMs: number | null;
  lateAtMs: number | null;
  readonly holes: Map<number, { seenMs: number; askedMs: number | null }>;
}

/** Everything that the server told: a mirror, per device and recording. */
export class Ward {
  readonly devices = new Map<string, Device>();
  readonly statuses = new Map<string, DeviceStatus>();
  readonly alerts = new Alerts();
  readonly #byId = new Map<string, Shown>();
  readonly #byIndex = new Map<number, Shown>();
  readonly #current = new Map<string, Shown>();
  welcome: Welcome | null = null;
  catchingUp = true;
  #serverMs: { serverUs: number; atMs: number } | null = null;

  /** The service's clock, µs, carried on by the page's own; null before the first beat. */
  serverUs(nowMs: number): number | null {
    return this.#serverMs === null ? null : this.#serverMs.serverUs + (nowMs - this.#serverMs.atMs) * 1000;
  }

  /** The newest recording of a device. */
  shown(device: string): Shown | undefined {
    return this.#current.get(device);
  }

  recording(id: string): Shown | undefined {
    return this.#byId.get(id);
  }

  hello(): ClientMessage {
    const held: Held[] = [];
    let rangesLeft = HELD_RANGES_MAX;
    for (const { trace } of this.#byId.values()) {
      const ranges = trace.held.ranges().slice(-Math.max(0, rangesLeft));
      if (ranges.length > 0 && held.length < HELD_RECORDINGS_MAX && rangesLeft > 0) {
        held.push({ recording: trace.info.id, ranges });
        rangesLeft -= ranges.length;
      }
    }
    return { type: "hello", protocol: 1, window_s: WINDOW_S, held };
  }

  /** Takes blocks in; the devices whose strips changed. */
  addBlocks(blocks: readonly Block[], nowMs: number): Set<string> {
    const changed = new Set<string>();
    for (const block of blocks) {
      const shown = this.#byIndex.get(block.recording);
      if (shown === undefined) {
        continue;
      }
      if (this.#addBlock(shown, block, nowMs)) {
        changed.add(shown.trace.info.device);
      }
    }
    return changed;
  }

  /** Takes blocks from long ago in, which say nothing about the present; true if any was new. */
  addHistory(shown: Shown, blocks: readonly Block[]): boolean {
    return blocks.filter((block) => shown.trace.add(block)).length > 0;
  }

  #addBlock(shown: Shown, block: Block, nowMs: number): boolean {
    const newestBefore = shown.trace.newestUs;
    if (!shown.trace.add(block)) {
      return false;
    }
    const newest = shown.trace.newestUs;
    if (newest !== null && newest !== newestBefore) {
      shown.sampledAtMs = this.#sampledAt(shown, newest, block, nowMs);
    }
    if (block.late && !this.catchingUp) {
      shown.lateAtMs = nowMs;
    }
    return true;
  }

  /** Takes messages in; the devices whose beds changed, or all. */
  addMessages(messages: readonly ServerMessage[], nowMs: number): Set<string> {
    const changed = new Set<string>();
    for (const message of messages) {
      this.#add(message, nowMs, changed);
    }
    return changed;
  }

  /** Requests for holes that have lasted too long. */
  fills(nowMs: number): ClientMessage[] {
    const fills: ClientMessage[] = [];
    for (const { trace, holes } of this.#byId.values()) {
      const open = trace.held.holes();
      const firsts = new Set(open.map(([first]) => first));
      [...holes.keys()].filter((first) => !firsts.has(first)).forEach((first) => holes.delete(first));
      for (const [first, last] of open) {
        const hole = holes.get(first) ?? { seenMs: nowMs, askedMs: null };
        holes.set(first, hole);
        const waitMs = hole.askedMs === null ? nowMs - hole.seenMs - HOLE_AFTER_MS : nowMs - hole.askedMs - HOLE_AGAIN_MS;
        if (waitMs >= 0 && fills.length < FILLS_AT_ONCE) {
          hole.askedMs = nowMs;
          const from = Math.max(first, last - FILL_MAX + 1);
          fills.push({ type: "fill", recording: trace.info.id, from, to: last });
        }
      }
    }
    return fills;
  }

  /** When the newest sample was taken: now less its delay, if it came live; else by the service's clock. */
  #sampledAt(shown: Shown, newestUs: number, block: Block, nowMs: number): number {
    if (!this.catchingUp) {
      return nowMs - Math.max(0, block.delayMs);
    }
    const serverUs = this.serverUs(nowMs);
    const agesMs = serverUs === null ? 0 : (serverUs - newestUs) / 1000;
    return Math.max(shown.sampledAtMs ?? -Infinity, nowMs - Math.max(0, agesMs));
  }

  #add(message: ServerMessage, nowMs: number, changed: Set<string>): void {
    switch (message.type) {
      case "welcome":
        this.welcome = message;
        this.catchingUp = true;
        this.#byIndex.clear();
        this.#serverMs = { serverUs: message.server_us, atMs: nowMs };
        return;
      case "beat":
        this.#serverMs = { serverUs: message.server_us, atMs: nowMs };
        return;
      case "devices":
        this.devices.clear();
        message.devices.forEach((device) => this.devices.set(device.device, device));
        return;
      case "recording":
        this.#show(message);
        changed.add(message.device);
        return;
      case "status":
        this.statuses.set(message.device, message);
        changed.add(message.device);
        return;
      case "event":
        this.#event(message);
        changed.add(message.device);
        return;
      case "alerts":
        this.alerts.replace(message.alerts);
        return;
      case "alert":
        this.alerts.apply(message);
        return;
      case "resync":
        this.catchingUp = true;
        return;
      case "caught_up":
        this.catchingUp = false;
        return;
      case "findings":
      case "baseline":
      case "numerics":
        this.#learn(message, changed);
        return;
      case "filled":
      case "answer":
        return;
    }
  }

  #learn(message: Extract<ServerMessage, { type: "findings" | "baseline" | "numerics" }>, changed: Set<string>): void {
    const shown = this.#byIndex.get(message.recording);
    if (shown === undefined) {
      return;
    }
    changed.add(shown.trace.info.device);
    switch (message.type) {
      case "findings":
        message.findings.forEach((finding) => shown.trace.addFinding(finding));
        return;
      case "baseline":
        shown.trace.addBaseline(message);
        return;
      case "numerics":
        shown.numerics.set(message.fetus, message);
        return;
    }
  }

  #show(info: RecordingInfo): void {
    const known = this.#byId.get(info.id);
    const shown: Shown = known ?? {
      trace: new Trace(info),
      numerics: new Map(),
      sampledAtMs: null,
      lateAtMs: null,
      holes: new Map(),
    };
    this.#byId.set(info.id, shown);
    this.#byIndex.set(info.index, shown);
    const current = this.#current.get(info.device);
    if (current === undefined || current.trace.info.start_us < info.start_us) {
      this.#current.set(info.device, shown);
      if (current !== undefined) {
        this.#forgetOlderThan(current.trace.info);
      }
    }
  }

  /** Keeps the present and the last recording of a device. */
  #forgetOlderThan(last: RecordingInfo): void {
    for (const [id, { trace }] of this.#byId) {
      if (trace.info.device === last.device && trace.info.start_us < last.start_us) {
        this.#byId.delete(id);
      }
    }
  }

  #event(event: DeviceEvent): void {
    const shown = event.recording === null ? undefined : this.#byId.get(event.recording);
    if (event.kind === "stop" && shown !== undefined) {
      shown.trace.stoppedUs = event.at_us;
    }
    if (event.kind === "movement") {
      shown?.trace.movements.set(event.sequence, event.at_us);
    }
  }
}
