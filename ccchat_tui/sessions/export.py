"""Conversations as documents: Markdown, a web page that needs nothing else, or our own JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, Literal

from ccchat_tui.sessions import tree
from ccchat_tui.sessions.archive import ArchivedFile, ArchivedSession, ArchivedTurn, to_json
from ccchat_tui.sessions.attachments import fenced, size_words
from ccchat_tui.text import sanitize

Form = Literal["md", "json", "html"]
FORMS: Final[tuple[Form, ...]] = ("md", "json", "html")
_NAMES: Final[Mapping[str, Form]] = {
    "md": "md", "markdown": "md", "json": "json", "html": "html", "htm": "html",
}  # fmt: skip

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; }
.facts, .note, summary { color: GrayText; font-size: .875rem; }
.question { background: color-mix(in srgb, CanvasText 8%, Canvas); border-left: 4px solid #2a8fbd;
  padding: .5rem 1rem; margin: 2rem 0 .5rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
pre { background: color-mix(in srgb, CanvasText 6%, Canvas); padding: .75rem 1rem;
  overflow-x: auto; }
pre + .text, .text + pre { margin-top: .5rem; }
img { max-width: 100%; }
""".strip()

_FENCE = re.compile(
    r"^(?P<fence>```+|~~~+)[^\n`]*\n(?P<code>.*?)(?:^(?P=fence)[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)


def form_of(name: str) -> Form | None:
    """The form of a name such as `markdown`, or of the ending of a file; `None` for any other."""
    return _NAMES.get(name.lower().lstrip("."))


def export(sessions: Sequence[ArchivedSession], form: Form) -> str:
    """Write conversations as a document.

    Args:
        sessions: One or more.
        form: Which kind of document.
    """
    if form == "json":
        return to_json(sessions)
    return to_html(sessions) if form == "html" else to_markdown(sessions)


# Markdown ---------------------------------------------------------------------------------


def to_markdown(sessions: Sequence[ArchivedSession]) -> str:
    """Replies stand as the model wrote them, which is Markdown; questions are quoted."""
    return "\n\n---\n\n".join(map(_markdown_of, sessions)) + "\n"


def _markdown_of(session: ArchivedSession) -> str:
    blocks = [f"# {_line(session.title)}", f"*{_line(_facts(session))}*"]
    if session.system.strip():
        blocks.append("**System prompt**\n\n" + _quoted(session.system))
    there = [*session.turns, *session.others]
    for turn in session.turns:
        beside = tree.alternatives(there, turn)
        if len(beside) > 1:
            blocks.append(f"*({beside.index(turn) + 1} of {len(beside)} versions and branches)*")
        blocks.append(_quoted(turn.question))
        blocks += [_quoted(_file_in_markdown(each)) for each in turn.attachments]
        blocks.append(f"**{_line(turn.model) or 'model'}**")
        if turn.reply.strip():
            blocks.append(_closed(sanitize(turn.reply).strip("\n")))
        if note := _note(turn):
            blocks.append(f"*({_line(note)})*")
    return "\n\n".join(blocks)


def _file_in_markdown(file: ArchivedFile) -> str:
    """A text whole, of a picture that it was there: as Markdown it would be nothing to read."""
    attachment = file.attachment
    facts = f"{_line(attachment.name)}, {attachment.kind_words}, {size_words(attachment.size)}"
    if attachment.is_picture:
        return f"*Attached: {facts}*"
    _name, block = fenced(attachment).split("\n", 1)
    return f"*Attached: {facts}*\n\n{block}"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in sanitize(text).strip("\n").split("\n"))


def _closed(text: str) -> str:
    """A reply whose last fence was cut off does not swallow what stands behind it."""
    fence = ""
    for line in text.split("\n"):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
    return f"{text}\n{fence}" if fence else text


def _line(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", " ".join(sanitize(text).split()))


# HTML -------------------------------------------------------------------------------------


def to_html(sessions: Sequence[ArchivedSession]) -> str:
    """A page that loads nothing and runs nothing: every text in it is only text."""
    title = escape(_plain(sessions[0].title)) if len(sessions) == 1 else "Conversations"
    body = "\n<hr>\n".join(map(_html_of, sessions))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        # Even if something were to slip through, no browser would run or fetch it.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n{body}\n"
        "</body>\n</html>\n"
    )


