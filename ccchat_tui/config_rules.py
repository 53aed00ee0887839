"""What each setting must be: the part of the settings that pydantic checks.

`config` declares them without loading pydantic, which a start with nothing but plain values does
without: it would cost as much as a third of an empty Textual app. Their annotations are text until
they are read here, in this module's names.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    create_model,
)
from pydantic_core import ErrorDetails

from ccchat_tui.config_bindings import WHAT as KEYS
from ccchat_tui.config_bindings import KeyTable
from ccchat_tui.config_servers import WHAT as SERVERS
from ccchat_tui.config_servers import ServerTables
from ccchat_tui.config_servers import in_words as server_in_words
from ccchat_tui.config_words import Limit, Number, Setting, Whole, allowed, short
from ccchat_tui.secret import Secret

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "KEYS",
    "SERVERS",
    "Annotated",
    "BeforeValidator",
    "Field",
    "KeyTable",
    "Limit",
    "Literal",
    "Number",
    "SecretText",
    "ServerTables",
    "Setting",
    "Whole",
    "WrongSettingsError",
    "check",
    "form_of",
    "lower",
    "names",
    "weights",
]


class WrongSettingsError(ValueError):
    """Some values cannot be used; its text says which and why, one line for each."""


def names(value: object) -> object:
    """Names from text, separated by commas; twice the same name is one name."""
    found = value.split(",") if isinstance(value, str) else value
    if isinstance(found, (list, tuple)) and all(isinstance(name, str) for name in found):
        return tuple(dict.fromkeys(name.strip() for name in found if name.strip()))
    return found


def lower(value: object) -> object:
    """A word, however it is written."""
    return value.strip().lower() if isinstance(value, str) else value


def weights(value: object) -> object:
    """Weights from text such as `ada=2,bob=1`."""
    if not isinstance(value, str):
        return value
    found = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, separator, weight = part.rpartition("=")
        if not separator or not name.strip():
            raise ValueError(f"{part!r} has no '='")
        found[name.strip()] = weight.strip()
    return found


def _secret(value: object) -> Secret:
    if isinstance(value, str):
        return Secret(value)
    if not isinstance(value, Secret):
        raise ValueError("no text")
    return value


SecretText = Annotated[Secret, PlainValidator(_secret)]
"""Text that is not repeated, not in an error either."""


@cache
def form_of(settings: type[DataclassInstance]) -> type[BaseModel]:
    """The pydantic model of a class of settings: its fields with their annotations and defaults."""
    hints = get_type_hints(settings, localns=globals(), include_extras=True)
    declared: dict[str, Any] = {}
    for each in fields(settings):
        made = each.default_factory
        default = each.default if made is MISSING else Field(default_factory=made)
        declared[each.name] = (hints[each.name], default)
    config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    form: type[BaseModel] = create_model(settings.__name__, __config__=config, **declared)
    return form


def check(
    settings: type[DataclassInstance],
    values: Mapping[str, object],
    env: Mapping[str, str],
    sources: Mapping[str, str],
) -> dict[str, Any]:
    """The value of each setting, where some are given.

    Args:
        settings: The class that declares them.
        values: Those that are given, as they were written.
        env: The environment, in which keys may stand.
        sources: Where each value came from, in words.

    Raises:
        WrongSettingsError: A value cannot be used, or there is no such setting.
    """
    form = form_of(settings)
    try:
        checked = form.model_validate(values, context={"env": env})
    except ValidationError as error:
        lines = [_in_words(each, sources, form) for each in error.errors(include_url=False)]
        # A union or a table reports once for each of its parts; a person needs it once.
        raise WrongSettingsError("\n".join(dict.fromkeys(lines))) from None
    return {name: getattr(checked, name) for name in form.model_fields}


def _in_words(detail: ErrorDetails, sources: Mapping[str, str], form: type[BaseModel]) -> str:
    """What one complaint of pydantic means to a person."""
    key = str(detail["loc"][0])
    source = sources.get(key, "")
    if key == "servers":
        return server_in_words(detail, source)
    if detail["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key.lower(), form.model_fields, 1)
        remedy = f"did you mean {close[0]}?" if close else "`ccchat config` lists what there is"
        return f"{key!r} is no setting ({source}); {remedy}"
    given = "********" if key == "api_key" else short(detail["input"])
    inner = ".".join(str(part) for part in detail["loc"][1:] if part != "float")
    name = f"{key}.{inner}" if inner else key
    may = allowed(form.model_fields[key])
    return f"{name} cannot be {given} ({source}): give {may}"
