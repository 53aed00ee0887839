"""Events of made-up runs, as an engine would tell of them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ccchat_tui.engine.events import (
    EngineEvent,
    RequestEnded,
    RequestFirstToken,
    RequestQueued,
    RequestRetrying,
    RequestStarted,
)
from ccchat_tui.engine.request import Failure, Priority, RequestState

BUSY = Failure("busy", "the server is busy", retryable=True)
_ENDS = (
    *(RequestState.COMPLETED,) * 6,
    RequestState.CANCELLED,
    RequestState.FAILED,
    RequestState.TIMED_OUT,
)


def made_up(
    count: int, *, users: int = 5, slots: int = 4, seed: int = 1, tick: float = 0.25
) -> Iterator[EngineEvent]:
    """A run of so many requests. Moments are multiples of `tick`, so that several things happen at
    the same one; some requests are tried twice, and some are cancelled while they wait.

    Args:
        count: Requests.
        users: Among so many.
        slots: In flight at the most.
        seed: Begins every choice.
        tick: Seconds.
    """
    rng = random.Random(seed)
    now = 100.0
    sent = 0
    waiting: list[tuple[str, str, float, int]] = []
    retrying: list[tuple[str, str, float, int]] = []
    flying: dict[tuple[str, str, float, int], tuple[float, float | None]] = {}
    while sent < count or waiting or retrying or flying:
        now += tick * rng.choice((0, 0, 1, 1, 2, 7))
        if sent < count and (not waiting or rng.random() < 0.5):
            sent += 1
            request = (f"r{sent}", f"user {rng.randrange(users)}", now, 0)
            waiting.append(request)
            yield RequestQueued(now, *_of(request), "demo", Priority.NORMAL, 0)
        if waiting and len(flying) < slots:
            name, user, since, attempts = waiting.pop(0)
            request = (name, user, since, attempts + 1)
            flying[request] = (now, None)
            yield RequestStarted(now, *_of(request), attempts + 1, now - since)
        if retrying and rng.random() < 0.5:
            request = retrying.pop(0)
            waiting.append(request)
            yield RequestQueued(now, *_of(request), "demo", Priority.NORMAL, request[3])
        if waiting and rng.random() < 0.05:
            request = waiting.pop()
            yield _ended(now, request, RequestState.CANCELLED, 0, 0.0)
        if flying and rng.random() < 0.8:
            request = rng.choice(list(flying))
            began, first = flying[request]
            if first is None and request[3] < 2 and rng.random() < 0.2:
                del flying[request]
                retrying.append(request)
                yield RequestRetrying(now, *_of(request), BUSY, tick, request[3])
            elif first is None and rng.random() < 0.9:
                flying[request] = (began, now)
                yield RequestFirstToken(now, *_of(request), now - began)
            else:
                del flying[request]
                state = rng.choice(_ENDS) if first is not None else RequestState.FAILED
                yield _ended(now, request, state, 0 if first is None else 20, now - began)


def _of(request: tuple[str, str, float, int]) -> tuple[str, str, str]:
    return request[0], request[1], f"chat of {request[1]}"


def _ended(
    now: float, request: tuple[str, str, float, int], state: RequestState, tokens: int, took: float
) -> RequestEnded:
    failure = None if state is RequestState.COMPLETED else Failure(state.value, f"why {request[0]}")
    return RequestEnded(now, *_of(request), state, failure, None, tokens, took)
