// The requests that live, each with its button, and those that ended lately.

import { count, duration, element, many, mark, plain, tell } from "./words.js";

const STATES = {
  queued: "queued", connecting: "connecting", streaming: "streaming",
  waiting_to_retry: "waits to try again", completed: "completed", cancelled: "cancelled",
  failed: "failed", timed_out: "took too long",
};
const KINDS = new Set(["connecting", "streaming", "completed", "failed", "timed_out"]);
const ENDED = 20;

function show(where, state) {
  where.className = KINDS.has(state) ? `state ${state}` : "state";
  tell(where, STATES[state] ?? plain(state));
}

function facts(request) {
  const told = [plain(request.model)];
  if (request.position) told.push(`${count(request.position)}. in the queue`);
  told.push(`waited ${duration(request.waited_ms)}`);
  if (request.tokens) {
    told.push(many(request.tokens, "token"), `${request.tokens_per_second.toFixed(1)} a second`);
  } else if (request.state === "connecting") {
    told.push(`no token for ${duration(request.running_ms)}`);
  }
  if (request.attempt > 1) told.push(`attempt ${count(request.attempt)}`);
  if (request.note) told.push(plain(request.note));
  return told.filter(Boolean).join(" · ");
}

/** The living requests. Each keeps its place on the page, and with it the focus. */
export class Living {
  /** @param list Where; @param title Gets the focus when the last is gone; @param cancel By id. */
  constructor(list, title, cancel) {
    this.list = list;
    this.title = title;
    this.cancel = cancel;
    this.rows = new Map();
  }

  /** @param requests What `GET /api/ai/requests` tells. */
  show(requests) {
    const held = document.activeElement?.closest?.("#requests li");
    const after = held && this.after(held, new Set(requests.map(({ id }) => id)));
    for (const [id, row] of this.rows) {
      if (!requests.some((request) => request.id === id)) {
        row.line.remove();
        this.rows.delete(id);
      }
    }
    requests.forEach((request, place) => {
      const row = this.rows.get(request.id) ?? this.make(request.id);
      if (this.list.children[place] !== row.line) {
        this.list.insertBefore(row.line, this.list.children[place] ?? null);
      }
      this.fill(row, request);
    });
    // What is moved or removed loses the focus.
    if (after && document.activeElement !== after) after.focus({ preventScroll: true });
  }

  /** Where the focus belongs: where it is, or to the next request, or to the one before. */
  after(held, living) {
    const lines = [...this.list.children];
    const at = lines.indexOf(held);
    const near = [...lines.slice(at), ...lines.slice(0, at).reverse()];
    const line = near.find((each) => living.has(each.dataset.id));
    return line ? line.querySelector("button") : this.title;
  }

  make(id) {
    const line = element("li");
    line.dataset.id = id;
    const row = {
      line, user: element("bdi", "name"), state: element("span"), words: element("p"),
      text: element("bdi"), facts: element("p", "facts"), button: element("button", "", "Cancel"),
    };
    row.button.type = "button";
    row.button.addEventListener("click", () => {
      if (row.button.getAttribute("aria-disabled") !== "true") this.cancel(id);
    });
    const head = element("p");
    head.append(row.user, " ", row.state);
    row.words.append(row.text);
    line.append(head, row.words, row.facts, row.button);
    this.rows.set(id, row);
    return row;
  }

  fill(row, request) {
    tell(row.user, plain(request.user));
    show(row.state, request.state);
    tell(row.text, plain(request.preview));
    tell(row.facts, facts(request));
    tell(row.button, request.cancelling ? "Cancelling…" : "Cancel");
    mark(row.button, "aria-disabled", String(request.cancelling));
    const name = `${row.button.textContent}: ${row.user.textContent}, ${row.text.textContent}`;
    mark(row.button, "aria-label", name);
  }

  /** What was asked, of one that is shown. */
  preview(id) {
    return this.rows.get(id)?.text.textContent ?? "";
  }
}

/** Those that ended lately, the last first. Many may end between two looks; `draw` shows them. */
export class Ended {
  constructor(list) {
    this.list = list;
    this.know([]);
  }

  /** @param requests What `GET /api/ai/requests?state=…` tells. */
  know(requests) {
    this.requests = requests.slice(0, ENDED);
    this.changed = true;
  }

  /** One more has ended. */
  add(request) {
    this.know([request, ...this.requests]);
  }

  draw() {
    if (!this.changed) return;
    this.changed = false;
    this.list.replaceChildren(...this.requests.map((each) => this.line(each)));
  }

  line({ user, state, preview, tokens, duration_ms: took, failure }) {
    const line = element("li");
    const [head, text, mine] = [element("p"), element("bdi"), element("span")];
    show(mine, state);
    head.append(element("bdi", "name", plain(user)), " ", mine);
    text.textContent = plain(preview);
    const told = [many(tokens, "token"), took ? `in ${duration(took)}` : "", plain(failure)];
    line.append(head, text, element("p", "facts", told.filter(Boolean).join(" · ")));
    return line;
  }
}
