"""What stands in the log, and above all what does not."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ccchat_tui.api.address import Address, bind
from ccchat_tui.api.tokens import ADMIN
from ccchat_tui.backends.base import BackendError, ChatMessage, ErrorKind, Prompt
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import read_hosts
from ccchat_tui.beside import Beside
from ccchat_tui.config import load_settings
from ccchat_tui.fault import write_trace
from ccchat_tui.logs.open import logged
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.api.desk import api, asking, chat

ROOT = Path(__file__).parents[2]
SECRETS = ("QUESTION-9", "REPLY-9", "SERVER-9", "SESSION-9", "QUERY-9", "KEY-9", "OPTION-9")


@contextmanager
def log_of(folder: Path, **settings: object) -> Iterator[tuple[Beside, Path]]:
    """A log, and where it is."""
    path = folder / "ccchat.log"
    given = {"log_level": "debug", "api_key": "KEY-9", **settings}
    with logged(load_settings(given, {}, None), "test", path) as beside:
        yield beside, path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def much(folder: Path, beside: Beside) -> dict[str, str]:
    """Have everything happen that the log tells of. Returns the tokens."""
    async with api(folder, retry_attempts=1) as desk, beside(desk.service):
        async with asking(
            desk.ada, "QUESTION-9 one", session_id="SESSION-9", options={"stop": ["OPTION-9"]}
        ) as response:
            await desk.backend.emit(0, "REPLY-9")
            await desk.backend.finish(0, tokens=3)
            await response.aread()
        async with asking(desk.bob, "QUESTION-9 two") as response:
            await desk.backend.fail(1, ErrorKind.BAD_REQUEST, "SERVER-9 does not like QUESTION-9")
            await response.aread()
        await desk.admin.get("/api/ai/requests?state=QUERY-9")
        await desk.ada.patch("/api/ai/limits", json={"max_concurrent": 7})
        await desk.admin.patch("/api/ai/limits", json={"max_concurrent": 7})
        await desk.admin.post("/api/ai/pause")
        desk.clients["ada"].headers["authorization"] = "Bearer KEY-9"
        await desk.ada.post("/api/chat", json=chat("QUESTION-9 three"))
        logging.getLogger("ccchat_tui.engine").error("A word of %s", "QUESTION-9")
        try:
            raise ValueError("QUESTION-9 is no number") from KeyError("REPLY-9")
        except ValueError as error:
            write_trace(error, folder / "trace.txt")
        return desk.tokens.all()


async def test_neither_texts_nor_keys(tmp_path: Path) -> None:
    with log_of(tmp_path) as (beside, path):
        tokens = await much(tmp_path, beside)
    written = path.read_text(encoding="utf-8")
    for secret in (*SECRETS, *tokens.values()):
        assert secret not in written
    assert len(tokens) == 3


async def test_texts_where_they_are_asked_for_and_keys_never(tmp_path: Path) -> None:
    with log_of(tmp_path, log_texts=True) as (beside, path):
        tokens = await much(tmp_path, beside)
    written = path.read_text(encoding="utf-8")
    for text in ("QUESTION-9 one", "REPLY-9", "SERVER-9 does not like", "QUESTION-9 is no number"):
        assert text in written
    for secret in ("KEY-9", *tokens.values()):
        assert secret not in written


async def test_what_is_told(tmp_path: Path) -> None:
    with log_of(tmp_path) as (beside, path):
        await much(tmp_path, beside)
    told = read(path)
    events = [line["event"] for line in told]
    assert (events[0], events[-1]) == ("start", "stop")
    assert told[0]["config"]["api_key"].startswith("command line")
    one, two = (line for line in told if line["event"] == "request_ended")
    assert (one["user"], one["state"], one["tokens"], one["attempts"]) == ("ada", "completed", 3, 1)
    assert one["waited_ms"] >= 0
    assert one["duration_ms"] >= one["first_token_ms"] >= 0
    assert (two["user"], two["state"], two["failure"]) == ("bob", "failed", "bad_request")
    assert two["level"] == "warning"
    asked = [line for line in told if line["event"] == "api_request"]
    assert [(a["user"], a["method"], a["path"], a["status"]) for a in asked] == [
        ("ada", "POST", "/api/ai/requests", 200),
        ("bob", "POST", "/api/ai/requests", 200),
        (ADMIN, "GET", "/api/ai/requests", 400),
        ("ada", "PATCH", "/api/ai/limits", 403),
        (ADMIN, "PATCH", "/api/ai/limits", 200),
        (ADMIN, "POST", "/api/ai/pause", 200),
        (None, "POST", "/api/chat", 401),
    ]
    assert all(a["ms"] >= 0 for a in asked)
    assert {"limits_changed", "paused"} <= set(events)
    (fault,) = (line for line in told if "fault" in line)
    assert (fault["fault"], fault["cause"]) == ("ValueError", "KeyError")
    assert fault["trace"] == [fault["trace"][0]]
    assert fault["trace"][0].startswith("tests/logs/test_open.py:")
    assert "A word of %s" in [line.get("message") for line in told]


async def test_a_server_that_goes_and_comes(tmp_path: Path) -> None:
    with log_of(tmp_path, log_level="info") as (_, path):
        listener, address = bind(Address("127.0.0.1", 0))
        listener.close()
        backend = open_servers(read_hosts(address.url))
        prompt = Prompt("llama3.2:3b", (ChatMessage("user", "QUESTION-9"),))
        for _ in range(5):
            with pytest.raises(BackendError):
                async for _ in backend.stream(prompt):
                    pass
        async with OllamaServer(port=address.port):
            await backend.probe()
        await backend.aclose()
    states = [line["state"] for line in read(path) if line["event"] == "server_state"]
    assert (states[0], states[-1]) == ("open", "closed")
    assert "QUESTION-9" not in path.read_text(encoding="utf-8")


async def test_a_retry_and_what_became_of_it(tmp_path: Path) -> None:
    with log_of(tmp_path, log_level="info") as (beside, path):
        async with (
            api(tmp_path, retry_attempts=1) as desk,
            beside(desk.service),
            asking(desk.ada, "again") as response,
        ):
            await desk.backend.fail(0, ErrorKind.DISCONNECTED, "SERVER-9")
            await desk.backend.finish(1)
            await response.aread()
    told = {line["event"]: line for line in read(path)}
    retry = told["request_retrying"]
    assert (retry["user"], retry["attempt"], retry["failure"]) == ("ada", 1, "disconnected")
    assert retry["delay_ms"] > 0
    assert (told["request_ended"]["state"], told["request_ended"]["attempts"]) == ("completed", 2)


def test_only_as_much_as_is_asked_for(tmp_path: Path) -> None:
    with log_of(tmp_path, log_level="error") as (_, path):
        logging.getLogger("ccchat_tui.x").warning("no")
        logging.getLogger("ccchat_tui.x").error("yes")
    assert [line["message"] for line in read(path)] == ["yes"]


def test_nothing_on_the_screen_and_afterwards_all_is_as_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("ccchat_tui")
    before = (logger.level, logger.propagate, list(logger.handlers))
    with log_of(tmp_path) as (_, path):
        logging.getLogger("ccchat_tui.x").error("a")
        logging.getLogger("uvicorn.error").error("b")
        logging.getLogger("asyncio").error("c")
    assert (logger.level, logger.propagate, list(logger.handlers)) == before
    assert capsys.readouterr() == ("", "")
    assert [line["message"] for line in read(path) if line["event"] == "said"] == ["a", "b", "c"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals to one process")
async def test_the_real_command(tmp_path: Path) -> None:
    """It writes where it should, and says nothing of a key; one that cannot write goes on."""
    env = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        **dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"),
                        str(tmp_path)),
        "PYTHONPATH": str(ROOT),
        "CCCHAT_API_KEY": "KEY-9",
        "CCCHAT_LOG_LEVEL": "debug",
    }  # fmt: skip
    for writable in (True, False):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ccchat_tui", "serve", "0", "--host", "127.0.0.1:9"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
            url = next(word for word in line.split() if word.startswith("http")).rstrip(",;")
            async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                assert (await client.get("/readyz")).status_code == 503
            process.send_signal(signal.SIGTERM)
            _, err = await process.communicate()
        assert process.returncode == 0
        assert (b"no log can be written to" in err) == (not writable)
        assert b"Traceback" not in err
        path = tmp_path / "ccchat" / "log" / "ccchat.log"
        if writable:
            written = path.read_text(encoding="utf-8")
            assert "KEY-9" not in written
            events = [line["event"] for line in read(path)]
            assert (events[0], events[-1]) == ("start", "stop")
            assert "api_request" in events
            path.unlink()
            path.mkdir()
