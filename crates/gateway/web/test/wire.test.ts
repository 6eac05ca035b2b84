import { describe, expect, it } from "vitest";

import blockVectors from "../../../wire/vectors/viewer/blocks.json";
import clientVectors from "../../../wire/vectors/viewer/client.json";
import messageVectors from "../../../wire/vectors/viewer/messages.json";
import { type Block, BlocksError, decodeBlocks } from "../src/wire/blocks.ts";
import { type ClientMessage, parseMessages } from "../src/wire/messages.ts";

function bytes(hex: string): ArrayBuffer {
  const found = hex.match(/../g) ?? [];
  return new Uint8Array(found.map((pair) => Number.parseInt(pair, 16))).buffer;
}

function plain(block: Block): object {
  return {
    recording: block.recording,
    sequence: block.sequence,
    start_us: block.startUs,
    delay_ms: block.delayMs,
    late: block.late,
    fhr_hz: block.fhrHz,
    toco_hz: block.tocoHz,
    fhr: block.fhr.map((values) => [...values]),
    mhr: block.mhr === null ? null : [...block.mhr],
    toco: block.toco === null ? null : [...block.toco],
    quality: block.quality?.map((values) => [...values]) ?? null,
  };
}

describe("blocks", () => {
  it.each(blockVectors.cases)("reads $name as the service wrote it", ({ hex, blocks }) => {
    expect(decodeBlocks(bytes(hex)).map(plain)).toEqual(blocks);
  });

  it.each(blockVectors.broken)("refuses $name", ({ hex }) => {
    expect(() => decodeBlocks(bytes(hex))).toThrow(BlocksError);
  });

  it("never fails otherwise on changed bytes", () => {
    const good = new Uint8Array(bytes(blockVectors.cases.at(-1)!.hex));
    for (let at = 0; at < good.length; at += 1) {
      for (const value of [0, 1, 127, 255]) {
        const changed = good.slice();
        changed[at] = value;
        try {
          decodeBlocks(changed.buffer);
        } catch (error) {
          expect(error).toBeInstanceOf(BlocksError);
        }
      }
    }
  });
});

describe("messages", () => {
  it("knows every type that the service sends", () => {
    const parsed = parseMessages(JSON.stringify(messageVectors.messages));
    expect(parsed).toHaveLength(messageVectors.messages.length);
    expect(parsed).toEqual(messageVectors.messages);
  });

  it("passes over what a later service may say", () => {
    expect(parseMessages('[{"type":"weather"},1,null,{"type":"caught_up","more":1}]')).toHaveLength(1);
  });

  it("refuses a frame that is no list", () => {
    expect(() => parseMessages("{}")).toThrow(TypeError);
  });

  it("says what the service takes", () => {
    const recording = "07070707-0707-0707-0707-070707070707";
    const alert = "30313233-3435-3637-3839-616263646566";
    const said: ClientMessage[] = [
      { type: "hello", protocol: 1, window_s: 1800, held: [] },
      { type: "hello", protocol: 1, window_s: 60, held: [{ recording, ranges: [[0, 99], [120, 120]] }] },
      { type: "fill", recording, from: 5, to: 1204 },
      { type: "presented", alert, version: 2 },
      { type: "acknowledge", request: 7, alert, version: 2 },
      { type: "resolve", request: 8, alert, version: 3, note: "转为左侧卧位,已恢复" },
      { type: "beat" },
    ];
    expect(said).toEqual(clientVectors.valid);
  });
});
