"""`/metrics`: the engine as Prometheus reads it.

Gauges and counters come from the snapshot at the moment they are asked for, so that there are no
figures beside those that everybody else shows. Only the histograms are kept here. Names and labels
are those of OpenTelemetry's gen_ai conventions where these have some (see `gen_ai`), in
Prometheus' spelling; ours begin with `ccchat_`, end with the unit, and count with `_total`. Nothing
in a label comes from a client without bounds: users are told only on request, the first of them;
models are those that were asked first, and `other`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ccchat_tui import __version__
from ccchat_tui.api.hub import Hub, flag, only_admin
from ccchat_tui.api.lag import LagSampler
from ccchat_tui.backends.base import ErrorKind, ServerState
from ccchat_tui.engine.events import (
    EngineEvent,
    ModeChanged,
    RequestEnded,
    RequestFirstToken,
    RequestQueued,
    RequestStarted,
)
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.stats import QueueSnapshot, Totals
from ccchat_tui.gen_ai import (
    CHAT,
    DURATIONS,
    ERROR,
    MODEL,
    OPERATION,
    OPERATION_DURATION,
    PROVIDER,
    TIME_TO_FIRST_CHUNK,
    TOKEN_TYPE,
    TOKEN_USAGE,
    TOKENS,
    in_prometheus,
    provider_of,
)

MOST_MODELS: Final = 20
OTHER: Final = "other"
"""What all further ones are called."""
MOST_USERS: Final = 50
KIND: Final = "text/plain; version=0.0.4; charset=utf-8"

_WAITS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_LAGS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_NAMED: Final = tuple(map(in_prometheus, (OPERATION, PROVIDER, MODEL)))
_ENDS: Final = ("completed", "failed", "cancelled", "timed_out")


class Metrics:
    """The endpoint, and what is kept for it.

    Args:
        hub: The engine; it is listened to until `close`.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._kept = CollectorRegistry(auto_describe=False)
        self._wait = Histogram(
            "ccchat_request_wait_seconds",
            "From submission to the first slot",
            buckets=_WAITS,
            registry=self._kept,
        )
        self._first = Histogram(
            in_prometheus(TIME_TO_FIRST_CHUNK, "seconds"),
            "From the slot to the first token",
            _NAMED,
            buckets=DURATIONS,
            registry=self._kept,
        )
        self._total = Histogram(
            in_prometheus(OPERATION_DURATION, "seconds"),
            "From the slot to the end; without error_type if it completed",
            (*_NAMED, in_prometheus(ERROR)),
            buckets=DURATIONS,
            registry=self._kept,
        )
        self._usage = Histogram(
            in_prometheus(TOKEN_USAGE),
            "Tokens of prompts, as far as servers tell, and of replies",
            (*_NAMED, in_prometheus(TOKEN_TYPE)),
            buckets=TOKENS,
            registry=self._kept,
        )
        lag = Histogram(
            "ccchat_event_loop_lag_seconds",
            "How late the event loop is, looked at once a second",
            buckets=_LAGS,
            registry=self._kept,
        )
        self._sampler = LagSampler(lag.observe)
        self._models: set[str] = set()
        self._asked: dict[str, str] = {}
        self._started: set[str] = set()
        self._fallbacks = 0
        self._unsubscribe = hub.service.subscribe(self._hear)

    def close(self) -> None:
        """Listen no more."""
        self._unsubscribe()
        self._sampler.close()

    def routes(self) -> list[Route]:
        """Where it is."""
        return [Route("/metrics", self.metrics, methods=["GET"])]

    async def metrics(self, request: Request) -> Response:
        """Everything, in Prometheus' text form; with `users=1` also by user."""
        only_admin(request)
        users = flag(request, "users")
        now = CollectorRegistry(auto_describe=False)
        now.register(_Now(self._hub, self._fallbacks, users=users))
        text = generate_latest(now) + generate_latest(self._kept)
        return Response(text, media_type=KIND)

    def _hear(self, event: EngineEvent) -> None:
        match event:
            case RequestQueued():
                self._asked.setdefault(event.request_id, event.model)
            case RequestStarted():
                if event.request_id not in self._started:
                    self._started.add(event.request_id)
                    self._wait.observe(event.waited)
            case RequestFirstToken():
                named = self._labels(self._asked.get(event.request_id, OTHER))
                self._first.labels(*named).observe(event.after)
            case RequestEnded():
                self._ended(event)
            case ModeChanged() if event.mode == "sequential":
                self._fallbacks += 1
            case _:
                pass

    def _ended(self, event: RequestEnded) -> None:
        model = self._asked.pop(event.request_id, OTHER)
        if event.request_id not in self._started:
            return  # it was never sent to a server
        self._started.discard(event.request_id)
        error = ""
        if event.state is not RequestState.COMPLETED:
            error = event.state.value if event.failure is None else str(event.failure.kind)
        named = self._labels(model, there=error != ErrorKind.MODEL_NOT_FOUND)
        self._total.labels(*named, error).observe(event.duration)
        if event.tokens:
            self._usage.labels(*named, "output").observe(event.tokens)
        if event.stats is not None and event.stats.prompt_tokens is not None:
            self._usage.labels(*named, "input").observe(event.stats.prompt_tokens)

    def _labels(self, model: str, *, there: bool = True) -> tuple[str, str, str]:
        """What names a request: the model is `other` once there are too many. One that is not there
        takes nobody's place."""
        if model not in self._models:
            if len(self._models) >= MOST_MODELS or not there:
                model = OTHER
            else:
                self._models.add(model)
        return CHAT, provider_of(self._hub.service.backend), model


