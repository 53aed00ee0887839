"""How settings and their values are told to a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic.fields import FieldInfo

from ccchat_tui.quick import dataclass
from ccchat_tui.secret import Secret


def _no_truth(value: object) -> object:
    """Refuse what pydantic would quietly make a number of."""
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth)]
Number = Annotated[float, BeforeValidator(_no_truth), Field(allow_inf_nan=False)]


_MOST = 1000


def _limit(value: object) -> object:
    """A limit or `auto`; one complaint for both, where a union would make two."""
    if isinstance(value, str):
        value = value.strip().lower()
        if value == "auto":
            return value
        value = int(value) if re.fullmatch(r"\+?[0-9]{1,9}", value) else None
    if type(value) is not int or not 1 <= value <= _MOST:
        raise ValueError("neither a limit nor auto")
    return value


Limit = Annotated[int | Literal["auto"], PlainValidator(_limit)]
"""A whole number, or `auto` for one that finds itself."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a field of `Settings` says of itself beside its type."""

    allowed: str = ""
    """In words; empty where type and bounds say it."""


def setting_of(info: FieldInfo) -> Setting:
    """What a field says of itself."""
    return next((item for item in info.metadata if isinstance(item, Setting)), Setting())


def meanings(model: type) -> dict[str, str]:
    """The text under each field of a class, by field; nothing where its source is not at hand."""
    import ast  # noqa: PLC0415 - only who prints the settings needs these
    import inspect  # noqa: PLC0415

    try:
        source = inspect.getsource(model)
    except OSError:
        return {}
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in pairwise(body.body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = inspect.cleandoc(text)
    return found


def _bounds(info: FieldInfo) -> dict[str, Any]:
    """The bounds that pydantic checks, by the name of their kind (`ge`, `le`, ...)."""
    return {
        kind: getattr(item, kind)
        for item in info.metadata
        for kind in ("ge", "gt", "le", "max_length")
        if getattr(item, kind, None) is not None
    }


def allowed(info: FieldInfo) -> str:
    """What a setting may be, in words."""
    if told := setting_of(info).allowed:
        return told
    bounds = _bounds(info)
    if info.annotation is bool:
        return "true or false (also 1 and 0, yes and no, on and off)"
    if info.annotation is int:
        return f"a whole number from {bounds['ge']} to {bounds['le']}"
    if info.annotation is float:
        low = f"more than {bounds['gt']}" if "gt" in bounds else f"from {bounds['ge']}"
        return f"a number {low} {'up ' if 'gt' in bounds else ''}to {bounds['le']}"
    return f"text of at most {bounds['max_length']} characters"


def shown(value: object) -> str:
    """A value as a person reads it, and as the environment would be given it."""
    if isinstance(value, Secret):
        return "********" if value.get_secret_value() else ""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ",".join(
            f"{key}={' '.join(each) if isinstance(each, tuple) else each}"
            for key, each in value.items()
        )
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def short(value: object) -> str:
    """A value as an error message quotes it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
