"""The commands that do something to a turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ccchat_tui.text import one_line
from ccchat_tui.tui.slash import SlashCall, SlashCommand, SlashError

if TYPE_CHECKING:
    from ccchat_tui.sessions.model import Turn
    from ccchat_tui.tui.widgets.transcript_path import Deed


def turn_commands() -> Iterable[SlashCommand]:
    """All of them."""
    yield _does("regenerate", "another reply to a question; the one there is stays", "regenerate")
    yield _does("edit", "edit a question and ask it in a branch of its own", "edit")
    yield _does("continue", "go on with a reply that was cut off", "go_on")
    yield _does("quote", "quote a reply, or what is selected of it", "quote")
    yield _does("delete", "delete a question with its reply", "delete")
    yield SlashCommand("undelete", "take the last /delete back", _undelete)
    yield SlashCommand("version", "show another version or branch of a turn", _version, "[NUMBER]")


def _does(name: str, words: str, deed: Deed) -> SlashCommand:
    async def run(call: SlashCall) -> str | None:
        turn = _turn(call, deed)
        call.take()
        call.pane.deeds.do(deed, turn)
        return call.pane.news

    return SlashCommand(name, words, run, "[TURN]")


def _turn(call: SlashCall, deed: Deed) -> Turn | None:
    """The turn whose number is given; else the chosen one, which is the newest if none is."""
    turns = call.pane.session.turns
    if not call.argument:
        chosen = call.pane.transcript.chosen_turn
        if deed == "go_on" and chosen is not None and not chosen.can_go_on:
            return next((turn for turn in reversed(turns) if turn.can_go_on), chosen)
        return chosen
    number = _number(call.argument, len(turns), "turn")
    return turns[number - 1]


def _number(given: str, highest: int, what: str) -> int:
    if not highest:
        raise SlashError("There is nothing yet in this chat.")
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= highest:
        raise SlashError(
            f"There is no {what} “{one_line(given, 20)}”; give a number from 1 to {highest}."
        )
    return int(given)


async def _undelete(call: SlashCall) -> str | None:
    if call.argument:
        raise SlashError("/undelete takes nothing behind it: the last one comes back first.")
    call.take()
    call.pane.deeds.undelete()
    return call.pane.news


async def _version(call: SlashCall) -> str | None:
    turn = call.pane.transcript.chosen_turn
    if turn is None:
        raise SlashError("There is nothing yet in this chat.")
    number, count = turn.versions
    wanted = _number(call.argument, count, "version") if call.argument else number % count + 1
    call.take()
    if wanted == number:
        return f"Version {number} of {count} is shown already."
    call.pane.deeds.walk(turn, wanted - number)
    return None
