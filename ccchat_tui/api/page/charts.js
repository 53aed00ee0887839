// Small charts of the last minutes, each a curve of our own in SVG.

import { count, element, mark, tell } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 80;
const CHARTS = [
  { name: "In flight", of: ({ in_flight }) => in_flight, limited: true },
  { name: "Queued", of: ({ queue_length }) => queue_length },
  { name: "Tokens a second", of: perSecond },
];

/** Without the bucket that still grows, which would always look like a fall. */
function perSecond({ tokens, seconds }) {
  return tokens.slice(0, -1).map((each) => each / seconds);
}

function shape(kind) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("class", kind);
  return made;
}

/** Draws what `GET /api/ai/history` tells into an element. */
export class Charts {
  constructor(where) {
    this.charts = CHARTS.map((chart) => {
      const figure = element("figure");
      const caption = element("figcaption");
      const [name, now] = [element("b", "", chart.name), element("span")];
      caption.append(name, now);
      const svg = document.createElementNS(SVG, "svg");
      svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
      svg.setAttribute("preserveAspectRatio", "none");
      svg.setAttribute("role", "img");
      const [area, curve, limit] = [shape("area"), shape("curve"), shape("limit")];
      svg.append(area, curve, limit);
      figure.append(caption, svg);
      where.append(figure);
      return { ...chart, now, svg, area, curve, limit };
    });
  }

  /** @param history What is told; @param most How many buckets are drawn; @param limit At once. */
  draw(history, most, limit) {
    for (const chart of this.charts) {
      const values = chart.of(history);
      const highest = Math.max(0, ...values);
      const top = Math.max(1, highest, chart.limited ? limit : 0) * 1.1;
      const y = (value) => (HEIGHT - (value / top) * HEIGHT).toFixed(1);
      const step = WIDTH / most;
      const start = WIDTH - values.length * step;
      const points = values.map((value, at) => {
        const x = start + at * step;
        return `${x.toFixed(1)},${y(value)}H${(x + step).toFixed(1)}`;
      });
      const line = points.length ? `M${points.join("L")}` : "";
      mark(chart.curve, "d", line);
      mark(chart.area, "d", line && `M${start.toFixed(1)},${HEIGHT}L${line.slice(1)}V${HEIGHT}Z`);
      if (chart.limited) mark(chart.limit, "d", `M0,${y(limit)}H${WIDTH}`);
      const minutes = Math.round((most * history.seconds) / 60);
      const words = `highest in ${minutes} min: ${count(Math.round(highest))}`;
      tell(chart.now, words);
      const now = count(Math.round(values.at(-1) ?? 0));
      mark(chart.svg, "aria-label", `${chart.name}: now ${now}, ${words}`);
    }
  }
}
