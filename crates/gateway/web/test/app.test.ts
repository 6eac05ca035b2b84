import { beforeAll, describe, expect, it, vi } from "vitest";

import codes from "../../../ctg/src/codes.rs?raw";
import { Alerts } from "../src/alerts/alerts.ts";
import { bedState, isLive } from "../src/app/freshness.ts";
import { CONDITIONS, QUANTITIES, WORDS } from "../src/app/words.ts";
import { Ward } from "../src/app/ward.ts";
import { alert, block, recording, START_US } from "./samples.ts";

describe("alerts", () => {
  it("keep the newest version and forget what is resolved", () => {
    const alerts = new Alerts();
    expect(alerts.apply({ alert: alert({ version: 2 }), recorded: true })).toBe(true);
    expect(alerts.apply({ alert: alert({ version: 1 }), recorded: true })).toBe(false);
    expect(alerts.apply({ alert: alert({ version: 3, state: "resolved" }), recorded: true })).toBe(true);
    expect(alerts.size).toBe(0);
  });

  it("take the same version again when it is recorded", () => {
    const alerts = new Alerts();
    alerts.apply({ alert: alert({}), recorded: false });
    expect(alerts.apply({ alert: alert({}), recorded: true })).toBe(true);
    expect(alerts.get("a")?.recorded).toBe(true);
  });

  it("drop what the server no longer lists", () => {
    const alerts = new Alerts();
    alerts.apply({ alert: alert({ id: "old" }), recorded: true });
    alerts.replace([{ alert: alert({ id: "new" }), recorded: true }]);
    expect(alerts.sorted().map((update) => update.alert.id)).toEqual(["new"]);
  });

  it("stand in order of urgency, unanswered first, and the oldest first", () => {
    const alerts = new Alerts();
    alerts.apply({ alert: alert({ id: "answered", priority: "high", state: "acknowledged" }), recorded: true });
    alerts.apply({ alert: alert({ id: "low", priority: "low" }), recorded: true });
    alerts.apply({ alert: alert({ id: "younger", raised_us: START_US + 5 }), recorded: true });
    alerts.apply({ alert: alert({ id: "older" }), recorded: true });
    expect(alerts.sorted().map((update) => update.alert.id)).toEqual(["older", "younger", "low", "answered"]);
    expect(alerts.ofDevice("belt-01")?.alert.id).toBe("older");
  });

  it("sound by the highest unanswered priority, never for late data", () => {
    const alerts = new Alerts();
    expect(alerts.sounding()).toBeNull();
    alerts.apply({ alert: alert({ id: "late", priority: "high", late: true }), recorded: true });
    expect(alerts.sounding()).toBeNull();
    alerts.apply({ alert: alert({ id: "live", priority: "medium" }), recorded: true });
    expect(alerts.sounding()).toBe("medium");
    alerts.apply({ alert: alert({ id: "live", priority: "medium", version: 2, state: "acknowledged" }), recorded: true });
    expect(alerts.sounding()).toBeNull();
  });
});

describe("freshness", () => {
  const signs = { live: true, ageS: 1, sinceLateS: null, online: true, stopped: false };

  it.each([
    [{}, "live"],
    [{ ageS: 6 }, "delayed"],
    [{ ageS: 16 }, "offline"],
    [{ ageS: 6, online: false }, "offline"],
    [{ ageS: 600, sinceLateS: 1 }, "uploading"],
    [{ ageS: 600, stopped: true }, "ended"],
    [{ ageS: null }, "none"],
    [{ live: false }, "unknown"],
  ] as const)("%o is %s", (change, expected) => {
    expect(bedState({ ...signs, ...change })).toBe(expected);
  });

  it("says NOT LIVE before five seconds are over", () => {
    expect(isLive(3_900, 5_000)).toBe(true);
    expect(isLive(4_000, 5_000)).toBe(false);
  });
});

