// The page: who comes in, and what is asked when. Events say that something has changed; what it is
// now is asked for, so that the page has no figures of its own that could be others.

import { Api, Refused } from "./api.js";
import { Charts } from "./charts.js";
import { Feed } from "./feed.js";
import { Figures } from "./figures.js";
import { Ended, Living } from "./requests.js";
import { Steering, Sure } from "./steering.js";
import { count, many, plain, tell } from "./words.js";

const KEPT = "ccchat-token";
const SHOWN = 100; // requests; beyond that nobody reads
const BUCKETS = 150; // of the charts
const AFTER_EVENT = 200; // milliseconds: of many events at once, all are shown together
const BUSY = 1_000;
const IDLE = 10_000;
const OVER = "completed,cancelled,failed,timed_out";

const get = (id) => document.getElementById(id);

class Page {
  constructor() {
    this.figures = new Figures(get("figures"), get("servers"));
    this.charts = new Charts(get("charts"));
    this.living = new Living(get("requests"), get("requests-title"), (id) => this.cancel(id));
    this.ended = new Ended(get("ended"));
    this.steering = new Steering((...asked) => this.ask(...asked), (words) => this.did(words));
    this.sure = new Sure();
    get("cancel-all").addEventListener("click", () => this.cancelAll());
    document.addEventListener("visibilitychange", () => this.api && this.soon(0));
    this.stopped();
  }

  stopped() {
    this.api = this.feed = null;
    this.due = Infinity;
    clearTimeout(this.timer);
    this.lost = this.looking = this.again = false;
  }

  /** Come in. Throws `Refused` if that cannot be. */
  async start(token) {
    const api = new Api(token);
    this.me = await api.ask("GET", "api/ai/me");
    this.api = api;
    tell(get("who"), this.me.admin ? "the admin" : plain(this.me.user, 60));
    get("limits").hidden = !this.me.admin;
    await this.lookBack();
    this.follow();
    await this.look();
  }

  /** Show what ended before, or while nobody told. */
  async lookBack() {
    const { api } = this;
    const all = this.me.admin ? "&all=1" : "";
    const { requests } = await api.ask("GET", `api/ai/requests?state=${OVER}${all}`);
    if (this.api === api) this.ended.know(requests);
  }

  async follow() {
    const { api } = this;
    const feed = new Feed(api, (event) => this.heard(event), (good, why) => this.stands(good, why));
    this.feed = feed;
    try {
      await feed.follow();
    } catch (error) {
      if (this.api === api) this.out(error);
    }
  }

  /** Leave. */
  stop() {
    this.feed?.stop();
    this.stopped();
    this.living.show([]);
    this.ended.know([]);
    this.ended.draw();
  }

  stands(good, why) {
    const line = get("line");
    line.className = good ? "live" : "lost";
    tell(line, good ? "live" : `${why} Trying again…`);
    if (good && this.lost) {
      this.did("Connected again.");
      this.soon(0);
    } else if (!good && !this.lost) {
      this.did("The connection to ccchat is lost; what is shown is how it was last.", true);
    }
    this.lost = !good;
  }

  heard(event) {
    if (event.event === "missed") {
      this.lookBack().then(() => this.soon(0), (error) => this.did(words(error), true));
    } else if (event.event === "ended") {
      const preview = this.living.preview(event.request_id);
      const failure = event.failure?.message ?? "";
      this.ended.add({ ...event, preview, failure, duration_ms: 1000 * event.duration });
    }
    this.soon(AFTER_EVENT);
  }

