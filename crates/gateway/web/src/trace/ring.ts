/** Samples of one channel, numbered from the start of the recording; the oldest fall out at the far end. */
export class Ring {
  /** What a place holds for which no block has come. */
  static readonly GAP = 0xffff;

  readonly #places: Uint16Array;
  #end = 0;

  constructor(capacity: number) {
    this.#places = new Uint16Array(capacity).fill(Ring.GAP);
  }

  /** Number of the first sample that may be held. */
  get begin(): number {
    return Math.max(0, this.#end - this.#places.length);
  }

  /** Number after the newest sample. */
  get end(): number {
    return this.#end;
  }

  /** Puts values from sample `first` on; places that are skipped become gaps, what is too old is passed over. */
  write(first: number, values: ArrayLike<number>): void {
    const capacity = this.#places.length;
    const end = first + values.length;
    if (end > this.#end) {
      const skipped = Math.min(end - this.#end, capacity);
      for (let number = end - skipped; number < end; number += 1) {
        this.#places[number % capacity] = Ring.GAP;
      }
      this.#end = end;
    }
    const begin = this.begin;
    for (let at = Math.max(0, begin - first); at < values.length; at += 1) {
      this.#places[(first + at) % capacity] = values[at]!;
    }
  }

  /** The value of a sample, or GAP. */
  at(number: number): number {
    return number < this.begin || number >= this.#end ? Ring.GAP : this.#places[number % this.#places.length]!;
  }
}