describe("ward", () => {
  let ward: Ward;
  beforeAll(() => {
    vi.stubGlobal("navigator", { language: "zh-CN" });
  });

  function welcomed(atMs = 0): Ward {
    ward = new Ward();
    ward.addMessages(
      [
        { type: "welcome", protocol: 1, server_us: START_US, service: "", person: "p", window_s: 1800, beat_ms: 1000, not_live_ms: 5000, late_after_s: 10 },
        recording({ index: 4 }),
        { type: "caught_up" },
      ],
      atMs,
    );
    return ward;
  }

  it("says on reconnect what it holds, so that only the rest is sent", () => {
    welcomed().addBlocks([0, 1, 5].map((sequence) => block({ sequence, recording: 4 })), 0);
    expect(ward.hello()).toEqual({
      type: "hello", protocol: 1, window_s: 1800, held: [{ recording: recording({}).id, ranges: [[0, 1], [5, 5]] }],
    });
  });

  it("follows the indexes of each connection", () => {
    welcomed().addBlocks([block({ sequence: 0, recording: 4 })], 0);
    welcomedAgain(9);
    expect(ward.addBlocks([block({ sequence: 1, recording: 4 })], 0).size).toBe(0);
    expect(ward.addBlocks([block({ sequence: 1, recording: 9 })], 0).size).toBe(1);
    expect(ward.shown("belt-01")?.trace.held.ranges()).toEqual([[0, 1]]);
  });

  function welcomedAgain(index: number): void {
    ward.addMessages([{ ...ward.welcome!, server_us: START_US }, recording({ index })], 0);
  }

  it("asks for a hole after two seconds, and again after thirty", () => {
    welcomed().addBlocks([0, 4000].map((sequence) => block({ sequence, recording: 4 })), 0);
    expect(ward.fills(0)).toEqual([]);
    expect(ward.fills(1_900)).toEqual([]);
    const asked = { type: "fill", recording: recording({}).id, from: 2_800, to: 3_999 };
    expect(ward.fills(2_000)).toEqual([asked]);
    expect(ward.fills(10_000)).toEqual([]);
    expect(ward.fills(32_000)).toEqual([asked]);
  });

  it("counts age from the page's own clock and the delay on the way", () => {
    welcomed().addBlocks([block({ sequence: 0, recording: 4, delayMs: 700 })], 10_000);
    expect(ward.shown("belt-01")?.sampledAtMs).toBe(9_300);
    ward.addBlocks([block({ sequence: 0, recording: 4 })], 20_000);
    expect(ward.shown("belt-01")?.sampledAtMs).toBe(9_300);
  });

  it("does not take an old snapshot for the present", () => {
    welcomed();
    ward.addMessages([{ ...ward.welcome!, server_us: START_US + 600e6 }, recording({ index: 4 })], 50_000);
    ward.addBlocks([block({ sequence: 0, recording: 4 })], 50_000);
    expect(ward.shown("belt-01")?.sampledAtMs).toBe(50_000 - 599_000);
  });

  it("shows the newest recording of a device and forgets the oldest", () => {
    welcomed();
    const later = (number: number): void => {
      const id = `0000000${number}-0000-0000-0000-000000000000`;
      ward.addMessages([recording({ index: 10 + number, id, start_us: START_US + number * 1e9 })], 0);
    };
    [1, 2].forEach(later);
    expect(ward.shown("belt-01")?.trace.info.index).toBe(12);
    expect(ward.recording(recording({}).id)).toBeUndefined();
  });
});

describe("words", () => {
  it("are there for every code of the service", () => {
    const found = [...codes.matchAll(/=> [^"\n]*\n?[^"\n]*"([a-z0-9_]+)";/g)].map((match) => match[1]!);
    const others = new Set(["provisional", "final", "withdrawn", "uninterpretable", "limited", "adequate", "start", "stop", "movement", "limit"]);
    const wanted = found.filter((code) => !others.has(code));
    expect(wanted.length).toBeGreaterThan(30);
    expect(wanted.filter((code) => !(code in CONDITIONS) && !(code in QUANTITIES))).toEqual([]);
  });

  it("have the same blanks in both languages", () => {
    const blanks = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
    for (const [word, [zh, en]] of Object.entries(WORDS)) {
      expect(blanks(zh), word).toEqual(blanks(en));
    }
  });
});
