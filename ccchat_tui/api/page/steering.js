// What the admin changes: limits, pause, and everything cancelled at once.

import { count, many, tell } from "./words.js";

const NAMES = ["max_concurrent", "max_concurrent_per_user"];
const get = (id) => document.getElementById(id);

/** The limits, told to everybody and changed by the admin. What is being typed is not touched. */
export class Steering {
  /**
   * @param ask Sends a request to the API.
   * @param did Called with what was done, in words.
   */
  constructor(ask, did) {
    this.ask = ask;
    this.did = did;
    this.form = get("limits");
    this.paused = false;
    this.now = {};
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.change();
    });
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && event.target.matches("input")) this.restore(event.target);
    });
    get("pause").addEventListener("click", () => this.pause());
  }

  /** @param status What `GET /api/ai/status` tells. */
  show({ limits, paused, adaptive }) {
    const minute = limits.requests_per_minute;
    const told = [
      `${count(limits.max_concurrent)} at once${adaptive?.on ? " (found by itself)" : ""}`,
      `${count(limits.max_concurrent_per_user)} of one user`,
      minute ? `${many(minute, "request")} a minute of one user` : "any number a minute",
    ];
    tell(get("limits-told"), told.join(", "));
    this.paused = paused;
    tell(get("pause"), paused ? "Resume" : "Pause");
    for (const name of NAMES) {
      const value = String(limits[name]);
      const field = get(name);
      if (field.value === (this.now[name] ?? "")) field.value = value;
      this.now[name] = value;
    }
  }

  restore(field) {
    field.value = this.now[field.id];
    this.wrong(field, "");
  }

  wrong(field, words) {
    field.setAttribute("aria-invalid", String(Boolean(words)));
    tell(get(`${field.id}-wrong`), words);
  }

  async change() {
    const wanted = {};
    let first = null;
    for (const name of NAMES) {
      const [field, text] = [get(name), get(name).value.trim().toLowerCase()];
      const auto = name === "max_concurrent" && text === "auto";
      const right = auto || (/^\d{1,4}$/.test(text) && text >= 1 && text <= 1000);
      this.wrong(field, right ? "" : `Give a whole number from 1 to 1000${auto_too(name)}.`);
      if (!right) first ??= field;
      else if (text !== this.now[name]) wanted[name] = auto ? "auto" : Number(text);
    }
    if (first) {
      first.focus();
      return;
    }
    if (!Object.keys(wanted).length) {
      this.did("Those are the limits already.");
      return;
    }
    const answer = await this.ask("PATCH", "api/ai/limits", wanted);
    if (!answer) return;
    for (const name of NAMES) {
      this.now[name] = get(name).value = String(answer.limits[name]);
    }
    const { max_concurrent: all, max_concurrent_per_user: one } = answer.limits;
    this.did(`Changed: ${count(all)} at once, ${count(one)} of one user.`);
  }

  async pause() {
    const answer = await this.ask("POST", `api/ai/${this.paused ? "resume" : "pause"}`);
    if (!answer) return;
    this.paused = answer.paused;
    tell(get("pause"), this.paused ? "Resume" : "Pause");
    this.did(this.paused ? "Paused: what waits is not started." : "Resumed.");
  }
}

const auto_too = (name) => (name === "max_concurrent" ? ", or auto" : "");

/** Asks before everything is cancelled. Escape leaves it. */
export class Sure {
  constructor() {
    this.dialog = get("sure");
    this.answered = null;
    get("sure-no").addEventListener("click", () => this.end(false));
    get("sure-yes").addEventListener("click", () => this.end(true));
    // Its closing is told of late, when it may have been opened again already.
    this.dialog.addEventListener("close", () => this.dialog.open || this.end(false));
  }

  /** Whether the person is sure. */
  ask(words) {
    this.end(false);
    tell(get("sure-words"), words);
    this.dialog.showModal();
    return new Promise((answered) => {
      this.answered = answered;
    });
  }

  end(answer) {
    const { answered } = this;
    this.answered = null;
    this.dialog.close();
    answered?.(answer);
  }
}
