"""Traces: a span for each request, and in it one for each thing that it waited for.

Names and attributes are those of OpenTelemetry's conventions for generative AI where these have
some. Nothing that was said stands in a span. Where spans are sent is told by OpenTelemetry's own
variables, such as OTEL_EXPORTER_OTLP_ENDPOINT.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from ccchat_tui import __version__
from ccchat_tui.engine.events import (
    EngineEvent,
    RequestEnded,
    RequestFirstToken,
    RequestQueued,
    RequestRetrying,
    RequestStarted,
)
from ccchat_tui.gen_ai import (
    CHAT,
    ERROR,
    FINISH_REASONS,
    INPUT_TOKENS,
    MODEL,
    OPERATION,
    OUTPUT_TOKENS,
    PROVIDER,
    provider_of,
)
from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line

if TYPE_CHECKING:
    from ccchat_tui.beside import Beside
    from ccchat_tui.engine.service import ConcurrentChatService

LONGEST_NAME: Final = 100
"""Cells of a model's name in the name of a span."""
LEAVING: Final = 2.0
"""Seconds that the last spans have to be sent."""
QUEUED: Final = "queued"
CONNECTING: Final = "connecting"
STREAMING: Final = "streaming"
RETRYING: Final = "waiting to retry"

_BAD: Final = frozenset({"failed", "timed_out"})
_NANOSECONDS: Final = 1_000_000_000


@dataclass(slots=True)
class _Course:
    """The spans of a living request."""

    whole: Span
    phase: Span
    name: str
    attempt: int = 0


class Traces:
    """The listener of a service.

    Args:
        service: The engine.
        tracer: Makes the spans.
    """

    def __init__(self, service: ConcurrentChatService, tracer: Tracer) -> None:
        self._service = service
        self._tracer = tracer
        self._courses: dict[str, _Course] = {}
        self._zero = time.time_ns() - self._nanoseconds(service.snapshot(0, users=False).at)

    def __call__(self, event: EngineEvent) -> None:
        """An event."""
        match event:
            case RequestQueued():
                self._queued(event)
            case RequestStarted():
                if (course := self._courses.get(event.request_id)) is not None:
                    course.attempt = event.attempt
                    self._turn(course, CONNECTING, event.at)
            case RequestFirstToken():
                if (course := self._courses.get(event.request_id)) is not None:
                    self._turn(course, STREAMING, event.at)
            case RequestRetrying():
                self._retrying(event)
            case RequestEnded():
                self._ended(event)
            case _:
                pass

    def close(self) -> None:
        """End what has not ended."""
        for course in self._courses.values():
            course.phase.end()
            course.whole.end()
        self._courses.clear()

    def _queued(self, event: RequestQueued) -> None:
        course = self._courses.get(event.request_id)
        if course is not None:
            self._turn(course, QUEUED, event.at)
            return
        whole = self._tracer.start_span(
            f"{CHAT} {one_line(event.model, LONGEST_NAME)}",
            kind=SpanKind.CLIENT,
            start_time=self._moment(event.at),
            attributes={
                OPERATION: CHAT,
                PROVIDER: provider_of(self._service.backend),
                MODEL: event.model,
                "gen_ai.conversation.id": event.session_id,
                "user.name": event.user,
                "ccchat.request.id": event.request_id,
                "ccchat.request.priority": event.priority.name.lower(),
            },
        )
        phase = self._phase(whole, QUEUED, event.at, 0)
        self._courses[event.request_id] = _Course(whole, phase, QUEUED)

    def _retrying(self, event: RequestRetrying) -> None:
        course = self._courses.get(event.request_id)
        if course is None:
            return
        if event.counted:
            course.whole.add_event(
                "retry",
                {
                    ERROR: str(event.failure.kind),
                    "ccchat.attempt": event.attempt,
                    "ccchat.delay_seconds": event.delay,
                },
                self._moment(event.at),
            )
        if course.name != RETRYING:  # it may be told twice of one attempt
            course.phase.set_attribute(ERROR, str(event.failure.kind))
            self._turn(course, RETRYING, event.at)

    def _ended(self, event: RequestEnded) -> None:
        course = self._courses.pop(event.request_id, None)
        if course is None:
            return
        state, stats = event.state.value, event.stats
        whole = course.whole
        whole.set_attributes({"ccchat.state": state, "ccchat.attempts": course.attempt})
        if event.tokens:
            whole.set_attribute(OUTPUT_TOKENS, event.tokens)
        if stats is not None:
            whole.set_attribute(FINISH_REASONS, [stats.done_reason or "stop"])
            if stats.prompt_tokens is not None:
                whole.set_attribute(INPUT_TOKENS, stats.prompt_tokens)
        if state in _BAD:
            # The kind and not the words, which may quote somebody.
            kind = state if event.failure is None else str(event.failure.kind)
            whole.set_attribute(ERROR, kind)
            whole.set_status(Status(StatusCode.ERROR, kind))
        course.phase.end(self._moment(event.at))
        whole.end(self._moment(event.at))

    def _turn(self, course: _Course, name: str, at: float) -> None:
        """It waits for something else now."""
        course.phase.end(self._moment(at))
        course.phase = self._phase(course.whole, name, at, course.attempt)
        course.name = name

    def _phase(self, whole: Span, name: str, at: float, attempt: int) -> Span:
        return self._tracer.start_span(
            name,
            context=set_span_in_context(whole),
            start_time=self._moment(at),
            attributes={"ccchat.attempt": attempt} if attempt else {},
        )

    def _moment(self, at: float) -> int:
        """A moment of the engine's clock as nanoseconds of the machine's."""
        return self._zero + self._nanoseconds(at)

    @staticmethod
    def _nanoseconds(seconds: float) -> int:
        return round(seconds * _NANOSECONDS)


def traced() -> Beside:
    """Have an engine's spans sent by OTLP over HTTP, in batches, by a thread of their own.

    Raises:
        ModuleNotFoundError: What it takes is not installed.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    # A collector that is not there is nothing for the screen.
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    logging.getLogger("opentelemetry").propagate = False

    @asynccontextmanager
    async def beside(service: ConcurrentChatService) -> AsyncIterator[None]:
        about = Resource.create({"service.version": __version__})
        if str(about.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            about = about.merge(Resource({SERVICE_NAME: "ccchat"}))
        provider = TracerProvider(resource=about, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        traces = Traces(service, provider.get_tracer("ccchat", __version__))
        unsubscribe = service.subscribe(traces)
        try:
            yield
        finally:
            unsubscribe()
            traces.close()
            # It sends what is left, and tries again and again where there is nobody to take it.
            sending = threading.Thread(target=provider.shutdown, name="last traces", daemon=True)
            sending.start()
            await asyncio.to_thread(sending.join, LEAVING)

    return beside