def _html_of(session: ArchivedSession) -> str:
    parts = [f"<h1>{escape(_plain(session.title))}</h1>"]
    parts.append(f'<p class="facts">{escape(_plain(_facts(session)))}</p>')
    if session.system.strip():
        parts.append(_folded("System prompt", session.system))
    parts += _html_behind([*session.turns, *session.others], "")
    return "\n".join(filter(None, parts))


def _html_behind(turns: Sequence[ArchivedTurn], place: str) -> list[str]:
    """What is shown behind a place; what is not, folded where it parts from that."""
    parts: list[str] = []
    for turn in tree.onward(turns, place):
        parts += _html_turn(turn)
        begun: set[str] = {turn.place}
        for number, other in enumerate(tree.alternatives(turns, turn), 1):
            if other is turn:
                continue
            inside = _html_turn(other, question=other.place != turn.place)
            if other.place not in begun:
                # What follows hangs on the place, and stands behind its first version only.
                begun.add(other.place)
                inside += _html_behind(turns, other.place)
            what = "Another version" if other.place == turn.place else "Another branch"
            text = "\n".join(filter(None, inside))
            parts.append(f"<details><summary>{what} ({number})</summary>\n{text}\n</details>")
    return parts


def _html_turn(turn: ArchivedTurn, *, question: bool = True) -> list[str]:
    parts: list[str] = []
    if question:
        parts.append(f'<div class="question text" dir="auto">{_text(turn.question)}</div>')
        parts += [_file_in_html(each) for each in turn.attachments]
    facts = [turn.model or "model"]
    if turn.tokens:
        facts.append(f"{turn.tokens:,} token{'' if turn.tokens == 1 else 's'}")
    parts.append(f'<p class="facts">{escape(_plain(" · ".join(facts)))}</p>')
    if turn.thinking.strip():
        parts.append(_folded("Thinking", turn.thinking))
    parts.append(_blocks(turn.reply))
    if note := _note(turn):
        parts.append(f'<p class="note">{escape(_plain(note))}</p>')
    return parts


def _file_in_html(file: ArchivedFile) -> str:
    attachment = file.attachment
    size = size_words(attachment.size)
    title = escape(f"{_plain(attachment.name)} · {attachment.kind_words} · {size}")
    if not attachment.is_picture:
        return _folded(title, attachment.content)
    # The Base64 is of our own making, and what it holds is a picture by its first bytes.
    source = f"data:image/{attachment.kind};base64,{attachment.content}"
    return (
        f"<details open><summary>{title}</summary>"
        f'<img src="{source}" alt="{escape(_plain(attachment.name))}"></details>'
    )


def _folded(title: str, text: str) -> str:
    return (
        f"<details><summary>{title}</summary>"
        f'<div class="text" dir="auto">{_text(text)}</div></details>'
    )


def _blocks(reply: str) -> str:
    """Prose and code of a reply, each as it was written."""
    text = sanitize(reply)
    parts = []
    end = 0
    for match in _FENCE.finditer(text):
        parts.append(_prose(text[end : match.start()]))
        parts.append(f"<pre><code>{escape(match['code'])}</code></pre>")
        end = match.end()
    parts.append(_prose(text[end:]))
    return "\n".join(filter(None, parts))


def _prose(text: str) -> str:
    stripped = text.strip("\n")
    return f'<div class="text" dir="auto">{escape(stripped)}</div>' if stripped.strip() else ""


def _text(text: str) -> str:
    return escape(sanitize(text).strip("\n"))


def _plain(text: str) -> str:
    return " ".join(sanitize(text).split())


# Both -------------------------------------------------------------------------------------


def _facts(session: ArchivedSession) -> str:
    facts = [session.user, session.model, f"{session.created_at:%Y-%m-%d %H:%M} UTC"]
    facts += [f"#{tag}" for tag in session.tags]
    return " · ".join(fact for fact in facts if fact)


def _note(turn: ArchivedTurn) -> str:
    """How a reply ended, where that was not well."""
    if turn.state == "completed":
        return "cut off by its length" if turn.done_reason == "length" else turn.note
    word = turn.state.replace("_", " ")
    return turn.note if turn.note.lower().startswith(word) else f"{word}: {turn.note}".rstrip(": ")
