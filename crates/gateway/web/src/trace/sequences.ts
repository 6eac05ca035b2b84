/** A set of block numbers, kept as closed ranges in order: as a rule one range per recording. */
export class Sequences {
  readonly #ranges: [first: number, last: number][] = [];

  /** Adds a number; false if it was there already. */
  add(number: number): boolean {
    let at = this.#ranges.length;
    while (at > 0 && this.#ranges[at - 1]![0] > number) {
      at -= 1;
    }
    const before = this.#ranges[at - 1];
    if (before !== undefined && number <= before[1]) {
      return false;
    }
    const after = this.#ranges[at];
    const joinsBefore = before !== undefined && before[1] + 1 === number;
    const joinsAfter = after !== undefined && number + 1 === after[0];
    if (joinsBefore && joinsAfter) {
      before[1] = after[1];
      this.#ranges.splice(at, 1);
    } else if (joinsBefore) {
      before[1] = number;
    } else if (joinsAfter) {
      after[0] = number;
    } else {
      this.#ranges.splice(at, 0, [number, number]);
    }
    return true;
  }

  /** Forgets every number below `number`. */
  dropBelow(number: number): void {
    while (this.#ranges[0] !== undefined && this.#ranges[0][1] < number) {
      this.#ranges.shift();
    }
    const first = this.#ranges[0];
    if (first !== undefined && first[0] < number) {
      first[0] = number;
    }
  }

  /** The ranges in order. */
  ranges(): [first: number, last: number][] {
    return this.#ranges.map(([first, last]) => [first, last]);
  }

  /** Number of ranges. */
  get rangeCount(): number {
    return this.#ranges.length;
  }

  /** The greatest number; null when empty. */
  get last(): number | null {
    return this.#ranges.at(-1)?.[1] ?? null;
  }

  /** Stretches between the ranges, newest first. */
  holes(): [first: number, last: number][] {
    const holes: [number, number][] = [];
    for (let at = this.#ranges.length - 1; at > 0; at -= 1) {
      holes.push([this.#ranges[at - 1]![1] + 1, this.#ranges[at]![0] - 1]);
    }
    return holes;
  }
}
