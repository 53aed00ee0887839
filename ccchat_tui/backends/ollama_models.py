"""What Ollama's lists hold (Ollama source, api/types.go), for everything that is not per token.

Whatever is not known is ignored, and whatever may be missing or null is `None`: servers older and
newer than the one that this was read from say less and more.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ccchat_tui.backends.base import LoadedModel, ModelInfo


def _list(value: object) -> object:
    """Go writes null for a list that was never made."""
    return [] if value is None else value


FAR = timedelta(days=3650)
"""What is to happen later than that is not going to happen: Go's "for ever"."""

W = TypeVar("W", bound="_Wire")
Strings = Annotated[tuple[str, ...], BeforeValidator(_list)]
Objects = Annotated[list[dict[str, Any]], BeforeValidator(_list)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Version(_Wire):
    """`GET /api/version`."""

    version: str


class Details(_Wire):
    """What the lists say of a model itself."""

    family: str | None = None
    parameter_size: str | None = None
    quantization_level: str | None = None
    context_length: int | None = None


class Tag(_Wire):
    """One entry of `GET /api/tags`."""

    name: str = Field(min_length=1)
    modified_at: datetime | None = None
    size: int | None = None
    digest: str | None = None
    details: Details | None = None
    capabilities: Strings = ()

    def info(self) -> ModelInfo:
        """The same as the rest of the program knows it."""
        details = self.details or Details()
        return ModelInfo(
            name=self.name,
            size=self.size,
            family=details.family or None,
            parameter_size=details.parameter_size or None,
            quantization=details.quantization_level or None,
            context_length=details.context_length or None,
            capabilities=self.capabilities,
            modified_at=self.modified_at,
            digest=self.digest or None,
        )


class Show(_Wire):
    """`POST /api/show`, as far as anybody here wants to know."""

    parameters: str | None = None
    template: str | None = None
    system: str | None = None
    details: Details | None = None
    model_info: dict[str, Any] | None = None
    capabilities: Strings = ()

    @property
    def context_length(self) -> int | None:
        """The longest context that the model was made for, in tokens."""
        info = self.model_info or {}
        length = info.get(f"{info.get('general.architecture')}.context_length")
        return length if isinstance(length, int) else None


class Running(_Wire):
    """One entry of `GET /api/ps`: a model that is loaded."""

    name: str = Field(min_length=1)
    size: int | None = None
    size_vram: int | None = None
    """Bytes of it that are in the memory of the graphics card."""
    context_length: int | None = None
    """Tokens of context that it was loaded with."""
    expires_at: datetime | None = None
    """When it is unloaded if nobody asks it; for one that stays, some time in the year 2318."""

    def expires_in(self, now: datetime) -> timedelta | None:
        """How long it stays if nobody asks it; `None` if that is not known or it just stays."""
        when = self.expires_at
        if when is None:
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        left = when - now
        # Year 1 is Go's "never set", a time far away is its "for ever".
        return left if timedelta(days=-1) < left < FAR else None

    def loaded(self, now: datetime) -> LoadedModel:
        """The same as the rest of the program knows it."""
        when = self.expires_at
        if when is not None and when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return LoadedModel(
            name=self.name,
            size=self.size,
            size_vram=self.size_vram,
            context_length=self.context_length or None,
            expires_at=when if self.expires_in(now) is not None else None,
            stays=when is not None and when - now >= FAR,
        )


class _Models(_Wire):
    models: Objects = Field(default_factory=list)


def read_version(body: bytes) -> str:
    """The server's version out of `/api/version`. Raises `ValidationError`."""
    return Version.model_validate_json(body).version


def read_tags(body: bytes) -> list[ModelInfo]:
    """The models of `/api/tags`, in the server's order. An entry that cannot be read is left out.

    Raises:
        ValidationError: It is no such list.
    """
    return [tag.info() for tag in _entries(body, Tag)]


def read_running(body: bytes) -> list[Running]:
    """The models of `/api/ps`, in the server's order; see `read_tags`."""
    return _entries(body, Running)


def _entries(body: bytes, kind: type[W]) -> list[W]:
    entries = []
    for entry in _Models.model_validate_json(body).models:
        try:
            entries.append(kind.model_validate(entry))
        except ValidationError:
            continue
    return entries
