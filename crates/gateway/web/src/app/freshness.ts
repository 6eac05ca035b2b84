/** How a bed stands; decided from ages that the page measures itself. */
export type BedState = "live" | "delayed" | "offline" | "uploading" | "ended" | "none" | "unknown";

/** A newest sample younger than this is live, s. */
export const LIVE_MAX_S = 5;
/** Without a sample for longer than this the bed counts as offline, s: no deceleration can hide in less. */
export const DELAYED_MAX_S = 15;
/** Figures and grade of an analysis that ended longer ago are not shown, s: they would pass for the present. */
export const FIGURES_MAX_S = DELAYED_MAX_S;
/** Late blocks that came within this time mean that the device is uploading, s. */
const UPLOADING_S = 5;

export interface Signs {
  /** False while the server is silent: then nothing is known of the present. */
  readonly live: boolean;
  /** Age of the newest sample, s; null before the first. */
  readonly ageS: number | null;
  /** Time since a block came that was late, s; null if none did. */
  readonly sinceLateS: number | null;
  /** What the device said last of itself; null if it said nothing. */
  readonly online: boolean | null;
  /** True once the device ended the recording. */
  readonly stopped: boolean;
}

export function bedState(signs: Signs): BedState {
  if (!signs.live) {
    return "unknown";
  }
  if (signs.ageS === null) {
    return signs.stopped ? "ended" : "none";
  }
  if (signs.sinceLateS !== null && signs.sinceLateS < UPLOADING_S) {
    return "uploading";
  }
  if (signs.stopped) {
    return "ended";
  }
  if (signs.ageS < LIVE_MAX_S) {
    return "live";
  }
  return signs.online === false || signs.ageS > DELAYED_MAX_S ? "offline" : "delayed";
}

/** Time after which a page that heard nothing must say so; a second before the limit, so that it is kept on a busy machine too. */
export const NOT_LIVE_MARGIN_MS = 1_000;

export function isLive(silenceMs: number, notLiveMs: number): boolean {
  return silenceMs < notLiveMs - NOT_LIVE_MARGIN_MS;
}
