"""The built-in demo model: seeded, paced, and in need of no server.

It behaves as a model server does where that can be seen: a wait for one of a few slots that
nobody announces, a time to the first token, tokens at an uneven pace, the server's own statistics
at the end. What it says is `demo_writer`'s business; that it is no language model, every reply
says.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ccchat_tui import __version__
from ccchat_tui.backends.base import (
    BackendError,
    ChatChunk,
    ChatStats,
    ErrorKind,
    LoadedModel,
    ModelInfo,
    Prompt,
    PullStep,
)
from ccchat_tui.backends.demo_models import DemoModels
from ccchat_tui.clock import LoopPace, Pace
from ccchat_tui.quick import dataclass

DEFAULT_MODEL = "demo:medium"


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the models: how fast and how talkative beside `demo:medium`."""

    info: ModelInfo
    pace: float
    wait: float
    talkative: float

    @property
    def thinks(self) -> bool:
        return "thinking" in self.info.capabilities


def _kind(name: str, size: str, pace: float, wait: float, talkative: float, *more: str) -> _Kind:
    info = ModelInfo(
        name=f"demo:{name}",
        family="demo",
        parameter_size=size,
        context_length=131_072,
        capabilities=("completion", *more),
        modified_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return _Kind(info, pace, wait, talkative)


_KINDS = {
    kind.info.name: kind
    for kind in (
        _kind("medium", "no parameters", 1.0, 1.0, 1.0),
        _kind("small", "no parameters", 2.0, 0.5, 0.6),
        _kind("large", "no parameters", 0.45, 2.0, 1.6),
        _kind("thinker", "no parameters", 0.9, 1.0, 1.0, "thinking"),
    )
}

_FAILURES = (
    (ErrorKind.BUSY, "the demo model plays a busy server, as it was asked to; try again", 503),
    (ErrorKind.SERVER, "the demo model plays a failing server, as it was asked to", 500),
    (ErrorKind.DISCONNECTED, "the demo model plays a broken connection, as it was asked to", None),
)


class DemoBackend:
    """A model that is no model, for looking at the program without a server.

    The same seed and the same prompt give the same text, to the character, on every machine.
    All waiting goes by `pace`, so it runs in virtual time as well.

    Args:
        seed: Begins every choice.
        tokens_per_second: The pace of `demo:medium`; infinite for no pauses at all.
        first_token: Seconds to the first token, on average.
        slots: How many replies it works on at once; further ones wait without a sign of life, as
            in Ollama. `None` for any number.
        failure_rate: The share of requests that fail, 0 to 1, some of them in mid-reply. A
            further attempt at the same prompt draws again.
        pace: The time it goes by; the running loop's unless given.

    Raises:
        ValueError: If a number is outside of what it can be.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        tokens_per_second: float = 40.0,
        first_token: float = 0.6,
        slots: int | None = None,
        failure_rate: float = 0.0,
        pace: Pace | None = None,
    ) -> None:
        if not tokens_per_second > 0:
            raise ValueError(f"tokens_per_second cannot be {tokens_per_second}; give more than 0")
        if not 0 <= first_token < math.inf:
            raise ValueError(f"first_token cannot be {first_token}; give 0 or more seconds")
        if slots is not None and slots < 1:
            raise ValueError(f"slots cannot be {slots}; give 1 or more, or None for any number")
        if not 0 <= failure_rate <= 1:
            raise ValueError(f"failure_rate cannot be {failure_rate}; give 0 to 1")
        self._seed = seed
        self._tokens_per_second = tokens_per_second
        self._first_token = first_token
        self._slots = None if slots is None else asyncio.Semaphore(slots)
        self._failure_rate = failure_rate
        self._attempts: Counter[str] = Counter()
        self._pace = pace or LoopPace()
        self._models = DemoModels(seed, _KINDS, self._pace)

    @property
    def name(self) -> str:
        """`demo model`."""
        return "demo model"

    @property
    def address(self) -> str:
        """`built in`."""
        return "built in"

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """Say something about the last question.

        Of the options, `seed`, `num_predict` and `stop` are honoured. A cancel while waiting for
        a slot leaves the line; one during the reply gives the slot to the next.

        Yields:
            Pieces of the size of a token; the last has the statistics.

        Raises:
            BackendError: For an unknown model, an option of the wrong kind, thinking where the
                model does not think, and by the failure rate.
        """
        kind = self._kind_of(prompt)
        options = _Options.of(prompt.options)
        chance = self._chance(prompt, kind, options)
        self._models.used(kind.info.name)
        asked, thinking, reply, reason = _pieces(
            prompt, kind, options, random.Random(f"{chance}:text")
        )
        failure = self._failure(chance, len(thinking) + len(reply))
        time = self._pace
        rng = random.Random(f"{chance}:pace")
        async with AsyncExitStack() as held:
            if self._slots is not None:
                await held.enter_async_context(self._slots)
            begun = time.monotonic()
            # Reading a long context takes a server time too.
            read = 0.0 if self._first_token == 0 else min(asked, 20_000) / 20_000
            await time.sleep(self._first_token * kind.wait * rng.uniform(0.6, 1.4) + read)
            first = due = time.monotonic()
            chunks = [ChatChunk(thinking=piece) for piece in thinking]
            chunks += [ChatChunk(text=piece) for piece in reply]
            for number, chunk in enumerate(chunks):
                if failure is not None and number >= failure[0]:
                    raise failure[1]
                yield chunk
                due += self._pause(chunk.text or chunk.thinking, kind, rng)
                # Against a schedule, not from pause to pause, or a coarse timer slows it down.
                late = time.monotonic() - due
                await time.sleep(max(0.0, -late))
                if late > 0.25:
                    due = time.monotonic()
            if failure is not None:
                raise failure[1]
            stats = ChatStats(
                done_reason=reason,
                prompt_tokens=asked,
                reply_tokens=len(chunks),
                load_seconds=0.0,
                prompt_seconds=first - begun,
                reply_seconds=time.monotonic() - first,
            )
            yield ChatChunk(stats=stats)

    async def models(self) -> list[ModelInfo]:
        """The demo models, the usual one first; what was fetched comes last."""
        names = [*_KINDS, *self._models.fetched]
        return [kind.info for name in names if (kind := self._named(name))]

    async def pull(self, model: str) -> AsyncIterator[PullStep]:
        """Play at fetching a model; see `ManagesModels`."""
        async with aclosing(self._models.pull(model)) as steps:
            async for step in steps:
                yield step

    async def delete(self, model: str) -> None:
        """Forget a model that was fetched. Raises `BackendError` for any other."""
        self._models.delete(model)

    async def running(self) -> list[LoadedModel]:
        """The models that were asked something."""
        return self._models.running()

    async def unload(self, model: str) -> None:
        """Play that a model's memory is free."""
        self._models.unload(model)

    async def probe(self) -> str:
        """Our own version: it is always there."""
        return __version__

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _kind_of(self, prompt: Prompt) -> _Kind:
        kind = self._named(prompt.model or DEFAULT_MODEL)
        if kind is None:
            names = ", ".join(_KINDS)
            raise BackendError(
                ErrorKind.MODEL_NOT_FOUND,
                f"The demo model has no model {prompt.model[:80]!a}; there are {names}.",
                status=404,
                hints=tuple(_KINDS),
            )
        if prompt.think and not kind.thinks:
            raise BackendError(
                ErrorKind.BAD_REQUEST,
                f"{kind.info.name} does not support thinking; demo:thinker does.",
                status=400,
            )
        return kind

    def _named(self, name: str) -> _Kind | None:
        """A model by its name. What was fetched is the usual one by another name."""
        if name in self._models.fetched:
            usual = _KINDS[DEFAULT_MODEL]
            return replace(usual, info=replace(usual.info, name=name))
        return _KINDS.get(name)

    def _chance(self, prompt: Prompt, kind: _Kind, options: _Options) -> str:
        """Where every choice for this prompt begins. A text, because that seeds `Random` alike on
        every machine. It is the same for a reply and for what it is gone on with."""
        messages = prompt.messages[:-1] if prompt.continues else prompt.messages
        said = "\x1e".join(f"{message.role}\x1f{message.content}" for message in messages)
        seed = self._seed if options.seed is None else options.seed
        version = f":{prompt.version}" if prompt.version else ""
        chance = f"{seed}:{kind.info.name}{version}:{said}"
        return chance.encode(errors="replace").decode()  # half a surrogate pair seeds nothing

    def _failure(self, chance: str, tokens: int) -> tuple[int, BackendError] | None:
        """After how many tokens this attempt fails, and how; `None` if it does not."""
        if self._failure_rate == 0:
            return None
        self._attempts[chance] += 1
        rng = random.Random(f"{chance}:failure:{self._attempts[chance]}")
        if rng.random() >= self._failure_rate:
            return None
        kind, message, status = rng.choice(_FAILURES)
        after = rng.randrange(tokens + 1) if kind is not ErrorKind.BUSY else 0
        return after, BackendError(kind, message[:1].upper() + message[1:] + ".", status=status)

    def _pause(self, piece: str, kind: _Kind, rng: random.Random) -> float:
        """Seconds to the next token: uneven, as with real models, and right on average."""
        if math.isinf(self._tokens_per_second):
            return 0.0
        jitter = rng.triangular(0.4, 1.9, 0.7)
        breath = 1.5 if piece in {".", "\n", "\n\n"} else 0.97
        return jitter * breath / (self._tokens_per_second * kind.pace)


@dataclass(frozen=True, slots=True)
class _Options:
    """The options that the demo model knows, checked."""

    seed: int | None = None
    limit: int | None = None
    stop: tuple[str, ...] = ()

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> _Options:
        numbers = {}
        for name in ("seed", "num_predict"):
            value = options.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise _wrong_option(name, "a whole number", value)
            numbers[name] = value
        stop = options.get("stop") or ()
        if isinstance(stop, str) or not all(isinstance(text, str) for text in stop):
            raise _wrong_option("stop", "a list of texts", stop)
        seed, limit = numbers["seed"], numbers["num_predict"]
        return cls(
            seed=seed if seed is not None and seed >= 0 else None,
            limit=limit if limit is not None and limit >= 0 else None,
            stop=tuple(filter(None, stop)),
        )


def _wrong_option(name: str, allowed: str, value: object) -> BackendError:
    # Ollama answers a wrong type with 500 (Ollama source, api/types.go, `FromMap`); the fault is
    # still the request's.
    message = f'The option "{name}" must be {allowed}, and not {ascii(value)[:60]}.'
    return BackendError(ErrorKind.BAD_REQUEST, message, status=500)


def _pieces(
    prompt: Prompt, kind: _Kind, options: _Options, rng: random.Random
) -> tuple[int, list[str], list[str], str]:
    """How many tokens were asked, the thinking and the reply in tokens, and why the reply ends
    where it does."""
    # What it can say is much to load, and nothing that the start should wait for.
    from ccchat_tui.backends.demo_writer import (  # noqa: PLC0415
        count_tokens,
        split_tokens,
        think_about,
        write_reply,
    )

    asked = sum(count_tokens(message.content) for message in prompt.messages)
    question = next((m.content for m in reversed(prompt.messages) if m.role == "user"), "")
    # Drawn in any case, so that thinking aloud does not change the reply.
    thought = think_about(question, rng)
    text = write_reply(prompt.messages, rng, talkative=kind.talkative)
    if prompt.continues:
        begun = prompt.messages[-1].content
        # What it did not say itself it can only begin anew behind.
        text = text[len(begun) :] if text.startswith(begun) else f"\n\n{text}"
    for cut in _first_of(text, options.stop):
        text = text[:cut]
    aloud = kind.thinks and prompt.think is not False and not prompt.continues
    thinking = split_tokens(thought) if aloud else []
    reply = split_tokens(text)
    if options.limit is not None and len(thinking) + len(reply) > options.limit:
        thinking = thinking[: options.limit]
        return asked, thinking, reply[: options.limit - len(thinking)], "length"
    return asked, thinking, reply, "stop"


def _first_of(text: str, stops: tuple[str, ...]) -> Iterator[int]:
    """Where the first of the stop texts begins, if any of them occurs."""
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    if places:
        yield min(places)
