"""`ccchat token`: who may use the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ccchat_tui.api.tokens import ADMIN, Tokens, TokensError
from ccchat_tui.cli.output import CommandError, complain, say, table, terminal_width, visible
from ccchat_tui.paths import tokens_file


def tokens_command(given: Mapping[str, Any]) -> int:
    """Show the tokens, or one of them alone, or have one count no longer.

    Raises:
        CommandError: They cannot be read or written, or there is none to revoke.
    """
    tokens = Tokens(tokens_file())
    name = ADMIN if given.get("admin") else given.get("user")
    try:
        if given.get("revoke"):
            return _revoke(tokens, name)
        if name is None:
            return _show(tokens)
        if name == ADMIN and not given.get("admin"):
            raise CommandError(f"no user can be called {ADMIN}; --admin gives the admin's token", 2)
        say(tokens.get(name))
        return 0
    except TokensError as error:
        raise CommandError(str(error)) from None


def _show(tokens: Tokens) -> int:
    there = tokens.all()
    if not there:
        complain("there are no tokens yet; --user NAME or --admin makes one")
        return 0
    rows = [(visible(name), visible(token)) for name, token in there.items()]
    say(table(("for", "token"), rows, width=terminal_width()))
    return 0


def _revoke(tokens: Tokens, name: str | None) -> int:
    if name is None:
        raise CommandError("--revoke needs --user NAME or --admin, to say whose token", 2)
    if not tokens.revoke(name):
        raise CommandError(f"there is no token of {visible(name)}; `ccchat token` shows them")
    say(f"the token of {visible(name)} counts no longer; what it began ends with it")
    return 0
