import { Geometry, type Scale } from "../chart/geometry.ts";
import { drawStrip } from "../chart/strip.ts";
import type { AlertUpdate, Grade, Numerics } from "../wire/messages.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { type BedState, bedState, FIGURES_MAX_S, LIVE_MAX_S } from "./freshness.ts";
import type { History } from "./history.ts";
import { age, condition, shortCondition, t, type Word } from "./i18n.ts";
import type { Shown, Ward } from "./ward.ts";

/** Share of the paper's width that one step of the wheel or an arrow key moves. */
const SCROLL_SHARE = 0.25;
/** A person who looked back in time is brought back to live after this, ms. */
const BACK_TO_LIVE_MS = 60_000;

const STATES: Record<BedState, { readonly icon: string; readonly word: Word }> = {
  live: { icon: "●", word: "stateLive" },
  delayed: { icon: "◔", word: "stateDelayed" },
  offline: { icon: "✕", word: "stateOffline" },
  uploading: { icon: "⇪", word: "stateUploading" },
  ended: { icon: "■", word: "stateEnded" },
  none: { icon: "○", word: "stateNone" },
  unknown: { icon: "?", word: "stateUnknown" },
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
  readonly #history: History;
  readonly #redraw: () => void;
  readonly #label = h("span", { class: "bed-label" });
  readonly #badge = h("span", { class: "badge-simulated" });
  readonly #state = h("span", { class: "bed-state" });
  readonly #grade = h("span", { class: "bed-grade" });
  readonly #age = h("span", { class: "bed-age" });
  readonly #alert = h("span", { class: "bed-alert" });
  readonly #canvas = h("canvas");
  readonly #figures = h("div", { class: "figures" });
  readonly #back: HTMLButtonElement;
  /** What a person looks back at: the right edge, and the stretch to mark. */
  #look: { endUs: number; focus: readonly [startUs: number, endUs: number] | null; untilMs: number } | null = null;
  #geometry: Geometry | null = null;
  #dirty = true;
  #state0: BedState = "none";

  constructor(device: string, ward: Ward, history: History, redraw: () => void) {
    this.#redraw = redraw;
    this.#device = device;
    this.#ward = ward;
    this.#history = history;
    this.#back = h("button", { class: "back-to-live", type: "button", hidden: true, onclick: () => this.lookAt(null) });
    this.#canvas.dataset["testid"] = `strip-${device}`;
    this.#canvas.tabIndex = 0;
    this.#listen();
    this.element = h(
      "section",
      { class: "bed", "data-testid": `bed-${device}`, "aria-label": device },
      h("header", {}, this.#label, this.#badge, this.#alert, h("span", { class: "spring" }), this.#state, this.#age),
      h("div", { class: "bed-body" }, h("div", { class: "strip" }, this.#canvas, this.#back), h("div", { class: "side" }, this.#figures, this.#grade)),
    );
  }

  get state(): BedState {
    return this.#state0;
  }

  /** Asks for a new drawing on the next frame. */
  touch(): void {
    this.#dirty = true;
  }

  /** Shows a stretch of time in the middle of the paper, or the present again. */
  lookAt(focus: readonly [startUs: number, endUs: number] | null): void {
    const geometry = this.#geometry;
    if (focus === null || geometry === null) {
      this.#look = null;
    } else {
      const halfUs = (geometry.endUs - geometry.startUs) / 2;
      this.#lookFrom((focus[0] + focus[1]) / 2 + halfUs, focus);
    }
    this.#back.hidden = this.#look === null;
    this.touch();
    this.#redraw();
  }

  /** Moves the paper by a share of its width; past the newest sample it is the present again. */
  scroll(share: number): void {
    const geometry = this.#geometry;
    if (geometry !== null) {
      this.#lookFrom(geometry.endUs + (geometry.endUs - geometry.startUs) * share, this.#look?.focus ?? null);
      this.#back.hidden = this.#look === null;
      this.touch();
      this.#redraw();
    }
  }

  #lookFrom(endUs: number, focus: readonly [startUs: number, endUs: number] | null): void {
    const trace = this.#ward.shown(this.#device)?.trace;
    const newestUs = trace?.newestUs ?? null;
    const geometry = this.#geometry;
    if (trace === undefined || newestUs === null || geometry === null) {
      return;
    }
    const widthUs = geometry.endUs - geometry.startUs;
    const wantedUs = Math.max(endUs, trace.info.start_us + widthUs);
    if (wantedUs >= newestUs && focus === null) {
      this.#look = null;
      return;
    }
    const rightUs = Math.min(wantedUs, newestUs + 5e6);
    this.#look = { endUs: rightUs, focus, untilMs: performance.now() + BACK_TO_LIVE_MS };
    this.#history.need(this.#device, rightUs - widthUs, rightUs);
  }

  #listen(): void {
    this.#canvas.addEventListener(
      "wheel",
      (event) => {
        if (event.deltaX !== 0 || event.shiftKey) {
          event.preventDefault();
          this.scroll(Math.sign(event.deltaX || event.deltaY) * SCROLL_SHARE);
        }
      },
      { passive: false },
    );
    this.#canvas.addEventListener("keydown", (event) => {
      const shares: Record<string, number> = { ArrowLeft: -SCROLL_SHARE, ArrowRight: SCROLL_SHARE, PageUp: -1, PageDown: 1 };
      const share = shares[event.key];
      if (share !== undefined) {
        event.preventDefault();
        this.scroll(share);
      } else if (event.key === "Home" || event.key === "Escape") {
        this.lookAt(null);
      }
    });
    let grabbedX: number | null = null;
    this.#canvas.addEventListener("pointerdown", (event) => {
      grabbedX = event.clientX;
      this.#canvas.setPointerCapture(event.pointerId);
    });
    this.#canvas.addEventListener("pointermove", (event) => {
      const moved = grabbedX === null ? 0 : grabbedX - event.clientX;
      if (Math.abs(moved) > 3) {
        this.scroll(moved / this.#canvas.clientWidth);
        grabbedX = event.clientX;
      }
    });
    const release = (): void => {
      grabbedX = null;
    };
    this.#canvas.addEventListener("pointerup", release);
    this.#canvas.addEventListener("pointercancel", release);
  }

  /** Texts, ages and figures; called a few times a second. Nothing is known of the present unless `live`. */
  refresh(nowMs: number, alert: AlertUpdate | undefined, live: boolean): void {
    const device = this.#ward.devices.get(this.#device);
    const shown = this.#ward.shown(this.#device);
    setText(this.#label, device?.label ?? this.#device);
    setText(this.#badge, device?.simulated === true ? t("simulated") : "");
    setText(this.#back, t("backToLive"));
    const ageS = ageOf(nowMs, shown);
    this.#refreshState(nowMs, shown, ageS, live);
    this.#refreshGrade(shown, live ? ageS : null);
    this.#refreshAlert(alert);
    this.#refreshFigures(shown, live ? ageS : null);
    if (this.#look !== null && nowMs > this.#look.untilMs) {
      this.lookAt(null);
    }
  }

  /** Draws the strip if anything changed; `moves` says that the paper runs on. */
  draw(nowMs: number, scale: Scale, moves: boolean): void {
    const running = this.#state0 !== "none" && this.#state0 !== "ended";
    if (!this.#dirty && !(moves && running)) {
      return;
    }
    this.#dirty = false;
    const { width, height } = this.#fit();
    const context = this.#canvas.getContext("2d");
    if (context === null || width === 0) {
      return;
    }
    const shown = this.#ward.shown(this.#device);
    this.#geometry = new Geometry(width, height, this.#endUs(nowMs, shown), scale);
    const names = { late: t("lateData"), short: shortCondition };
    const silent = this.#state0 !== "live" && this.#state0 !== "ended";
    drawStrip(context, this.#geometry, shown?.trace ?? null, { names, silent, focus: this.#look?.focus ?? null });
    setAttribute(this.element, "data-painted-us", String(shown?.trace.newestUs ?? 0));
  }

  /** The moment at the right edge: device time runs on with the page's clock after the newest sample. */
  #endUs(nowMs: number, shown: Shown | undefined): number {
    const newestUs = shown?.trace.newestUs ?? null;
    if (shown === undefined || newestUs === null || shown.sampledAtMs === null) {
      return this.#ward.serverUs(nowMs) ?? Date.now() * 1000;
    }
    if (this.#look !== null) {
      return this.#look.endUs;
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

  #refreshState(nowMs: number, shown: Shown | undefined, ageS: number | null, live: boolean): void {
    this.#state0 = bedState({
      live,
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

  #refreshGrade(shown: Shown | undefined, ageS: number | null): void {
    const numerics = worst(shown);
    if (numerics === null || ageS === null || ageS > FIGURES_MAX_S) {
      setText(this.#grade, ageS === null || ageS > FIGURES_MAX_S ? "" : t("gradeUnknown"));
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

  #refreshFigures(shown: Shown | undefined, ageS: number | null): void {
    const rows = shown === undefined ? [] : figures(shown, ageS ?? Infinity);
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

/** The figures of the fetus whose signal is worst. */
function worst(shown: Shown | undefined): Numerics | null {
  const all = [...(shown?.numerics.values() ?? [])];
  return all.sort((one, other) => other.loss_ratio - one.loss_ratio)[0] ?? null;
}

interface Figure {
  readonly kind: string;
  readonly name: string;
  readonly value: string;
}

function figures(shown: Shown, ageS: number): Figure[] {
  const { trace } = shown;
  const fresh = ageS < LIVE_MAX_S;
  const analysed = ageS < FIGURES_MAX_S;
  const several = trace.fhr.length > 1;
  const whole = (value: number | null): string => (value === null ? "– –" : String(Math.round(value)));
  const figures: Figure[] = trace.fhr.map((ring, fetus) => ({
    kind: `fhr fetus-${fetus + 1}`,
    name: several ? `${t("fhr")} ${fetus + 1}` : t("fhr"),
    value: whole(fresh ? trace.current(ring, LIVE_MAX_S) : null),
  }));
  const both = (of: (numerics: Numerics) => number | null): string =>
    trace.fhr.map((_, fetus) => whole(analysed ? of(shown.numerics.get(fetus) ?? NOTHING) : null)).join(" / ");
  figures.push({ kind: "small", name: t("baseline"), value: both((numerics) => numerics.baseline_bpm) });
  figures.push({ kind: "small", name: t("variability"), value: both((numerics) => numerics.variability_bpm) });
  if (trace.hasToco) {
    figures.push({ kind: "small toco", name: t("toco"), value: whole(fresh ? trace.currentToco(LIVE_MAX_S) : null) });
  }
  if (trace.hasMhr) {
    figures.push({ kind: "small mhr", name: t("mhr"), value: whole(fresh ? trace.current(trace.mhr, LIVE_MAX_S) : null) });
  }
  return figures;
}

const NOTHING: Numerics = {
  type: "numerics", recording: 0, fetus: 0, at_us: 0,
  baseline_bpm: null, variability_bpm: null, loss_ratio: 1, grade: "uninterpretable",
};
