"""`ccchat config`: every setting, its value, and where that came from."""

from __future__ import annotations

from ccchat_tui.cli_output import say, table, terminal_width, visible
from ccchat_tui.config import Loaded, markdown_table, setting_rows
from ccchat_tui.config_servers import without_password
from ccchat_tui.config_words import shown


def print_config(loaded: Loaded) -> int:
    """Print the settings in force."""
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
