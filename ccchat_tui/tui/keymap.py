"""Keys of one's own: which actions there are, and what the `[keys]` table makes of their keys.

Every action has a name: that of what it does, behind the place it is done in unless it can be done
anywhere, as in `new_chat` or `replies.copy_reply`. A binding may name its action itself, by `id`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Final

from textual.binding import Binding, BindingsMap

from ccchat_tui.config import SettingsError
from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line
from ccchat_tui.tui.key_names import KeyNameError, in_words, read_key, writes

if TYPE_CHECKING:
    from textual.dom import DOMNode

PLACES: Final = {
    "CCChatApp": "app",
    "ChatsScreen": "chats",
    "ChatPane": "chat",
    "Composer": "box",
    "Transcript": "replies",
    "FindBar": "find",
    "AttachmentBar": "files",
    "SidePanel": "panel",
    "QueuePanel": "queue",
    "RunScreen": "run",
    "Timeline": "timeline",
    "EventList": "events",
    "ReplayApp": "replay",
    "ReplayBar": "bar",
    "DemoBar": "demo",
    "CompareScreen": "sides",
    "HistoryRows": "list",
    "Dialog": "dialog",
}
"""By the name of the class that has the bindings, or of one it is made from."""

ANYWHERE: Final = ("app", "chats")
"""Places whose actions have no place in their names."""

_AROUND: Final = {
    "chats": frozenset({"chat", "box", "replies", "find", "files", "panel", "queue"}),
    "chat": frozenset({"box", "replies", "find", "files"}),
    "panel": frozenset({"queue"}),
    "run": frozenset({"timeline", "events"}),
    "replay": frozenset({"run", "timeline", "events", "bar", "queue"}),
}
"""Places that lie around others: a key cannot mean one thing in both. What works in the whole
program, and in every dialog, lies around whatever else there is, and around whatever dialog."""

_IN_DIALOGS: Final = frozenset({"dialog", "list"})

_NO_WRITING: Final = frozenset(
    {"replies", "files", "panel", "queue", "list", "run", "timeline", "events", "sides"}
)
"""Places where letters may be keys, for nothing is written there."""

_SCROLLING: Final = re.compile(r"(scroll|page)_(up|down|left|right|home|end)")


@dataclass(frozen=True, slots=True)
class Action:
    """Something that keys do."""

    name: str
    place: str
    words: str
    keys: tuple[str, ...]


def place_of(kind: type[DOMNode], binding: Binding | None = None) -> str:
    """Where the bindings of a class work; empty for what has no place of its own.

    Args:
        kind: The class.
        binding: One of its bindings. Those that a dialog has for itself work only there; the
            place of the others, and of none, is `dialog`.
    """
    for each in kind.__mro__:
        place = PLACES.get(each.__name__)
        if place is None:
            continue
        shared: BindingsMap | None = getattr(each, "_merged_bindings", None)
        if place != "dialog" or binding is None or shared is None:
            return place
        if any(binding.action == other.action for _, other in shared):
            return place
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__.removesuffix("Screen"))
        return words.lower()
    return ""


def name_of(binding: Binding, kind: type[DOMNode]) -> str:
    """The name of what a binding of a class does."""
    if binding.id:
        return binding.id
    action = binding.action.removeprefix("app.").removeprefix("screen.")
    action = action.replace("(True)", "_select").replace("-", "minus_")
    name = re.sub(r"\W+", "_", action).strip("_").lower()
    place = place_of(kind, binding)
    return name if place in ANYWHERE else f"{place}.{name}"


def actions() -> list[Action]:
    """Everything that keys do, with the keys it has by itself, place by place."""
    found: dict[str, Action] = {}
    first: set[str] = set()
    for kind in _kinds():
        for binding in _all(kind):
            place = place_of(kind, binding)
            name = name_of(binding, kind)
            words = binding.tooltip or binding.description
            if binding.system or not words or _scrolls(binding):
                continue
            before = found.get(name) or Action(name, place, words, ())
            if binding.priority and place in ANYWHERE:
                first.add(binding.key)
            if binding.key not in before.keys:
                found[name] = replace(before, keys=(*before.keys, binding.key))
    # Keys of the framework's editor that never get there.
    for name, action in found.items():
        if action.place == "box":
            found[name] = replace(
                action, keys=tuple(key for key in action.keys if key not in first)
            )
    return list(found.values())


def _scrolls(binding: Binding) -> bool:
    """Whether it is the framework's own scrolling, which our own keys stand in for."""
    return not binding.id and bool(_SCROLLING.fullmatch(binding.action)) and not binding.tooltip


