"""Spans, as the SDK of OpenTelemetry has collected them."""

from __future__ import annotations

import http.server
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from ccchat_tui.backends.base import ChatMessage, ErrorKind, Prompt
from ccchat_tui.cli.main import main
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.testing.scripted import ScriptedBackend
from ccchat_tui.traces import Traces

ROOT = Path(__file__).parents[1]
MODEL = "llama3.2:3b"


class Bench:
    """An engine whose spans are kept."""

    def __init__(self, **settings: Any) -> None:
        self.backend = ScriptedBackend()
        self.service = ConcurrentChatService(
            self.backend, EngineSettings(**{"requests_per_minute": 0, **settings})
        )
        self.kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.kept))
        self.traces = Traces(self.service, provider.get_tracer("test"))
        self.service.subscribe(self.traces)

    def ask(self, text: str) -> RequestHandle:
        prompt = Prompt(MODEL, (ChatMessage("user", text),))
        return self.service.submit(
            user="ada",
            session_id="s1",
            model=MODEL,
            prompt=lambda: prompt,
            preview=text,
            id=text,
        )

    def spans(self) -> tuple[list[ReadableSpan], list[ReadableSpan]]:
        """Those of requests, and those within them, in the order of their beginnings."""
        all_of_them = sorted(self.kept.get_finished_spans(), key=lambda span: span.start_time or 0)
        return (
            [span for span in all_of_them if span.parent is None],
            [span for span in all_of_them if span.parent is not None],
        )


@asynccontextmanager
async def bench(**settings: Any) -> AsyncIterator[Bench]:
    made = Bench(**settings)
    yield made
    await made.service.aclose()


async def test_a_span_for_the_request_and_one_for_each_wait() -> None:
    async with bench(max_concurrent=1) as it:
        first, second = it.ask("one"), it.ask("two")
        await it.backend.emit("one", "yes")
        await it.backend.finish("one", tokens=3)
        await it.backend.emit("two", "yes")
        await it.backend.finish("two", tokens=4)
        await first.wait()
        await second.wait()
        wholes, phases = it.spans()
    assert [whole.name for whole in wholes] == [f"chat {MODEL}"] * 2
    whole = next(each for each in wholes if (each.attributes or {})["ccchat.request.id"] == "two")
    within = [
        phase for phase in phases if phase.parent and phase.parent.span_id == whole.context.span_id
    ]
    assert [phase.name for phase in within] == ["queued", "connecting", "streaming"]
    # What it waited for fills the whole of its time, without a gap.
    edges = [(phase.start_time, phase.end_time) for phase in within]
    assert edges[0][0] == whole.start_time
    assert edges[-1][1] == whole.end_time
    assert all(one[1] == two[0] for one, two in itertools.pairwise(edges))
    told = whole.attributes or {}
    assert whole.kind is SpanKind.CLIENT
    assert whole.status.status_code is StatusCode.UNSET
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "ollama"
    assert told["gen_ai.request.model"] == MODEL
    assert told["gen_ai.usage.output_tokens"] == 4
    assert told["gen_ai.response.finish_reasons"] == ("stop",)
    assert told["gen_ai.conversation.id"] == "s1"
    assert told["user.name"] == "ada"
    assert told["ccchat.state"] == "completed"


async def test_retries_and_failures_without_what_was_said() -> None:
    async with bench(retry_attempts=1) as it:
        asked = it.ask("QUESTION-9")
        await it.backend.fail(0, ErrorKind.DISCONNECTED, "SERVER-9")
        await it.backend.emit(1, "REPLY-9")
        await it.backend.fail(1, ErrorKind.BAD_REQUEST, "SERVER-9")
        await asked.wait()
        (whole,), phases = it.spans()
    assert [phase.name for phase in phases] == [
        *("queued", "connecting", "waiting to retry"),
        *("queued", "connecting", "streaming"),
    ]
    (retry,) = whole.events
    assert (retry.name, (retry.attributes or {})["error.type"]) == ("retry", "disconnected")
    told = whole.attributes or {}
    assert (told["error.type"], told["ccchat.attempts"]) == ("bad_request", 2)
    assert whole.status.status_code is StatusCode.ERROR
    everything = "".join(span.to_json() for span in (whole, *phases))
    for text in ("REPLY-9", "SERVER-9"):
        assert text not in everything
    assert everything.count("QUESTION-9") == 1  # which is its id here


async def test_a_cancel_is_no_error_and_what_lives_is_ended_at_the_end() -> None:
    async with bench(max_concurrent=1) as it:
        it.ask("one")
        it.ask("two").cancel()
        await it.backend.call("one")
        it.traces.close()
        wholes, phases = it.spans()
    cancelled = next(w for w in wholes if (w.attributes or {}).get("ccchat.state") == "cancelled")
    assert cancelled.status.status_code is StatusCode.UNSET
    assert "error.type" not in (cancelled.attributes or {})
    assert len(wholes) == 2
    assert sorted(phase.name for phase in phases) == ["connecting", "queued", "queued"]


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes what an exporter sends."""

    got: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Nothing."""


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    got: list[tuple[str, bytes]] = []
    handler = type("Handler", (Collector,), {"got": got})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("there", [True, False])
def test_the_real_command_sends_them(tmp_path: Path, there: bool) -> None:
    """Or says nothing of a collector that is not there."""
    with collector() as (url, got):
        done = subprocess.run(
            [sys.executable, "-m", "ccchat_tui", "simulate", "--demo", "--users=1",
             "--messages=2", "--pace=100"],
            env={
                **os.environ,
                "HOME": str(tmp_path),
                "XDG_CONFIG_HOME": str(tmp_path),
                "PYTHONPATH": str(ROOT),
                "CCCHAT_TRACES": "true",
                "OTEL_EXPORTER_OTLP_ENDPOINT": url if there else "http://127.0.0.1:9",
                "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 of 2 requests completed" in done.stdout
    assert "127.0.0.1" not in done.stderr
    assert "Traceback" not in done.stderr
    if there:
        assert {path for path, _ in got} == {"/v1/traces"}
        sent = b"".join(body for _, body in got)
        assert sent.count(b"waiting to retry") == 0
        assert sent.count(b"chat demo:medium") == 2
        assert b"ccchat" in sent
    else:
        assert got == []


def test_without_the_extra_it_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCCHAT_TRACES", "true")
    monkeypatch.delitem(sys.modules, "ccchat_tui.traces", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    assert main(["simulate", "--demo"]) == 1
    assert "pip install 'ccchat-tui[otel]'" in capsys.readouterr().err


def test_it_is_not_loaded_unless_it_is_asked_for(tmp_path: Path) -> None:
    code = (
        "import sys; from ccchat_tui.cli.main import main; main(['simulate', '--demo', "
        "'--users=1', '--messages=1', '--fast']); sys.exit('opentelemetry' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
