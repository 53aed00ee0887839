"""`ccchat serve`, `ccchat token` and `--api`: from the command line to the socket."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from ccchat_tui.cli.main import main
from ccchat_tui.testing.ollama_server import OllamaServer

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing of this machine's is."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def token(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What `ccchat token` prints."""
    assert main(["token", *words]) == 0
    return capsys.readouterr().out.strip()


class TestToken:
    def test_it_prints_that_token_alone_and_the_same_again(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        admin, ada = token(capsys, "--admin"), token(capsys, "--user", "ada")
        assert admin != ada
        assert re.fullmatch(r"\S+", admin)
        assert token(capsys, "--admin") == admin
        assert token(capsys).split() == ["for", "token", "admin", admin, "ada", ada]

    def test_revoked_it_is_another(self, capsys: pytest.CaptureFixture[str]) -> None:
        ada = token(capsys, "--user", "ada")
        token(capsys, "--user", "ada", "--revoke")
        assert ada not in token(capsys)
        assert token(capsys, "--user", "ada") != ada

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--revoke"], "needs --user NAME or --admin"),
            (["--user", "bob", "--revoke"], "no token of bob"),
            (["--user", "admin"], "no user can be called admin"),
            (["--user", "a\x1b[2J"], "no user can be called"),
            (["--user", "ada", "--admin"], "not allowed with"),
        ],
    )
    def test_mistakes(
        self, capsys: pytest.CaptureFixture[str], words: list[str], said: str
    ) -> None:
        assert main(["token", *words]) in {1, 2}
        told = capsys.readouterr().err
        assert said in told
        assert "\x1b" not in told


class TestMistakes:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["serve", "x"], "give a port"),
            (["serve", "0.0.0.0:0"], "--expose-without-tls"),
            (["serve", "1", "2"], "unrecognized arguments: 2"),
            (["simulate", "--api", "0", "--virtual", "--demo"], "--virtual waits for nobody"),
            (["--api", "0", "models"], "--api is not for `ccchat models`"),
            (["--expose-without-tls"], "add --api"),
        ],
    )
    def test_they_are_told_before_anything_begins(
        self, capsys: pytest.CaptureFixture[str], words: list[str], said: str
    ) -> None:
        assert main(words) == 2
        assert said in capsys.readouterr().err

    def test_without_the_extra_it_is_named(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(sys.modules, "ccchat_tui.api.server", raising=False)
        monkeypatch.setitem(sys.modules, "uvicorn", None)
        assert main(["serve", "0"]) == 1
        assert "pip install 'ccchat-tui[api]'" in capsys.readouterr().err


class TestSimulate:
    async def test_it_is_seen_and_somebody_elses_request_is_none_of_its_own(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        header = {"authorization": f"Bearer {token(capsys, '--admin')}"}
        body = {"messages": [{"role": "user", "content": "mine"}], "stream": False}
        words = ("simulate", "--api", "0", "--users", "1", "--messages", "1", "--json")
        async with OllamaServer(manual=True, tokens=1) as server:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ccchat_tui", *words, "--host", server.url),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            assert process.stderr is not None
            line = (await process.stderr.readline()).decode()
            found = re.search(r"http://\S+:\d+", line)
            assert found, line
            await server.arrived(1)
            async with httpx.AsyncClient(base_url=found[0], headers=header, timeout=20) as client:
                asked = asyncio.create_task(client.post("/api/ai/requests", json=body))
                await (await server.chat("mine")).release(2)
                assert (await asked).json()["done"] is True
                (row,) = (await client.get("/api/ai/requests?all=1")).json()["requests"]
                assert row["user"] == "Ada"
            await (await server.chat(0)).release(2)
            out, err = await process.communicate()
        assert process.returncode == 0, err
        report = json.loads(out)
        assert report["totals"]["completed"] == 2
        assert [user["user"] for user in report["users"]] == ["Ada", "admin"]
        assert b"Traceback" not in err


@asynccontextmanager
async def serving(*words: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The real command, and where it listens."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ccchat_tui", "serve", "0", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"http://\S+:\d+", line)
        assert found, line
        yield process, found[0]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals to one process")
class TestServe:
    async def test_a_signal_lets_what_runs_come_to_its_end(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        header = {"authorization": f"Bearer {token(capsys, '--user', 'ada')}"}
        body = {"messages": [{"role": "user", "content": "hello"}]}
        async with (
            OllamaServer(manual=True, tokens=3) as server,
            serving("--host", server.url) as (process, url),
            httpx.AsyncClient(base_url=url, headers=header, timeout=20) as client,
        ):
            assert (await client.get("/readyz")).status_code == 200
            async with client.stream("POST", "/api/ai/requests", json=body) as response:
                running = await server.chat("hello")
                process.send_signal(signal.SIGTERM)
                while (await client.get("/readyz")).status_code != 503:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                assert (await client.post("/api/ai/requests", json=body)).status_code == 503
                await running.release(4)
                assert b'"done":true' in await response.aread()
            async with asyncio.timeout(20):
                out, err = await process.communicate()
        assert (process.returncode, out, err) == (0, b"", b"")

    async def test_a_second_one_does_not_wait(self, capsys: pytest.CaptureFixture[str]) -> None:
        header = {"authorization": f"Bearer {token(capsys, '--user', 'ada')}"}
        body = {"messages": [{"role": "user", "content": "hello"}]}
        async with (
            OllamaServer(manual=True) as server,
            serving("--host", server.url) as (process, url),
            httpx.AsyncClient(base_url=url, headers=header, timeout=20) as client,
            client.stream("POST", "/api/ai/requests", json=body),
        ):
            await server.chat("hello")
            process.send_signal(signal.SIGTERM)
            while (await client.get("/readyz")).status_code != 503:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(20):
                await process.wait()
        assert process.returncode == 128 + signal.SIGTERM
        assert [each.question for each in server.disconnects] == ["hello"]
