// The figures of the queue, and the servers behind it.

import { count, duration, element, many, plain, tell } from "./words.js";

const percent = (part) => `${Math.round(part * 100)} %`;
const FIGURES = [
  ["Queued", (s) => count(s.queue_length), (s) =>
    s.waiting_to_retry ? `${count(s.waiting_to_retry)} wait to try again` : ""],
  ["In flight", (s) => count(s.in_flight), (s) => `of ${count(s.limits.max_concurrent)}`],
  ["Peak", (s) => count(s.peak_concurrency), () => "in flight at once"],
  ["Mode", (s) => (s.paused ? "paused" : plain(s.mode)), (s) => plain(s.mode_reason)],
  ["Tokens a second", (s) => count(Math.round(s.tokens_per_second)), () => "all together"],
  ["Completed", (s) => count(s.totals.completed), (s) =>
    s.totals.completed ? `${percent(s.success_rate)} of those ended` : ""],
  ["Failed", (s) => count(s.totals.failed), (s) => `${count(s.totals.timed_out)} took too long`],
  ["Cancelled", (s) => count(s.totals.cancelled), () => ""],
  ["Refused", (s) => count(s.totals.rejected), () => "at the door"],
  ["Tried again", (s) => count(s.totals.retried), () => ""],
  ["Wait", (s) => duration(s.average_wait_ms), () => "for a slot, on average"],
  ["First token", (s) => duration(s.average_first_token_ms), () => "after the slot, on average"],
];
const STATES = {
  closed: ["up", "answers"], open: ["down", "left out"], half_open: ["trying", "being tried"],
};

export class Figures {
  constructor(figures, servers) {
    this.servers = servers;
    this.rows = [];
    this.cells = FIGURES.map(([name, value, more]) => {
      const [box, dd] = [element("div"), element("dd")];
      const [big, small] = [element("span"), element("small")];
      dd.append(big, small);
      box.append(element("dt", "", name), dd);
      figures.append(box);
      return { big, small, value, more };
    });
  }

  /** @param status What `GET /api/ai/status` tells. */
  show(status) {
    for (const { big, small, value, more } of this.cells) {
      tell(big, value(status));
      tell(small, more(status));
    }
    this.showServers(status.servers);
  }

  showServers(servers) {
    this.servers.parentElement.hidden = !servers.length; // one alone is not told of
    while (this.rows.length > servers.length) this.rows.pop().line.remove();
    servers.forEach((server, place) => {
      this.rows[place] ??= this.row();
      const { name, state, facts } = this.rows[place];
      const [kind, words] = STATES[server.state] ?? ["", plain(server.state)];
      tell(name, plain(server.server));
      state.className = `state ${kind}`;
      tell(state, words);
      const told = [
        `${count(server.in_flight)} in flight`, many(server.completed, "reply", "replies"),
        `${count(server.failed)} failed`, plain(server.address ?? ""), plain(server.reason ?? ""),
      ];
      tell(facts, told.filter(Boolean).join(" · "));
    });
  }

  row() {
    const line = element("li");
    const [name, state, facts] = [element("bdi", "name"), element("span"), element("p", "facts")];
    line.append(name, " ", state, facts);
    this.servers.append(line);
    return { line, name, state, facts };
  }
}
