"""What a question is about, and what kind of answer it asks for: the demo model's ear."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

from ccchat_tui.backends.demo_code import AMBIGUOUS, NAMES, SAMPLES
from ccchat_tui.backends.demo_texts import ALIASES, FACTS
from ccchat_tui.quick import dataclass

LONGEST_REPLY = 50_000
"""Tokens that a person may ask for in one reply."""


class Shape(StrEnum):
    """The kinds of answer there are."""

    GREETING = "greeting"
    THANKS = "thanks"
    IDENTITY = "identity"
    RECALL = "recall"
    SUM = "sum"
    ESSAY = "essay"
    SAMPLER = "sampler"
    TABLE = "table"
    CODE = "code"
    HAIKU = "haiku"
    QUOTE = "quote"
    STEPS = "steps"
    LIST = "list"
    SHORT = "short"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Heard:
    """A question, as far as it was understood."""

    shape: Shape
    subject: str
    """What it is about: one line, without Markdown's own signs."""
    facts: tuple[str, ...] = ()
    """What there is to say of it for certain."""
    sides: tuple[str, str] | None = None
    """The two things to compare."""
    language: str = ""
    """The programming language asked for."""
    count: int | None = None
    """How many list items, or how many tokens of an essay."""
    total: str = ""
    """A sum and what it comes to."""


