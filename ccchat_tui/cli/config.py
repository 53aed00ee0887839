"""`ccchat config`: every setting, its value, and where that came from."""

from __future__ import annotations

from ccchat_tui.cli.output import say, table, terminal_width, visible
from ccchat_tui.config import Loaded, markdown_table, setting_rows
from ccchat_tui.config_servers import without_password
from ccchat_tui.config_words import shown


def print_config(loaded: Loaded) -> int:
    """Print the settings in force.

    Raises:
        SettingsError: The `[keys]` table names what there is not.
    """
    if loaded.settings.keys:
        from ccchat_tui.tui.keymap import read_keymap  # noqa: PLC0415 - loads the whole app

        read_keymap(loaded.settings.keys, loaded.sources["keys"])
    state = "" if loaded.file_found else ", which is not there"
    say(f"config file: {visible(str(loaded.file))}{state}")
    say("")
    rows = [
        (
            row.name,
            visible(without_password(shown(getattr(loaded.settings, row.name)))),
            visible(loaded.sources[row.name]),
        )
        for row in setting_rows()
    ]
    say(table(("setting", "value", "from"), rows, width=terminal_width()))
    return 0


def print_markdown() -> int:
    """Print the table of all settings that the README holds."""
    say(markdown_table())
    return 0


def print_keys(loaded: Loaded) -> int:
    """Print every action that has keys, by its name for the `[keys]` table.

    Raises:
        SettingsError: That table names what there is not.
    """
    from ccchat_tui.tui.keymap import actions, read_keymap  # noqa: PLC0415 - loads the whole app

    keymap = read_keymap(loaded.settings.keys, loaded.sources["keys"])
    rows = []
    for action in actions():
        keys = keymap.keys.get(action.name)
        own = "" if keys is None else ", ".join(action.keys)
        rows.append(
            (action.name, ", ".join(keys if keys is not None else action.keys), own, action.words)
        )
    head = ("action", "keys", "by itself", "what it does")
    say(table(head, rows, width=terminal_width()))
    return 0
