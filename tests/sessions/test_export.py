"""Conversations as documents: nothing of what was said runs, fetches or swallows anything."""

from __future__ import annotations

import html.parser
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.sessions.archive import (
    ArchivedSession,
    ArchiveError,
    archived,
    from_json,
    session_from,
    to_json,
    whole,
)
from ccchat_tui.sessions.export import export
from ccchat_tui.sessions.model import Session, TurnState
from tests.sessions.stored import conversation, facts
from tests.support.chromium import Browser, needs_chromium

HOSTILE = (
    '<script>document.title="owned"</script><img src=x onerror=document.title="owned">',
    "\x1b]0;owned\x07 </title></style></code></pre></div> &lt;b&gt; \u202e",
)
TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "p", "div", "pre", "code", "details",
    "summary", "hr",
}  # fmt: skip


def soup() -> ArchivedSession:
    session = conversation(
        title="Fish & <b>soup</b>",
        turns=(
            (
                "What goes into a *soup*?",
                "Herring.\n\n```python\nprint('<herring>')\n```\nThat is all.",
            ),
            ("And then?", "An open\n\n```\nfence that was cut"),
            ("Thanks", ""),
        ),
    )
    session.system = "Be brief."
    session.turns[1].state, session.turns[1].note = TurnState.FAILED, "Broken off"
    session.turns[2].state = TurnState.STREAMING
    session.turns[0].thinking = ["let me see"]
    return archived(session, pinned=True, tags=("fish",))


