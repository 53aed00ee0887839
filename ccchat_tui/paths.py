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


def scenarios_folder() -> Path:
    """The folder of the person's own scenario files."""
    return config_folder() / "scenarios"


def store_file() -> Path:
    """The file in which conversations are kept if none is named."""
    from platformdirs import user_data_path  # noqa: PLC0415 - only who asks pays for it

    return user_data_path(APP, appauthor=False) / "conversations.db"


def chosen_store(named: str) -> Path | None:
    """The file of conversations for what was set: a file, nothing for the usual one, or `off`.

    Returns:
        `None` if nothing is to be kept.
    """
    if named.strip().lower() == "off":
        return None
    return Path(named).expanduser() if named.strip() else store_file()


def tokens_file() -> Path:
    """The file of the tokens that let into the API."""
    from platformdirs import user_data_path  # noqa: PLC0415 - only who asks pays for it

    return user_data_path(APP, appauthor=False) / "tokens.json"


def log_file() -> Path:
    """Where the program's log is written, if there is to be one."""
    return trace_file().with_name("ccchat.log")


def trace_file() -> Path:
    """Where the details of a fault of ours are written."""
    from platformdirs import user_log_path  # noqa: PLC0415 - only who asks pays for it

    return user_log_path(APP, appauthor=False) / "last-fault.txt"