class _Now(Collector):
    """The figures of the snapshot."""

    def __init__(self, hub: Hub, fallbacks: int, *, users: bool) -> None:
        self._snapshot = hub.service.snapshot(0, users=users)
        self._servers = hub.service.servers
        self._fallbacks = fallbacks

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        now = self._snapshot
        about = GaugeMetricFamily("ccchat_build_info", "Always 1", labels=("version",))
        about.add_metric((__version__,), 1)
        yield about
        yield from self._gauges(now)
        yield _ended("ccchat_requests_ended", "Requests by what became of them", now.totals)
        for name, words, value in (
            ("ccchat_requests_submitted", "Requests that were accepted", now.totals.submitted),
            ("ccchat_requests_rejected", "Requests refused at the door", now.totals.rejected),
            ("ccchat_retries", "Further attempts", now.totals.retried),
            ("ccchat_fallbacks", "Changes to one request at a time", self._fallbacks),
            ("ccchat_tokens", "Tokens of all replies", now.tokens),
        ):
            counter = CounterMetricFamily(name, words)
            counter.add_metric((), value)
            yield counter
        yield from self._by_server()
        if now.users:
            by_user = CounterMetricFamily(
                "ccchat_user_requests", "Requests by user and outcome", labels=("user", "outcome")
            )
            for view in now.users[:MOST_USERS]:
                for outcome in _ENDS:
                    by_user.add_metric((view.user, outcome), getattr(view.totals, outcome))
            yield by_user

    def _gauges(self, now: QueueSnapshot) -> Iterator[Metric]:
        for name, words, value in (
            ("ccchat_queue_length", "Requests that wait for a slot", now.queue_length),
            ("ccchat_requests_in_flight", "Requests that hold a slot", now.in_flight),
            ("ccchat_requests_waiting_to_retry", "Between two attempts", now.waiting_to_retry),
            ("ccchat_concurrency_peak", "The most in flight at once", now.peak_concurrency),
            ("ccchat_concurrency_limit", "The limit for all", now.limits.max_concurrent),
            ("ccchat_sequential", "1 if one at a time", int(now.mode == "sequential")),
            ("ccchat_paused", "1 if nothing is started", int(now.paused)),
            ("ccchat_tokens_per_second", "Over the last seconds", now.tokens_per_second),
        ):
            yield GaugeMetricFamily(name, words, value)

    def _by_server(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("ccchat_server_up", "1 if it is asked", labels=("server",))
        state = GaugeMetricFamily(
            "ccchat_server_state", "1 for the state that it is in", labels=("server", "state")
        )
        busy = GaugeMetricFamily("ccchat_server_in_flight", "Requests there", labels=("server",))
        done = CounterMetricFamily(
            "ccchat_server_requests", "Requests by server", labels=("server", "outcome")
        )
        for server in self._servers:
            up.add_metric((server.name,), int(server.state.value == "closed"))
            for each in ServerState:
                state.add_metric((server.name, each.value), int(server.state is each))
            busy.add_metric((server.name,), server.in_flight)
            done.add_metric((server.name, "completed"), server.completed)
            done.add_metric((server.name, "failed"), server.failed)
        yield from (up, state, busy, done)


def _ended(name: str, words: str, totals: Totals) -> Metric:
    counter = CounterMetricFamily(name, words, labels=("outcome",))
    for outcome in _ENDS:
        counter.add_metric((outcome,), getattr(totals, outcome))
    return counter
