import { describe, expect, it } from "vitest";

import { Ring } from "../src/trace/ring.ts";
import { Sequences } from "../src/trace/sequences.ts";
import { MARK, Trace } from "../src/trace/trace.ts";
import { block, recording } from "./samples.ts";

/** Repeatable numbers from 0 up to but not including `limit`. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * limit);
  };
}

describe("sequences", () => {
  it("behave like a plain set", () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const next = numbers(seed);
      const sequences = new Sequences();
      const model = new Set<number>();
      for (let step = 0; step < 60; step += 1) {
        const number = next(40);
        expect(sequences.add(number)).toBe(!model.has(number));
        model.add(number);
      }
      const found = sequences.ranges().flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
      expect(found).toEqual([...model].sort((one, other) => one - other));
    }
  });

  it("name the holes, newest first", () => {
    const sequences = new Sequences();
    [0, 1, 5, 9].forEach((number) => sequences.add(number));
    expect(sequences.holes()).toEqual([[6, 8], [2, 4]]);
  });
});

describe("ring", () => {
  it("keeps the newest samples and knows gaps", () => {
    const ring = new Ring(10);
    ring.write(0, [1, 2, 3]);
    ring.write(6, [7, 8]);
    expect([0, 2, 3, 5, 6, 7, 8].map((number) => ring.at(number))).toEqual([1, 3, Ring.GAP, Ring.GAP, 7, 8, Ring.GAP]);
    ring.write(14, [15, 16]);
    expect(ring.begin).toBe(6);
    expect(ring.at(2)).toBe(Ring.GAP);
    expect(ring.at(6)).toBe(7);
    ring.write(4, [5, 6, 70]);
    expect([4, 5, 6].map((number) => ring.at(number))).toEqual([Ring.GAP, Ring.GAP, 70]);
  });

  it("survives a jump over its whole length", () => {
    const ring = new Ring(4);
    ring.write(0, [1, 2, 3, 4]);
    ring.write(1_000_000, [9]);
    expect(ring.at(1_000_000)).toBe(9);
    expect(ring.at(999_999)).toBe(Ring.GAP);
  });
});

describe("trace", () => {
  it("takes blocks in any order, each once", () => {
    const trace = new Trace(recording({}));
    expect([2, 0, 2, 1].map((sequence) => trace.add(block({ sequence })))).toEqual([true, true, false, true]);
    expect(trace.held.ranges()).toEqual([[0, 2]]);
    expect(trace.newestUs).toBe(trace.info.start_us + 3e6);
  });

  it("keeps lost signal and missing blocks apart", () => {
    const trace = new Trace(recording({}));
    trace.add(block({ sequence: 0, fhr: [[0, 560, 560, 0]] }));
    trace.add(block({ sequence: 2 }));
    expect([0, 1, 3, 4].map((number) => trace.fhr[0]!.at(number))).toEqual([0, 560, 0, Ring.GAP]);
  });

  it("knows which samples came late", () => {
    const trace = new Trace(recording({}));
    trace.add(block({ sequence: 0, late: true }));
    trace.add(block({ sequence: 1 }));
    expect([0, 4].map((number) => trace.marks.at(number) & MARK.late)).toEqual([MARK.late, 0]);
  });

  it("refuses a block of another shape", () => {
    const trace = new Trace(recording({ fetuses: 2 }));
    expect(trace.add(block({ sequence: 0 }))).toBe(false);
  });

  it("shows only a fresh heart rate as the present one", () => {
    const trace = new Trace(recording({}));
    trace.add(block({ sequence: 0 }));
    expect(trace.current(trace.fhr[0]!, 5)).toBe(140);
    for (let sequence = 1; sequence <= 5; sequence += 1) {
      trace.add(block({ sequence, fhr: [[0, 0, 0, 0]] }));
    }
    expect(trace.current(trace.fhr[0]!, 5)).toBeNull();
  });

  it("keeps the newest revision of a finding", () => {
    const trace = new Trace(recording({}));
    const finding = {
      number: 1, fetus: 0, kind: "acceleration", stage: "final", start_us: 0, end_us: 1, ongoing: false,
      known_until_us: 1, method: { name: "m", version: 1 }, measurements: [],
    } as const;
    expect(trace.addFinding({ ...finding, revision: 2 })).toBe(true);
    expect(trace.addFinding({ ...finding, revision: 1 })).toBe(false);
    expect(trace.findings.get(1)?.revision).toBe(2);
  });
});
