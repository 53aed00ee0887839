"""What the demo model says: a reply in Markdown, put together from prepared words by chance.

The same messages and the same chance give the same reply.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from ccchat_tui.backends import demo_texts as texts
from ccchat_tui.backends.base import ChatMessage
from ccchat_tui.backends.demo_code import SAMPLES
from ccchat_tui.backends.demo_subject import Heard, Shape, find_subject, hear
from ccchat_tui.quick import dataclass

_TOKEN = re.compile(r" ?[A-Za-z\u00c0-\u024f]{1,7}|\n+| +|\d{1,3}|.", re.DOTALL)
_BREVITY = re.compile(r"\b(?:brief|short|concise)", re.IGNORECASE)
_SIGNED = "*From the demo model, which is no language model.*"


def split_tokens(text: str) -> list[str]:
    """Cut a text into pieces of the size that models send. Joined, they are the text again."""
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    """How many pieces that would be."""
    return _count_tokens(text) if len(text) < 500 else len(split_tokens(text))


@lru_cache(maxsize=1024)  # a conversation is counted again at each question
def _count_tokens(text: str) -> int:
    return len(split_tokens(text))


def think_about(question: str, rng: random.Random) -> str:
    """What a thinking model might mutter before it answers."""
    heard = hear(question)
    lines = [
        f"The question is about {heard.subject}.",
        f"A reply of the kind `{heard.shape}` seems to be wanted.",
        "I have no knowledge to look into, only prepared sentences.",
        "I should say so, and keep it readable.",
    ]
    return " ".join(lines[: rng.randint(2, len(lines))]) + "\n"


def write_reply(
    messages: Sequence[ChatMessage], rng: random.Random, *, talkative: float = 1.0
) -> str:
    """Write the reply to the last question.

    Args:
        messages: The context; earlier questions are referred to, and a system prompt that asks
            for brevity is obeyed.
        rng: Where every choice comes from.
        talkative: How long replies are, 1 for as usual.
    """
    questions = [message.content for message in messages if message.role == "user"]
    system = " ".join(message.content for message in messages if message.role == "system")
    question = questions[-1] if questions else ""
    heard = hear(question)
    if heard.shape is Shape.PLAIN and re.search(
        r"\b(?:brief|short|concise)", system, re.IGNORECASE
    ):
        heard = Heard(Shape.SHORT, heard.subject, heard.facts)
    body = _Writer(heard, questions[:-1], rng, talkative).write()
    return f"{body}\n\n{_honesty(heard, first=len(questions) < 2, rng=rng)}\n"


def _honesty(heard: Heard, *, first: bool, rng: random.Random) -> str:
    """Every reply says what wrote it; the first of a chat says it in full."""
    said = rng.choice(texts.HONEST)
    return f"> {said}" if first or heard.shape in {Shape.IDENTITY, Shape.ESSAY} else _SIGNED


@dataclass(slots=True)
class _Writer:
    """One reply in the making."""

    heard: Heard
    earlier: Sequence[str]
    rng: random.Random
    talkative: float

    def write(self) -> str:
        shapes: dict[Shape, Callable[[], str]] = {
            Shape.GREETING: lambda: self.rng.choice(texts.GREETINGS),
            Shape.THANKS: lambda: self.rng.choice(texts.THANKS),
            Shape.IDENTITY: self.identity,
            Shape.RECALL: self.recall,
            Shape.SUM: lambda: f"{self.heard.total}.",
            Shape.ESSAY: self.essay,
            Shape.SAMPLER: self.sampler,
            Shape.TABLE: self.table,
            Shape.CODE: self.code,
            Shape.HAIKU: self.haiku,
            Shape.QUOTE: self.quote,
            Shape.STEPS: self.steps,
            Shape.LIST: self.bullets,
            Shape.SHORT: self.short,
            Shape.PLAIN: self.plain,
        }
        return shapes[self.heard.shape]()

    def say(self, text: str, subject: str = "") -> str:
        """A prepared text with the subject in it."""
        subject = subject or self.heard.subject
        return text.replace("{t}", subject).replace("{T}", _capital(subject))

    def one(self, choices: Sequence[str]) -> str:
        return self.say(self.rng.choice(choices))

    def some(self, choices: Sequence[str], count: int) -> list[str]:
        picked = self.rng.sample(choices, min(count, len(choices)))
        return [self.say(choice) for choice in picked]

    def many(self, low: int, high: int) -> int:
        return max(1, round(self.rng.randint(low, high) * self.talkative))

    def opening(self) -> str:
        """A first sentence; now and then it looks back at what was asked before."""
        if self.earlier and self.rng.random() < 0.6:
            before = find_subject(self.earlier[-1])
            if before != self.heard.subject:
                return self.say(f"From {before} we come to {{t}}.")
            return self.say("Back to {t}, then, from another side.")
        return self.one(texts.OPENINGS)

    # The shapes ----------------------------------------------------------------------------

    def identity(self) -> str:
        return (
            "I am the **built-in demo model** of ccchat. I look for the subject of a message and "
            "for a few words such as *table*, *list*, *steps*, *code* or *long*, and put prepared "
            "sentences together."
        )

    def recall(self) -> str:
        if not self.earlier:
            return "Nothing so far: your message is the first that has reached me in this chat."
        lines = [f"{n}. {_short(question)}" for n, question in enumerate(self.earlier, 1)]
        return "So far you have asked:\n\n" + "\n".join(lines)

    def short(self) -> str:
        known = self.heard.facts
        return self.rng.choice(known) if known else self.one(texts.SENTENCES)

    def plain(self) -> str:
        facts = list(self.heard.facts)
        shape = self.rng.randrange(3)
        parts = [f"{self.opening()} {self._paragraph(2)}"]
        if facts:
            parts.append("What is certain:\n\n" + "\n".join(f"- {fact}" for fact in facts))
        if shape == 0:
            parts.append(self._points(self.many(3, 4)))
        elif shape == 1:
            parts += [f"### {self.rng.choice(texts.SECTIONS)}", self._paragraph(self.many(2, 3))]
            parts.append(f"> {self.one(texts.QUOTES)}")
        else:
            parts.append(self._paragraph(self.many(3, 4)))
        parts.append(self.one(texts.CLOSINGS))
        return "\n\n".join(parts)

    def bullets(self) -> str:
        count = self.heard.count or self.many(4, 6)
        pool = [*self.heard.facts, *(self._point(name, text) for name, text in self._shuffled())]
        pool += [self.say(sentence) for sentence in texts.SENTENCES]
        lines = [f"- {pool[n % len(pool)]}" for n in range(count)]
        return f"{self.opening()}\n\n" + "\n".join(lines) + f"\n\n{self.one(texts.CLOSINGS)}"

    def steps(self) -> str:
        count = min(len(texts.STEPS), self.many(5, 7))
        lines = [
            f"{n}. **{name}.** {self.say(text)}"
            for n, (name, text) in enumerate(texts.STEPS[:count], 1)
        ]
        known = f"\n\nGood to know: {self.rng.choice(self.heard.facts)}" if self.heard.facts else ""
        return f"{self.opening()}\n\n" + "\n".join(lines) + known

    def table(self) -> str:
        left, right = self.heard.sides or (_capital(self.heard.subject), "The alternative")
        rows = self.rng.sample(texts.COMPARED, min(len(texts.COMPARED), self.many(4, 5)))
        lines = [f"| | {_capital(left)} | {_capital(right)} |", "| :--- | :--- | :--- |"]
        for name, entries in rows:
            a, b = self.rng.sample(entries, 2)
            lines.append(f"| {name} | {a} | {b} |")
        known = "\n\n".join(self.rng.sample(self.heard.facts, min(1, len(self.heard.facts))))
        note = "The entries of this table are drawn by lot; only its shape is meant seriously."
        head = f"{_capital(left)} and {right}, side by side:"
        return "\n\n".join(part for part in (head, "\n".join(lines), known, note) if part)

    def code(self) -> str:
        language = self.heard.language
        words = re.findall(r"[A-Za-z][a-z]*", self.heard.subject)
        name = "".join(word.capitalize() for word in words[-2:]) or "Entry"
        sample = SAMPLES[language].replace("NAME", name)
        if language in {"sql", "css"}:
            sample = sample.replace("name", name.lower(), 1)
        after = "\n".join(
            f"- {line}"
            for line in (
                f"`{name}` is named after what you asked about.",
                "The data is made up; put your own in its place.",
                self.one(texts.SENTENCES),
            )
        )
        return f"{self.opening()}\n\n```{language}\n{sample}```\n\n{after}"

    def haiku(self) -> str:
        lines = self.rng.choice(texts.HAIKU)
        return "\n".join(f"> {_capital(self.say(line))}  " for line in lines)

    def quote(self) -> str:
        return f"> {self.one(texts.QUOTES)}\n\nNobody said this; the demo model made it for you."

    def sampler(self) -> str:
        """A bit of everything that Markdown has."""
        parts = [
            f"# {_capital(self.heard.subject)}",
            (
                "Plain, *emphasis*, **strong**, ***both***, ~~struck~~, `code`, and a link to "
                "[an example](https://example.com/)."
            ),
            "## Lists",
            "- one\n- two\n  - two and a half\n    - a little more\n- three",
            "1. first\n2. second\n3. third",
            "## Quote",
            f"> {self.one(texts.QUOTES)}\n>\n> - with a list\n> - of two",
            "## Code",
            f"```python\n{SAMPLES['python'].replace('NAME', 'Entry')}```",
            "## Table",
            (
                "| left | centre | right |\n| :--- | :---: | ---: |\n"
                "| 漢字 | wide | 1 |\n| 👩‍🚀 🇪🇺 | emoji | 1,000 |\n| é | accent | 12.5 |"
            ),
            "---",
            "The end.",
        ]
        return "\n\n".join(parts)

    def essay(self) -> str:
        """Sections until it is long enough."""
        goal = self.heard.count or round(900 * self.talkative)
        parts = [f"# {_capital(self.heard.subject)}", f"{self.opening()} {self._paragraph(3)}"]
        written = sum(len(split_tokens(part)) for part in parts)
        extras = (self._facts, self._points, self._quoted, self._small_table)
        sections: list[str] = []
        number = 0
        while written < goal:
            sections = sections or self.rng.sample(texts.SECTIONS, len(texts.SECTIONS))
            new = [f"## {number + 1}. {sections.pop()}"]
            new += [self._paragraph(self.rng.randint(3, 5)) for _ in range(self.rng.randint(1, 3))]
            if number % 2:
                new.append(extras[number // 2 % len(extras)]())
            written += sum(len(split_tokens(part)) + 1 for part in new)
            parts += new
            number += 1
        parts += ["## In the end", self.one(texts.CLOSINGS)]
        return "\n\n".join(parts)

    # Pieces of them ------------------------------------------------------------------------

    def _paragraph(self, sentences: int) -> str:
        return " ".join(self.some(texts.SENTENCES, sentences))

    def _shuffled(self) -> list[tuple[str, str]]:
        return self.rng.sample(texts.POINTS, len(texts.POINTS))

    def _point(self, name: str, text: str) -> str:
        return f"**{name}**: {self.say(text)}."

    def _points(self, count: int = 3) -> str:
        return "\n".join(f"- {self._point(*point)}" for point in self._shuffled()[:count])

    def _facts(self) -> str:
        return "\n".join(f"- {fact}" for fact in self.heard.facts) or self._points()

    def _quoted(self) -> str:
        return f"> {self.one(texts.QUOTES)}"

    def _small_table(self) -> str:
        lines = ["| aspect | now | later |", "| --- | --- | --- |"]
        for name, entries in self.rng.sample(texts.COMPARED, 3):
            a, b = self.rng.sample(entries, 2)
            lines.append(f"| {name} | {a} | {b} |")
        return "\n".join(lines)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(question: str) -> str:
    """A question in one line, as a list quotes it."""
    words = " ".join(question.split())
    return words if len(words) <= 80 else words[:79] + "…"
