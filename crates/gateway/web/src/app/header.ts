import { h, setText } from "./dom.ts";
import type { BedState } from "./freshness.ts";
import { currentLanguage, setLanguage, t } from "./i18n.ts";
import { type Settings, settingsView } from "./settings.ts";
import type { Ward } from "./ward.ts";

export interface HeaderActions {
  change(settings: Settings): void;
  /** The language was switched. */
  language(): void;
  test(): void;
  logout(): void;
}

/** The head line: counts, choices, sound, person, clock. */
export class Header {
  readonly element = h("header", { class: "head" });
  readonly #actions: HeaderActions;
  readonly #counts = h("span", { class: "counts", "data-testid": "counts" });
  readonly #sound = h("button", { type: "button", class: "sound", "data-testid": "sound" });
  readonly #person = h("span", { class: "person", "data-testid": "person" });
  readonly #clock = h("span", { class: "clock" });

  constructor(actions: HeaderActions) {
    this.#actions = actions;
    this.#sound.onclick = () => actions.test();
  }

  /** Builds the line anew in the present language. */
  rename(settings: Settings): void {
    const language = h("button", { type: "button", "data-testid": "language" }, t("language"));
    language.onclick = () => {
      setLanguage(currentLanguage() === "zh" ? "en" : "zh");
      this.#actions.language();
    };
    const logout = h("button", { type: "button", "data-testid": "logout", onclick: () => this.#actions.logout() }, t("logout"));
    this.element.replaceChildren(
      h("img", { src: iconAddress(), alt: "", class: "brand" }), h("h1", {}, t("title")), this.#counts,
      h("span", { class: "spring" }),
      settingsView(settings, (changed) => this.#actions.change(changed)),
      this.#sound, language, this.#person, logout, this.#clock,
    );
  }

  refresh(nowMs: number, ward: Ward, states: readonly BedState[], soundIsOn: boolean): void {
    const count = (...wanted: BedState[]): number => states.filter((state) => wanted.includes(state)).length;
    const texts = [
      `${states.length} ${t("beds")}`,
      t("bedsLive", { count: count("live", "uploading") }),
      t("bedsDelayed", { count: count("delayed") }),
      t("bedsOffline", { count: count("offline") }),
    ];
    setText(this.#counts, ward.welcome === null ? t("connecting") : texts.join(" · "));
    setText(this.#sound, soundIsOn ? `♪ ${t("soundOn")} · ${t("soundTest")}` : `✕ ${t("soundOff")}`);
    this.#sound.classList.toggle("off", !soundIsOn);
    setText(this.#person, ward.welcome?.person ?? "");
    const serverUs = ward.serverUs(nowMs);
    setText(this.#clock, serverUs === null ? "" : new Date(serverUs / 1000).toLocaleTimeString(undefined, { hour12: false }));
    this.#clock.title = t("clock");
  }
}

function iconAddress(): string {
  return document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href ?? "";
}
