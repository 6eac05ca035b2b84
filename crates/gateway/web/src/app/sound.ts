import type { Priority } from "../wire/messages.ts";

/** Starts and lengths of the pulses of one burst, s, and when it comes again (IEC 60601-1-8, see docs/alerts.md). */
interface Burst {
  readonly starts: readonly number[];
  readonly lengthS: number;
  readonly repeatS: number | null;
  readonly hz: number;
}

const BURSTS: Record<Priority, Burst> = {
  high: {
    starts: [0, 0.25, 0.5, 1, 1.25, 2, 2.25, 2.5, 3, 3.25],
    lengthS: 0.15,
    repeatS: 7,
    hz: 523.25,
  },
  medium: { starts: [0, 0.4, 0.8], lengthS: 0.2, repeatS: 20, hz: 440 },
  low: { starts: [0], lengthS: 0.2, repeatS: null, hz: 349.23 },
};
/** The alarm system itself has failed: a signal of its own. */
const NOT_LIVE_BURST: Burst = { starts: [0, 0.6], lengthS: 0.25, repeatS: 10, hz: 261.63 };
/** Rise and fall of a pulse, s. */
const SLOPE_S = 0.015;
const LOUDNESS = 0.32;

/** Alarm sounds. Browsers allow them only after the person has touched the page. */
export class Sound {
  #context: AudioContext | null = null;
  #wave: PeriodicWave | null = null;
  #nextAt: number | null = null;
  #playing: Burst | null = null;

  /** True once sounds can be heard. */
  get isOn(): boolean {
    return this.#context?.state === "running";
  }

  /** Switches sounds on; works only from within a person's click or key. */
  async unlock(): Promise<void> {
    this.#context ??= new AudioContext();
    this.#wave ??= this.#context.createPeriodicWave(
      new Float32Array([0, 0, 0, 0, 0, 0]),
      new Float32Array([0, 1, 0.7, 0.6, 0.5, 0.4]),
    );
    await this.#context.resume();
  }

  /** Plays one burst now. */
  test(): void {
    this.#play(BURSTS.medium);
  }

  /** Plays one pulse for a new low-priority alert. */
  pulse(): void {
    if (this.#playing === null) {
      this.#play(BURSTS.low);
    }
  }

  /** Says what shall be heard; called several times a second. */
  tick(sounding: Priority | null, isLive: boolean): void {
    const wanted = !isLive ? NOT_LIVE_BURST : sounding === null ? null : BURSTS[sounding];
    const repeats = wanted?.repeatS ?? null;
    if (wanted === null || repeats === null) {
      this.#playing = null;
      return;
    }
    const now = this.#context?.currentTime ?? 0;
    if (this.#playing !== wanted || this.#nextAt === null || now >= this.#nextAt) {
      this.#playing = wanted;
      if (this.isOn) {
        this.#play(wanted);
        this.#nextAt = now + repeats;
      } else {
        this.#nextAt = null;
      }
    }
  }

  #play(burst: Burst): void {
    const context = this.#context;
    if (context === null || this.#wave === null || context.state !== "running") {
      return;
    }
    for (const start of burst.starts) {
      const at = context.currentTime + 0.02 + start;
      const oscillator = new OscillatorNode(context, { frequency: burst.hz });
      oscillator.setPeriodicWave(this.#wave);
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(LOUDNESS, at + SLOPE_S);
      gain.gain.setValueAtTime(LOUDNESS, at + burst.lengthS - SLOPE_S);
      gain.gain.linearRampToValueAtTime(0, at + burst.lengthS);
      oscillator.connect(gain).connect(context.destination);
      oscillator.start(at);
      oscillator.stop(at + burst.lengthS);
    }
  }
}