  /** Look again, at the latest in so many milliseconds. */
  soon(wait) {
    const due = performance.now() + wait;
    if (due >= this.due) return;
    this.due = due;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), wait);
  }

  /** Ask how it is, and show it. Nothing is asked while nobody can see it. */
  async look() {
    this.due = Infinity;
    if (!this.api || document.hidden) return;
    if (this.looking) {
      this.again = true;
      return;
    }
    const { api } = this;
    this.looking = true;
    this.again = false;
    let wait = IDLE;
    try {
      const which = this.me.admin ? `?all=1&limit=${SHOWN}` : "";
      const [status, { requests }, history] = await Promise.all([
        api.ask("GET", "api/ai/status"),
        api.ask("GET", `api/ai/requests${which}`),
        api.ask("GET", `api/ai/history?count=${BUCKETS}`),
      ]);
      if (this.api !== api) return;
      this.show(status, requests, history);
      if (status.in_flight + status.queue_length + status.waiting_to_retry) wait = BUSY;
    } catch (error) {
      if (this.api !== api) return;
      if (error.status === 401) this.out(error);
      else if (!this.lost) this.did(words(error), true);
    } finally {
      if (this.api === api) {
        this.looking = false;
        this.soon(this.again ? AFTER_EVENT : wait);
      }
    }
  }

  show(status, requests, history) {
    this.figures.show(status);
    this.steering.show(status);
    this.charts.draw(history, BUCKETS, status.limits.max_concurrent);
    this.living.show(requests.slice(0, SHOWN));
    this.ended.draw();
    const all = status.in_flight + status.queue_length + status.waiting_to_retry;
    const there = this.me.admin ? all : requests.length;
    const more = there - Math.min(requests.length, SHOWN);
    get("more-requests").hidden = more <= 0;
    tell(get("more-requests"), `and ${count(Math.max(more, 0))} more`);
    get("no-requests").hidden = there > 0;
    get("no-ended").hidden = get("ended").children.length > 0;
    get("cancel-all").hidden = there === 0 && document.activeElement !== get("cancel-all");
    tell(get("cancel-all"), this.me.admin ? "Cancel everybody's" : "Cancel all of mine");
    const title = all ? `ccchat: ${status.in_flight} in flight, ${status.queue_length} queued` : "ccchat";
    if (document.title !== title) document.title = title;
  }

  /** Ask for something to be done. Comes to nothing if it is refused, and says so. */
  async ask(method, path, body) {
    try {
      const answer = await this.api.ask(method, path, body);
      this.soon(0);
      return answer;
    } catch (error) {
      if (error.status === 401) this.out(error);
      else this.did(words(error), true);
      return null;
    }
  }

  async cancel(id) {
    const preview = this.living.preview(id);
    const answer = await this.ask("DELETE", `api/ai/requests/${encodeURIComponent(id)}`);
    if (answer) this.did(answer.cancelled ? `Cancelled: ${preview}` : "It had ended already.");
  }

  async cancelAll() {
    const whose = this.me.admin ? "everybody's requests" : "all requests of yours";
    if (!(await this.sure.ask(`Cancel ${whose}, those that wait and those that run?`))) return;
    const answer = await this.ask("DELETE", `api/ai/requests${this.me.admin ? "?all=1" : ""}`);
    if (answer) this.did(`Cancelled ${many(answer.cancelled.length, "request")}.`);
  }

  /** Say what was done, or why not. */
  did(text, bad = false) {
    get("said").className = bad ? "note bad" : "note";
    tell(get("said"), text);
  }

  /** The token does not count any more. */
  out() {
    leave("This token does not count any more.");
  }
}

const words = (error) =>
  error instanceof Refused ? error.message : "Something in this page went wrong; load it again.";

const page = new Page();
const field = get("token");

function wrong(text) {
  tell(get("token-wrong"), text);
  field.setAttribute("aria-invalid", String(Boolean(text)));
}

async function enter(token) {
  const button = get("enter").querySelector("button");
  if (button.getAttribute("aria-disabled") === "true") return;
  wrong("");
  if (!token) {
    wrong("Give a token.");
    field.focus();
    return;
  }
  button.setAttribute("aria-disabled", "true");
  try {
    await page.start(token);
    keep(token);
    field.value = "";
    doors(true);
    get("requests-title").focus({ preventScroll: true });
  } catch (error) {
    page.stop();
    doors(false);
    wrong(words(error));
    field.focus();
    field.select();
    if (error.status === 401) keep("");
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function leave(text) {
  page.stop();
  keep("");
  doors(false);
  page.did("");
  wrong(text);
  field.focus();
}

function doors(open) {
  get("inside").hidden = get("who").hidden = get("leave").hidden = !open;
  get("outside").hidden = open;
  if (!open) {
    get("line").className = "";
    tell(get("line"), "not connected");
    document.title = "ccchat";
  }
}

function keep(token) {
  try {
    if (token) sessionStorage.setItem(KEPT, token);
    else sessionStorage.removeItem(KEPT);
  } catch {
    // It is asked for again at the next visit.
  }
}

function kept() {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

get("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(field.value.trim());
});
get("leave").addEventListener("click", () => leave(""));
field.value = kept();
if (field.value) enter(field.value);
else field.focus();
