import { Geometry, type Scale } from "../chart/geometry.ts";
import { drawStrip } from "../chart/strip.ts";
import type { AlertUpdate, Grade, Numerics } from "../wire/messages.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { type BedState, bedState } from "./freshness.ts";
import { age, condition, shortCondition, t, type Word } from "./i18n.ts";
import type { Shown, Ward } from "./ward.ts";

/** A heart rate older than this is not shown as a figure, s. */
const FIGURE_MAX_S = 5;
/** A person who looked back in time is brought back to live after this, ms. */
const BACK_TO_LIVE_MS = 60_000;

const STATES: Record<BedState, { readonly icon: string; readonly word: Word }> = {
  live: { icon: "●", word: "stateLive" },
  delayed: { icon: "◔", word: "stateDelayed" },
  offline: { icon: "✕", word: "stateOffline" },
  uploading: { icon: "⇪", word: "stateUploading" },
  ended: { icon: "■", word: "stateEnded" },
  none: { icon: "○", word: "stateNone" },
};

const GRADES: Record<Grade, { readonly icon: string; readonly word: Word }> = {
  adequate: { icon: "▂▄▆", word: "gradeAdequate" },
  limited: { icon: "▂▄_", word: "gradeLimited" },
  uninterpretable: { icon: "▂__", word: "gradeUninterpretable" },
};

/** One bed of the wall: label, state, strip and figures of one device. */
export class Bed {
  readonly element: HTMLElement;
  readonly #device: string;
  readonly #ward: Ward;
  readonly #label = h("span", { class: "bed-label" });
  readonly #badge = h("span", { class: "badge-simulated" });
  readonly #state = h("span", { class: "bed-state" });
  readonly #grade = h("span", { class: "bed-grade" });
  readonly #age = h("span", { class: "bed-age" });
  readonly #alert = h("span", { class: "bed-alert" });
  readonly #canvas = h("canvas");
  readonly #figures = h("div", { class: "figures" });
  readonly #back: HTMLButtonElement;
  #focus: { startUs: number; endUs: number; untilMs: number } | null = null;
  #dirty = true;
  #state0: BedState = "none";

