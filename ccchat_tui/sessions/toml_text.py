"""Values as TOML (v1.0.0), which Python can read and not write."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_NEEDS_ESCAPE = re.compile('[\x00-\x1f\x7f"\\\\\ud800-\udfff]')


def toml_of(data: Mapping[str, Any]) -> str:
    """A document that `tomllib` reads as this.

    Args:
        data: Whatever `tomllib` can give. Half a surrogate pair, which TOML has no way for,
            becomes U+FFFD.

    Raises:
        TypeError: A value is of a kind that TOML does not have.
    """
    return "".join(_table((), data)).strip("\n") + "\n"


def _table(path: tuple[str, ...], data: Mapping[str, Any]) -> list[str]:
    """A table with its heading: its plain values, then the tables in it."""
    plain = [(key, each) for key, each in data.items() if not _is_table(path, each)]
    inner = [(key, each) for key, each in data.items() if _is_table(path, each)]
    lines = []
    if path and (plain or not inner):
        lines.append(f"\n[{'.'.join(map(_key, path))}]\n")
    lines += [f"{_key(key)} = {_value(each)}\n" for key, each in plain]
    for key, each in inner:
        lines += _table((*path, key), each)
    return lines


def _is_table(path: tuple[str, ...], value: Any) -> bool:
    """Whether it has a heading of its own; deeper down, tables stand in their line."""
    return isinstance(value, Mapping) and len(path) < 2


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    return f'"{_NEEDS_ESCAPE.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    if char >= "\ud800":
        return "\ufffd"
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int | str):
        return _string(value) if isinstance(value, str) else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = [f"{_key(key)} = {_value(each)}" for key, each in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"TOML has nothing for a value of type {type(value).__name__}")


def _float(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
