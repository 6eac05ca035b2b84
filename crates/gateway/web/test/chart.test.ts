import { describe, expect, it } from "vitest";

import { Geometry } from "../src/chart/geometry.ts";
import { markText } from "../src/chart/marks.ts";
import { BREAK_BPM, lines, stretches } from "../src/chart/segments.ts";
import { Ring } from "../src/trace/ring.ts";
import { START_US } from "./samples.ts";

const PX_PER_CM = 96 / 2.54;

describe("geometry", () => {
  it.each([1, 2, 3] as const)("moves the paper at %i cm a minute", (speed) => {
    const geometry = new Geometry(600, 300, START_US, { range: "50-210", speed });
    expect(geometry.x(START_US)).toBe(600);
    expect(geometry.x(START_US) - geometry.x(START_US - 60e6)).toBeCloseTo(speed * PX_PER_CM, 6);
    expect(geometry.timeAt(geometry.x(START_US - 5e6))).toBeCloseTo(START_US - 5e6, -1);
  });

  it("lays heart rates out from the top of the paper to the foot of its part", () => {
    for (const [range, low, high] of [["50-210", 50, 210], ["30-240", 30, 240]] as const) {
      const geometry = new Geometry(600, 300, START_US, { range, speed: 1 });
      expect(geometry.fhrY(high)).toBe(0);
      expect(geometry.fhrY(low)).toBe(geometry.fhrBottom);
      expect(geometry.fhrY((low + high) / 2)).toBeCloseTo(geometry.fhrBottom / 2, 6);
      expect(geometry.fhrY(high + 50)).toBe(0);
      expect(geometry.fhrLines()).toHaveLength((high - low) / 10 + 1);
    }
  });

  it("draws a line every 20 s, on whole minutes too", () => {
    const geometry = new Geometry(600, 300, START_US, { range: "50-210", speed: 3 });
    const found = geometry.timeLines();
    expect(found.every((us) => us % 20e6 === 0)).toBe(true);
    expect(found[1]! - found[0]!).toBe(20e6);
    expect(found.at(-1)).toBeLessThanOrEqual(START_US);
    expect(found[0]).toBeGreaterThanOrEqual(geometry.startUs);
  });

  it("labels fewer rates on a low paper", () => {
    const scale = { range: "30-240", speed: 1 } as const;
    expect(new Geometry(600, 300, START_US, scale).fhrLabels()).toHaveLength(8);
    expect(new Geometry(600, 120, START_US, scale).fhrLabels()).toEqual([60, 120, 180, 240]);
  });
});

describe("lines", () => {
  function ring(values: number[]): Ring {
    const made = new Ring(100);
    made.write(0, values);
    return made;
  }

  it("break at lost signal, gaps and jumps of more than 30 bpm", () => {
    const steps = BREAK_BPM * 4;
    const values = [560, 560, 0, 560, 560 + steps, 560 + 2 * steps + 1, 560, Ring.GAP, 560];
    const found = lines(ring(values), 0, values.length, 0, steps).map(({ first, end }) => [first, end]);
    expect(found).toEqual([[0, 2], [3, 5], [5, 6], [6, 7], [8, 9]]);
  });

  it("are empty where nothing is", () => {
    expect(lines(ring([]), 0, 50, 0, 120)).toEqual([]);
  });

  it("group whatever fulfils a condition", () => {
    expect(stretches(0, 6, (number) => number !== 2)).toEqual([{ first: 0, end: 2 }, { first: 3, end: 6 }]);
  });
});

describe("marks", () => {
  const names = { late: "late", short: (kind: string) => kind.slice(0, 1).toUpperCase() };
  const finding = {
    number: 1, revision: 0, fetus: 0, stage: "final", start_us: 0, end_us: 42e6, ongoing: false, known_until_us: 0,
    method: { name: "m", version: 1 },
  } as const;

  it("tell type, depth and length", () => {
    const deceleration = { ...finding, kind: "late_deceleration", measurements: [["amplitude_bpm", 27.4]] } as const;
    expect(markText(deceleration, names)).toBe("L −27 42s");
    const acceleration = { ...finding, kind: "acceleration", measurements: [["amplitude_bpm", 18]] } as const;
    expect(markText(acceleration, names)).toBe("A +18 42s");
  });

  it("say that they are provisional and not over", () => {
    const going = { ...finding, kind: "contraction", stage: "provisional", ongoing: true, measurements: [["duration_s", 61]] } as const;
    expect(markText(going, names)).toBe("C? 61s…");
  });
});
