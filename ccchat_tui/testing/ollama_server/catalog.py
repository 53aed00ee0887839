"""The models of the server: what is told of them, which are loaded, and who may use them when."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

KEEP_ALIVE = 300.0
FOREVER = datetime(2318, 3, 6, 21, 4, 27, 123456, tzinfo=UTC)
"""What Ollama says of a model that stays loaded for good."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class QueueFullError(Exception):
    """The scheduler's queue has no place left."""


@dataclass
class Model:
    """One model on the disk."""

    name: str
    family: str = "llama"
    parameter_size: str = "3.2B"
    quantization: str = "Q4_K_M"
    size: int = 2_019_393_189
    context_length: int = 131_072
    capabilities: tuple[str, ...] = ("completion", "tools")
    modified_at: str = "2026-10-02T11:40:21.123456789+02:00"

    @property
    def digest(self) -> str:
        """Without the prefix of its kind, as the lists have it."""
        return sha256(self.name.encode()).hexdigest()

    def details(self) -> dict[str, Any]:
        """The part that all lists share, with the null that Ollama really sends."""
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self.family,
            "families": None if self.family == "gemma3" else [self.family],
            "parameter_size": self.parameter_size,
            "quantization_level": self.quantization,
            "context_length": self.context_length,
        }

    def tag(self) -> dict[str, Any]:
        """Its entry in `/api/tags`, with a field that no client knows yet."""
        return {
            "name": self.name,
            "model": self.name,
            "modified_at": self.modified_at,
            "size": self.size,
            "digest": self.digest,
            "details": self.details(),
            "capabilities": list(self.capabilities),
            "a_field_of_tomorrow": {"any": ["thing", None]},
        }

    def show(self) -> dict[str, Any]:
        """What `/api/show` says of it."""
        return {
            "license": "A licence.",
            "modelfile": f"FROM {self.name}",
            "parameters": 'stop                           "<|eot_id|>"',
            "template": "{{ .Prompt }}",
            "details": self.details(),
            "model_info": {
                "general.architecture": self.family,
                f"{self.family}.context_length": self.context_length,
                "tokenizer.ggml.tokens": None,
            },
            "projector_info": None,
            "capabilities": list(self.capabilities),
            "modified_at": self.modified_at,
        }


def usual_models() -> list[Model]:
    """Four models of different abilities, the newest first."""
    return [
        Model("llama3.2:3b"),
        Model(
            "qwen3:8b",
            family="qwen3",
            parameter_size="8.2B",
            size=5_225_388_164,
            context_length=40_960,
            capabilities=("completion", "tools", "thinking"),
            modified_at="2026-09-01T08:00:00Z",
        ),
        Model(
            "gemma3:4b",
            family="gemma3",
            parameter_size="4.3B",
            size=3_338_801_804,
            capabilities=("completion", "vision"),
            modified_at="2026-08-20T19:30:00.5+02:00",
        ),
        Model(
            "nomic-embed-text:latest",
            family="nomic-bert",
            parameter_size="137M",
            quantization="F16",
            size=274_302_450,
            context_length=2048,
            capabilities=("embedding",),
            modified_at="2026-01-05T10:00:00Z",
        ),
    ]


def seconds_of(keep_alive: object) -> float | None:
    """What a `keep_alive` means in seconds; `None` for the default, negative for ever.

    Raises:
        ValueError: It is no duration, in the words of Go.
    """
    if keep_alive is None:
        return None
    if isinstance(keep_alive, (int, float)) and not isinstance(keep_alive, bool):
        return float(keep_alive)
    if not isinstance(keep_alive, str):
        raise ValueError(f"Unsupported type: '{type(keep_alive).__name__}'")
    text = keep_alive.strip()
    sign = -1.0 if text.startswith("-") else 1.0
    text = text.lstrip("+-")
    if text == "0":
        return 0.0
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        missing = "missing unit in duration" if text.replace(".", "").isdigit() else "invalid"
        raise ValueError(f'time: {missing} "{keep_alive}"')
    return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)


