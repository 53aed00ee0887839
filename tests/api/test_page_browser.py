"""The dashboard as somebody has it: in a browser, over the real API."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ccchat_tui.api.tokens import ADMIN
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import Host, Server
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.api.desk import Desk, api, asking, chat
from tests.remote.far import Wire
from tests.support.chromium import Browser, Page, needs_chromium, save

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]

ROWS = "document.querySelectorAll('#requests li').length"
HOSTILE = (
    "<img src=x onerror=alert(1)><b>bold</b>\x1b[31mred\x1b[0m\x1b]0;t\x07 \u202eevil\x08\x9b&amp;"
)
HARMLESS = "<img src=x onerror=alert(1)><b>bold</b>red evil &amp;"


@asynccontextmanager
async def shown(
    browser: Browser, desk: Desk, name: str = ADMIN, width: int = 1000, url: str = ""
) -> AsyncIterator[Page]:
    """The dashboard, with somebody inside; nothing in it may have been forbidden at its end."""
    async with browser.page(url or desk.address.url, width) as page:
        await page.type(desk.tokens.get(name))
        await page.press("Enter")
        await page.until("!document.querySelector('#inside').hidden")
        await page.until("document.querySelector('#line').innerText === 'live'")
        yield page
        assert not page.complaints


async def figure(page: Page, name: str) -> str:
    """One of the figures."""
    return str(
        await page.run(
            f"[...document.querySelectorAll('#figures dt')].find(e => e.innerText === '{name}')"
            ".nextElementSibling.firstChild.innerText"
        )
    )


async def until_said(page: Page, words: str) -> None:
    """Wait until the page says this of what was done."""
    await page.until(f"document.querySelector('#said').innerText.includes({words!r})")


class TestEntering:
    async def test_a_wrong_token_is_told_of_and_a_right_one_is_kept(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        async with api(tmp_path) as desk, browser.page(desk.address.url) as page:
            assert await page.focused() == "Token"
            for wrong, said in (
                ("", "Give a token."),
                ("ccchat_wrong", "This token is not known here. Was all of it copied?"),
                ("\u00fcber", "That is no token."),
            ):
                await page.type(wrong)
                await page.press("Enter")
                await page.until(f"document.querySelector('#token-wrong').innerText === '{said}'")
                # It is there to be put right, and chosen, so that the next one replaces it.
                assert await page.run("document.querySelector('#token').value") == wrong
                assert await page.focused() == "Token"
            await page.type(desk.tokens.get("ada"))
            await page.press("Enter")
            await page.until("!document.querySelector('#inside').hidden")
            assert await page.text("#who") == "ada"
            await page.open(desk.address.url)
            await page.until("!document.querySelector('#inside').hidden")
            await page.run("document.querySelector('#leave').click()")
            assert await page.run("sessionStorage.length + localStorage.length") == 0
            assert "Who are you?" in await page.text()
            assert not page.complaints

    async def test_a_token_that_is_revoked_lets_out_again(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        async with api(tmp_path) as desk, shown(browser, desk, "ada") as page:
            desk.tokens.revoke("ada")
            await page.until("document.querySelector('#inside').hidden")
            assert await page.text("#token-wrong") == "This token does not count any more."


class TestLive:
    async def test_a_request_comes_grows_and_is_cancelled_by_keyboard(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        async with api(tmp_path, max_concurrent=1) as desk, shown(browser, desk) as page:
            assert await page.text("#no-requests") == "Nothing is under way."
            async with asking(desk.ada, "first"), asking(desk.bob, "second") as second:
                await page.until(f"{ROWS} === 2")
                await desk.backend.emit("first", "words")
                await page.until(
                    "document.querySelector('#requests').innerText.includes('streaming')"
                )
                assert [await figure(page, name) for name in ("In flight", "Queued", "Peak")] == [
                    *("1", "1", "1")
                ]
                assert "bob queued" in await page.text("#requests")
                await page.tab_to("Cancel: ada, first")
                await page.press("Space")
                await page.until(f"{ROWS} === 1")
                await until_said(page, "Cancelled: first")
                # The focus has gone on to the next, which is cancelled in its turn.
                assert await page.focused() == "Cancel: bob, second"
                await page.press("Enter")
                await page.until(f"{ROWS} === 0")
                assert await page.focused() == "Requests"
                assert b"Cancelled" in await second.aread()
            await page.until("document.querySelectorAll('#ended li').length === 2")
            assert "ada" in await page.text("#ended li:last-child")
            await page.until(
                "document.querySelector('#figures').innerText.includes('Cancelled\\n2')"
            )
            charts = "[...document.querySelectorAll('#charts svg')].map(e => e.ariaLabel).join()"
            for name in ("In flight", "Queued"):
                assert re.search(rf"{name}: now \d, highest in 5 min: 1", await page.run(charts))

    async def test_a_user_sees_and_cancels_only_their_own(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        async with api(tmp_path) as desk, shown(browser, desk, "ada") as page:
            assert not await page.run("document.querySelector('#limits').checkVisibility()")
            async with asking(desk.bob, "secret"), asking(desk.ada, "mine"):
                await page.until(f"{ROWS} === 1")
                await page.until("document.querySelector('#figures').innerText.includes('of 5')")
                assert "secret" not in await page.text()
                await page.tab_to("Cancel all of mine")
                await page.press("Enter")
                assert await page.run("document.querySelector('#sure').open")
                await page.press("Escape")
                assert not await page.run("document.querySelector('#sure').open")
                assert await page.focused() == "Cancel all of mine"
                await page.press("Enter", "Tab", "Enter")
                await until_said(page, "Cancelled 1 request.")
                await desk.until_living(1)

    async def test_a_connection_that_breaks_is_mended_and_caught_up_with(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        wire_url = ""
        async with api(tmp_path) as desk:
            wire = Wire(desk.address.url)
            wire_url = await wire.open()
            try:
                async with shown(browser, desk, url=wire_url) as page:
                    asked = asyncio.create_task(
                        desk.ada.post("/api/ai/requests", json=chat("hello", stream=False))
                    )
                    await page.until(f"{ROWS} === 1")
                    await wire.cut()
                    await page.until("document.querySelector('#line').className === 'lost'")
                    await until_said(page, "The connection to ccchat is lost")
                    await desk.backend.emit("hello", "yes")
                    await desk.backend.finish("hello")
                    assert (await asked).status_code == 200
                    assert "Trying again" in await page.text("#line")
                    await wire.open()
                    await page.until("document.querySelector('#line').innerText === 'live'")
                    # Told by the event that came while nobody listened.
                    await page.until("document.querySelector('#ended').innerText.includes('hello')")
                    await page.until(f"{ROWS} === 0")
                    await until_said(page, "Connected again.")
            finally:
                await wire.cut()


class TestServers:
    async def test_each_of_several_is_told_of_and_why_one_is_left_out(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        async with OllamaServer() as server:
            nobody = "http://127.0.0.1:9"
            pool = [Server(Host(nobody), name="<b>gone</b>"), Server(Host(server.url), name="desk")]
            backend = open_servers(pool)
            async with api(tmp_path, backend) as desk, shown(browser, desk) as page:
                asked = await desk.ada.post("/api/ai/requests", json=chat("hello", stream=False))
                assert asked.status_code == 200
                lines = "[...document.querySelectorAll('#servers li')].map(e => e.innerText)"
                gone, well = await page.until(f"{lines}.join().includes('1 reply') && {lines}")
                assert gone.startswith("<b>gone</b> left out")
                assert nobody in gone
                assert well.startswith("desk answers")
            async with api(tmp_path, backend) as desk, shown(browser, desk, "ada") as page:
                await page.until(f"{lines}.length === 2")
                assert nobody not in await page.text()  # where they are, only the admin is told
            await backend.aclose()


class TestSteering:
    async def test_limits_are_changed_and_what_is_wrong_stays_to_be_put_right(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        async with api(tmp_path) as desk, shown(browser, desk) as page:
            await page.tab_to("At once, all users")
            assert await page.run("document.activeElement.value") == "5"
            await page.run("document.activeElement.select()")
            await page.type("many")
            await page.press("Enter")
            wrong = "Give a whole number from 1 to 1000, or auto."
            assert await page.text("#max_concurrent-wrong") == wrong
            assert await page.run("document.activeElement.value") == "many"
            # Somebody else changes both; what is being typed stays, the other field follows.
            desk.service.set_limits(max_concurrent=6, max_concurrent_per_user=4)
            await page.until("document.querySelector('#max_concurrent_per_user').value === '4'")
            assert await page.run("document.activeElement.value") == "many"
            await page.press("Escape")
            assert await page.run("document.activeElement.value") == "6"
            await page.run("document.activeElement.select()")
            await page.type("9")
            await page.press("Enter")
            await until_said(page, "Changed: 9 at once, 4 of one user.")
            limits = desk.service.snapshot().limits
            assert (limits.max_concurrent, limits.max_concurrent_per_user) == (9, 4)

    async def test_it_is_paused_and_resumed(self, browser: Browser, tmp_path: Path) -> None:
        async with api(tmp_path) as desk, shown(browser, desk) as page:
            await page.tab_to("Pause")
            await page.press("Space")
            await until_said(page, "Paused")
            assert desk.service.snapshot().paused
            assert await page.focused() == "Resume"
            await page.until("document.querySelector('#figures').innerText.includes('paused')")
            await page.press("Space")
            await until_said(page, "Resumed.")
            assert not desk.service.snapshot().paused


class TestLook:
    async def test_text_from_outside_is_text(self, browser: Browser, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            desk.backend.model_infos.clear()  # any model is taken
            name = "<b>ada</b>"
            desk.ada.headers["authorization"] = f"Bearer {desk.tokens.get(name)}"
            async with shown(browser, desk) as page:
                async with asking(desk.ada, HOSTILE, model="<i>m</i>"):
                    await page.until(f"{ROWS} === 1")
                    seen = await page.text("#requests")
                    assert HARMLESS in seen
                    assert name in seen
                    assert "<i>m</i>" in seen
                    button = "document.querySelector('#requests button')"
                    assert HARMLESS in await page.run(f"{button}.ariaLabel")
                    save(await page.picture(), "hostile")
                await page.until("document.querySelectorAll('#ended li').length === 1")
                assert HARMLESS in await page.text("#ended")
                assert await page.run(
                    "document.querySelectorAll('main b, main i, img').length"
                ) == (
                    3  # the names of the charts
                )
                assert not set(await page.text()) & set("\x1b\x07\x08\x9b\u202e")

    @pytest.mark.parametrize(
        "forbidden",
        [
            "document.head.append(document.createElement('style'))",
            "document.body.setAttribute('onclick', 'x()')",
            "document.body.innerHTML = '<b>x</b>'",
            "fetch('http://127.0.0.1:1/')",
        ],
    )
    async def test_the_policy_is_in_force(
        self, browser: Browser, tmp_path: Path, forbidden: str
    ) -> None:
        """What the other tests find nothing of would be found."""
        async with api(tmp_path) as desk, browser.page(desk.address.url) as page:
            await page.run(f"setTimeout(() => {{ {forbidden} }})")
            await page.told_off()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    async def test_on_a_phone_nothing_goes_sideways(
        self, browser: Browser, tmp_path: Path, scheme: str
    ) -> None:
        async with api(tmp_path, max_concurrent=1) as desk, shown(browser, desk, width=320) as page:
            await page.prefer(color_scheme=scheme, reduced_motion="reduce")
            async with asking(desk.ada, "W" * 300), asking(desk.bob, "a short one"):
                await page.until(f"{ROWS} === 2")
                assert await page.run("document.documentElement.scrollWidth") == 320
                outside = (
                    "[...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && "
                    "!e.closest('svg, .skip') && e.getBoundingClientRect().right > 320)"
                    ".map(e => e.outerHTML)"
                )
                assert await page.run(outside) == []
                small = (
                    "[...document.querySelectorAll('button, input')].filter(e => "
                    "e.checkVisibility() && e.getBoundingClientRect().height < 40).length"
                )
                assert await page.run(small) == 0
                ground = await page.run("getComputedStyle(document.body).backgroundColor")
                assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 31)"}[scheme]
                assert await contrasts(page) == []
                moved = "getComputedStyle(e).transitionDuration !== '0s'"
                moving = f"[...document.querySelectorAll('*')].filter(e => {moved}).length"
                assert await page.run(moving) == 0
                save(await page.picture(), f"phone-{scheme}")

    async def test_who_does_not_see_it_hears_it(self, browser: Browser, tmp_path: Path) -> None:
        async with api(tmp_path) as desk, shown(browser, desk) as page, asking(desk.ada, "hello"):
            await page.until(f"{ROWS} === 1")
            told = (await page.command("Accessibility.getFullAXTree"))["nodes"]
            heard = [
                (node["role"]["value"], node.get("name", {}).get("value", ""))
                for node in told
                if not node["ignored"]
            ]
            unnamed = {"button", "textbox", "image", "region", "dialog", "link", "heading"}
            assert [role for role, name in heard if role in unnamed and not name] == []
            for expected in (
                ("button", "Cancel: ada, hello"),
                ("textbox", "At once, all users"),
                ("region", "Requests"),
            ):
                assert expected in heard
            # Figures that change each second are not read aloud by themselves.
            live = "[...document.querySelectorAll('[role=status], [role=alert], [aria-live]')]"
            ids = await page.run(f"{live}.filter(e => e.checkVisibility()).map(e => e.id)")
            assert set(ids) == {"said", "max_concurrent-wrong", "max_concurrent_per_user-wrong"}
            # Each place that Tab leads to is seen to have the focus.
            there = []
            for _ in range(9):
                await page.press("Tab")
                if await page.run("document.activeElement !== document.body"):
                    there.append(await page.focused())
                    style = "getComputedStyle(document.activeElement)"
                    assert await page.run(f"{style}.outlineStyle + {style}.outlineWidth") == (
                        "solid3px"
                    ), there
            assert there == [
                *("Cancel everybody's", "Cancel: ada, hello", "Skip to the requests", "Sign out"),
                *("At once, all users", "At once, one user", "Change limits", "Pause"),
            ]


async def contrasts(page: Page) -> list[str]:
    """The texts that stand out less than WCAG 2 asks for (1.4.3: 4.5 to 1)."""
    found: list[str] = await page.run(
        """(() => {
        const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const ground = e => { for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (c !== 'rgba(0, 0, 0, 0)') return c; } };
        return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() &&
            [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).filter(e => {
            const two = [light(getComputedStyle(e).color), light(ground(e))];
            return (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05) < 4.5;
        }).map(e => e.innerText);
        })()"""
    )
    return found
