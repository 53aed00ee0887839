"""What every model server looks like to the rest of the program.

A backend turns a `Prompt` into a stream of `ChatChunk`s and says what went wrong as a
`BackendError`. It holds no queue, no limit and no retry: those are the engine's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

from ccchat_tui.quick import dataclass

Role = Literal["system", "user", "assistant", "tool"]
Think = bool | Literal["low", "medium", "high", "max"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of the context that is sent to a model."""

    role: Role
    content: str
    images: tuple[str, ...] = ()
    """Base64 data of the pictures that go with the message."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a model is asked, fixed at the moment the request starts."""

    model: str
    messages: tuple[ChatMessage, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    """Sampling and load options by Ollama's names (`temperature`, `num_ctx`, ...)."""
    think: Think | None = None
    """`None` leaves it to the server."""
    keep_alive: str | float | None = None
    """A duration such as `"10m"`, or seconds; `None` leaves it to the server."""
    user: str = ""
    """Whose request it is, so that a reply cache can keep users apart; never sent to a server.
    Empty where nobody says."""
    version: int = 0
    """Which version of the reply it is that is asked for, counted from 0, for whoever would
    answer the same each time; never sent to a server, which draws anew by itself."""

    @property
    def continues(self) -> bool:
        """Whether a reply is to be gone on with: what there is of it is the last message."""
        return bool(self.messages) and self.messages[-1].role == "assistant"


@dataclass(frozen=True, slots=True)
class ChatStats:
    """What the server itself says of a finished reply. Times in seconds, `None` where it says
    nothing."""

    done_reason: str | None = None
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    load_seconds: float | None = None
    prompt_seconds: float | None = None
    reply_seconds: float | None = None
    cached: bool = False
    """Whether the reply came out of the reply cache; then no server spent any time on it."""

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens of the reply per second of generating, by the server's own figures."""
        if not self.reply_tokens or not self.reply_seconds:
            return None
        return self.reply_tokens / self.reply_seconds


@dataclass(slots=True)
class ChatChunk:
    """One piece of a reply. The last one has `stats`; a stream that ends without it is cut off."""

    text: str = ""
    thinking: str = ""
    stats: ChatStats | None = None

    @property
    def done(self) -> bool:
        """Whether the server said that the reply is complete."""
        return self.stats is not None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model that a server has. `None` where the server does not say."""

    name: str
    size: int | None = None
    """Bytes on the server's disk."""
    family: str | None = None
    parameter_size: str | None = None
    quantization: str | None = None
    context_length: int | None = None
    capabilities: tuple[str, ...] = ()
    modified_at: datetime | None = None
    digest: str | None = None
    servers: tuple[str, ...] = ()
    """By name, the servers of a pool that have it; empty where there is only one server."""

    @property
    def can_chat(self) -> bool:
        """Whether it answers questions, as far as is known. What only makes embeddings does not;
        older servers do not say it, and then the family has to tell."""
        if self.capabilities:
            return "completion" in self.capabilities or "embedding" not in self.capabilities
        return "bert" not in (self.family or "").lower()


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that a server holds in its memory now. `None` where the server does not say."""

    name: str
    size: int | None = None
    """Bytes of memory."""
    size_vram: int | None = None
    """Bytes of these that are a graphics card's."""
    context_length: int | None = None
    """Tokens of context that it was loaded with."""
    expires_at: datetime | None = None
    """When it is unloaded if nobody asks it; `None` also for one that just stays."""
    stays: bool = False
    """Whether it stays until somebody unloads it."""


@dataclass(frozen=True, slots=True)
class PullStep:
    """What a server says of a model that it fetches, at one moment."""

    status: str
    """In the server's words: `pulling manifest`, `verifying sha256 digest`, ..."""
    digest: str = ""
    """The layer that it speaks of; empty where it speaks of the whole."""
    total: int | None = None
    """Bytes of the layer."""
    completed: int = 0
    """Bytes of the layer that are there."""


class ServerState(StrEnum):
    """Whether requests are sent to a server, in the words of a circuit breaker."""

    CLOSED = "closed"
    """It answers; requests go there."""
    OPEN = "open"
    """It failed too often; nothing goes there until its pause is over."""
    HALF_OPEN = "half_open"
    """One probe is on its way to find out; everything else is still turned away."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server of a pool at one moment, as a panel shows it."""

    name: str
    address: str
    state: ServerState
    in_flight: int
    """Requests that hold one of its places now."""
    limit: int | None
    """How many may; `None` for no limit of its own."""
    weight: float
    """Its share: a server of weight 2 is given twice the requests of one of weight 1."""
    completed: int
    """Replies it has given whole."""
    failed: int
    """Requests it failed, also those that another server then answered."""
    note: str = ""
    """What is wrong with it and what comes of that, in words; empty while nothing is."""
    retry_at: float | None = None
    """Seconds until it is next probed; `None` unless it is open."""
    reason: str = ""
    """Only what is wrong with it; the words change less often than those of `note`."""
    models: int | None = None
    """How many models it has; `None` while that is not known."""


class ErrorKind(StrEnum):
    """What went wrong, as the retry table, the panel and the words for the user know it."""

    UNREACHABLE = "unreachable"
    """No connection: refused, no such host, TLS, connect timeout."""
    DISCONNECTED = "disconnected"
    """The connection broke, before or during the reply."""
    TRUNCATED = "truncated"
    """The stream ended cleanly without the server saying `done`."""
    STALLED = "stalled"
    """No token for longer than the stall limit."""
    TIMED_OUT = "timed_out"
    """The request's total time ran out."""
    BUSY = "busy"
    """503: the server's own queue is full."""
    OUT_OF_MEMORY = "out_of_memory"
    RATE_LIMITED = "rate_limited"
    """429."""
    MODEL_NOT_FOUND = "model_not_found"
    UNAUTHORIZED = "unauthorized"
    """401 or 403."""
    BAD_REQUEST = "bad_request"
    """The server refuses what was asked; asking again changes nothing."""
    GATEWAY = "gateway"
    """502, 504, 524 and the like from a proxy before the server."""
    SERVER = "server"
    """5xx, or an error line in the stream."""
    PROTOCOL = "protocol"
    """What came is not the protocol: bad JSON, a line over the cap."""
    NOT_OLLAMA = "not_ollama"
    """200, but a page and not a stream: something else answers at this address."""
    INTERNAL = "internal"
    """A fault of ours."""


class BackendError(Exception):
    """Something went wrong between us and a model server.

    Args:
        kind: What went wrong.
        message: What to tell the person, in words: the thing, the value, the remedy. Already
            free of control characters.
        status: The HTTP status, where there was one.
        retry_after: Seconds the server asks us to wait, where it says so.
        hints: Further facts for the person, such as the models there are.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        hints: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.hints = hints


@runtime_checkable
class ChatBackend(Protocol):
    """A source of replies.

    Every method may be cancelled at any await; a cancelled `stream` closes its connection before
    the cancellation leaves it, for closing is the only cancel that a model server understands.
    """

    @property
    def name(self) -> str:
        """What kind it is, for people: `Ollama`, `demo model`."""
        ...

    @property
    def address(self) -> str:
        """Where it is, for people: a URL, or `built in`."""
        ...

    def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """Ask for a reply.

        Yields:
            The pieces as they come; the last has `stats`.

        Raises:
            BackendError: For everything that can go wrong, also a clean end without `done`.
        """
        ...

    async def models(self) -> list[ModelInfo]:
        """The models there are, newest first. Raises `BackendError`."""
        ...

    async def probe(self) -> str:
        """Ask for a sign of life, within seconds. Returns the server's version; raises
        `BackendError`."""
        ...

    async def aclose(self) -> None:
        """Close every connection. Harmless when called twice."""
        ...


@runtime_checkable
class HasServers(Protocol):
    """A backend that can say how each of its servers is doing."""

    def servers(self) -> tuple[ServerStatus, ...]:
        """Every server, in the order of the configuration; none where that is not known."""
        ...

    async def probe_failing(self) -> str:
        """Ask those that failed requests a moment ago for a sign of life, or all where none did.

        So it is found out whether a failure was one of a server that is down. `probe` is content
        with one that answers, and another than the one that failed may.

        Returns:
            What one of them says, once all of them have answered.

        Raises:
            BackendError: If one of them does not answer.
        """
        ...


@runtime_checkable
class ManagesModels(Protocol):
    """One server whose models can be fetched, deleted and unloaded.

    Every method may be cancelled at any await, and closes its connection then.
    """

    def pull(self, model: str) -> AsyncIterator[PullStep]:
        """Have the server fetch a model.

        Closing the iterator closes the connection, which ends the pull; what has come is kept by
        Ollama, and a later pull goes on from there (Ollama's docs/api.md).

        Yields:
            How far it has come. If the iterator ends by itself, the model is there.

        Raises:
            BackendError: It cannot be fetched, or the connection broke.
        """
        ...

    async def delete(self, model: str) -> None:
        """Delete a model from the server's disk. Raises `BackendError`."""
        ...

    async def running(self) -> list[LoadedModel]:
        """The models in the server's memory, latest expiry first. Raises `BackendError`."""
        ...

    async def unload(self, model: str) -> None:
        """Free a model's memory, as soon as nobody is being answered by it. Raises
        `BackendError`."""
        ...


class Shown(Protocol):
    """What a server tells of one model."""

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What it can do: `completion`, `vision`, ...; empty where that is not told."""
        ...


@runtime_checkable
class ShowsModels(Protocol):
    """A server that tells more of a model than stands in its list."""

    async def show(self, model: str) -> Shown:
        """What it knows of a model. Raises `BackendError`; within seconds."""
        ...


@runtime_checkable
class HasManagers(Protocol):
    """A backend behind which are servers whose models can be managed, or may be."""

    def managers(self) -> Mapping[str, ManagesModels]:
        """These servers by name, in the order of the configuration."""
        ...


def managers_of(backend: object) -> Mapping[str, ManagesModels]:
    """The servers behind a backend whose models can be managed, by name; none where that cannot be
    done through us."""
    if isinstance(backend, HasManagers):
        return backend.managers()
    if isinstance(backend, ManagesModels) and isinstance(backend, ChatBackend):
        return {backend.name: backend}
    return {}
