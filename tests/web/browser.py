"""The screen that a page of `ccchat web` shows."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyte

from tests.support.chromium import PATIENCE, Browser, Page


class Visit:
    """A page, what it fetches, and the terminal in it: the very bytes that it was sent.

    Args:
        page: The page in a browser.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self._news = asyncio.Event()
        self._stream: pyte.ByteStream | None = None
        self.screen = pyte.Screen(80, 24)
        self.answered: list[str] = []
        """Addresses from which something came."""
        self.closed = False
        """Whether the terminal's connection was closed."""
        page.listeners.append(self._hear)

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
        self._news.set()

    async def click_on(self, text: str) -> None:
        """Click on a text in the terminal; that also has letters go there."""
        row = next(number for number, line in enumerate(self.screen.display) if text in line)
        column = self.screen.display[row].index(text)
        left, top, width, height = await self.page.run(
            "(() => { const r = document.querySelector('.xterm-screen')"
            ".getBoundingClientRect(); return [r.left, r.top, r.width, r.height] })()"
        )
        place = {
            "x": left + (column + 0.5) * width / self.screen.columns,
            "y": top + (row + 0.5) * height / self.screen.lines,
            "button": "left",
            "clickCount": 1,
        }
        await self.page.command("Input.dispatchMouseEvent", type="mousePressed", **place)
        await self.page.command("Input.dispatchMouseEvent", type="mouseReleased", **place)

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
async def visit(browser: Browser, url: str) -> AsyncIterator[Visit]:
    """Somebody who opens it in a browser."""
    async with browser.page(width=1200, height=700) as page:
        there = Visit(page)
        await page.command("Network.enable")
        await page.command("Page.navigate", url=url)
        yield there
