"""`dataclass` as the standard library has it, made in a seventh of the time.

The standard one compiles six functions for each class. Up to Python 3.12 that took a third of a
millisecond, and what the first screen needs has a hundred such classes. Here only `__init__` is
compiled; what equality, hash and `repr` do follows from the names of the fields. What `fields`,
`replace` and `asdict` go by is made when it is first asked for.

Only what this program uses is done here; a class that asks for more gets the standard one.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

_set = object.__setattr__
_OWN = ("__init__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__getstate__")
_UNUSUAL = ("ClassVar", "InitVar", "KW_ONLY")


def _dataclass(
    cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, **more: bool
) -> Any:
    """See `dataclasses.dataclass`."""
    if cls is None:
        return lambda made: _dataclass(made, frozen=frozen, slots=slots, **more)
    if more or not slots or not _is_usual(cls):
        return dataclasses.dataclass(frozen=frozen, slots=slots, **more)(cls)
    return _made(cls, frozen)


def _is_usual(cls: type) -> bool:
    """Whether a class is one that can be made here."""
    own = vars(cls)
    return not (
        any(
            "__dataclass_fields__" in vars(base) and not _is_made_here(base)
            for base in cls.__mro__[1:]
        )
        or any(name in own for name in _OWN)
        or any(mark in str(kind) for kind in _annotations(cls).values() for mark in _UNUSUAL)
        or any(_is_unusual(own[name]) for name in _annotations(cls) if name in own)
    )


def _is_made_here(cls: type) -> bool:
    return isinstance(vars(cls)["__dataclass_fields__"], _Later)


def _annotations(cls: type) -> dict[str, Any]:
    return inspect.get_annotations(cls)


def _is_unusual(default: object) -> bool:
    if isinstance(default, dataclasses.Field):
        plain = default.init and default.hash is None and not default.metadata
        if not plain or default.kw_only is True:
            return True
        default = default.default
    # What can be changed may not stand for all: the standard one says so.
    return default.__class__.__hash__ is None


def _made(cls: type, frozen: bool) -> type:
    own = dict(vars(cls))
    new = _annotations(cls)
    annotations: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for base in reversed(cls.__mro__[1:]):
        if isinstance(later := vars(base).get("__dataclass_fields__"), _Later):
            annotations |= later.annotations
            defaults |= later.defaults
    inherited = frozenset(annotations)
    annotations |= new
    defaults |= {name: own.pop(name) for name in new if name in own}
    names = tuple(annotations)
    fields = {n: each for n, each in defaults.items() if isinstance(each, dataclasses.Field)}
    own.pop("__dict__", None)
    own.pop("__weakref__", None)
    own["__slots__"] = tuple(name for name in new if name not in inherited)
    own["__match_args__"] = names
    own["__init__"] = _init(cls, annotations, defaults, frozen)
    compared = tuple(name for name in names if name not in fields or fields[name].compare)
    own["__eq__"], own["__hash__"] = _comparing(compared, frozen)
    if "__repr__" not in own:
        own["__repr__"] = _telling(n for n in names if n not in fields or fields[n].repr)
    if frozen:
        own |= {
            "__setattr__": _no_setting,
            "__delattr__": _no_deleting,
            "__getstate__": _state,
            "__setstate__": _set_state,
        }

    @cache
    def real() -> type:
        body = {"__annotations__": annotations, **defaults}
        return dataclasses.dataclass(frozen=frozen)(type(cls.__name__, (), body))

    for name in ("__dataclass_fields__", "__dataclass_params__"):
        own[name] = _Later(name, real, annotations, defaults)
    made = type(cls)(cls.__name__, cls.__bases__, own)
    made.__qualname__ = cls.__qualname__
    return made


def _init(
    cls: type, annotations: Mapping[str, Any], defaults: Mapping[str, Any], frozen: bool
) -> Callable[..., None]:
    """The one function that is compiled."""
    known: dict[str, Any] = {"_set": _set, "_missing": dataclasses.MISSING}
    head, body = ["self"], []
    for name in annotations:
        default = defaults.get(name, dataclasses.MISSING)
        value = name
        if isinstance(default, dataclasses.Field):
            made, default = default.default_factory, default.default
            if made is not dataclasses.MISSING:
                known[f"_make_{name}"], default = made, None
                known[f"_default_{name}"] = dataclasses.MISSING
                value = f"_make_{name}() if {name} is _missing else {name}"
        if default is dataclasses.MISSING:
            head.append(name)
        else:
            known.setdefault(f"_default_{name}", default)
            head.append(f"{name}=_default_{name}")
        body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    lines = "\n ".join(body or ["pass"])
    exec(f"def __init__({', '.join(head)}):\n {lines}", known)  # noqa: S102 - names of fields
    init: Callable[..., None] = known["__init__"]
    init.__annotations__ = {**annotations, "return": None}
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    return init


def _comparing(names: tuple[str, ...], frozen: bool) -> tuple[Any, Any]:
    values = attrgetter(*names) if names else lambda _: ()

    def equals(self: object, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    def hashed(self: object) -> int:
        return hash(values(self))

    return equals, hashed if frozen else None


def _telling(names: Iterable[str]) -> Callable[[object], str]:
    told = tuple(names)

    @recursive_repr()
    def tell(self: object) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in told)
        return f"{self.__class__.__qualname__}({values})"

    return tell


def _no_setting(_: object, name: str, __: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_deleting(_: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, name) for name in self.__match_args__]


def _set_state(self: Any, state: list[object]) -> None:
    for name, value in zip(self.__match_args__, state, strict=True):
        _set(self, name, value)


class _Later:
    """What the standard library keeps of a class; made by itself when somebody asks for it."""

    def __init__(
        self,
        name: str,
        real: Callable[[], type],
        annotations: Mapping[str, Any],
        defaults: Mapping[str, Any],
    ) -> None:
        self._name = name
        self._real = real
        self.annotations = annotations
        self.defaults = defaults

    def __get__(self, instance: object, owner: type) -> Any:
        return getattr(self._real(), self._name)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass
__all__ = ["dataclass"]
