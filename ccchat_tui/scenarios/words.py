"""What a complaint of pydantic about a table of ours means to a person: field, value, remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ccchat_tui.config_words import allowed, short

_TAGS = {"union_tag_invalid", "union_tag_not_found"}


def in_words(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """Each complaint in a line, such as `users[2].weight cannot be 0: give a whole number from 1 to
    1000`.

    Args:
        error: What pydantic says.
        root: The model that the whole was checked against.
    """
    details = error.errors()
    # A list of which a part is wrong is told to be too short besides.
    wholes = {detail["loc"][:end] for detail in details for end in range(len(detail["loc"]))}
    return [_in_words(each, root) for each in details if each["loc"] not in wholes]


def _in_words(detail: ErrorDetails, root: type[BaseModel]) -> str:
    place = detail["loc"]
    path, info, table = _walk(place, root)
    kind = detail["type"]
    if not place:
        error = detail.get("ctx", {}).get("error")
        return str(error) if error is not None else f"cannot be {short(detail['input'])}"
    if kind == "extra_forbidden":
        fields = table.model_fields
        close = difflib.get_close_matches(str(place[-1]).lower(), fields, 1)
        remedy = f"did you mean {close[0]}?" if close else f"there are {', '.join(fields)}"
        return f"{path} is no field; {remedy}"
    if kind in _TAGS:
        # Which field tells the kind stands in quotation marks in pydantic's context.
        tag = detail["ctx"]["discriminator"].strip("'")
        given = detail["input"].get(tag) if isinstance(detail["input"], dict) else None
        may = _or(
            str(value)
            for option in _tables(info.annotation if info else None)
            for value in get_args(option.model_fields[tag].annotation)
        )
        if given is None:
            return f"{path}.{tag} is missing: give {may}"
        return f"{path}.{tag} cannot be {short(given)}: give {may}"
    may = f": give {allowed(info)}" if info is not None else ""
    if kind == "missing":
        return f"{path} is missing{may}"
    return f"{path} cannot be {short(detail['input'])}{may}"


def _walk(
    place: tuple[int | str, ...], root: type[BaseModel]
) -> tuple[str, FieldInfo | None, type[BaseModel]]:
    """A place in the words of the file, the field there, and the table that the field is of."""
    path, table, info = "", root, None
    options: list[type[BaseModel]] = [root]
    for part in place:
        if isinstance(part, int):
            path += f"[{part + 1}]"
            continue
        chosen = [option for option in options if _is_called(option, part)]
        if chosen:
            options = chosen  # which of several kinds of table it is, which the file need not say
            continue
        path += f".{part}" if path else part
        table = options[0] if options else table
        info = table.model_fields.get(part)
        options = list(_tables(info.annotation)) if info else []
    return path, info, table


def _is_called(table: type[BaseModel], tag: str) -> bool:
    return "how" in table.model_fields and tag in get_args(table.model_fields["how"].annotation)


def _tables(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _tables(part)


def _or(words: Iterator[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
