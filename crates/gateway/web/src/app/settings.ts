import { FHR_RANGES, type FhrRange, type Scale, type Speed, SPEEDS_CM_PER_MIN } from "../chart/geometry.ts";
import { h } from "./dom.ts";
import { t, type Word } from "./i18n.ts";

const STORED = "maia.paper";

/** What a person chose for the wall. */
export interface Settings extends Scale {
  /** Beds beside each other; 0 = as many as fit. */
  readonly columns: number;
}

const DEFAULTS: Settings = { range: "50-210", speed: 1, columns: 0 };

export function storedSettings(): Settings {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED) ?? "null");
    return isSettings(stored) ? stored : DEFAULTS;
  } catch {
    return DEFAULTS;
  }
}

function isSettings(value: unknown): value is Settings {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const { range, speed, columns } = value as Partial<Record<keyof Settings, unknown>>;
  const speeds: readonly unknown[] = SPEEDS_CM_PER_MIN;
  return typeof range === "string" && range in FHR_RANGES && speeds.includes(speed) && typeof columns === "number";
}

export function storeSettings(settings: Settings): void {
  try {
    localStorage.setItem(STORED, JSON.stringify(settings));
  } catch {
    // The choice then lasts until the page is reloaded.
  }
}

/** The three choices of the head line. */
export function settingsView(settings: Settings, change: (settings: Settings) => void): HTMLElement {
  const speeds = SPEEDS_CM_PER_MIN.map((speed) => [String(speed), `${speed} cm/min`] as const);
  const ranges = Object.keys(FHR_RANGES).map((range) => [range, range.replace("-", "–")] as const);
  const columns = [0, 1, 2, 3, 4].map((count) => [String(count), count === 0 ? t("automatic") : String(count)] as const);
  return h(
    "div",
    { class: "settings" },
    choice("paperSpeed", speeds, String(settings.speed), (value) => change({ ...settings, speed: Number(value) as Speed })),
    choice("range", ranges, settings.range, (value) => change({ ...settings, range: value as FhrRange })),
    choice("columns", columns, String(settings.columns), (value) => change({ ...settings, columns: Number(value) })),
  );
}

function choice(
  word: Word,
  options: readonly (readonly [value: string, text: string])[],
  chosen: string,
  take: (value: string) => void,
): HTMLElement {
  const select = h(
    "select",
    { "data-testid": `choose-${word}` },
    ...options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
  );
  select.onchange = () => take(select.value);
  return h("label", {}, `${t(word)} `, select);
}
