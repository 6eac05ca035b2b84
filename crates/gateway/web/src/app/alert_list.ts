import { isAnswered } from "../alerts/alerts.ts";
import { clock } from "../chart/paper.ts";
import type { Alert, AlertUpdate, Answer, Priority } from "../wire/messages.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { condition, duration, quantity, quantityValue, t, type Word } from "./i18n.ts";

const PRIORITIES: Record<Priority, { readonly shape: string; readonly word: Word }> = {
  high: { shape: "▲ !!!", word: "priorityHigh" },
  medium: { shape: "◆ !!", word: "priorityMedium" },
  low: { shape: "● !", word: "priorityLow" },
};

export interface AlertActions {
  acknowledge(alert: Alert): boolean;
  resolve(alert: Alert, note: string): boolean;
  show(alert: Alert): void;
  label(alert: Alert): string;
  person(): string;
}

/** One alert of the list; its buttons stay the same nodes, so that a click never misses a redrawn one. */
class Item {
  readonly element: HTMLElement;
  #update: AlertUpdate;
  readonly #actions: AlertActions;
  readonly #priority = h("span", { class: "alert-priority" });
  readonly #title = h("button", { class: "alert-title", type: "button" });
  readonly #why = h("p", { class: "alert-why" });
  readonly #state = h("p", { class: "alert-state" });
  readonly #countdown = h("span", { class: "alert-countdown" });
  readonly #problem = h("p", { class: "alert-problem", role: "status" });
  readonly #acknowledge = h("button", { class: "primary", type: "button" });
  readonly #resolve = h("button", { type: "button" });
  readonly #note = h("textarea", { maxlength: "500", rows: "2" });
  readonly #form: HTMLElement;
  readonly #confirm = h("button", { class: "primary", type: "button" });
  readonly #cancel = h("button", { type: "button" });

