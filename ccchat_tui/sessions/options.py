"""What a chat may ask its model with: each option, what it may be, and what a change of it costs.

Names and meanings are Ollama's (Ollama source, api/types.go; docs/modelfile.mdx). Whoever reads
one, from a dialog, a command or a file, is told in the same words what is wrong with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ccchat_tui.backends.base import Think
from ccchat_tui.config import HOTTEST
from ccchat_tui.quick import dataclass
from ccchat_tui.text import shown_value


class OptionError(ValueError):
    """An option cannot have a value.

    Args:
        name: Which option.
        message: In words: the option, the value, what is allowed.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a model."""

    name: str
    allowed: str
    """What it may be, in words."""
    fits: Callable[[Any], bool]
    """Whether a value is one of these."""
    parse: Callable[[str], Any]
    """A value out of what somebody typed; raises `ValueError`."""
    reloads: bool = False
    """Whether Ollama loads the model again when it changes."""

    def check(self, value: Any) -> Any:
        """A value as it is sent. Raises `OptionError` unless it is one that is allowed."""
        if not self.fits(value):
            raise self._refused(value)
        return value

    def read(self, text: str) -> Any:
        """What somebody typed as a value. Raises `OptionError`."""
        try:
            value = self.parse(text.strip())
        except ValueError:
            raise self._refused(text.strip()) from None
        if not self.fits(value):
            raise self._refused(text.strip())
        return value

    def _refused(self, value: Any) -> OptionError:
        return OptionError(self.name, refused(self.name, value, self.allowed))


def refused(name: str, value: object, allowed: str) -> str:
    """The words for a value that cannot be."""
    return f"{name} cannot be {shown_value(value, 40)}; give {allowed}."


def _number(name: str, low: float, high: float) -> Option:
    def fits(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and math.isfinite(value) and low <= value <= high

    def parse(text: str) -> float:
        return float(text.replace(",", "."))

    return Option(name, f"a number from {low:g} to {high:g}", fits, parse)


def _whole(name: str, low: int, high: int, also: str = "", *, reloads: bool = False) -> Option:
    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    words = f"a whole number from {low} to {high}{also}"
    return Option(name, words, fits, _whole_from, reloads)


def _whole_from(text: str) -> int:
    # Python would take digits of any script, and underscores between them.
    if not re.fullmatch(r"[+-]?[0-9]{1,19}", text):
        raise ValueError(text)
    return int(text)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) and each for each in value)


def _truth(text: str) -> bool:
    return {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}[
        text.lower()
    ]


def _truth_or_error(text: str) -> bool:
    try:
        return _truth(text)
    except KeyError:
        raise ValueError(text) from None


def stop_texts(typed: str) -> list[str]:
    r"""Stop texts out of what somebody typed, one a line; `\n`, `\t` and `\\` stand for what cannot
    be typed in one."""
    signs = {r"\n": "\n", r"\t": "\t", r"\\": "\\"}
    lines = (re.sub(r"\\[nt\\]", lambda found: signs[found[0]], line) for line in typed.split("\n"))
    return [line for line in lines if line]


def typed_stops(stops: object) -> str:
    """What would have to be typed for these stop texts; the inverse of `stop_texts`."""
    texts = [stops] if isinstance(stops, str) else stops
    if not isinstance(texts, list | tuple):
        return ""
    return "\n".join(
        str(text).replace("\\", r"\\").replace("\n", r"\n").replace("\t", r"\t") for text in texts
    )


_MANY: Final = 1_000_000
_LONG: Final = 100_000_000

OPTIONS: Final[Mapping[str, Option]] = {
    option.name: option
    for option in (
        _number("temperature", 0, HOTTEST),
        _number("top_p", 0, 1),
        _whole("top_k", 0, _MANY),
        _whole("num_ctx", 1, _LONG, " (tokens)", reloads=True),
        _whole("num_predict", -2, _LONG, " (tokens; -1 for no limit)"),
        _whole("seed", -1, 2**63 - 1, " (-1 for another one each time)"),
        Option("stop", "texts at which a reply ends", _are_texts, stop_texts),
        _number("repeat_penalty", 0, 10),
        # What is asked for less often.
        _number("min_p", 0, 1),
        _number("typical_p", 0, 1),
        _whole("repeat_last_n", -1, _LONG),
        _number("presence_penalty", -2, 2),
        _number("frequency_penalty", -2, 2),
        _whole("num_keep", -1, _LONG),
        _whole("num_batch", 1, _MANY, reloads=True),
        _whole("num_gpu", -1, _MANY, " (layers)", reloads=True),
        _whole("main_gpu", 0, 1000, reloads=True),
        _whole("num_thread", 0, 10_000, reloads=True),
        Option(
            "use_mmap", "on or off", lambda value: isinstance(value, bool), _truth_or_error, True
        ),
    )
}
"""By name, those that are asked for most often first."""

THINK: Final[Mapping[str, Think | None]] = {
    "default": None,
    "off": False,
    "on": True,
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "max",
}
"""How much a model is to think, by the word for it; `default` leaves it to the server."""

KEEP_ALIVE: Final = "a time such as 10m or 1h30m, seconds, 0 (unload at once) or -1 (for ever)"
_DURATION: Final = re.compile(r"-?(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+", re.ASCII)


def check_option(name: str, value: Any) -> Any:
    """A value as it is sent. Raises `OptionError` unless there is such an option, and it may have
    that value."""
    option = OPTIONS.get(name)
    if option is None:
        raise OptionError(name, f"There is no option {shown_value(name, 30)}.")
    return option.check(value)


def check_think(value: Any) -> Think | None:
    """How much a model is to think, as it is sent. Raises `OptionError`."""
    # Compared with the kind, because 1 is True.
    for word, meant in THINK.items():
        if (value == meant and type(value) is type(meant)) or value == word:
            return meant
    raise OptionError("think", refused("think", value, ", ".join(THINK)))


def check_keep_alive(value: Any) -> str | float | None:
    """How long a model stays loaded, as it is sent: Ollama takes seconds only as a number. Raises
    `OptionError`.

    Args:
        value: A time as text, or seconds; empty or `None` leaves it to the server.
    """
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        if value is None or math.isfinite(value):
            return value
    elif isinstance(value, str):
        text = value.strip().lower()
        if not text:
            return None
        if re.fullmatch(r"[+-]?[0-9]{1,12}(\.[0-9]+)?", text):
            seconds = float(text)
            return int(seconds) if seconds.is_integer() else seconds
        if len(text) <= 40 and _DURATION.fullmatch(text):
            return text
    raise OptionError("keep_alive", refused("keep_alive", value, KEEP_ALIVE))


def think_word(think: Think | None) -> str:
    """The word for how much a model is to think."""
    return next(
        (word for word, meant in THINK.items() if meant == think and type(meant) is type(think)),
        str(think),
    )


def shown_option(value: Any) -> str:
    """A value as it would be typed."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return typed_stops(value) if isinstance(value, list | tuple) else str(value)
