"""Where things are kept on this machine, by the platform's own custom.

Nothing here makes a folder: whoever writes does, when it writes.
"""

from __future__ import annotations

from pathlib import Path

APP = "ccchat"


def config_folder() -> Path:
    """The folder of what the person sets: the config file and their own themes."""
    from platformdirs import user_config_path  # noqa: PLC0415 - only who asks pays for it

    return user_config_path(APP, appauthor=False)


def config_file() -> Path:
    """The config file that is read when none is named."""
    return config_folder() / "config.toml"


def themes_folder() -> Path:
    """The folder of the person's own theme files."""
    return config_folder() / "themes"


def trace_file() -> Path:
    """Where the details of a fault of ours are written."""
    from platformdirs import user_log_path  # noqa: PLC0415 - only who asks pays for it

    return user_log_path(APP, appauthor=False) / "last-fault.txt"
