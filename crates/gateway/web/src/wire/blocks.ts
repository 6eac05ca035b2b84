/** Blocks of samples, as docs/viewer-protocol.md lays them out. Typed arrays lie on the message without a copy. */
export interface Block {
  readonly recording: number;
  readonly sequence: number;
  readonly startUs: number;
  readonly delayMs: number;
  readonly late: boolean;
  readonly fhrHz: number;
  readonly tocoHz: number;
  /** One list per fetus, quarters of a bpm; 0 = no signal. */
  readonly fhr: readonly Uint16Array[];
  readonly mhr: Uint16Array | null;
  /** Half units; 255 = absent. */
  readonly toco: Uint8Array | null;
  /** One list per fetus: 0 no opinion, 1 poor, 2 fair, 3 good. */
  readonly quality: readonly Uint8Array[] | null;
}

const HEADER_LENGTH = 8;
const FRAME_HEADER_LENGTH = 32;
const ALIGNMENT = 8;
const FLAG = { late: 1, mhr: 2, toco: 4, quality: 8 } as const;

export class BlocksError extends Error {}

/** Every block of a binary message; throws BlocksError when the bytes are no such message. */
export function decodeBlocks(message: ArrayBuffer): Block[] {
  const view = new DataView(message);
  if (message.byteLength < HEADER_LENGTH || view.getUint8(0) !== 1 || view.getUint8(1) !== 1) {
    throw new BlocksError("not a message of blocks in layout 1");
  }
  const blocks: Block[] = [];
  let at = HEADER_LENGTH;
  for (let left = view.getUint32(4, true); left > 0; left -= 1) {
    if (at + FRAME_HEADER_LENGTH > message.byteLength) {
      throw new BlocksError("frame cut off");
    }
    const length = view.getUint32(at, true);
    blocks.push(decodeFrame(view, at, length));
    at += length;
  }
  if (at !== message.byteLength) {
    throw new BlocksError("bytes left over");
  }
  return blocks;
}

function decodeFrame(view: DataView, at: number, length: number): Block {
  const flags = view.getUint8(at + 24);
  const fetuses = view.getUint8(at + 25);
  const samples = view.getUint16(at + 28, true);
  const tocoSamples = view.getUint16(at + 30, true);
  const rates = fetuses + (flags & FLAG.mhr ? 1 : 0);
  const opinions = flags & FLAG.quality ? fetuses * samples : 0;
  const toco = flags & FLAG.toco ? tocoSamples : 0;
  const needed = FRAME_HEADER_LENGTH + rates * samples * 2 + toco + opinions;
  if (length !== Math.ceil(needed / ALIGNMENT) * ALIGNMENT || at + length > view.byteLength) {
    throw new BlocksError("lengths do not agree with the bytes");
  }
  let next = view.byteOffset + at + FRAME_HEADER_LENGTH;
  const words = (count: number): Uint16Array => {
    const taken = new Uint16Array(view.buffer as ArrayBuffer, next, count);
    next += count * 2;
    return taken;
  };
  const bytes = (count: number): Uint8Array => {
    const taken = new Uint8Array(view.buffer as ArrayBuffer, next, count);
    next += count;
    return taken;
  };
  const channels = Array.from({ length: fetuses });
  return {
    recording: view.getUint32(at + 4, true),
    startUs: view.getFloat64(at + 8, true),
    sequence: view.getUint32(at + 16, true),
    delayMs: view.getInt32(at + 20, true),
    late: (flags & FLAG.late) !== 0,
    fhrHz: view.getUint8(at + 26),
    tocoHz: view.getUint8(at + 27),
    fhr: channels.map(() => words(samples)),
    mhr: flags & FLAG.mhr ? words(samples) : null,
    toco: flags & FLAG.toco ? bytes(tocoSamples) : null,
    quality: flags & FLAG.quality ? channels.map(() => bytes(samples)) : null,
  };
}
