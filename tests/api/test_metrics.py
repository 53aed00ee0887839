"""What Prometheus reads, by its own parser."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from prometheus_client.parser import text_string_to_metric_families

from ccchat_tui.api.lag import LagSampler
from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import read_hosts
from ccchat_tui.gen_ai import (
    FINISH_REASONS,
    INPUT_TOKENS,
    OPERATION,
    OPERATION_DURATION,
    OUTPUT_TOKENS,
    PROVIDER,
    TIME_TO_FIRST_CHUNK,
    TOKEN_TYPE,
    TOKEN_USAGE,
    provider_of,
)
from ccchat_tui.gen_ai import (
    MODEL as MODEL_NAME,
)
from tests.api.desk import MODEL, Desk, api, asking

FIRST = "gen_ai_client_operation_time_to_first_chunk_seconds"
TOTAL = "gen_ai_client_operation_duration_seconds"

Samples = dict[tuple[str, tuple[str, ...]], float]


async def read(desk: Desk, query: str = "") -> Samples:
    """All samples, by name and the values of their labels."""
    response = await desk.admin.get(f"/metrics{query}")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples: Samples = {}
    for family in text_string_to_metric_families(response.text):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, tuple(sample.labels.values()))
            assert key not in samples
            samples[key] = sample.value
    return samples


async def end(desk: Desk, client: httpx.AsyncClient, text: str, *, well: bool = True) -> None:
    """Ask something, and have it end."""
    async with asking(client, text) as response:
        if well:
            await desk.backend.emit(text, "yes")
            await desk.backend.finish(text, tokens=3)
        else:
            await desk.backend.fail(text, ErrorKind.BAD_REQUEST, "no")
        await response.aread()


async def test_they_are_the_figures_of_the_snapshot(tmp_path: Path) -> None:
    async with api(tmp_path, max_concurrent=1) as desk:
        await end(desk, desk.ada, "good")
        await end(desk, desk.bob, "bad", well=False)
        async with asking(desk.ada, "running"), asking(desk.ada, "waiting"):
            await desk.backend.call("running")
            told = await read(desk)
    for name, value in (
        ("ccchat_queue_length", 1),
        ("ccchat_requests_in_flight", 1),
        ("ccchat_concurrency_peak", 1),
        ("ccchat_concurrency_limit", 1),
        ("ccchat_requests_submitted_total", 4),
        ("ccchat_requests_rejected_total", 0),
        ("ccchat_tokens_total", 3),
        ("ccchat_request_wait_seconds_count", 3),
    ):
        assert told[name, ()] == value, name
    assert told["ccchat_requests_ended_total", ("completed",)] == 1
    assert told["ccchat_requests_ended_total", ("failed",)] == 1
    named = ("chat", "ollama", MODEL)
    assert told[f"{FIRST}_count", named] == 1
    assert told[f"{TOTAL}_count", ("", *named)] == 1
    assert told[f"{TOTAL}_count", ("bad_request", *named)] == 1
    assert told["gen_ai_client_token_usage_sum", (*named, "output")] == 3


async def test_users_only_on_request(tmp_path: Path) -> None:
    async with api(tmp_path) as desk:
        await end(desk, desk.ada, "good")
        assert not any("ada" in labels for _, labels in await read(desk))
        by_user = await read(desk, "?users=1")
        assert by_user["ccchat_user_requests_total", ("completed", "ada")] == 1


async def test_labels_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccchat_tui.api.metrics.MOST_MODELS", 2)
    async with api(tmp_path) as desk:
        desk.backend.model_infos.clear()  # it takes any name
        for number in range(4):
            async with asking(desk.ada, str(number), model=f"m{number}") as response:
                await desk.backend.finish(str(number))
                await response.aread()
        told = await read(desk)
    name = f"{TOTAL}_count"
    assert {labels: told[key, labels] for key, labels in told if key == name} == {
        ("", "chat", "ollama", "m0"): 1,
        ("", "chat", "ollama", "m1"): 1,
        ("", "chat", "ollama", "other"): 2,
    }


async def test_models_that_are_not_there_take_no_label(tmp_path: Path) -> None:
    async with api(tmp_path) as desk:
        for number in range(2):
            async with asking(desk.ada, f"{number}", model=f"none{number}") as response:
                await response.aread()
        await end(desk, desk.ada, "good")
        told = await read(desk)
    assert told[f"{TOTAL}_count", ("model_not_found", "chat", "ollama", "other")] == 2
    assert told[f"{TOTAL}_count", ("", "chat", "ollama", MODEL)] == 1
    assert not [key for key in told if "none0" in key[1]]


async def test_what_never_had_a_slot_took_no_time(tmp_path: Path) -> None:
    """Else a cancel in the queue would make the servers look fast."""
    async with api(tmp_path, max_concurrent=1) as desk, asking(desk.ada, "running"):
        async with asking(desk.ada, "waiting"):
            await desk.until_living(2)
        await desk.until_living(1)
        told = await read(desk)
    assert told["ccchat_requests_ended_total", ("cancelled",)] == 1
    assert not [key for key, _ in told if key == f"{TOTAL}_count"]


async def test_the_loop_is_looked_at_while_the_api_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop that was held up shows; afterwards nothing is left that wakes it."""
    monkeypatch.setattr("ccchat_tui.api.lag.EVERY", 0.02)
    name = "ccchat_event_loop_lag_seconds"
    async with api(tmp_path) as desk:
        before = (await read(desk))[f"{name}_bucket", ("0.1",)]
        time.sleep(0.15)  # noqa: ASYNC251 - it is held up on purpose
        told = await read(desk)
        assert told[f"{name}_count", ()] > told[f"{name}_bucket", ("0.1",)] >= before
        sampler = LagSampler(lambda _: None)
        sampler.close()
    loop: Any = asyncio.get_running_loop()
    waiting = [repr(handle) for handle in loop._scheduled if not handle.cancelled()]
    assert not [each for each in waiting if "_look" in each]


async def test_servers(tmp_path: Path) -> None:
    """Each is in one state, and known by the kind of its protocol."""
    backend = open_servers(read_hosts("127.0.0.1:9,127.0.0.1:10"))
    async with api(tmp_path, backend) as desk:
        told = await read(desk)
    await backend.aclose()
    states = {labels: value for (name, labels), value in told.items() if name.endswith("_state")}
    assert states == {
        (f"127.0.0.1:{port}", state): float(state == "closed")
        for port in (9, 10)
        for state in ("closed", "open", "half_open")
    }
    assert told["ccchat_server_up", ("127.0.0.1:9",)] == 1
    assert provider_of(backend) == "ollama"


def test_names_are_those_of_the_conventions() -> None:
    """As the package of OpenTelemetry itself has them."""
    assert OPERATION_DURATION == gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION
    assert TOKEN_USAGE == gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE
    assert TIME_TO_FIRST_CHUNK == gen_ai_metrics.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK
    ours = {OPERATION, PROVIDER, MODEL_NAME, TOKEN_TYPE, INPUT_TOKENS, OUTPUT_TOKENS}
    there = {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}
    assert ours | {FINISH_REASONS} <= there
