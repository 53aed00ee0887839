"""The dashboard as it is sent: whole, for everybody, and allowed to do little."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from ccchat_tui.api.dashboard import FILES, POLICY
from tests.api.desk import api, asking

SCRIPTS = {path: file for path, file in FILES.items() if file.suffix == ".js"}


class Tags(HTMLParser):
    """What the page refers to, and what it would run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.names: set[str] = set()
        self.inline: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        there = {name: value or "" for name, value in attrs}
        self.names |= set(there)
        self.links |= {there[name] for name in ("src", "href") if name in there}
        self.ids += [there["id"]] if "id" in there else []
        if tag == "style" or (tag == "script" and "src" not in there):
            self.inline.append(tag)


def page() -> Tags:
    return Tags(FILES["/"].read_text(encoding="utf-8"))


async def test_each_file_is_sent_to_anybody_under_a_strict_policy(tmp_path: Path) -> None:
    async with api(tmp_path) as desk, httpx.AsyncClient(base_url=desk.address.url) as nobody:
        for path, file in FILES.items():
            response = await nobody.get(path)
            assert response.status_code == 200
            assert response.content == file.read_bytes()
            assert response.headers["content-security-policy"] == POLICY
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["referrer-policy"] == "no-referrer"
        kinds = {path: (await nobody.get(path)).headers["content-type"] for path in FILES}
        assert kinds["/"].startswith("text/html")
        assert kinds["/page/main.js"].startswith("text/javascript")
        assert (await nobody.head("/")).status_code == 200


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert {rules[f"{kind}-src"] for kind in ("script", "style", "connect", "img")} == {"'self'"}
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in POLICY


@pytest.mark.parametrize(
    "path", ["/page/", "/page/none.js", "/page/../tokens.py", "/page/%2e%2e%2ftokens.py", "/page"]
)
async def test_there_is_nothing_else(tmp_path: Path, path: str) -> None:
    async with api(tmp_path) as desk:
        assert (await desk.admin.get(path)).status_code == 404


def test_the_page_runs_and_asks_for_only_what_is_sent() -> None:
    tags = page()
    assert not tags.inline
    assert not [name for name in tags.names if name.startswith("on") or name == "style"]
    files = {f"/{link}" for link in tags.links if not link.startswith("#")}
    for file in SCRIPTS.values():
        imported = re.findall(r'from "\./(\w+\.js)"', file.read_text(encoding="utf-8"))
        files |= {f"/page/{name}" for name in imported}
    assert files == set(FILES) - {"/"}
    for file in FILES.values():
        assert "//" not in re.sub(r"//.*|http://www.w3.org/2000/svg", "", file.read_text("utf-8"))


def test_scripts_make_no_markup_out_of_text_and_find_what_they_look_for() -> None:
    ids = page().ids
    assert len(set(ids)) == len(ids)
    for file in SCRIPTS.values():
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
        assert not re.search(r"new Function|localStorage|document\.cookie", text)
        assert set(re.findall(r'get\("([^"]+)"\)', text)) <= {*ids}


async def test_a_link_on_another_site_leads_here_but_nothing_else_does(tmp_path: Path) -> None:
    came = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    async with api(tmp_path) as desk:
        assert (await desk.admin.get("/", headers=came)).status_code == 200
        for path in ("/page/main.js", "/api/ai/status", "/healthz"):
            assert (await desk.admin.get(path, headers=came)).status_code == 403
        framed = {**came, "sec-fetch-mode": "no-cors"}
        assert (await desk.admin.get("/", headers=framed)).status_code == 403
        assert (await desk.admin.post("/", headers=came)).status_code == 403


class TestHistory:
    async def test_it_tells_how_the_queue_went(self, tmp_path: Path) -> None:
        async with api(tmp_path, max_concurrent=1) as desk:
            async with asking(desk.ada, "one") as response, asking(desk.bob, "two"):
                for piece in "abc":
                    await desk.backend.emit("one", piece)
                await desk.backend.finish("one")
                await response.aread()
            told = (await desk.ada.get("/api/ai/history")).json()
            assert told["seconds"] == 2.0
            assert (max(told["in_flight"]), max(told["queue_length"])) == (1, 1)
            assert sum(told["tokens"]) == 3
            assert {len(told[name]) for name in ("in_flight", "queue_length", "tokens")} == {
                len(told["tokens"])
            }
            none = (await desk.ada.get("/api/ai/history?count=0")).json()
            assert none == {"seconds": 2.0, "in_flight": [], "queue_length": [], "tokens": []}
            for count in ("-1", "1801", "x"):
                wrong = await desk.ada.get(f"/api/ai/history?count={count}")
                assert "give a whole number from 0 to 1800" in wrong.json()["error"]
