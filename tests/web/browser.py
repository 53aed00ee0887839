"""A headless Chromium, driven by its own protocol, and the screen that a page of ours shows."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pyte

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
PATIENCE: Final = 30.0


class Page:
    """A page, what it fetches, and the terminal in it: the very bytes that it was sent."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Event()
        self._stream: pyte.ByteStream | None = None
        self.screen = pyte.Screen(80, 24)
        self.answered: list[str] = []
        """Addresses from which something came."""
        self.closed = False
        """Whether the terminal's connection was closed."""

    async def read(self) -> None:
        """Take what the browser tells, until it ends."""
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            else:
                self._hear(told["method"], told["params"])
            self._news.set()

    def _hear(self, method: str, told: dict[str, Any]) -> None:
        match method:
            case "Network.responseReceived":
                self.answered.append(told["response"]["url"])
            case "Network.webSocketCreated":
                size = parse_qs(urlsplit(told["url"]).query)
                self.screen = pyte.Screen(int(size["width"][0]), int(size["height"][0]))
                self._stream = pyte.ByteStream(self.screen)
            case "Network.webSocketFrameReceived" if told["response"]["opcode"] == 2:
                assert self._stream is not None
                self._stream.feed(base64.b64decode(told["response"]["payloadData"]))
            case "Network.webSocketClosed":
                self.closed = True
            case _:
                pass

    async def do(self, method: str, **params: Any) -> dict[str, Any]:
        """Have the browser do something; its answer."""
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            told = await answer
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    async def click_on(self, text: str) -> None:
        """Click on a text in the terminal; that also has letters go there."""
        row = next(number for number, line in enumerate(self.screen.display) if text in line)
        column = self.screen.display[row].index(text)
        found = await self.do(
            "Runtime.evaluate",
            expression="(() => { const r = document.querySelector('.xterm-screen')"
            ".getBoundingClientRect(); return [r.left, r.top, r.width, r.height] })()",
            returnByValue=True,
        )
        left, top, width, height = found["result"]["value"]
        place = {
            "x": left + (column + 0.5) * width / self.screen.columns,
            "y": top + (row + 0.5) * height / self.screen.lines,
            "button": "left",
            "clickCount": 1,
        }
        await self.do("Input.dispatchMouseEvent", type="mousePressed", **place)
        await self.do("Input.dispatchMouseEvent", type="mouseReleased", **place)

    async def type(self, text: str) -> None:
        """Type letters."""
        await self.do("Input.insertText", text=text)

    async def press(self, key: str, code: int) -> None:
        """Press a key that has a name."""
        text = {"text": "\r"} if key == "Enter" else {}
        more = {"key": key, "code": key, "windowsVirtualKeyCode": code, **text}
        await self.do("Input.dispatchKeyEvent", type="keyDown", **more)
        await self.do("Input.dispatchKeyEvent", type="keyUp", **more)

    @property
    def text(self) -> str:
        """What the terminal shows."""
        return "\n".join(self.screen.display)

    async def until(self, condition: str | Callable[[], bool]) -> None:
        """Wait until the terminal shows a text, or something holds."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (condition in self.text if isinstance(condition, str) else condition()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{condition!r} was never seen; at last:\n{self.text}") from None


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Page]:
    """A browser with an empty page."""
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-dev-shm-usage", "--disable-background-networking", "--window-size=1200,700",
        "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port = await _port(folder / "DevToolsActivePort")
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.get("/json") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(
                pages[0]["webSocketDebuggerUrl"], max_msg_size=0
            ) as socket:
                page = Page(socket)
                reading = asyncio.create_task(page.read())
                await page.do("Network.enable")
                await page.do("Page.enable")
                await page.do("Emulation.setFocusEmulationEnabled", enabled=True)
                yield page
                await socket.close()
                await asyncio.wait((reading,))
    finally:
        process.kill()
        await process.wait()


async def _port(file: Path) -> int:
    async with asyncio.timeout(PATIENCE):
        while True:
            if words := _words(file):
                return int(words[0])
            await asyncio.sleep(0.02)


def _words(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []
