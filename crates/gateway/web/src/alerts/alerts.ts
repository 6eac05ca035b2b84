import type { Alert, AlertUpdate, Priority } from "../wire/messages.ts";

const RANK: Record<Priority, number> = { high: 3, medium: 2, low: 1 };

/** The server's open alerts, mirrored; nothing is decided here. */
export class Alerts {
  readonly #open = new Map<string, AlertUpdate>();
  #sorted: readonly AlertUpdate[] | null = null;
  #firstByDevice = new Map<string, AlertUpdate>();

  /** Takes one alert over; false if a newer version is known already. */
  apply(update: AlertUpdate): boolean {
    const known = this.#open.get(update.alert.id);
    if (known !== undefined && !isNewer(update, known)) {
      return false;
    }
    this.#sorted = null;
    if (update.alert.state === "resolved") {
      return this.#open.delete(update.alert.id);
    }
    this.#open.set(update.alert.id, update);
    return true;
  }

  /** Takes the whole list over: what is not in it is no longer open. */
  replace(updates: readonly AlertUpdate[]): void {
    const ids = new Set(updates.map((update) => update.alert.id));
    for (const id of [...this.#open.keys()].filter((id) => !ids.has(id))) {
      this.#open.delete(id);
      this.#sorted = null;
    }
    updates.forEach((update) => this.apply(update));
  }

  get(id: string): AlertUpdate | undefined {
    return this.#open.get(id);
  }

  /** Unanswered before answered, then the most urgent, then the oldest first. */
  sorted(): readonly AlertUpdate[] {
    if (this.#sorted === null) {
      this.#sorted = this.#inOrder();
      const devices = this.#sorted.map((update) => [update.alert.device ?? "", update] as const);
      this.#firstByDevice = new Map(devices.reverse());
    }
    return this.#sorted;
  }

  #inOrder(): AlertUpdate[] {
    const order = (one: AlertUpdate, other: AlertUpdate): number =>
      Number(isAnswered(one.alert)) - Number(isAnswered(other.alert)) ||
      RANK[other.alert.priority] - RANK[one.alert.priority] ||
      one.alert.raised_us - other.alert.raised_us;
    return [...this.#open.values()].sort(order);
  }

  /** The most urgent unanswered alert of a device; what is answered comes after. */
  ofDevice(device: string): AlertUpdate | undefined {
    this.sorted();
    return this.#firstByDevice.get(device);
  }

  /** Alerts that nobody has on a screen yet. */
  unpresented(): Alert[] {
    return [...this.#open.values()].map((update) => update.alert).filter((alert) => alert.state === "raised");
  }

  /** The priority that shall sound: the highest that nobody answers for. Late data never sounds. */
  sounding(): Priority | null {
    const unanswered = this.sorted().find((update) => !isAnswered(update.alert) && !update.alert.late);
    return unanswered?.alert.priority ?? null;
  }

  get size(): number {
    return this.#open.size;
  }
}

export function isAnswered(alert: Alert): boolean {
  return alert.state === "acknowledged" || alert.state === "resolved";
}

function isNewer(update: AlertUpdate, known: AlertUpdate): boolean {
  return (
    update.alert.version > known.alert.version ||
    (update.alert.version === known.alert.version && update.recorded && !known.recorded)
  );
}
