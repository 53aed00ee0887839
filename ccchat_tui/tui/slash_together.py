"""The commands that ask several at once: models in a comparison, or chats in a broadcast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ccchat_tui.sessions.comparison import ModelsError, begun, read_models
from ccchat_tui.tui.slash import SlashCall, SlashCommand, SlashError

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.widgets.chat_pane import ChatPane

NO_COMPARISON = "This chat is not part of a comparison. /compare begins one."


def together_commands() -> Iterable[SlashCommand]:
    """All of them."""
    yield SlashCommand(
        "compare",
        "ask several models the same, side by side",
        _compare,
        "[MODELS -- TEXT]",
        complete_word=_models,
    )
    yield SlashCommand("keep", "keep this chat of a comparison, or all of them", _keep, "[all]")
    yield SlashCommand("compare-close", "close a comparison", _close)
    yield SlashCommand("broadcast", "one message to all open chats", _broadcast, "[TEXT]")


async def _compare(call: SlashCall) -> None:
    session = call.pane.session
    if not call.argument:
        call.take()
        call.app.comparisons.choose(session)
        return
    try:
        models, question = read_models(call.argument, call.app.sessions.known_models)
    except ModelsError as error:
        raise SlashError(error.message) from None
    call.app.comparisons.begin(session, models, question)
    call.take()
    await call.app.chats.deck.settled()


async def _keep(call: SlashCall) -> None:
    if call.app.comparisons.of(call.pane.session) is None:
        raise SlashError(NO_COMPARISON)
    if call.argument.lower() not in {"", "all"}:
        raise SlashError("/keep keeps this chat, /keep all keeps every one of the comparison.")
    call.take()
    if call.argument:
        call.app.comparisons.keep_all(call.pane.session)
    else:
        call.app.comparisons.keep(call.pane.session)


async def _close(call: SlashCall) -> None:
    if call.app.comparisons.of(call.pane.session) is None:
        raise SlashError(NO_COMPARISON)
    call.take()
    call.app.comparisons.close(call.pane.session)


async def _broadcast(call: SlashCall) -> None:
    if not call.argument:
        call.take()
        call.app.broadcasts.show()
        return
    await call.app.broadcasts.send_to_all(call.argument, call.pane, call.take)


def _models(app: CCChatApp, _pane: ChatPane, typed: str) -> tuple[str, Iterable[str]]:
    """Those that are not named yet. With two named, Enter means that these are all."""
    found = begun(typed)
    if found is None:
        return "", ()
    named, word = found
    if len(named) > 1 and not word:
        return "", ()
    return word, [each for each in app.sessions.known_models if each not in named]