  constructor(update: AlertUpdate, actions: AlertActions) {
    this.#update = update;
    this.#actions = actions;
    const { id, device, condition: code } = update.alert;
    this.#form = h("div", { class: "resolve-form", hidden: true }, this.#note, h("div", { class: "row" }, this.#confirm, this.#cancel));
    this.element = h(
      "li",
      { class: "alert", "data-testid": `alert-${id}`, "data-device": device ?? "", "data-condition": code },
      h("div", { class: "row" }, this.#priority, this.#title),
      this.#why, this.#state, h("div", { class: "row" }, this.#acknowledge, this.#resolve, this.#countdown), this.#form, this.#problem,
    );
    this.#acknowledge.dataset["testid"] = `acknowledge-${id}`;
    this.#resolve.dataset["testid"] = `resolve-${id}`;
    this.#note.dataset["testid"] = `resolve-note-${id}`;
    this.#confirm.dataset["testid"] = `resolve-confirm-${id}`;
    this.#listen();
  }

  get alert(): Alert {
    return this.#update.alert;
  }

  take(update: AlertUpdate): void {
    this.#update = update;
  }

  refused(answer: Answer): void {
    setText(this.#problem, refusal(answer));
  }

  refresh(serverUs: number | null): void {
    const { alert, recorded } = this.#update;
    const { shape, word } = PRIORITIES[alert.priority];
    setText(this.#priority, `${shape} ${t(word)}`);
    setText(this.#title, `${this.#actions.label(alert)} · ${condition(alert.condition)}`);
    setAttribute(this.#title, "title", t("showTrace"));
    setText(this.#why, why(alert));
    setText(this.#state, stateText(alert, recorded));
    setText(this.#countdown, countdown(alert, serverUs));
    setAttribute(this.element, "data-priority", alert.priority);
    setAttribute(this.element, "data-state", alert.state);
    setAttribute(this.element, "data-version", String(alert.version));
    setAttribute(this.element, "data-owner", alert.owner);
    const answered = isAnswered(alert);
    this.#acknowledge.hidden = answered;
    this.#resolve.hidden = !answered || !this.#form.hidden;
    setText(this.#acknowledge, t("acknowledge"));
    setAttribute(this.#acknowledge, "title", t("acknowledgeAs", { name: this.#actions.person() }));
    setText(this.#resolve, t("resolve"));
    setText(this.#confirm, t("resolve"));
    setText(this.#cancel, t("cancel"));
    setAttribute(this.#note, "placeholder", t("resolveNote"));
    setAttribute(this.#note, "aria-label", t("resolveNote"));
  }

  #listen(): void {
    this.#title.onclick = () => this.#actions.show(this.alert);
    this.#acknowledge.onclick = () => this.#sent(this.#actions.acknowledge(this.alert));
    this.#resolve.onclick = () => {
      this.#form.hidden = false;
      this.#resolve.hidden = true;
      this.#note.focus();
    };
    this.#cancel.onclick = () => {
      this.#form.hidden = true;
      this.#resolve.hidden = false;
    };
    this.#confirm.onclick = () => this.#sent(this.#actions.resolve(this.alert, this.#note.value));
  }

  #sent(sent: boolean): void {
    setText(this.#problem, sent ? "" : t("sendFailed"));
  }
}

/** The list of open alerts. */
export class AlertList {
  readonly element = h("ul", { class: "alerts", "data-testid": "alerts" });
  readonly #empty = h("p", { class: "no-alerts" });
  readonly #actions: AlertActions;
  readonly #items = new Map<string, Item>();

  constructor(actions: AlertActions) {
    this.#actions = actions;
  }

  /** Shows these alerts in this order. */
  show(updates: readonly AlertUpdate[], serverUs: number | null): void {
    const ids = new Set(updates.map((update) => update.alert.id));
    for (const [id, item] of this.#items) {
      if (!ids.has(id)) {
        item.element.remove();
        this.#items.delete(id);
      }
    }
    updates.forEach((update, position) => {
      const known = this.#items.get(update.alert.id);
      const item = known ?? new Item(update, this.#actions);
      item.take(update);
      item.refresh(serverUs);
      this.#items.set(update.alert.id, item);
      if (this.element.children[position] !== item.element) {
        this.element.insertBefore(item.element, this.element.children[position] ?? null);
      }
    });
    setText(this.#empty, t("noAlerts"));
    if (updates.length === 0 && !this.#empty.isConnected) {
      this.element.append(this.#empty);
    } else if (updates.length > 0) {
      this.#empty.remove();
    }
  }

  /** Says at the alert why an action was refused. */
  refused(alert: string, answer: Answer): void {
    this.#items.get(alert)?.refused(answer);
  }
}

function why(alert: Alert): string {
  const { value, limit } = alert.evidence;
  const parts = [t("alertSince", { time: clock(alert.evidence.start_us) })];
  if (value !== null) {
    parts.push(quantity(value[0], value[1]));
    if (limit !== null) {
      parts.push(t("alertLimit", { limit: quantityValue(value[0], limit) }));
    }
  }
  if (alert.episodes > 1) {
    parts.push(t("alertEpisodes", { count: alert.episodes }));
  }
  return parts.join(" · ");
}

function stateText(alert: Alert, recorded: boolean): string {
  const parts: string[] = [];
  if (alert.state === "acknowledged") {
    parts.push(t("alertAcknowledged", { owner: alert.owner ?? "?" }));
  } else {
    parts.push(t(alert.state === "raised" ? "alertRaised" : "alertPresented"));
  }
  if (alert.step > 0) {
    parts.push(t("alertStep", { step: alert.step }));
  }
  if (!alert.present) {
    parts.push(t("alertCleared"));
  }
  if (alert.late) {
    parts.push(t("alertLate", { time: clock(alert.evidence.start_us) }));
  }
  if (!recorded) {
    parts.push(t("alertNotRecorded"));
  }
  return parts.join(" · ");
}

function countdown(alert: Alert, serverUs: number | null): string {
  if (alert.deadline_us === null || serverUs === null) {
    return "";
  }
  const leftS = (alert.deadline_us - serverUs) / 1e6;
  if (leftS <= 0) {
    return t("alertOverdue");
  }
  const word = alert.state === "acknowledged" ? "alertAgainIn" : "alertEscalatesIn";
  return t(word, { time: duration(Math.ceil(leftS)) });
}

function refusal(answer: Answer): string {
  const by = answer.by ?? "";
  switch (answer.reason) {
    case "already_acknowledged":
      return t("refusedAlreadyAcknowledged", { by });
    case "already_resolved":
    case "unknown_alert":
      return t("refusedAlreadyResolved", { by });
    case "superseded":
      return t("refusedSuperseded");
    case "not_acknowledged":
      return t("refusedNotAcknowledged");
    case "unavailable":
      return t("refusedUnavailable");
    default:
      return t("refusedOther", { detail: answer.detail ?? "" });
  }
}
