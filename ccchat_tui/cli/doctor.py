"""`ccchat doctor`: looks at everything that could be wrong, and says what helps."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from ccchat_tui import __version__
from ccchat_tui.cli.output import folded, is_terminal, say, terminal_width, visible
from ccchat_tui.doctor.files import check_store, check_tokens
from ccchat_tui.doctor.finding import Finding, Findings, State, problem
from ccchat_tui.doctor.program import check_extras, check_logs, check_versions
from ccchat_tui.doctor.servers import check_servers
from ccchat_tui.doctor.settings import check_settings, load_or_default
from ccchat_tui.doctor.terminal import check_terminal

if TYPE_CHECKING:
    from ccchat_tui.config import Loaded

_SIGNS: Final = {
    State.OK: "ok",
    State.NOTE: "note",
    State.WARNING: "WARNING",
    State.PROBLEM: "PROBLEM",
}


def doctor(
    given: Mapping[str, Any],
    load: Callable[[], Loaded],
    overrides: Mapping[str, tuple[str, object]],
) -> int:
    """Look at everything, and print what was found.

    Args:
        given: The command line.
        load: Loads the settings. Raises `SettingsError`.
        overrides: The settings of the command line.

    Returns:
        0 if there is no problem, 1 if there is one.
    """
    loaded, wrong = load_or_default(load, os.environ, overrides)
    settings = loaded.settings
    found = [
        *_guarded("versions", check_versions),
        *_guarded("extras", check_extras),
        *_guarded("terminal", lambda: check_terminal(os.environ, is_terminal)),
        *_guarded("settings", lambda: check_settings(loaded, wrong)),
        *_guarded("server", lambda: check_servers(settings)),
        *_guarded("store", lambda: check_store(settings)),
        *_guarded("tokens", check_tokens),
        *_guarded("log", lambda: check_logs(settings)),
    ]
    well = all(each.state is not State.PROBLEM for each in found)
    if given.get("json"):
        findings = [{**asdict(each), "state": each.state.value} for each in found]
        told = {"ok": well, "version": __version__, "findings": findings}
        say(json.dumps(told, ensure_ascii=True, default=str))
    else:
        _print(found)
    return 0 if well else 1


def _guarded(area: str, check: Callable[[], Findings]) -> Iterable[Finding]:
    """What a check finds; one that fails itself is a finding, too."""
    try:
        yield from check()
    except Exception as error:
        yield problem(
            area,
            f"it could not be looked at: {type(error).__name__}",
            "please report it; CCCHAT_DEBUG=1 ccchat config may say more",
        )


def _print(found: list[Finding]) -> None:
    width = terminal_width() or 100
    column = max(len(each.area) for each in found) + 2
    indent = " " * (column + 9)
    for each in found:
        head = f"{each.area:<{column}}{_SIGNS[each.state]:<9}"
        lines = folded(visible(each.said), width - len(indent))
        say(head + f"\n{indent}".join(lines))
        if each.remedy:
            for number, line in enumerate(folded(visible(each.remedy), width - len(indent) - 3)):
                say(f"{indent}{'-> ' if number == 0 else '   '}{line}")
    count = {state: sum(each.state is state for each in found) for state in State}
    say("")
    say(f"{_many(count[State.PROBLEM], 'problem')}, {_many(count[State.WARNING], 'warning')}.")
    say("For a report of a bug send all of this: no key, no token and nothing said is in it.")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