def _kinds() -> Iterator[type[DOMNode]]:
    from ccchat_tui.tui import screens  # noqa: PLC0415 - all of this is needed only here
    from ccchat_tui.tui.app import CCChatApp  # noqa: PLC0415
    from ccchat_tui.tui.demo.bar import DemoBar  # noqa: PLC0415
    from ccchat_tui.tui.demo.compare_screen import CompareScreen  # noqa: PLC0415
    from ccchat_tui.tui.screens.chats import ChatsScreen  # noqa: PLC0415
    from ccchat_tui.tui.screens.dialog import Dialog  # noqa: PLC0415
    from ccchat_tui.tui.timeline.event_list import EventList  # noqa: PLC0415
    from ccchat_tui.tui.timeline.gantt import Timeline  # noqa: PLC0415
    from ccchat_tui.tui.timeline.replay_app import ReplayApp  # noqa: PLC0415
    from ccchat_tui.tui.timeline.replay_bar import ReplayBar  # noqa: PLC0415
    from ccchat_tui.tui.timeline.screen import RunScreen  # noqa: PLC0415
    from ccchat_tui.tui.widgets.attachments import AttachmentBar  # noqa: PLC0415
    from ccchat_tui.tui.widgets.chat_pane import ChatPane  # noqa: PLC0415
    from ccchat_tui.tui.widgets.composer import Composer  # noqa: PLC0415
    from ccchat_tui.tui.widgets.find_bar import FindBar  # noqa: PLC0415
    from ccchat_tui.tui.widgets.history_rows import HistoryRows  # noqa: PLC0415
    from ccchat_tui.tui.widgets.queue_panel import QueuePanel  # noqa: PLC0415
    from ccchat_tui.tui.widgets.side_panel import SidePanel  # noqa: PLC0415
    from ccchat_tui.tui.widgets.transcript import Transcript  # noqa: PLC0415

    yield from (ChatsScreen, CCChatApp, ChatPane, Composer, Transcript, FindBar)
    yield AttachmentBar
    yield from (QueuePanel, SidePanel, RunScreen, Timeline, EventList)
    yield from (ReplayApp, ReplayBar, DemoBar, CompareScreen)
    for module in iter_modules(screens.__path__, f"{screens.__name__}."):
        import_module(module.name)
    yield Dialog
    yield from sorted(_made_from(Dialog), key=lambda kind: kind.__name__)
    yield HistoryRows


