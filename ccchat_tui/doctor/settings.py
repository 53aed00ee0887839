"""The settings: where they come from, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from ccchat_tui.config import DEFAULT, SettingsError, load_settings, setting_rows
from ccchat_tui.config_servers import without_password
from ccchat_tui.doctor.finding import Findings, ok, problem, warning

if TYPE_CHECKING:
    from ccchat_tui.config import Loaded

AREA: Final = "settings"
_REMEDY: Final = "put it right there; `ccchat config --markdown` lists every setting"


def load_or_default(
    load: Callable[[], Loaded], env: Mapping[str, str], overrides: Mapping[str, tuple[str, object]]
) -> tuple[Loaded, str]:
    """The settings, or as much of them as can be used.

    Args:
        load: Loads them as every command does.
        env: The environment.
        overrides: The command line.

    Returns:
        The settings, and what is wrong with them; empty if nothing is.
    """
    try:
        return load(), ""
    except SettingsError as error:
        said = error.message
    named = [row.env for row in setting_rows() if row.env]
    usable = {name: env[name] for name in named if name in env and _loads({}, {name: env[name]})}
    given = {name: value for name, value in overrides.items() if _loads({name: value}, {})}
    return load_settings(given, usable, None), said


def _loads(overrides: Mapping[str, tuple[str, object]], env: Mapping[str, str]) -> bool:
    try:
        load_settings(overrides, env, None)
    except SettingsError:
        return False
    return True


def check_settings(loaded: Loaded, wrong: str) -> Findings:
    """Files, sources and mistakes; no values, for some of them are secrets."""
    if wrong:
        for line in wrong.splitlines():
            yield problem(AREA, without_password(line), _REMEDY)
        yield warning(
            AREA,
            "what follows was looked at without the config file and without what is wrong",
            "put the settings right, and ask again",
        )
        return
    for said in loaded.warnings:
        yield warning(AREA, without_password(said), "put it right, or take it away")
    yield from _keys(loaded)
    sources = {name: each for name, each in loaded.sources.items() if each != DEFAULT}
    there = "" if loaded.file_found else ", which is not there"
    yield ok(AREA, f"config file {loaded.file}{there}", file=str(loaded.file))
    said = "; ".join(f"{name} from {source}" for name, source in sources.items())
    yield ok(AREA, said or "defaults only", sources=sources)


def _keys(loaded: Loaded) -> Findings:
    if not loaded.settings.keys:
        return
    from ccchat_tui.tui.keymap import read_keymap  # noqa: PLC0415 - loads the whole app

    try:
        read_keymap(loaded.settings.keys, loaded.sources["keys"])
    except SettingsError as error:
        for line in error.message.splitlines():
            yield problem(AREA, line, "`ccchat config --keys` lists every action and its keys")
