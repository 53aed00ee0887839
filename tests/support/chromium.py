"""A browser without a window, driven over the Chrome DevTools protocol.

The protocol goes through a pipe (`--remote-debugging-pipe`: JSON, each message ended by a zero
byte), so that it needs no library and no port, and the browser ends with whoever started it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), "")
"""The browser of this machine; empty where there is none."""
PATIENCE = 30.0
"""Seconds after which a browser that does not answer, or a page that does not become what is waited
for, is a failure."""

_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
    *("--disable-sync", "--no-proxy-server", "--force-color-profile=srgb", "--hide-scrollbars"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)
_START = (
    "import os, sys; _, theirs, ours, *words = sys.argv; "
    "os.dup2(int(theirs), 3); os.dup2(int(ours), 4); os.execv(words[0], words)"
)
"""Chromium reads commands from file 3 and writes answers to file 4, whatever ours are called."""
_KEYS = {"Enter": (13, "\r"), "Space": (32, " "), "Tab": (9, ""), "Escape": (27, "")}

_why = ""
if not CHROMIUM:
    _why = f"there is no Chromium here to look with (none of {', '.join(NAMES)} is found)"
elif os.name == "nt":
    _why = "the pipe to Chromium has other names on Windows"
needs_chromium = pytest.mark.skipif(bool(_why), reason=_why)
"""For tests that look with it."""


class BrowserError(Exception):
    """The browser refused a command, or a script in a page failed."""


class Page:
    """A page in a browser, with nothing known of other pages.

    Attributes:
        complaints: What the page was told off for: faults of scripts, and what its policy forbids.
        listeners: Called with each event of the protocol, for whoever enables more of them.
    """

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.complaints: list[str] = []
        self.listeners: list[Callable[[str, dict[str, Any]], None]] = []
        self._complained = asyncio.Event()

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol. Raises `BrowserError`."""
        return await self._browser.command(method, params, self._session)

    async def open(self, url: str) -> None:
        """Go there."""
        await self.command("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def run(self, script: str) -> Any:
        """What a script comes to, as JSON has it. Raises `BrowserError` if it fails."""
        told = await self.command(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in told:
            raise BrowserError(str(told["exceptionDetails"]))
        return told["result"].get("value")

    async def until(self, condition: str) -> Any:
        """Wait until a script comes to something true, and return that. Raises `AssertionError`."""
        try:
            async with asyncio.timeout(PATIENCE):
                # It becomes true elsewhere: there is no event here to wait for.
                while not (found := await self.run(condition)):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            seen = await self.run("document.body.innerText")
            raise AssertionError(f"{condition} did not come true; there is:\n{seen}") from None
        return found

    async def text(self, selector: str = "body") -> str:
        """What is seen of the first that matches."""
        return str(await self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def press(self, *keys: str) -> None:
        """Press keys: `Enter`, `Tab`, `Shift+Tab`, `Space`, `Escape`."""
        for name in keys:
            shift, _, key = name.rpartition("+")
            code, text = _KEYS[key]
            told: dict[str, Any] = {
                "key": text if key == "Space" else key,
                "code": key,
                "windowsVirtualKeyCode": code,
                "modifiers": 8 if shift else 0,
            }
            if text:
                told["text"] = text
            await self.command("Input.dispatchKeyEvent", type="keyDown", **told)
            told.pop("text", None)
            await self.command("Input.dispatchKeyEvent", type="keyUp", **told)

    async def tab_to(self, words: str) -> None:
        """Press Tab until what is called so has the focus. Raises `AssertionError`."""
        seen = []
        for _ in range(60):
            await self.press("Tab")
            seen.append(await self.focused())
            if words in seen[-1]:
                return
        raise AssertionError(f"Tab does not lead to {words!r}, but to {seen}")

    async def focused(self) -> str:
        """What has the focus, by the words somebody hears who does not see it."""
        return str(
            await self.run(
                "(e => e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText)"
                "(document.activeElement)"
            )
        )

    async def type(self, text: str) -> None:
        """Put text where the focus is."""
        await self.command("Input.insertText", text=text)

    async def size(self, width: int, height: int) -> None:
        """Make the window so large."""
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip

    async def prefer(self, **features: str) -> None:
        """What the person prefers, e.g. `color_scheme="dark"`."""
        told = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()
        ]
        await self.command("Emulation.setEmulatedMedia", features=told)

    async def picture(self) -> bytes:
        """What is seen in the window, as PNG."""
        told = await self.command("Page.captureScreenshot", format="png")
        return base64.b64decode(told["data"])

    async def told_off(self) -> None:
        """Wait until something is complained of. Raises `TimeoutError`."""
        async with asyncio.timeout(PATIENCE):
            await self._complained.wait()

    def hear(self, method: str, told: dict[str, Any]) -> None:
        """Something has happened in it."""
        for listener in self.listeners:
            listener(method, told)
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"]))
        elif method == "Audits.issueAdded":
            issue = told["issue"]
            if issue["code"] == "ContentSecurityPolicyIssue":
                self.complaints.append(str(issue["details"]))
        elif method == "Log.entryAdded" and told["entry"]["source"] == "security":
            self.complaints.append(told["entry"]["text"])
        if self.complaints:
            self._complained.set()


class Browser:
    """A running browser; made by `chromium`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.WriteTransport) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._ended = False

    async def listen(self) -> None:
        """Take what the browser says, until it ends."""
        with suppress(asyncio.IncompleteReadError):
            while True:
                told = json.loads((await self._reader.readuntil(b"\0"))[:-1])
                if "id" in told:
                    waiting = self._asked.pop(told["id"])
                    if not waiting.done():
                        waiting.set_result(told)
                elif told.get("sessionId") in self._pages:
                    self._pages[told["sessionId"]].hear(told["method"], told["params"])
        self._ended = True
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(BrowserError("the browser has ended"))

    async def command(
        self, method: str, params: dict[str, Any] | None = None, session: str = ""
    ) -> dict[str, Any]:
        """A command of the protocol. Raises `BrowserError`."""
        if self._ended:
            raise BrowserError("the browser has ended")
        self._number += 1
        number = self._number
        told = {"id": number, "method": method, "params": params or {}}
        if session:
            told["sessionId"] = session
        answer = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._writer.write(json.dumps(told).encode() + b"\0")
        async with asyncio.timeout(PATIENCE):
            said = await answer
        if "error" in said:
            raise BrowserError(f"{method}: {said['error'].get('message')}")
        result: dict[str, Any] = said["result"]
        return result

    @asynccontextmanager
    async def page(
        self, url: str = "", width: int = 1000, height: int = 800
    ) -> AsyncIterator[Page]:
        """A page of its own, with no past."""
        context = (await self.command("Target.createBrowserContext"))["browserContextId"]
        try:
            target = await self.command(
                "Target.createTarget", {"url": "about:blank", "browserContextId": context}
            )
            attached = await self.command(
                "Target.attachToTarget", {"targetId": target["targetId"], "flatten": True}
            )
            page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"])
            for part in ("Page", "Runtime", "Log", "Audits"):
                await page.command(f"{part}.enable")
            # The keys are its own, however many pages there are.
            await page.command("Emulation.setFocusEmulationEnabled", enabled=True)
            await page.size(width, height)
            if url:
                await page.open(url)
            yield page
        finally:
            await self.command("Target.disposeBrowserContext", {"browserContextId": context})


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser for as long as the `async with` lasts."""
    for_it, ours = os.pipe()
    theirs, from_it = os.pipe()
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-IS", "-c", _START, str(for_it), str(from_it), CHROMIUM, *_OPTIONS,
             f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(for_it, from_it), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(for_it)
        os.close(from_it)
        reader = asyncio.StreamReader(limit=1 << 27)  # pictures come in one message
        reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(theirs, "rb")
        )
        writing, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(ours, "wb"))
        browser = Browser(reader, writing)
        listening = asyncio.create_task(browser.listen(), name="what the browser says")
        try:
            yield browser
        finally:
            with suppress(BrowserError, TimeoutError):
                await browser.command("Browser.close")
            writing.close()
            try:
                await asyncio.to_thread(process.wait, 10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                await asyncio.to_thread(process.wait)
            await asyncio.wait((listening,))
            reading.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests that look, which run in the loop of the whole session."""
    async with chromium() as it:
        try:
            await it.command("Browser.getVersion")
        except BrowserError:  # Ubuntu's command of this name may do no more than name a snap
            pytest.skip(f"{CHROMIUM} does not start here")
        yield it


def save(picture: bytes, name: str) -> None:
    """Keep a picture where `TEST_PICTURES` says, for somebody to look at."""
    if folder := os.environ.get("TEST_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.png").write_bytes(picture)
