"""Keys that do not stand in the config file: in a variable, or in a file of their own."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, SecretStr, ValidationInfo

LONGEST: Final = 8192
"""Bytes of a file that holds a key."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


class KeyTroubleError(ValueError):
    """A key cannot be had. Its text follows the name of the setting, and never holds the key."""


def private(path: Path) -> bool:
    """Whether only its owner may read a file; on Windows that is not looked at, as its folder
    decides there. Raises `OSError`."""
    return os.name == "nt" or not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _from_environment(value: object, info: ValidationInfo) -> object:
    """The key that a variable holds."""
    if not isinstance(value, str) or not value.strip():
        return value
    if not _VARIABLE.fullmatch(value.strip()):
        # Not repeated: it may well be the key itself.
        raise KeyTroubleError("is not the name of a variable: give the name, and not the key")
    context: Mapping[str, Any] = info.context or {}
    env: Mapping[str, str] = context.get("env", os.environ)
    key = env.get(value.strip(), "").strip()
    if not key:
        raise KeyTroubleError(f"names {value.strip()}, which the environment does not hold")
    return key


def _from_file(value: object) -> object:
    """The key that a file holds."""
    if not isinstance(value, str) or not value.strip():
        return value
    path = Path(value.strip()).expanduser()
    try:
        if not path.is_file():
            raise KeyTroubleError(f"names {str(path)!r}, where there is no file")
        if not private(path):
            raise KeyTroubleError(
                f"names {str(path)!r}, which others may read: `chmod 600` it, and consider the "
                "key known"
            )
        with path.open("rb") as file:
            key = file.read(LONGEST + 1).decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise KeyTroubleError(f"names {str(path)!r}, which cannot be read: {why}") from None
    if not key or len(key) > LONGEST or len(key.split()) > 1:
        raise KeyTroubleError(f"names {str(path)!r}, which does not hold a key and nothing else")
    return key


KeyFromEnvironment = Annotated[SecretStr, BeforeValidator(_from_environment)]
"""Given as the name of a variable, and is the key in it."""
KeyFromFile = Annotated[SecretStr, BeforeValidator(_from_file)]
"""Given as the name of a file, and is the key in it."""
