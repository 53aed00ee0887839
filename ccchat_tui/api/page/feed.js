// The events of the engine, as they happen. A line that breaks is mended by itself, and what came
// meanwhile is caught up with, for the server is told which event was the last.

import { Refused } from "./api.js";

const FIRST = 500; // milliseconds until it is tried again; twice as many each time
const LONGEST = 15_000;
const SILENCE = 45_000; // the server gives a sign of life every 15 s

export class Feed {
  /**
   * @param api Whom to ask.
   * @param heard Called with each event.
   * @param stands Called with `true` when the line stands, and with `false` and why when it broke.
   */
  constructor(api, heard, stands) {
    this.api = api;
    this.heard = heard;
    this.stands = stands;
    this.last = "";
    this.ended = false;
    this.wait = FIRST;
    this.again = () => this.wake?.();
  }

  /** Follow them until `stop`. Throws `Refused` if the token does not count (any more). */
  async follow() {
    addEventListener("online", this.again);
    try {
      while (!this.ended) {
        let why = "The connection broke off.";
        try {
          await this.read();
        } catch (error) {
          if (this.ended) return;
          if (error instanceof Refused) {
            if (error.status === 401) throw error;
            why = error.message;
          }
        }
        if (this.ended) return;
        this.stands(false, why);
        await this.pause();
      }
    } finally {
      removeEventListener("online", this.again);
    }
  }

  stop() {
    this.ended = true;
    this.reading?.abort();
    this.wake?.();
  }

  async pause() {
    const wait = this.wait;
    this.wait = Math.min(2 * wait, LONGEST);
    await new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, wait);
    });
    this.wake = null;
  }

  async read() {
    const reading = (this.reading = new AbortController());
    const headers = { accept: "application/x-ndjson" };
    if (this.last) headers["last-event-id"] = this.last;
    let watchdog = setTimeout(() => reading.abort(), SILENCE);
    try {
      const response = await this.api.open("api/ai/events", { headers, signal: reading.signal });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => reading.abort(), SILENCE);
        this.wait = FIRST;
        this.stands(true, "");
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        for (const line of lines) this.take(JSON.parse(line));
      }
    } finally {
      clearTimeout(watchdog);
      reading.abort();
    }
  }

  take({ id, event }) {
    if (id) this.last = id;
    if (event) this.heard(event);
  }
}