_MARKS = re.compile(r"[|*_`#<>\[\]\\~]+")
_QUOTED = re.compile(r"[\"“„«']([^\"”“»'\n]{2,60})[\"”»']")
_LENGTH = re.compile(r"\b(\d[\d,]{0,8})[- ](words?|tokens?)\b", re.IGNORECASE)
_NUMBER = r"(\d{1,9}(?:\.\d{1,6})?)"
_SUM = re.compile(rf"(?<![\w.]){_NUMBER} ?([-+*/x\u00d7\u00f7]) ?{_NUMBER}(?![\w.])")
_SIDES = (
    re.compile(
        r"\b(?:compare|between)\s+(.+?)\s+(?:and|with|to|versus|vs\.?)\s+(.+)", re.IGNORECASE
    ),
    re.compile(r"(.+?)\s+(?:versus|vs\.?)\s+(.+)", re.IGNORECASE),
)
_HOW_IT_IS_ASKED = re.compile(
    r"""(?ix) \b(?:
      please | kindly | briefly | in\ detail | in\ depth | step\ by\ step | again | now
    | (?:as|in|with)\ (?:an?\ )?(?:\w+\ )?
      (?:table|list|essay|poem|haiku|steps|words|tokens|paragraphs?)
    | (?:in|using)\ (?:python|javascript|typescript|rust|go|java|sql|bash|ruby|c\+\+|c)
    | in\ (?:one|a\ few|simple)\ (?:word|words|sentence|sentences)
    | in\ \d[\d,]*\ (?:words|tokens) )(?!\w)"""
)
_LEAD = re.compile(
    r"""(?ix)^(?: (?: hi|hello|hey|ok|okay|and|so|then|well|now|but ) \b [\s,!.]*
    | (?: can|could|would|will ) \s you \s
    | i \s (?: want|need|would\ like|'d\ like ) \s (?: to\ know\ |you\ to\ )?
    | (?: tell|show|give|write|make|draw|explain|describe|list|name|compare|create|generate|compose
        |discuss|summari[sz]e|outline|define|teach|help|sketch|find|suggest|plan|recommend|design
        |translate|prepare|choose|pick|count|imagine|solve|prove|improve|review ) \b \s*
    | (?: me|us ) \b \s*
    | how \s (?: do|does|can|should|would|to|is|are|did ) \b \s*
        (?: (?: i|we|you|one|it ) \b \s* )? (?: bake|make|build|write|start|do ) ? \b \s*
    | (?: what|who|where|when|why|which ) (?: 's | \s (?: is|are|was|were|do|does|did|can|makes ) )?
        \b \s* (?: (?: we|i|you|one ) \s (?: see|have|need|use|get ) \s )?
    | (?: is|are|do|does|should|which ) \s
    | (?: a|an|some|any|the|my|five|ten|three|four|two|\d[\d,]*|short|long|brief|detailed|few|good
        |simple|small|quick|nice|token|tokens|word|words ) \s
        (?= .* \b (?: about|on|of|for|comparing|with|to|in|by ) \s )
    | (?: list|table|essay|poem|haiku|function|script|program|class|code|snippet|example|examples
        |ideas|tips|reasons|facts|story|quote|overview|guide|recipe|summary|introduction|text
        |steps|things|words|tokens|difference|differences ) \b \s*
        (?= (?: about|on|of|for|comparing|with|to|in|by|between ) \s )
    | (?: python|javascript|typescript|rust|go|java|sql|bash|ruby|haskell|html|css|c\+\+|c ) \s
        (?= (?: \w+ \s ) ? (?: about|on|of|for|with|to|by ) \s )
    | (?: how|learn|talk ) \s
    | (?: about|on|of|for|comparing|with|to|by|between ) \s )"""
)
_DOES_IT = re.compile(r"(?i)\b(?:how (?:do|does|can)|what makes|why (?:do|does|is|are))\b")
_WHAT_IT_DOES = re.compile(
    r"(?i)(?<=\w) (?:work|differ|rise|grow|fall|behave|happen|change|function|turn|matter)s?\b.*$"
)
_SHAPES: tuple[tuple[Shape, re.Pattern[str]], ...] = tuple(
    (shape, re.compile(words, re.IGNORECASE))
    for shape, words in (
        (Shape.GREETING, r"^\W*(?:hi|hello|hey|good (?:morning|evening|day)|hallo)\b\W*\w*\W*$"),
        (Shape.THANKS, r"^\W*(?:thanks|thank you|thx|great|perfect|danke)\b[^?]{0,20}$"),
        (
            Shape.IDENTITY,
            r"\b(?:who|what) are you\b|\bare you (?:an? )?(?:\w+ )?(?:ai|model|human|real|bot)\b",
        ),
        (
            Shape.RECALL,
            r"\bwhat (?:did|have) (?:i|we)\b|\bso far\b|\bour (?:chat|conversation)\b|\bremember\b",
        ),
        (Shape.ESSAY, r"\b(?:long|essay|in detail|detailed|in depth|at length|article)\b"),
        (Shape.SAMPLER, r"\bmarkdown\b|\bevery(?:thing)? you can\b"),
        (Shape.TABLE, r"\btable\b|\bcompare\b|\bcomparison\b|\bversus\b|\bvs\b|\bdifferences?\b"),
        (Shape.CODE, r"\b(?:code|function|script|program|snippet|implement|class)\b"),
        (Shape.HAIKU, r"\b(?:haiku|poem|verse|rhyme)\b"),
        (Shape.QUOTE, r"\b(?:quote|saying|motto|proverb)\b"),
        (Shape.STEPS, r"\bsteps?\b|\bhow (?:do|to|can|should)\b|\bguide\b|\brecipe\b|\bplan\b"),
        (
            Shape.LIST,
            r"\blist\b|\bideas\b|\bexamples\b|\btips\b|\breasons\b|\bfacts\b|\btop \d|\bname \w+",
        ),
        (Shape.SHORT, r"\b(?:brief|briefly|short|one sentence|one word|tl;?dr|yes or no)\b"),
    )
)
_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10}
_SUMS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def hear(question: str) -> Heard:
    """Make of a question what can be made of it without understanding it."""
    return _hear(question[:2000])


