"""`ccchat web`: its doors, and the app in a real browser."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from ccchat_tui.api.tokens import Tokens
from ccchat_tui.cli.main import main
from ccchat_tui.testing.app import until
from ccchat_tui.testing.ollama_server import OllamaServer, Phase
from tests.support.chromium import Browser, needs_chromium, save
from tests.web.browser import visit

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows sends no such signals to one process"
)


class Running:
    """The real command."""

    def __init__(self, url: str, home: Path, process: asyncio.subprocess.Process) -> None:
        self.url = url
        self.home = home
        self.process = process
        self._tokens = Tokens(home / "ccchat" / "tokens.json")

    def token(self, user: str) -> str:
        return self._tokens.get(user)

    async def end(self) -> str:
        """Ask it to end; what it had to say."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            out, err = await self.process.communicate()
        assert self.process.returncode == 0, err
        return (out + err).decode()


@asynccontextmanager
async def running(home: Path, *words: str) -> AsyncIterator[Running]:
    folders = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ccchat_tui", "web", "0", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            **dict.fromkeys(folders, str(home)),
        },
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"http://[\d.:]+", line)
        assert found, line
        assert "token=" not in line  # it is no person who reads this
        yield Running(found[0], home, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_doors(tmp_path: Path) -> None:
    """By name, by origin and by token; a token in the address goes into a cookie at once."""
    async with running(tmp_path, "--demo") as it, aiohttp.ClientSession(it.url) as anybody:
        ada = it.token("ada")
        for path, headers, status in (
            ("/", {}, 401),
            ("/", {"Cookie": "ccchat=nobody's"}, 401),
            ("/", {"Cookie": f"ccchat={ada}"}, 200),
            ("/", {"Cookie": f"ccchat={ada}", "Host": "evil.example"}, 403),
            ("/ws", {}, 401),
            ("/ws", {"Cookie": f"ccchat={ada}", "Origin": "http://evil.example"}, 403),
            ("/download/x", {}, 401),
            ("/static/js/textual.js", {}, 200),
            ("/?token=nobody's", {}, 401),
            (f"/?token={ada}", {"Sec-Fetch-Site": "cross-site"}, 401),
        ):
            async with anybody.get(path, headers=headers, allow_redirects=False) as answer:
                assert answer.status == status, (path, headers)
                assert ada not in await answer.text()
        async with anybody.get(f"/?token={ada}", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["location"]) == (303, "/")
            cookie = answer.headers["set-cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
        async with anybody.post("/enter", data={"token": ada}, allow_redirects=False) as answer:
            assert answer.status == 303
        headers = {"Cookie": f"ccchat={ada}"}
        async with anybody.get("/", headers=headers) as answer:
            assert "default-src 'self'" in answer.headers["content-security-policy"]
        Tokens(tmp_path / "ccchat" / "tokens.json").revoke("ada")
        async with anybody.get("/", headers=headers) as answer:
            assert answer.status == 401
        assert await it.end() == ""


async def test_what_is_none_of_its_page_ends_it_and_leaves_no_process(tmp_path: Path) -> None:
    async with running(tmp_path, "--demo") as it:
        headers = {"Cookie": f"ccchat={it.token('ada')}", "Origin": it.url}
        async with aiohttp.ClientSession(it.url, headers=headers) as visitor:
            for nonsense in ("{}", "no json"):
                async with visitor.ws_connect("/ws?width=x&height=-1") as page:
                    await page.send_str(nonsense)
                    async with asyncio.timeout(30):
                        while (await page.receive()).type is not aiohttp.WSMsgType.CLOSE:
                            pass
            async with visitor.get("/") as answer:
                assert answer.status == 200
        await it.end()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's list of processes")
async def test_a_visitor_does_not_outlive_a_server_that_was_killed(tmp_path: Path) -> None:
    """Their process is the app itself, and ends when nobody carries its picture any more."""
    async with running(tmp_path, "--demo") as it, visiting(it, "ada"):
        pid = it.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()  # noqa: ASYNC240
        (visitor,) = [int(child) for child in children]
        assert b"--connect" in Path(f"/proc/{visitor}/cmdline").read_bytes()  # noqa: ASYNC240
        it.process.kill()
        await it.process.wait()
        await until(lambda: not alive(visitor))


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_mistakes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert main(["web", "0.0.0.0:0"]) == 2
    assert "other machines reach the app" in capsys.readouterr().err
    assert main(["web", "x"]) == 2
    assert "the app cannot listen" in capsys.readouterr().err
    monkeypatch.delitem(sys.modules, "ccchat_tui.web.server", raising=False)
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    assert main(["web", "0"]) == 1
    assert "pip install 'ccchat-tui[web]'" in capsys.readouterr().err


@needs_chromium
@pytest.mark.asyncio(loop_scope="session")
async def test_two_visitors_on_one_engine(browser: Browser, tmp_path: Path) -> None:
    """Open, type, see a reply stream, cancel; whoever waits comes next. Nothing comes from another
    host, and each has a file of their own."""
    async with (
        OllamaServer(manual=True, tokens=12) as server,
        running(tmp_path / "home", "--host", server.url, "--max-concurrent", "1") as it,
        visit(browser, f"{it.url}/?token={it.token('ada')}") as ada,
    ):
        await ada.until("llama3.2:3b")
        await ada.click_on("Write a message.")
        await ada.page.type("A question")
        await ada.page.press("Enter")
        chat = await server.chat("A question")
        await chat.release(4)
        await ada.until("About: A")
        async with visiting(it, "bob") as bob:
            await bob.send_json(["stdin", "Another one\r"])
            await ada.until("1 queued")
            assert len(server.chats) == 1
            await ada.page.press("Escape")
            await chat.reached(Phase.LEFT)
            await (await server.chat("Another one")).finish()
            await ada.until("0 queued")
            assert "Another one" not in ada.text
            picture = await ada.page.picture()
            save(picture, "web")
            assert len(picture) > 10_000  # one of an empty page has a few thousand bytes
            assert ada.answered
            assert [each for each in ada.answered if not each.startswith(it.url)] == []
            said = await it.end()
        await ada.until(lambda: ada.closed)
        assert "Traceback" not in said
        await server.settled()
    files = list((tmp_path / "home").rglob("*.db"))
    assert [file.parent.name for file in files] == ["web", "web"]


@asynccontextmanager
async def visiting(it: Running, user: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A visitor without a browser, once the app stands."""
    headers = {"Cookie": f"ccchat={it.token(user)}", "Origin": it.url}
    async with (
        aiohttp.ClientSession(it.url, headers=headers) as session,
        session.ws_connect("/ws?width=100&height=30") as page,
        asyncio.timeout(60),
    ):
        drawn = b""
        while b"rite a message" not in drawn:
            drawn += await page.receive_bytes()
        reading = asyncio.create_task(_read(page))
        yield page
        reading.cancel()
        await asyncio.wait((reading,))


async def _read(page: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in page:
        pass