def _made_from(kind: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for each in kind.__subclasses__():
        yield each
        yield from _made_from(each)


def _all(kind: type[DOMNode]) -> Iterator[Binding]:
    bindings = kind._merged_bindings
    for each in bindings.key_to_bindings.values() if bindings else ():
        yield from each


class Keymap:
    """The keys that actions have in place of their own.

    Args:
        keys: By the name of the action; they have been checked.
    """

    def __init__(self, keys: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._keys = dict(keys or {})

    def __bool__(self) -> bool:
        return bool(self._keys)

    @property
    def keys(self) -> Mapping[str, tuple[str, ...]]:
        """By the name of the action."""
        return self._keys

    def apply(self, node: DOMNode) -> None:
        """Give a node the keys it is to have; called once, when it is made."""
        if not self._keys or not place_of(type(node)):
            return
        bindings = node._bindings
        fresh: dict[str, list[Binding]] = {}
        told: set[str] = set()
        for each in bindings.key_to_bindings.values():
            for binding in each:
                name = name_of(binding, type(node))
                if name not in self._keys:
                    fresh.setdefault(binding.key, []).append(binding)
                elif name not in told:
                    told.add(name)
                    for key in self._keys[name]:
                        fresh.setdefault(key, []).append(binding.with_key(key))
        node._bindings = BindingsMap.from_keys(fresh)

    def told(self, name: str, default: str) -> str:
        """The first key of an action in words, for texts that tell of it.

        Args:
            name: Of the action.
            default: What is told while it has its own keys.
        """
        keys = self._keys.get(name)
        if keys is None:
            return default
        return in_words(keys[0]) if keys else ""


def read_keymap(given: Mapping[str, tuple[str, ...]], source: str = "") -> Keymap:
    """Check a `[keys]` table.

    Args:
        given: As it stands in the settings.
        source: Where it stands, for the message.

    Raises:
        SettingsError: An action or a key that there is not, or a key that is to do two things. One
            line for each.
    """
    if not given:
        return Keymap()
    there = {action.name: action for action in actions()}
    where = f" ({source})" if source else ""
    problems: list[str] = []
    keys: dict[str, tuple[str, ...]] = {}
    for name, written in given.items():
        action = there.get(name)
        if action is None:
            problems.append(f"keys.{one_line(name, 60)}{where}: {_no_action(name, there)}")
            continue
        keys[name] = tuple(_read(name, action, written, where, problems))
    problems += _conflicts(there, keys, where)
    if problems:
        raise SettingsError("\n".join(problems))
    return Keymap(keys)


def _no_action(name: str, there: Iterable[str]) -> str:
    names = list(there)
    close = difflib.get_close_matches(name.lower(), names, 1)
    if not close:
        close = [each for each in names if each.rpartition(".")[2] == name.rpartition(".")[2]]
    remedy = f"did you mean {close[0]}?" if close else "`ccchat config --keys` lists what there is"
    return f"there is no such action; {remedy}"


def _read(
    name: str, action: Action, written: tuple[str, ...], where: str, problems: list[str]
) -> Iterator[str]:
    for text in written:
        try:
            key = read_key(text)
            if (
                writes(key)
                and action.place not in _NO_WRITING
                and not any(map(writes, action.keys))
            ):
                raise KeyNameError(
                    "it writes something, and here one writes: give it with ctrl or alt, or a "
                    "function key"
                )
        except KeyNameError as error:
            problems.append(f"keys.{name} cannot be {one_line(text, 40)!r}{where}: {error}")
        else:
            yield key


def _conflicts(
    there: Mapping[str, Action], keys: Mapping[str, tuple[str, ...]], where: str
) -> Iterator[str]:
    """A line for each key that would do two things where it is pressed, if one of these is new."""
    holders: dict[str, list[Action]] = {}
    for action in there.values():
        for key in keys.get(action.name, action.keys):
            holders.setdefault(key, []).append(action)
    for key, found in holders.items():
        for index, one in enumerate(found):
            for other in found[index + 1 :]:
                new = [each for each in (one, other) if key in keys.get(each.name, ())]
                if not new or not _meet(one.place, other.place):
                    continue
                if "demo" in {one.place, other.place} - {each.place for each in new}:
                    continue  # a demo takes only keys that are free
                first = new[0]
                second = other if first is one else one
                yield (
                    f"keys.{first.name} cannot be {key!r}{where}: it is the key of "
                    f"{second.name} ({second.words}); give another key, or {second.name} another"
                )


def _meet(one: str, other: str) -> bool:
    """Whether one of two places lies in the other."""
    places = {one, other}
    if len(places) == 1 or places & {"app", "demo"} or other in _AROUND.get(one, ()):
        return True
    if one in _AROUND.get(other, ()):
        return True
    return bool(places & {"dialog", "list"}) and not places & (set(PLACES.values()) - _IN_DIALOGS)
