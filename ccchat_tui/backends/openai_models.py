"""What `/models` holds, in the protocol and beyond it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ccchat_tui.backends.base import ModelInfo


def _object(value: object) -> object:
    """Whatever a server writes where there is nothing to tell."""
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63:
        return value
    return None


class Card(BaseModel):
    """One model. What is not known is ignored, and a figure that is none counts as missing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1)
    created: Any = None
    """By the protocol the second it was made; llama.cpp and vLLM say the present one."""
    max_model_len: Any = None
    """vLLM: the context it is served with."""
    context_length: Any = None
    """OpenRouter and others: the same."""
    max_input_tokens: Any = None
    """LiteLLM: how much of it a conversation may take."""
    meta: Annotated[dict[str, Any], BeforeValidator(_object)] = Field(default_factory=dict)
    """llama.cpp: what the model's file says of itself."""

    @property
    def age_key(self) -> int:
        """For sorting by age."""
        return _count(self.created) or 0

    def info(self) -> ModelInfo:
        """The same as the rest of the program knows it. When it was made is not told on: most
        servers do not know it."""
        lengths = (
            self.max_model_len,
            self.context_length,
            self.max_input_tokens,
            self.meta.get("n_ctx"),
            self.meta.get("n_ctx_train"),
        )
        return ModelInfo(
            name=self.id,
            size=_count(self.meta.get("size")),
            parameter_size=_in_words(_count(self.meta.get("n_params"))),
            context_length=next((n for n in map(_count, lengths) if n), None),
        )


def _in_words(parameters: int | None) -> str | None:
    """A number of parameters as Ollama writes it."""
    if parameters is None:
        return None
    return f"{parameters / 1e9:.1f}B" if parameters >= 1e9 else f"{parameters / 1e6:.0f}M"


def _entries(value: object) -> object:
    """Go writes null for a list that was never made."""
    return [] if value is None else value


class _List(BaseModel):
    data: Annotated[list[Any], BeforeValidator(_entries)]


def read_models(body: bytes) -> list[ModelInfo]:
    """The models of `/models`, newest first where their age is told. An entry that cannot be read
    is left out.

    Raises:
        ValidationError: It is no such list.
    """
    cards = []
    for entry in _List.model_validate_json(body).data:
        try:
            cards.append(Card.model_validate(entry))
        except ValidationError:
            continue
    return [card.info() for card in sorted(cards, key=lambda card: -card.age_key)]