@dataclass(eq=False)
class Runner:
    """A loaded model."""

    model: Model
    slots: asyncio.Semaphore
    running: int = 0
    """Requests that have a slot or wait for one."""
    expires_at: datetime = FOREVER
    used: int = 0


@dataclass
class Loader:
    """What Ollama's scheduler does: one load at a time, first come first served; the room is for
    a few models, of which an idle one has to go for the next.

    Args:
        slots: OLLAMA_NUM_PARALLEL.
        max_queue: OLLAMA_MAX_QUEUE.
        max_loaded: OLLAMA_MAX_LOADED_MODELS.
        seconds: How long a load takes.
        changed: Called after every change.
    """

    slots: int
    max_queue: int
    max_loaded: int
    seconds: float
    changed: Callable[[], None]
    gate: asyncio.Event | None = None
    """While it is there and not set, no load comes to its end."""
    loaded: dict[str, Runner] = field(default_factory=dict)
    pending: int = 0
    """Requests in the scheduler's queue, the one being loaded for included."""
    started: list[str] = field(default_factory=list)
    """The models of all loads that were begun."""
    aborted: list[str] = field(default_factory=list)
    """Those that a client's leaving broke off."""
    evicted: list[str] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _count: int = 0

    @asynccontextmanager
    async def use(self, model: Model, keep_alive: float | None) -> AsyncIterator[Runner]:
        """Have a model loaded while in the context.

        Raises:
            QueueFullError: Too many wait for a load already.
        """
        runner = self.loaded.get(model.name) or await self._queue(model)
        runner.running += 1
        self._count += 1
        runner.used = self._count
        try:
            yield runner
        finally:
            runner.running -= 1
            self._keep(runner, KEEP_ALIVE if keep_alive is None else keep_alive)
            self.changed()

    def unload(self, name: str) -> None:
        """Free a model's memory at once."""
        self.loaded.pop(name, None)
        self.changed()

    async def _queue(self, model: Model) -> Runner:
        if self.pending >= self.max_queue:
            raise QueueFullError
        self.pending += 1
        self.changed()
        try:
            async with self._turn:
                return self.loaded.get(model.name) or await self._load(model)
        finally:
            self.pending -= 1
            self.changed()

    async def _load(self, model: Model) -> Runner:
        while len(self.loaded) >= self.max_loaded:
            idle = [runner for runner in self.loaded.values() if runner.running == 0]
            if idle:
                oldest = min(idle, key=lambda runner: runner.used)
                self.evicted.append(oldest.model.name)
                self.unload(oldest.model.name)
            else:
                await asyncio.sleep(0.005)
        self.started.append(model.name)
        self.changed()
        try:
            await asyncio.sleep(self.seconds)
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.aborted.append(model.name)
            raise
        runner = Runner(model, asyncio.Semaphore(self.slots))
        self.loaded[model.name] = runner
        return runner

    def _keep(self, runner: Runner, seconds: float) -> None:
        if seconds == 0 and runner.running == 0:
            self.unload(runner.model.name)
        runner.expires_at = (
            FOREVER if seconds < 0 else datetime.now(UTC) + timedelta(seconds=seconds)
        )

    def processes(self) -> list[dict[str, Any]]:
        """The entries of `/api/ps`, the latest expiry first."""
        runners = sorted(self.loaded.values(), key=lambda each: each.expires_at, reverse=True)
        return [
            {
                "name": runner.model.name,
                "model": runner.model.name,
                "size": runner.model.size + 500_000_000,
                "digest": runner.model.digest,
                "details": runner.model.details(),
                "expires_at": runner.expires_at.isoformat().replace("+00:00", "789Z"),
                "size_vram": runner.model.size,
                "context_length": min(4096, runner.model.context_length),
            }
            for runner in runners
        ]
