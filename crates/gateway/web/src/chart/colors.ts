/** Colours of the paper; alarm colours (red, yellow, cyan) are not used for traces. */
export const COLORS = {
  paper: "#fffdf8",
  band: "#eaf6ec",
  minor: "#f4dcd6",
  major: "#e6b8ad",
  label: "#8a5a4e",
  time: "#5b4a45",
  fhr: ["#14325c", "#8a1f7d", "#1f6b3a"],
  mhr: "#c05a12",
  toco: "#33424f",
  baseline: "#0d8a80",
  gap: "#d9d6d0",
  gapLine: "#b9b4aa",
  lost: "#8d8d8d",
  late: "rgba(88, 80, 190, 0.13)",
  lateText: "#4a43a0",
  acceleration: "#1c7c43",
  deceleration: "#b3261e",
  contraction: "#4a5a68",
  movement: "#14325c",
  finding: "#7a4b00",
  focus: "rgba(20, 90, 200, 0.12)",
  focusLine: "#1459c8",
} as const;

/** Dashes of the first, second and third fetus, so that colour is never alone. */
export const FHR_DASHES: readonly (readonly number[])[] = [[], [5, 2], [1.5, 1.5]];
