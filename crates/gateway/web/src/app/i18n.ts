import { CONDITIONS, type Language, QUANTITIES, WORDS } from "./words.ts";

export type Word = keyof typeof WORDS;

const STORED = "maia.language";

let language: Language = initial();

function initial(): Language {
  try {
    const stored = localStorage.getItem(STORED);
    if (stored === "zh" || stored === "en") {
      return stored;
    }
  } catch {
    // Without storage the browser's language counts.
  }
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function currentLanguage(): Language {
  return language;
}

/** Switches the language of everything that is drawn from now on. */
export function setLanguage(next: Language): void {
  language = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // The choice then lasts until the page is reloaded.
  }
}

/** A text of the page, with `{names}` filled in. */
export function t(word: Word, values: Record<string, string | number> = {}): string {
  const text: string = WORDS[word][language === "zh" ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** What a finding's or complaint's code means. */
export function condition(code: string): string {
  return CONDITIONS[code]?.[language === "zh" ? 0 : 1] ?? code;
}

/** The short name of a code, for the paper. */
export function shortCondition(code: string): string {
  return CONDITIONS[code]?.[2][language === "zh" ? 0 : 1] ?? code;
}

/** A measured value with its name and unit. */
export function quantity(code: string, value: number): string {
  const known = QUANTITIES[code];
  if (known === undefined) {
    return `${code} ${value}`;
  }
  return `${known[language === "zh" ? 0 : 1]} ${quantityValue(code, value)}`;
}

/** A value in the unit of its quantity. */
export function quantityValue(code: string, value: number): string {
  const unit = QUANTITIES[code]?.[2] ?? "";
  const shown = unit === "%" ? value * 100 : value;
  return `${Math.round(shown * 10) / 10}${unit === "" ? "" : ` ${unit}`}`;
}

/** A length of time as minutes and seconds, or hours. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 3600) {
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  }
  return `${Math.floor(whole / 3600)}:${String(Math.floor(whole / 60) % 60).padStart(2, "0")} h`;
}

/** An age in one unit. */
export function age(seconds: number): string {
  const [zh, en] =
    seconds < 99.5
      ? [`${Math.round(seconds)} 秒`, `${Math.round(seconds)} s`]
      : seconds < 5970
        ? [`${Math.round(seconds / 60)} 分钟`, `${Math.round(seconds / 60)} min`]
        : [`${Math.round(seconds / 3600)} 小时`, `${Math.round(seconds / 3600)} h`];
  return language === "zh" ? zh : en;
}
