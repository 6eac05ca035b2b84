import { Ring } from "../trace/ring.ts";

/** A jump between neighbors that no heart makes: the line is broken there, bpm. */
export const BREAK_BPM = 30;

/** A stretch of samples from `first` up to but not including `end`. */
export interface Stretch {
  readonly first: number;
  readonly end: number;
}

/** Stretches of heart rate to draw as one line: without gaps, without lost signal, without jumps. */
export function lines(ring: Ring, first: number, end: number, absent: number, breakAt: number): Stretch[] {
  const found: Stretch[] = [];
  let start = -1;
  let before = absent;
  for (let number = first; number < end; number += 1) {
    const value = ring.at(number);
    const drawn = value !== Ring.GAP && value !== absent;
    const breaks = !drawn || (start >= 0 && Math.abs(value - before) > breakAt);
    if (breaks && start >= 0) {
      found.push({ first: start, end: number });
      start = -1;
    }
    if (drawn && start < 0) {
      start = number;
    }
    before = value;
  }
  if (start >= 0) {
    found.push({ first: start, end });
  }
  return found;
}

/** Stretches of samples that fulfil a condition. */
export function stretches(first: number, end: number, holds: (number: number) => boolean): Stretch[] {
  const found: Stretch[] = [];
  let start = -1;
  for (let number = first; number < end; number += 1) {
    const inside = holds(number);
    if (inside && start < 0) {
      start = number;
    } else if (!inside && start >= 0) {
      found.push({ first: start, end: number });
      start = -1;
    }
  }
  if (start >= 0) {
    found.push({ first: start, end });
  }
  return found;
}
