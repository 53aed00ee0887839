"""What the dialog of a chat's settings asks, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from ccchat_tui.backends.base import LoadedModel, ModelInfo, Think
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.options import OPTIONS, Option, OptionError, shown_option
from ccchat_tui.sessions.presets import Preset
from ccchat_tui.text import one_line, shown_value

HINTS: Final[Mapping[str, str]] = {
    "temperature": "0 to 2",
    "top_p": "0 to 1",
    "top_k": "0 and up",
    "repeat_penalty": "0 to 10",
    "num_ctx": "tokens",
    "num_predict": "tokens; -1: any",
    "seed": "-1: another each time",
}
"""Options with a field of their own, in the order of the dialog, and what an empty field says."""
OTHERS: Final = tuple(name for name in OPTIONS if name not in HINTS and name != "stop")
"""Options that share a field."""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """The answer of the dialog."""

    model: str
    system: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    think: Think | None = None
    """`None` leaves it to the server, as with `keep_alive`."""
    keep_alive: str | float | None = None
    ordered: bool = False

    def apply(self, session: Session) -> None:
        """Ask with these from the next question on."""
        session.model = self.model or session.model
        session.system = self.system
        session.options = dict(self.options)
        session.think = self.think
        session.keep_alive = self.keep_alive
        session.ordered = self.ordered

    @property
    def preset(self) -> Preset:
        """What of it is kept by a name."""
        return Preset(self.system, dict(self.options), self.think, self.keep_alive)


def typed_options(options: Mapping[str, Any], names: Sequence[str]) -> str:
    """Options as they are typed in the field that several share."""
    return " ".join(
        f"{name}={shown_option(options[name])}" for name in names if options.get(name) is not None
    )


def read_others(typed: str) -> dict[str, Any]:
    """Options out of the field that several share.

    Raises:
        OptionError: One is no `name=value`, or is not known there, or cannot have that value.
    """
    found: dict[str, Any] = {}
    for part in typed.replace("=", " = ").replace(" = ", "=").split():
        name, equals, text = part.partition("=")
        if name in HINTS or name == "stop":
            raise OptionError("other", f"{name} has a field of its own; give it there.")
        option: Option | None = OPTIONS.get(name)
        if option is None or not equals:
            raise OptionError(
                "other",
                f"The other options cannot hold {shown_value(part, 30)}; give name=value, with one "
                f"of {', '.join(OTHERS)}.",
            )
        try:
            found[name] = option.read(text)
        except OptionError as error:
            raise OptionError("other", error.message) from None
    return found


def reloading(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some options that Ollama loads a model with."""
    return {
        name: value for name, value in options.items() if name in OPTIONS and OPTIONS[name].reloads
    }


def warning(
    before: Session,
    settings: ChatSettings,
    *,
    others: Sequence[Session] = (),
    models: Sequence[ModelInfo] = (),
    loaded: Sequence[LoadedModel] | None = None,
    reloads: bool = True,
) -> str:
    """What is to be said of a change before it is made; empty for nothing.

    Args:
        before: The chat as it is.
        settings: As it would be.
        others: The other chats that are open.
        models: What is known of the models there are.
        loaded: What the servers hold in memory now; `None` where that is not known, and what the
            chat was asked with so far stands for it.
        reloads: Whether the server is one that loads models for those who ask.
    """
    told = []
    model = settings.model or before.model
    wanted, present = reloading(settings.options), reloading(before.options)
    changed = [name for name in OPTIONS if wanted.get(name) != present.get(name)]
    same_model = full_name(model) == full_name(before.model)
    info = next((each for each in models if full_name(each.name) == full_name(model)), None)
    if loaded is None:
        again = changed if same_model and before.model else []
    else:
        held = [each for each in loaded if full_name(each.name) == full_name(model)]
        again = _otherwise(wanted, changed if same_model else [], held, info)
    if reloads and again:
        told.append(
            f"Another {' and another '.join(again)} makes the server load "
            f"{one_line(model, 40)} again: it waits for replies that run, and the next one begins "
            "later."
        )
    apart = [
        each
        for each in others
        if each.model and full_name(each.model) == full_name(model)
        if reloading(each.options) != wanted
    ]
    if reloads and apart and (changed or not same_model):
        many = "1 other chat asks" if len(apart) == 1 else f"{len(apart)} other chats ask"
        told.append(f"{many} it with other values: it is loaded again at each turn between them.")
    if settings.think and info and info.capabilities and "thinking" not in info.capabilities:
        told.append(f"{one_line(model, 40)} does not think, and refuses when it is asked to.")
    return " ".join(told)


def _otherwise(
    wanted: Mapping[str, Any],
    changed: Sequence[str],
    held: Sequence[LoadedModel],
    info: ModelInfo | None,
) -> list[str]:
    """The options that a model was loaded with otherwise; none where it is not loaded.

    A server says of these only how long a context it has (`/api/ps`). Of the others it is known
    no more than that they change.

    Args:
        wanted: What it would be asked with.
        changed: Names of what the chat would ask otherwise than before.
        held: The model, on each server that has it in memory.
        info: What is known of it; its longest context is all that it is loaded with.
    """
    if not held:
        return []
    names = list(changed)
    tokens = wanted.get("num_ctx")
    known = {each.context_length for each in held if each.context_length}
    if tokens and known:
        tokens = min(tokens, (info and info.context_length) or tokens)
        names = [name for name in names if name != "num_ctx"]
        if known != {tokens}:
            names.insert(0, "num_ctx")
    return names