class Reader(html.parser.HTMLParser):
    """What a browser sees of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_markdown() -> None:
    assert export([soup()], "md") == (
        "# Fish & \\<b\\>soup\\</b\\>\n\n"
        "*Ada · llama3.2:3b · 2026-01-02 04:04 UTC · \\#fish*\n\n"
        "**System prompt**\n\n> Be brief.\n\n"
        "> What goes into a *soup*?\n\n**llama3.2:3b**\n\n"
        "Herring.\n\n```python\nprint('<herring>')\n```\nThat is all.\n\n"
        "> And then?\n\n**llama3.2:3b**\n\nAn open\n\n```\nfence that was cut\n```\n\n"
        "*(failed: Broken off)*\n\n"
        "> Thanks\n\n**llama3.2:3b**\n\n*(interrupted)*\n"
    )


def test_html_holds_every_text_as_text() -> None:
    page = Reader(export([soup(), soup()], "html"))
    assert page.tags <= TAGS
    assert page.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "dir"}
    for said in ("Fish & <b>soup</b>", "print('<herring>')", "let me see", "fence that was cut"):
        assert page.text.count(said) == 2
    assert "```" not in page.text


@given(st.one_of(st.text(), st.sampled_from(HOSTILE)))
def test_no_text_becomes_anything_else_in_a_page(text: str) -> None:
    session = conversation(title=text, user=text, turns=((text, text),))
    session.system = session.model = text
    page = export([archived(session, tags=(text,))], "html")
    seen = Reader(page)
    assert seen.tags <= TAGS
    assert not set(page) & set("\x1b\x07\x9b\u202e")
    assert "\x1b" not in export([archived(session)], "md")


@needs_chromium
@pytest.mark.asyncio(loop_scope="session")
async def test_a_browser_runs_nothing_of_it(browser: Browser, tmp_path: Path) -> None:
    session = conversation(title="Soup", turns=tuple((text, text) for text in HOSTILE))
    file = tmp_path / "page.html"
    file.write_text(export([archived(session)], "html"), encoding="utf-8")
    async with browser.page(file.as_uri()) as page:
        seen = await page.run("document.documentElement.outerHTML")
        assert not page.complaints
    assert "<title>Soup</title>" in seen
    assert "&lt;script&gt;" in seen
    assert "<script" not in seen
    assert "<img" not in seen


# JSON -------------------------------------------------------------------------------------


def test_json_and_back() -> None:
    session = conversation(turns=(("a", "b"), ("c\x00\x1b", "d")))
    session.options = {"temperature": 0.5, "stop": ["x"]}
    session.system, session.think, session.keep_alive, session.ordered = "s", "low", "5m", True
    [item] = from_json(to_json([archived(session, pinned=True, tags=("fish",))]))
    assert (item.pinned, item.tags) == (True, ["fish"])
    assert facts(session_from(item)) == facts(session)


def branched() -> Session:
    """A conversation with a second version of its first reply, and a branch of its second turn,
    neither of which is shown."""
    session = conversation(turns=(("fish?", "cod"), ("sure?", "quite")))
    first, second = session.turns
    for name, place, after, question, reply in (
        ("v", first.place, "", "fish?", "herring"),
        ("b", "", first.place, "really?", "hardly"),
        ("bb", "", "b", "so?", "eel"),
    ):
        turn = replace(first, id=name, question=question, parts=[reply], after=after, place=place)
        turn.place = place or name
        session.add(turn)
    session.show(second)
    session.show(first)
    return session


def test_versions_and_branches_go_into_an_archive_and_come_back() -> None:
    session = branched()
    session.turns[1].stats = ReplyStats(tokens=3, done_reason="length")
    [item] = from_json(to_json([archived(session)]))
    read = session_from(item)
    assert facts(read) == facts(session)
    assert read.turns[1].cut_off
    for turn in session.every:
        for each in (session, read):
            each.show(next(t for t in each.every if t.id == turn.id))
        assert [t.id for t in read.turns] == [t.id for t in session.turns]


def test_who_knows_of_no_branches_reads_what_was_shown() -> None:
    text = json.loads(to_json([archived(branched())]))
    del text["conversations"][0]["others"]
    [item] = from_json(json.dumps(text))
    assert [turn.question for turn in session_from(item).turns] == ["fish?", "sure?"]
    assert len(session_from(item).every) == 2


def test_what_stands_among_the_shown_is_shown_whatever_else_is_said() -> None:
    text = json.loads(to_json([archived(branched())]))
    for turn in text["conversations"][0]["others"]:
        turn["picked"] = 99
    [item] = from_json(json.dumps(text))
    assert [turn.reply for turn in session_from(item).turns] == ["cod", "quite"]


def test_an_archive_whose_branches_hang_together_badly_loses_nothing() -> None:
    text = json.loads(to_json([archived(branched())]))
    for turn in text["conversations"][0]["others"]:
        turn["after"] = turn["place"]
    [item] = from_json(json.dumps(text))
    read = session_from(item)
    assert [turn.question for turn in read.turns] == ["fish?", "sure?"]
    assert {turn.reply for turn in read.every} == {"cod", "quite", "herring", "hardly", "eel"}
    for turn in list(read.every):
        read.show(turn)
        assert turn in read.turns


def test_a_page_has_every_version_and_branch_once_and_a_document_says_that_there_are_more() -> None:
    item = archived(branched())
    page = Reader(export([item], "html"))
    for reply in ("cod", "quite", "herring", "hardly", "eel"):
        assert page.text.count(reply) == 1
    assert page.text.count("Another version") == 1
    assert page.text.count("Another branch") == 1
    text = export([item], "md")
    assert "herring" not in text
    assert "*(1 of 2 versions and branches)*\n\n> fish?" in text


def test_an_archive_is_utf_8_whatever_was_said() -> None:
    session = conversation(title="half \ud800", turns=(("\udc00", "pair \ud83d\ude00"),))
    text = to_json([archived(session)])
    [item] = json.loads(text.encode())["conversations"]
    assert item["title"] == "half \ufffd"
    assert item["turns"][0]["reply"] == "pair 😀"
    assert whole("plain") == "plain"


def test_one_without_identifiers_is_the_same_one_when_read_again() -> None:
    item = archived(conversation(turns=(("a", "b"),))).model_copy(update={"id": ""})
    other = item.model_copy(update={"title": "Other"})
    assert session_from(item).id == session_from(item).id != session_from(other).id


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Invalid JSON"),
        ("[]", "it is no archive"),
        ('{"format": "other", "version": 1, "conversations": []}', "format: "),
        (
            '{"format": "ccchat conversations", "version": 2, "conversations": []}',
            r"newer ccchat \(version 2",
        ),
        (
            '{"format": "ccchat conversations", "version": 1, "conversations": [{"title": 3}]}',
            r"conversations\.0\.title: .* \(and 1 more\)",
        ),
        ("\xff", "Invalid JSON"),
    ],
)
def test_what_is_no_archive_is_told_with_the_place(text: str, words: str) -> None:
    with pytest.raises(ArchiveError, match=words):
        from_json(text.encode("latin-1"))


def test_what_is_new_in_a_later_archive_is_left_out() -> None:
    item = json.loads(to_json([archived(conversation())]))
    item["conversations"][0]["mood"] = "good"
    [read] = from_json(json.dumps(item))
    assert facts(session_from(read)) == facts(conversation())
