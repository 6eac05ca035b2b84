import { type Block, decodeBlocks } from "../wire/blocks.ts";
import { type ClientMessage, parseMessages, type ServerMessage } from "../wire/messages.ts";

/** First and longest pause before connecting again, ms. */
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;
/** Time between signs of life to the server, ms. */
const BEAT_MS = 5_000;
/** Silence after which a socket is given up even though nobody closed it, ms. */
const SILENCE_MAX_MS = 8_000;
const CLOSED_SESSION_ENDED = 4401;

export interface LinkHandlers {
  /** What to say first on a new connection. */
  hello(): ClientMessage;
  blocks(blocks: Block[]): void;
  messages(messages: ServerMessage[]): void;
  /** The session has ended: a person must log in. */
  sessionEnded(): void;
}

/** The socket to the gateway, connected again and again. */
export class Link {
  readonly #handlers: LinkHandlers;
  #socket: WebSocket | null = null;
  #retryMs = RETRY_FIRST_MS;
  #heardAt = performance.now();
  #stopped = false;
  readonly #timer: number;

  constructor(handlers: LinkHandlers) {
    this.#handlers = handlers;
    this.#timer = window.setInterval(() => this.#watch(), BEAT_MS / 2);
    this.#connect();
  }

  /** Time since the server was last heard, ms, by the page's own clock. */
  get silenceMs(): number {
    return performance.now() - this.#heardAt;
  }

  /** Sends a message; false if there is no connection. */
  send(message: ClientMessage): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return false;
    }
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  stop(): void {
    this.#stopped = true;
    window.clearInterval(this.#timer);
    this.#socket?.close();
  }

  #connect(): void {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      socket.send(JSON.stringify(this.#handlers.hello()));
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(socket, event.code);
    this.#socket = socket;
  }

  #receive(data: ArrayBuffer | string): void {
    this.#heardAt = performance.now();
    this.#retryMs = RETRY_FIRST_MS;
    if (typeof data === "string") {
      this.#handlers.messages(parseMessages(data));
    } else {
      this.#handlers.blocks(decodeBlocks(data));
    }
  }

  #closed(socket: WebSocket, code: number): void {
    if (this.#socket !== socket || this.#stopped) {
      return;
    }
    this.#socket = null;
    if (code === CLOSED_SESSION_ENDED) {
      this.stop();
      this.#handlers.sessionEnded();
      return;
    }
    const pauseMs = this.#retryMs * (0.75 + Math.random() / 2);
    this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
    window.setTimeout(() => void this.#reconnect(), pauseMs);
  }

  /** A refused handshake does not say why: the session is asked first. */
  async #reconnect(): Promise<void> {
    if (this.#stopped) {
      return;
    }
    const session = await fetch("/api/session").catch(() => null);
    if (session?.status === 401) {
      this.stop();
      this.#handlers.sessionEnded();
    } else {
      this.#connect();
    }
  }

  #watch(): void {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN && this.silenceMs > SILENCE_MAX_MS) {
      // Half-open: nobody will ever close it.
      socket.onclose = null;
      socket.close();
      this.#closed(socket, 1006);
    } else {
      this.send({ type: "beat" });
    }
  }
}