  constructor(device: string, ward: Ward) {
    this.#device = device;
    this.#ward = ward;
    this.#back = h("button", { class: "back-to-live", type: "button", hidden: true, onclick: () => this.lookAt(null) });
    this.#canvas.dataset["testid"] = `strip-${device}`;
    this.element = h(
      "section",
      { class: "bed", "data-testid": `bed-${device}`, "aria-label": device },
      h("header", {}, this.#label, this.#badge, this.#alert, h("span", { class: "spring" }), this.#grade, this.#state, this.#age),
      h("div", { class: "bed-body" }, h("div", { class: "strip" }, this.#canvas, this.#back), this.#figures),
    );
  }

  get state(): BedState {
    return this.#state0;
  }

  /** Asks for a new drawing on the next frame. */
  touch(): void {
    this.#dirty = true;
  }

  /** Shows a stretch of time, or the present again. */
  lookAt(interval: readonly [startUs: number, endUs: number] | null): void {
    const untilMs = performance.now() + BACK_TO_LIVE_MS;
    this.#focus = interval === null ? null : { startUs: interval[0], endUs: interval[1], untilMs };
    this.#back.hidden = interval === null;
    this.touch();
  }

  /** Texts, ages and figures; called a few times a second. */
  refresh(nowMs: number, alert: AlertUpdate | undefined): void {
    const device = this.#ward.devices.get(this.#device);
    const shown = this.#ward.shown(this.#device);
    setText(this.#label, device?.label ?? this.#device);
    setText(this.#badge, device?.simulated === true ? t("simulated") : "");
    setText(this.#back, t("backToLive"));
    this.#refreshState(nowMs, shown);
    this.#refreshGrade(shown);
    this.#refreshAlert(alert);
    this.#refreshFigures(nowMs, shown);
    if (this.#focus !== null && nowMs > this.#focus.untilMs) {
      this.lookAt(null);
    }
  }

  /** Draws the strip if anything changed; `moves` says that the paper runs on. */
  draw(nowMs: number, scale: Scale, moves: boolean): void {
    if (!this.#dirty && !(moves && this.#state0 !== "none")) {
      return;
    }
    this.#dirty = false;
    const { width, height } = this.#fit();
    const context = this.#canvas.getContext("2d");
    if (context === null || width === 0) {
      return;
    }
    const shown = this.#ward.shown(this.#device);
    const geometry = new Geometry(width, height, this.#endUs(nowMs, shown, width, scale), scale);
    const focus = this.#focus === null ? null : ([this.#focus.startUs, this.#focus.endUs] as const);
    const names = { late: t("lateData"), short: shortCondition };
    drawStrip(context, geometry, shown?.trace ?? null, { names, focus });
    setAttribute(this.element, "data-painted-us", String(shown?.trace.newestUs ?? 0));
  }

  /** The moment at the right edge: device time runs on with the page's clock after the newest sample. */
  #endUs(nowMs: number, shown: Shown | undefined, width: number, scale: Scale): number {
    const newestUs = shown?.trace.newestUs ?? null;
    if (shown === undefined || newestUs === null || shown.sampledAtMs === null) {
      return this.#ward.serverUs(nowMs) ?? Date.now() * 1000;
    }
    if (this.#focus !== null) {
      const { pxPerS } = new Geometry(width, 100, 0, scale);
      const aroundUs = (width / pxPerS) * 0.5e6;
      return Math.min((this.#focus.startUs + this.#focus.endUs) / 2 + aroundUs, newestUs + 5e6);
    }
    return this.#state0 === "ended" ? newestUs : newestUs + Math.max(0, nowMs - shown.sampledAtMs) * 1000;
  }

  #fit(): { width: number; height: number } {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const ratio = window.devicePixelRatio;
    const [w, hh] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== w || this.#canvas.height !== hh) {
      this.#canvas.width = w;
      this.#canvas.height = hh;
    }
    this.#canvas.getContext("2d")?.setTransform(ratio, 0, 0, ratio, 0, 0);
    return { width, height };
  }

  #refreshState(nowMs: number, shown: Shown | undefined): void {
    const ageS = ageOf(nowMs, shown);
    this.#state0 = bedState({
      ageS,
      sinceLateS: shown?.lateAtMs == null ? null : (nowMs - shown.lateAtMs) / 1000,
      online: this.#ward.statuses.get(this.#device)?.online ?? null,
      stopped: shown?.trace.stoppedUs != null,
    });
    const { icon, word } = STATES[this.#state0];
    setText(this.#state, `${icon} ${t(word)}`);
    setText(this.#age, ageS === null ? "" : t("age", { age: age(ageS) }));
    setAttribute(this.element, "data-state", this.#state0);
    setAttribute(this.element, "data-age-s", ageS === null ? null : ageS.toFixed(0));
  }

  #refreshGrade(shown: Shown | undefined): void {
    const numerics = shown?.numerics.get(0);
    if (numerics === undefined) {
      setText(this.#grade, shown === undefined ? "" : t("gradeUnknown"));
      setAttribute(this.#grade, "data-grade", null);
      return;
    }
    const { icon, word } = GRADES[numerics.grade];
    setText(this.#grade, `${icon} ${t(word)}`);
    setAttribute(this.#grade, "data-grade", numerics.grade);
    setAttribute(this.#grade, "title", t("loss", { percent: Math.round(numerics.loss_ratio * 100) }));
  }

  #refreshAlert(update: AlertUpdate | undefined): void {
    setText(this.#alert, update === undefined ? "" : condition(update.alert.condition));
    setAttribute(this.element, "data-priority", update?.alert.priority ?? null);
    const answered = update?.alert.state === "acknowledged";
    setAttribute(this.element, "data-answered", update === undefined ? null : String(answered));
  }

  #refreshFigures(nowMs: number, shown: Shown | undefined): void {
    const ageS = ageOf(nowMs, shown);
    const fresh = ageS !== null && ageS < FIGURE_MAX_S;
    const rows = shown === undefined ? [] : figures(shown, fresh);
    const text = JSON.stringify(rows);
    if (this.#figures.dataset["shown"] === text) {
      return;
    }
    this.#figures.dataset["shown"] = text;
    this.#figures.replaceChildren(
      ...rows.map(({ kind, name, value }) =>
        h("div", { class: `figure ${kind}` }, h("span", { class: "name" }, name), h("span", { class: "value" }, value)),
      ),
    );
  }
}

/** Age of the newest sample by the page's own clock, s. */
function ageOf(nowMs: number, shown: Shown | undefined): number | null {
  return shown?.sampledAtMs == null ? null : Math.max(0, (nowMs - shown.sampledAtMs) / 1000);
}

interface Figure {
  readonly kind: string;
  readonly name: string;
  readonly value: string;
}

function figures(shown: Shown, fresh: boolean): Figure[] {
  const { trace } = shown;
  const several = trace.fhr.length > 1;
  const whole = (value: number | null): string => (value === null ? "– –" : String(Math.round(value)));
  const figures: Figure[] = trace.fhr.map((ring, fetus) => ({
    kind: `fhr fetus-${fetus + 1}`,
    name: several ? `${t("fhr")} ${fetus + 1}` : t("fhr"),
    value: whole(fresh ? trace.current(ring, FIGURE_MAX_S) : null),
  }));
  const both = (of: (numerics: Numerics) => number | null): string =>
    trace.fhr.map((_, fetus) => whole(of(shown.numerics.get(fetus) ?? NOTHING))).join(" / ");
  figures.push({ kind: "small", name: t("baseline"), value: both((numerics) => numerics.baseline_bpm) });
  figures.push({ kind: "small", name: t("variability"), value: both((numerics) => numerics.variability_bpm) });
  if (trace.hasToco) {
    figures.push({ kind: "small toco", name: t("toco"), value: whole(fresh ? trace.currentToco(FIGURE_MAX_S) : null) });
  }
  if (trace.hasMhr) {
    figures.push({ kind: "small mhr", name: t("mhr"), value: whole(fresh ? trace.current(trace.mhr, FIGURE_MAX_S) : null) });
  }
  return figures;
}

const NOTHING: Numerics = {
  type: "numerics", recording: 0, fetus: 0, at_us: 0,
  baseline_bpm: null, variability_bpm: null, loss_ratio: 1, grade: "uninterpretable",
};
