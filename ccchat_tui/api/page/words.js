// How things are said. Text from outside is data: it is only ever put into text nodes, and without
// what would steer a terminal or turn the direction of the writing round.

const SEQUENCES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?/g;
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g;
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text from outside in one line, cut where it gets too long. */
export function plain(text, longest = 200) {
  const clean = String(text ?? "")
    .slice(0, 20 * longest)
    .replace(SEQUENCES, "")
    .replace(CONTROLS, " ")
    .replace(TURNING, "");
  const letters = [...clean];
  return letters.length > longest ? letters.slice(0, longest - 1).join("") + "…" : clean;
}

/** Milliseconds as a person says them. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes} min ${Math.floor(seconds % 60)} s`;
}

/** A number with commas. */
export function count(number) {
  return Number(number).toLocaleString("en");
}

/** "1 token", "2 tokens". */
export function many(number, one, more = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : more}`;
}

/** An element with a class and text in it. */
export function element(tag, kind = "", text = "") {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text) made.textContent = text;
  return made;
}

/** Give an element another attribute, if it is another. */
export function mark(where, name, value) {
  if (where.getAttribute(name) !== value) where.setAttribute(name, value);
}

/** Give an element other words, if they are others: what stays is not touched. */
export function tell(where, text) {
  if (where.textContent !== text) where.textContent = text;
}
