import { decodeBlocks } from "../wire/blocks.ts";
import { parseMessages } from "../wire/messages.ts";
import type { Shown, Ward } from "./ward.ts";

/** Blocks asked for at once. */
const BLOCKS_MAX = 1_200;

/** Fetches what lies before the window of the socket, when a person looks there. */
export class History {
  readonly #ward: Ward;
  readonly #arrived: (device: string) => void;
  /** First sequences asked for already, per recording; an answer without blocks is an answer too. */
  readonly #asked = new Map<string, Set<number>>();

  constructor(ward: Ward, arrived: (device: string) => void) {
    this.#ward = ward;
    this.#arrived = arrived;
  }

  /** Makes sure that a stretch of device time is there, as far as it is stored. */
  need(device: string, startUs: number, endUs: number): void {
    const shown = this.#ward.shown(device);
    const held = shown?.trace.held.ranges()[0];
    if (shown === undefined || held === undefined) {
      return;
    }
    const { info } = shown.trace;
    const lengthUs = info.block_length_ms * 1000;
    const first = Math.max(0, Math.floor((startUs - info.start_us) / lengthUs));
    if (first >= held[0]) {
      return;
    }
    const from = Math.max(0, Math.min(first, held[0] - BLOCKS_MAX));
    const asked = this.#asked.get(info.id) ?? new Set();
    if (!asked.has(from)) {
      this.#asked.set(info.id, asked.add(from));
      void this.#fetch(shown, from, Math.min(BLOCKS_MAX, held[0] - from), startUs, endUs);
    }
  }

  async #fetch(shown: Shown, from: number, limit: number, startUs: number, endUs: number): Promise<void> {
    const { id, device } = shown.trace.info;
    const within = `from_us=${Math.floor(startUs)}&to_us=${Math.ceil(endUs)}`;
    try {
      const [blocks, findings] = await Promise.all([
        fetch(`/api/recordings/${id}/blocks?from=${from}&limit=${limit}`),
        fetch(`/api/recordings/${id}/findings?${within}`),
      ]);
      if (!blocks.ok || !findings.ok) {
        throw new Error(`history not available: ${blocks.status} ${findings.status}`);
      }
      this.#ward.addHistory(shown, decodeBlocks(await blocks.arrayBuffer()));
      this.#ward.addMessages(parseMessages(await findings.text()), performance.now());
      this.#arrived(device);
    } catch {
      // Asked for again when the person looks there again.
      this.#asked.get(id)?.delete(from);
    }
  }
}