@lru_cache(maxsize=256)  # it is heard more than once while it is answered, and asked by many
def _hear(question: str) -> Heard:
    subject = find_subject(question)
    language = _language(question)
    if total := _sum(question):
        return Heard(Shape.SUM, subject, total=total)
    if length := _LENGTH.search(question):
        count = min(int(length[1].replace(",", "")), LONGEST_REPLY)
        return Heard(Shape.ESSAY, subject, _facts(question), count=count)
    shape = next((shape for shape, words in _SHAPES if words.search(question)), Shape.PLAIN)
    if language and shape in {Shape.PLAIN, Shape.STEPS, Shape.SHORT, Shape.LIST}:
        shape = Shape.CODE
    return Heard(
        shape,
        subject,
        facts=_facts(question),
        sides=_sides(question) if shape is Shape.TABLE else None,
        language=(language or "python") if shape is Shape.CODE else "",
        count=_count(question) if shape is Shape.LIST else None,
    )


def find_subject(question: str) -> str:
    """What a question is about, in its own words: one line of at most 60 characters, without
    the signs that Markdown would read."""
    if quoted := _QUOTED.search(question):
        return _plain(quoted[1])
    first = next((line for line in question.splitlines() if line.strip()), "")
    text = _HOW_IT_IS_ASKED.sub(" ", _plain(first, 400))
    text = re.sub(r"(?i) (?:buy|give|mean to|tell|teach) (?:us|me)\b.*", "", text)
    if _DOES_IT.search(text):
        text = _WHAT_IT_DOES.sub("", text)
    text = re.split(r"[?!;:\u3002\uff1f\uff01]|\.\s|,\s", text.strip(" .?!,;:"))[0].strip()
    while (shorter := _LEAD.sub("", text).strip()) not in {text, ""}:
        text = shorter
    return _plain(text) or "your message"


def _plain(text: str, length: int = 60) -> str:
    words = " ".join(_MARKS.sub(" ", text).split()).strip(" .,;:?!-\"'")
    if len(words) <= length:
        return words
    return words[:length].rpartition(" ")[0] or words[:length]


def _words(question: str) -> list[str]:
    return re.findall(r"c\+\+|[^\W_]+", question.lower())


def _facts(question: str) -> tuple[str, ...]:
    for word in _words(question):
        if facts := FACTS.get(ALIASES.get(word, word)):
            return facts
    return ()


def _language(question: str) -> str:
    words = _words(question)
    coding = _SHAPES_BY_NAME[Shape.CODE].search(question) is not None
    for before, word in zip(["", *words], words, strict=False):
        name = NAMES.get(word, word)
        if name not in SAMPLES:
            continue
        beside = coding or before in {"in", "some"}
        if beside or word not in AMBIGUOUS | {"python", "java"}:
            return name
    return ""


def _sides(question: str) -> tuple[str, str] | None:
    text = _HOW_IT_IS_ASKED.sub(" ", _plain(question, 200))
    for pattern in _SIDES:
        if found := pattern.search(text):
            left = _plain(_LEAD.sub("", found[1].strip()), 30)
            right = _plain(re.split(r"[?!.;,\n]|\s+(?:in|as|by|for)\s+a\b", found[2])[0], 30)
            if left and right:
                return left, right
    return None


def _count(question: str) -> int | None:
    if number := re.search(r"\b([1-9]|[1-4]\d|50)\b", question):
        return int(number[1])
    return next((_COUNTS[word] for word in _words(question) if word in _COUNTS), None)


def _sum(question: str) -> str:
    found = _SUM.search(question)
    if found is None or len(question) > 80:
        return ""
    sign = {"x": "*", "\u00d7": "*", "\u00f7": "/"}.get(found[2], found[2])
    left, right = float(found[1]), float(found[3])
    if sign == "/" and right == 0:
        return f"{found[1]} / {found[3]} has no value: nothing can be divided by zero"
    result = f"{_SUMS[sign](left, right):.10g}"
    shown = "\u00d7" if sign == "*" else sign
    return f"{found[1]} {shown} {found[3]} = **{result}**"


_SHAPES_BY_NAME = dict(_SHAPES)
