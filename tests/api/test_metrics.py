"""What Prometheus reads, by its own parser."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ccchat_tui.backends.base import ErrorKind
from tests.api.desk import MODEL, Desk, api, asking

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
    assert told["gen_ai_server_time_to_first_token_seconds_count", (MODEL,)] == 1
    assert told["gen_ai_server_request_duration_seconds_count", (MODEL, "failed")] == 1
    assert told["ccchat_event_loop_lag_seconds", ()] >= 0


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
    name = "gen_ai_server_request_duration_seconds_count"
    assert {labels: told[key, labels] for key, labels in told if key == name} == {
        ("m0", "completed"): 1,
        ("m1", "completed"): 1,
        ("other", "completed"): 2,
    }


async def test_only_the_admin(tmp_path: Path) -> None:
    async with api(tmp_path) as desk:
        assert (await desk.ada.get("/metrics")).status_code == 403
