"""The commands that come with the app."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.sessions.options import OPTIONS
from ccchat_tui.text import one_line
from ccchat_tui.tui.slash import SlashCall, SlashCommand, SlashError
from ccchat_tui.tui.slash_files import file_commands
from ccchat_tui.tui.slash_set import OTHERS, set_option

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.widgets.chat_pane import ChatPane


def builtin_commands() -> Iterable[SlashCommand]:
    """All of them."""
    yield SlashCommand("help", "every key and every command", _help)
    yield SlashCommand("new", "a new chat, for the same user if none is named", _new, "[USER]")
    yield does("close", "close this chat", "close_chat")
    yield SlashCommand("rename", "give this chat a name", _rename, "[TITLE]")
    yield SlashCommand(
        "model", "choose the model of this chat", _model, "[MODEL]", complete=_models
    )
    yield SlashCommand("system", "what goes before every question", _system, "[TEXT]")
    yield SlashCommand(
        "set",
        "an option of this chat, such as temperature 0.2",
        _set,
        "OPTION VALUE",
        complete=_options,
        needed=True,
    )
    yield SlashCommand("retry", "ask the newest failed question again", _retry)
    yield SlashCommand("cancel", "cancel the newest reply of this chat", _cancel)
    yield SlashCommand("cancel-all", "cancel every request", _cancel_all)
    yield SlashCommand("theme", "change the colours", _theme, "[NAME]", complete=_themes)
    yield does("grid", "change between tabs and grid", "toggle_grid")
    yield does("panel", "show or hide the queue panel", "toggle_panel")
    yield SlashCommand("limit", "so many requests at once, or auto", _limit, "N", needed=True)
    yield does("pause", "pause or resume the queue", "pause")
    yield does("connect", "try the model server again", "connect")
    yield does("history", "open any conversation", "app.history")
    yield SlashCommand("find", "find words in this chat", _find, "[WORDS]")
    yield from file_commands()
    yield SlashCommand("editor", "write in your own editor", _editor)
    yield does("links", "links and code blocks of a reply", "pieces")
    yield does("jump", "go to any place by a letter", "jump_mode")
    yield does("zen", "nothing but the chat, or all again", "zen")
    yield does("density", "more rows for the text, or fewer", "density")
    yield does("quit", "leave the program", "app.quit")


def does(name: str, words: str, action: str) -> SlashCommand:
    """A command that does what a key of the chats does."""

    async def run(call: SlashCall) -> None:
        _no_argument(call)
        call.take()
        await call.app.run_action(action, call.app.chats)

    return SlashCommand(name, words, run)


def _no_argument(call: SlashCall) -> None:
    if call.argument:
        raise SlashError(
            f"/{call.command.name} takes nothing behind it. Did you mean to send a message? "
            f"Put another / before it."
        )


async def _help(call: SlashCall) -> None:
    _no_argument(call)
    call.app.action_help()


async def _new(call: SlashCall) -> None:
    session = call.pane.session
    user = one_line(call.argument, 60)
    call.take()
    call.app.chats.open(user or session.user, model=session.model)
    await call.app.chats.deck.settled()


async def _rename(call: SlashCall) -> None:
    if call.argument:
        call.app.sessions.rename(call.pane.session, one_line(call.argument, 200))
    else:
        call.take()
        call.app.chats.action_rename()


async def _model(call: SlashCall) -> str | None:
    if not call.argument:
        call.take()
        call.app.chats.action_choose_model()
        return None
    known = call.app.sessions.known_models
    wanted = full_name(call.argument)
    name = next((name for name in known if full_name(name) == wanted), None)
    if known and name is None:
        few = ", ".join(one_line(name, 30) for name in known[:6])
        more = f" and {len(known) - 6} more" if len(known) > 6 else ""
        raise SlashError(
            f"There is no model “{one_line(call.argument, 40)}”. There are {few}{more}."
        )
    session = call.pane.session
    session.model = name or one_line(call.argument, 200)
    call.app.sessions.changed(session)
    return f"{one_line(session.model, 60)} answers in this chat from now on."


async def _system(call: SlashCall) -> str | None:
    if not call.argument:
        call.take()
        call.app.chats.action_settings()
        return None
    call.pane.session.system = call.argument
    call.app.sessions.changed(call.pane.session)
    return "It goes before every question of this chat from now on."


async def _set(call: SlashCall) -> str:
    said = set_option(call.pane.session, call.argument)
    call.app.sessions.changed(call.pane.session)
    return said


async def _retry(call: SlashCall) -> str | None:
    _no_argument(call)
    call.take()
    call.pane.action_retry_last()
    return call.pane.news


async def _cancel(call: SlashCall) -> str | None:
    _no_argument(call)
    if call.app.sessions.cancel_newest(call.pane.session) is None:
        return "Nothing is running in this chat."
    return None


async def _cancel_all(call: SlashCall) -> str:
    _no_argument(call)
    count = call.app.sessions.cancel_all()
    return f"Cancelled {count} request{'' if count == 1 else 's'}."


async def _theme(call: SlashCall) -> str | None:
    if not call.argument:
        call.take()
        call.app.action_change_theme()
        return None
    names = call.app.available_themes
    if call.argument not in names:
        few = ", ".join(sorted(names))
        raise SlashError(f"There is no theme “{one_line(call.argument, 30)}”. There are {few}.")
    call.app.action_theme(call.argument)
    return None


async def _limit(call: SlashCall) -> str | None:
    from ccchat_tui.tui.app import MOST_AT_ONCE  # noqa: PLC0415 - it imports this

    if call.argument.strip().lower() == "auto":
        call.app.let_limit_adapt()  # the queue panel says the rest
        return None
    try:
        wanted = int(call.argument)
    except ValueError:
        wanted = 0
    if not 1 <= wanted <= MOST_AT_ONCE:
        raise SlashError(
            f"The limit cannot be “{one_line(call.argument, 20)}”; "
            f"give a whole number from 1 to {MOST_AT_ONCE}, or auto."
        )
    call.app.service.set_limits(max_concurrent=wanted)
    call.app.watch_queue.wake()
    return f"{wanted} request{'' if wanted == 1 else 's'} may run at once from now on."


async def _find(call: SlashCall) -> None:
    call.take()
    call.pane.find(call.argument)


async def _editor(call: SlashCall) -> None:
    _no_argument(call)
    call.take()
    call.app.chats.action_editor()


# What arguments may be --------------------------------------------------------------------


def _models(app: CCChatApp, _pane: ChatPane) -> Iterable[str]:
    return app.sessions.known_models


def _themes(app: CCChatApp, _pane: ChatPane) -> Iterable[str]:
    return sorted(app.available_themes)


def _options(_app: CCChatApp, _pane: ChatPane) -> Iterable[str]:
    return sorted((*OPTIONS, *OTHERS))
