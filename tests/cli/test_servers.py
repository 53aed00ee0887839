"""`ccchat models` and `ccchat simulate` with several servers, as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.testing.ollama_server import Model, OllamaServer

pytestmark = pytest.mark.usefixtures("clean_environment")

ROOT = Path(__file__).parents[2]
LOAD = ("simulate", "--users", "3", "--messages", "4")


async def command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the real thing, while the servers go on in this process."""

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ccchat_tui", *words],
            check=False,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=dict(os.environ),
            timeout=60,
        )

    return await asyncio.to_thread(run)


async def gone() -> OllamaServer:
    """A server at an address where nobody listens any more."""
    server = OllamaServer()
    await server.start()
    await server.stop()
    return server


async def test_models_tells_of_a_server_that_does_not_answer() -> None:
    dead = await gone()
    async with OllamaServer(models=[Model("tiny:1b")]) as one:
        done = await command("models", "--host", f"{one.url},{dead.url}")
    assert done.returncode == 0
    head, row = done.stdout.splitlines()
    assert head.split()[-1] == "servers"
    assert row.split()[0] == "tiny:1b"
    assert row.endswith(one.url.removeprefix("http://"))
    assert done.stderr.startswith(
        f"ccchat: note: {dead.url.removeprefix('http://')} is not in it: "
    )
    assert len(done.stderr.splitlines()) == 1


async def test_models_names_each_server_if_none_answers() -> None:
    dead, other = await gone(), await gone()
    done = await command("models", "--host", f"{dead.url},{other.url}")
    assert done.returncode == 1
    assert done.stdout == ""
    assert dead.url in done.stderr
    assert other.url in done.stderr


async def test_models_takes_the_tables_of_the_file(tmp_path: Path) -> None:
    async with (
        OllamaServer(models=[Model("tiny:1b"), Model("large:70b")]) as one,
        OllamaServer(models=[Model("tiny:1b")]) as two,
    ):
        file = tmp_path / "c.toml"
        file.write_text(
            f'[[servers]]\nurl = "{one.url}"\nname = "desk"\napi_key = "sesame"\n'
            f'[[servers]]\nurl = "{two.url}"\nname = "rack"\n',
            encoding="utf-8",
        )
        done = await command("models", "--config", str(file))
        where = {row.split()[0]: row.split("131,072  ")[1] for row in done.stdout.splitlines()[1:]}
        assert where == {"tiny:1b": "desk, rack", "large:70b": "desk"}
        assert {r.headers.get("authorization") for r in one.requests} == {"Bearer sesame"}
        assert {r.headers.get("authorization") for r in two.requests} == {None}


async def test_a_load_is_shared_and_the_report_says_by_whom() -> None:
    async with (
        OllamaServer(models=[Model("tiny:1b")]) as one,
        OllamaServer(models=[Model("tiny:1b")]) as two,
    ):
        hosts = f"{one.url},{two.url}"
        done = await command(*LOAD, "--host", hosts, "--json")
        report: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == 0, done.stderr
        assert report["totals"]["completed"] == 12
        servers = report["servers"]
        assert [each["address"] for each in servers] == [one.url, two.url]
        assert [each["completed"] for each in servers] == [len(one.chats), len(two.chats)]
        assert sum(each["completed"] for each in servers) == 12
        assert min(each["completed"] for each in servers) >= 4
        assert {each["state"] for each in servers} == {"closed"}
        assert set(servers[0]) == {
            *("server", "address", "state", "reason", "weight", "limit", "completed", "failed")
        }
        table = await command(*LOAD, "--host", hosts)
        rows = [line.split() for line in table.stdout.splitlines()[-3:]]
        assert rows[0] == ["server", "done", "failed", "is"]
        assert [row[0] for row in rows[1:]] == [
            url.removeprefix("http://") for url in (one.url, two.url)
        ]
        assert all(row[2:] == ["0", "up"] for row in rows[1:])


async def test_a_load_outlives_a_server_that_is_not_there() -> None:
    dead = await gone()
    async with OllamaServer(models=[Model("tiny:1b")]) as one:
        done = await command(*LOAD, "--host", f"{dead.url},{one.url}", "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["totals"]["completed"] == 12
        assert report["totals"]["retried"] == 0
        assert [each["completed"] for each in report["servers"]] == [0, 12]
        assert report["servers"][0]["state"] != "closed"
        assert report["servers"][0]["reason"]


async def test_the_demo_model_has_no_servers() -> None:
    done = await command("simulate", "--demo", "--pace=500", "--users=1", "--messages=1", "--json")
    assert json.loads(done.stdout)["servers"] == []
