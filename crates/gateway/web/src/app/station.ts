import { isAnswered } from "../alerts/alerts.ts";
import type { Alert, Answer, ServerMessage } from "../wire/messages.ts";
import { AlertList } from "./alert_list.ts";
import { Bed } from "./bed.ts";
import { h, setText } from "./dom.ts";
import { isLive } from "./freshness.ts";
import { Header } from "./header.ts";
import { History } from "./history.ts";
import { condition, t } from "./i18n.ts";
import { Link } from "./link.ts";
import { type Settings, storedSettings, storeSettings } from "./settings.ts";
import { Sound } from "./sound.ts";
import { Ward } from "./ward.ts";

/** Time between refreshes of ages, countdowns and the watch over the server, ms. */
const REFRESH_MS = 250;
/** The paper moves on so often even without new samples, in refreshes. */
const MOVE_EVERY = 4;
/** Silence that means NOT LIVE until the server says its own figure, ms. */
const NOT_LIVE_MS = 5_000;
/** Alerts reported as painted in one refresh. */
const PRESENTED_AT_ONCE = 50;

/** The page of a logged-in person: a mirror of the server, its strips, its alerts, its sounds. */
export class Station {
  readonly #ward = new Ward();
  readonly #sound = new Sound();
  readonly #beds = new Map<string, Bed>();
  readonly #requests = new Map<number, string>();
  readonly #presented = new Set<string>();
  readonly #heardLow = new Set<string>();
  readonly #link: Link;
  readonly #header: Header;
  readonly #list: AlertList;
  readonly #wall = h("main", { class: "wall", "data-testid": "wall" });
  readonly #noBeds = h("p", { class: "no-beds" });
  readonly #banner = h("div", { class: "banner-not-live", role: "alert", "data-testid": "banner-not-live", hidden: true });
  readonly #soundOff = h("div", { class: "notice", role: "status", "data-testid": "notice-sound-off" });
  readonly #behind = h("div", { class: "notice", role: "status", hidden: true });
  readonly #alertsTitle = h("h2");
  /** The most urgent alert, for screen readers. */
  readonly #announcement = h("p", { class: "only-heard", "aria-live": "assertive" });
  readonly #support = h("footer", { class: "decision-support" });
  readonly #timer: number;
  readonly #life = new AbortController();
  readonly #history = new History(this.#ward, (device) => {
    this.#touch([device]);
    this.#draw(false);
  });
  #settings: Settings = storedSettings();
  #nextRequest = 1;
  #refreshes = 0;
  #drawing = false;
  #moving = false;
  #ended: () => void = () => undefined;

  constructor() {
    this.#header = new Header({
      change: (settings) => this.#change(settings),
      language: () => this.#rename(),
      test: () => void this.#sound.unlock().then(() => this.#sound.test()),
      logout: () => void fetch("/api/session", { method: "DELETE" }).finally(() => this.#stop()),
    });
    this.#list = new AlertList({
      acknowledge: (alert) => this.#ask(alert, (request) => ({ type: "acknowledge", request, ...named(alert) })),
      resolve: (alert, note) => this.#ask(alert, (request) => ({ type: "resolve", request, ...named(alert), note })),
      show: (alert) => this.#showTrace(alert),
      label: (alert) => this.#labelOf(alert),
      person: () => this.#ward.welcome?.person ?? "",
    });
    this.#link = new Link({
      hello: () => this.#ward.hello(),
      blocks: (blocks) => {
        this.#touch(this.#ward.addBlocks(blocks, performance.now()));
        this.#draw(false);
      },
      messages: (messages) => this.#take(messages),
      sessionEnded: () => this.#stop(),
    });
    this.#timer = window.setInterval(() => this.#refresh(), REFRESH_MS);
    this.#listen();
  }

  /** Shows the page until the session ends. */
  run(): Promise<void> {
    const aside = h("aside", {}, this.#announcement, this.#alertsTitle, this.#soundOff, this.#behind, this.#list.element);
    document.body.replaceChildren(
      h("div", { class: "station" }, this.#header.element, this.#banner, this.#wall, aside, this.#support),
    );
    this.#rename();
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  #listen(): void {
    const unlock = (): void => {
      if (!this.#sound.isOn) {
        void this.#sound.unlock();
      }
    };
    const { signal } = this.#life;
    window.addEventListener("pointerdown", unlock, { signal });
    window.addEventListener("keydown", unlock, { signal });
    window.addEventListener("resize", () => this.#rename(), { signal });
  }

  #stop(): void {
    window.clearInterval(this.#timer);
    this.#life.abort();
    this.#link.stop();
    this.#ended();
  }

  #take(messages: readonly ServerMessage[]): void {
    const changed = this.#ward.addMessages(messages, performance.now());
    for (const message of messages) {
      if (message.type === "answer") {
        this.#answered(message);
      }
    }
    this.#arrangeBeds();
    this.#touch(changed);
    if (messages.some((message) => message.type === "alert" || message.type === "alerts")) {
      this.#refresh();
    }
  }

  #answered(answer: Answer): void {
    const alert = this.#requests.get(answer.request);
    this.#requests.delete(answer.request);
    if (alert !== undefined && !answer.ok) {
      this.#list.refused(alert, answer);
    }
  }

  #ask(alert: Alert, message: (request: number) => Parameters<Link["send"]>[0]): boolean {
    const request = this.#nextRequest;
    this.#nextRequest += 1;
    this.#requests.set(request, alert.id);
    return this.#link.send(message(request));
  }

  #labelOf(alert: Alert): string {
    if (alert.device === null) {
      return t("alertService");
    }
    const shown = alert.recording === null ? undefined : this.#ward.recording(alert.recording);
    const label = this.#ward.devices.get(alert.device)?.label ?? alert.device;
    const several = (shown?.trace.fhr.length ?? 1) > 1 && alert.fetus !== null;
    return several ? `${label} F${(alert.fetus ?? 0) + 1}` : label;
  }

  /** Jumps from an alert to its bed and its stretch of trace. */
  #showTrace(alert: Alert): void {
    const bed = alert.device === null ? undefined : this.#beds.get(alert.device);
    if (bed === undefined) {
      return;
    }
    bed.element.scrollIntoView({ block: "center" });
    bed.element.classList.remove("flash");
    void bed.element.offsetWidth;
    bed.element.classList.add("flash");
    bed.lookAt([alert.evidence.start_us, alert.evidence.end_us]);
  }

  #change(settings: Settings): void {
    this.#settings = settings;
    storeSettings(settings);
    this.#rename();
  }

  /** Everything again, after language or paper changed. */
  #rename(): void {
    document.title = t("title");
    setText(this.#alertsTitle, t("alerts"));
    setText(this.#support, t("decisionSupport"));
    setText(this.#noBeds, t("noBeds"));
    this.#header.rename(this.#settings);
    this.#arrangeBeds();
    this.#refresh();
    this.#touch(this.#beds.keys());
    this.#draw(true);
  }

  #arrangeBeds(): void {
    const devices = [...this.#ward.devices.values()];
    const byLabel = new Intl.Collator(undefined, { numeric: true });
    devices.sort((one, other) => byLabel.compare(one.label, other.label));
    const wanted = devices.map(({ device }) => {
      const bed = this.#beds.get(device) ?? new Bed(device, this.#ward, this.#history, () => this.#draw(false));
      this.#beds.set(device, bed);
      return bed;
    });
    const present = [...this.#wall.children];
    if (wanted.length !== present.length || wanted.some((bed, at) => bed.element !== present[at])) {
      this.#wall.replaceChildren(...wanted.map((bed) => bed.element));
      const known = new Set(devices.map(({ device }) => device));
      [...this.#beds.keys()].filter((device) => !known.has(device)).forEach((device) => this.#beds.delete(device));
    }
    if (wanted.length === 0 && !this.#noBeds.isConnected) {
      this.#wall.append(this.#noBeds);
    }
    const columns = this.#settings.columns === 0 ? columnsFor(wanted.length) : this.#settings.columns;
    this.#wall.style.setProperty("--columns", String(columns));
  }

  #refresh(): void {
    const nowMs = performance.now();
    const serverUs = this.#ward.serverUs(nowMs);
    const notLiveMs = this.#ward.welcome?.not_live_ms ?? NOT_LIVE_MS;
    const live = isLive(this.#link.silenceMs, notLiveMs);
    this.#banner.hidden = live;
    if (!live) {
      const detail = t("notLiveDetail", { seconds: Math.round(this.#link.silenceMs / 1000) });
      this.#banner.replaceChildren(h("strong", {}, t("notLive")), h("span", {}, detail));
    }
    document.body.classList.toggle("not-live", !live);
    const updates = this.#ward.alerts.sorted();
    this.#list.show(updates, serverUs);
    this.#sounds(live);
    this.#beds.forEach((bed, device) => bed.refresh(nowMs, this.#ward.alerts.ofDevice(device), live));
    this.#header.refresh(nowMs, this.#ward, [...this.#beds.values()].map((bed) => bed.state), this.#sound.isOn);
    this.#behind.hidden = !this.#ward.catchingUp || this.#ward.welcome === null;
    setText(this.#behind, t("resync"));
    this.#present();
    this.#title(updates.filter((update) => !isAnswered(update.alert)).map((update) => update.alert));
    this.#refreshes += 1;
    if (this.#refreshes % MOVE_EVERY === 0) {
      this.#ward.fills(nowMs).forEach((fill) => this.#link.send(fill));
      this.#draw(true);
    }
  }

  #sounds(live: boolean): void {
    this.#soundOff.hidden = this.#sound.isOn;
    setText(this.#soundOff, t("soundOffDetail"));
    this.#sound.tick(this.#ward.alerts.sounding(), live);
    for (const { alert } of this.#ward.alerts.sorted()) {
      if (alert.priority === "low" && !alert.late && !isAnswered(alert) && !this.#heardLow.has(alert.id)) {
        this.#heardLow.add(alert.id);
        this.#sound.pulse();
      }
    }
  }

  /** Tells the server which alerts are painted on a visible screen. */
  #present(): void {
    if (document.visibilityState !== "visible") {
      return;
    }
    const fresh = this.#ward.alerts.unpresented().filter((alert) => !this.#presented.has(`${alert.id} ${alert.version}`));
    for (const alert of fresh.slice(0, PRESENTED_AT_ONCE)) {
      // Two frames later the list with this alert has been painted.
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          if (this.#link.send({ type: "presented", ...named(alert) })) {
            this.#presented.add(`${alert.id} ${alert.version}`);
          }
        }),
      );
    }
  }

  /** The most urgent alert stands in the tab as well. */
  #title(unanswered: readonly Alert[]): void {
    const first = unanswered[0];
    const text = first === undefined ? t("title") : `(${unanswered.length}) ${this.#labelOf(first)} ${condition(first.condition)}`;
    if (document.title !== text) {
      document.title = text;
    }
    setText(this.#announcement, first === undefined ? "" : text);
  }

  /** Marks strips for the next drawing; what is not a sample waits for it. */
  #touch(devices: Iterable<string>): void {
    for (const device of devices) {
      this.#beds.get(device)?.touch();
    }
  }

  #draw(moves: boolean): void {
    this.#moving ||= moves;
    if (this.#drawing) {
      return;
    }
    this.#drawing = true;
    requestAnimationFrame(() => {
      const nowMs = performance.now();
      this.#beds.forEach((bed) => bed.draw(nowMs, this.#settings, this.#moving));
      this.#drawing = false;
      this.#moving = false;
    });
  }
}

function named(alert: Alert): { alert: string; version: number } {
  return { alert: alert.id, version: alert.version };
}

function columnsFor(beds: number): number {
  if (window.innerWidth < 900 || beds <= 1) {
    return 1;
  }
  return beds <= 8 ? 2 : beds <= 12 ? 3 : 4;
}
