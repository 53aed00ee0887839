"""Jump mode, zen, density, links and code by keyboard, a megabyte pasted."""

from __future__ import annotations

import webbrowser

import pytest
from textual import events

from ccchat_tui.sessions.model import Turn
from ccchat_tui.testing.app import AppUnderTest, scripted_app, until
from ccchat_tui.tui.pieces import Piece, address_of, pieces_of
from ccchat_tui.tui.screens.confirm import ConfirmScreen
from ccchat_tui.tui.screens.jump import LETTERS, JumpScreen
from ccchat_tui.tui.screens.pieces import PiecesScreen
from tests.support.transcripts import TranscriptStage, make_turn, paragraphs

SIZE = (140, 44)


class TestJump:
    """A letter for every place."""

    def letters(self, app: AppUnderTest) -> dict[str, tuple[int, int]]:
        assert isinstance(app.screen, JumpScreen)
        return {letter: (place.at.x, place.at.y) for letter, place in app.screen.letters.items()}

    async def test_tabs_and_everything_that_can_be_focused(self) -> None:
        app = scripted_app(users=("Ada", "Bob"))
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("alt+j")
            letters = self.letters(app)
            assert list(letters) == list(LETTERS[: len(letters)])
            # Two tabs, the replies, the box, the queue: nothing that is out of sight.
            assert len(letters) == 5
            assert letters["a"] == (0, 1)
            assert letters["s"][1] == 1
            assert letters["s"][0] > 5
            await pilot.press("s")
            await app.settle()
            assert app.pane.number == 2
            assert app.pane.composer.has_focus

    async def test_to_the_queue_the_replies_and_back_to_the_box(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            places = (
                app.chats.panel.queue.list,
                app.pane.transcript,
                app.pane.composer,
            )
            for place in places:
                await pilot.press("alt+j")
                letters = self.letters(app)
                letter = next(
                    each for each, at in letters.items() if at == tuple(place.region.offset)
                )
                await pilot.press(letter)
                assert place.has_focus

    async def test_any_other_key_leaves_and_does_nothing_else(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("Question")
            for key in ("escape", "1", "enter", "ctrl+n"):
                await pilot.press("alt+j", key)
                assert app.screen is app.chats
                assert app.pane.composer.has_focus
            assert app.session(1).turns[0].state.alive
            assert app.pane.composer.text == ""

    async def test_upper_case_and_typing_ahead(self) -> None:
        app = scripted_app(users=("Ada", "Bob"))
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("alt+j", "S")
            await app.settle()
            assert app.pane.number == 2
            # Keys that come in one piece go where the letter went.
            await pilot.press("alt+j")
            for char in "ahello":
                app.post_message(events.Key(char, char))
            await pilot.pause()
            await app.settle()
            assert app.pane.number == 1
            assert app.pane.composer.text == "hello"

    async def test_on_another_screen_size_it_goes(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("alt+j")
            await pilot.resize_terminal(100, 30)
            await app.settle()
            assert app.screen is app.chats


class TestRoom:
    """As much of it for the text as one likes."""

    def shown(self, app: AppUnderTest) -> list[bool]:
        chats = app.chats
        return [bool(part.display) for part in (chats.header, chats.tabs, chats.panel)]

    async def test_zen_shows_the_chat_alone_and_brings_back_what_was_there(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            before = app.pane.region
            await pilot.press("f6", "f6")
            assert app.chats.panel.has_focus_within
            await pilot.press("alt+z")
            await app.settle()
            assert self.shown(app) == [False, False, False]
            assert app.pane.composer.has_focus
            assert app.pane.region.width == SIZE[0]
            assert app.pane.region.y == 0
            await pilot.press("alt+z")
            await app.settle()
            assert self.shown(app) == [True, True, True]
            assert app.pane.region == before
            await pilot.press("ctrl+b", "alt+z", "alt+z")
            assert self.shown(app) == [True, True, False]

    @pytest.mark.parametrize("grid", [False, True])
    async def test_compact_has_more_rows_of_text(self, grid: bool) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            if grid:
                await pilot.press("ctrl+g")
            await app.ask("Question")
            await app.script.emit(0, "An answer")
            await app.settle()
            transcript = app.pane.transcript
            height, rows = transcript.size.height, transcript.virtual_size.height
            await pilot.press("alt+d")
            await app.settle()
            assert transcript.size.height == height + (0 if grid else 2)
            await app.script.emit(0, " that grows\n\nand grows")
            await app.settle()
            lines = [transcript.render_line(y).text.strip() for y in range(6)]
            at = lines.index("An answer that grows")
            assert lines[at + 1 : at + 3] == ["", "and grows"]
            assert lines[at - 1] != ""
            await pilot.press("alt+d")
            await app.settle()
            lines = [transcript.render_line(y).text.strip() for y in range(7)]
            assert lines[lines.index("An answer that grows") - 1] == ""
            assert transcript.size.height == height
            assert rows == 4

    async def test_compact_from_the_start_and_in_later_chats(self) -> None:
        app = scripted_app(density="compact")
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            first = app.pane.transcript.size.height
            await pilot.press("ctrl+n")
            await app.settle()
            assert app.pane.transcript.size.height == first
            assert app.pane.transcript._compact

    async def test_the_row_one_reads_stays_where_it_is(self) -> None:
        app = TranscriptStage([make_turn(n, paragraphs(f"t{n}", 12)) for n in range(6)])
        async with app.run_test(size=(60, 20)) as pilot:
            transcript = app.transcript
            transcript.scroll_to(y=70, animate=False, immediate=True)
            await pilot.pause()
            top = app.rows[0]
            for compact in (True, False):
                transcript.set_compact(compact)
                await pilot.pause()
                assert top.strip() in [row.strip() for row in app.rows[:2]]


LINKS = (
    'See [the manual](https://example.org/manual "title") and https://example.org/a_(b).\n'
    "Also <https://example.org/auto>, www.example.org; ![pic](https://example.org/p.png)\n\n"
    "| a |\n| --- |\n| https://example.org/table |\n\n```sh\ncurl https://example.org/code\n```\n"
)


def found(reply: str) -> list[Piece]:
    return [piece for piece in pieces_of(make_turn(0, reply)) if piece.kind in ("link", "code")]


class TestPieces:
    """Links and code blocks, as text."""

    def test_links_of_every_kind_and_code(self) -> None:
        assert [(piece.kind, piece.text) for piece in found(LINKS)] == [
            ("link", "https://example.org/manual"),
            ("link", "https://example.org/a_(b)"),
            ("link", "https://example.org/auto"),
            ("link", "www.example.org"),
            ("link", "https://example.org/p.png"),
            ("link", "https://example.org/table"),
            ("code", "curl https://example.org/code"),
        ]
        abouts = [piece.about for piece in found(LINKS)]
        assert abouts == ["the manual", "", "", "", "pic", "", "sh"]

    def test_an_unfinished_fence_counts_and_twice_the_same_is_once(self) -> None:
        assert [piece.text for piece in found("https://x.org https://x.org\n\n```\na\nb")] == [
            "https://x.org",
            "a\nb",
        ]

    def test_the_reply_and_the_question_are_at_the_end(self) -> None:
        assert [piece.kind for piece in pieces_of(make_turn(0, "text"))] == ["reply", "question"]
        assert [piece.kind for piece in pieces_of(make_turn(0))] == ["question"]

    @pytest.mark.parametrize(
        ("link", "address"),
        [
            ("https://example.org/x", "https://example.org/x"),
            ("HTTP://example.org", "HTTP://example.org"),
            ("www.example.org", "https://www.example.org"),
            ("file:///etc/passwd", ""),
            ("javascript:alert(1)", ""),
            ("/etc/passwd", ""),
            ("--version", ""),
            ("https://", ""),
            ("https://[half", ""),
            ("https://a.org/ b", ""),
            ("https://a.org\\@b.org", ""),
            ("https://a.org/\u202egro", ""),
            ("mailto:a@example.org", ""),
        ],
    )
    def test_what_a_browser_may_be_given(self, link: str, address: str) -> None:
        assert address_of(link) == address


class Browser:
    """Opens nothing, and remembers what it was given."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def open(self, url: str) -> bool:
        self.opened.append(url)
        return True


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    made = Browser()
    monkeypatch.setattr(webbrowser, "get", lambda using=None: made)
    return made


class TestPiecesByKeyboard:
    """A key lists them; only a second one and a question open a link."""

    async def started(self, app: AppUnderTest) -> Turn:
        await app.settle()
        await app.ask("Question")
        await app.script.emit(0, LINKS)
        await app.settle()
        return app.session(1).turns[0]

    async def test_enter_copies(self, browser: Browser) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await self.started(app)
            await pilot.press("alt+l", "enter")
            assert app.clipboard == "https://example.org/manual"
            await pilot.press("f6", "l", *["down"] * 6, "enter")
            assert app.clipboard == "curl https://example.org/code"
            assert app.screen is app.chats
            assert browser.opened == []

    async def test_opening_asks_and_shows_the_whole_address(self, browser: Browser) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await self.started(app)
            await pilot.press("alt+l", "o")
            assert isinstance(app.screen, ConfirmScreen)
            assert app.screen._question == "https://example.org/manual"
            # Enter is the harmless answer.
            await pilot.press("enter")
            assert isinstance(app.screen, PiecesScreen)
            assert browser.opened == []
            await pilot.press("o", "y")
            await until(lambda: bool(browser.opened))
            assert browser.opened == ["https://example.org/manual"]

    async def test_code_and_files_are_not_opened(self, browser: Browser) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("Question")
            await app.script.emit(0, "[x](file:///etc/passwd)\n\n```\ncode\n```\n")
            await app.settle()
            await pilot.press("alt+l", "o")
            assert isinstance(app.screen, PiecesScreen)
            assert "no address of the web" in str(app.screen.query_one(".problem").render())
            await pilot.press("down", "o")
            assert "Only links" in str(app.screen.query_one(".problem").render())
            assert browser.opened == []

    async def test_with_nothing_asked_it_says_so(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("alt+l")
            assert app.screen is app.chats
            assert "Nothing was asked" in app.pane.news


async def test_a_megabyte_pasted_is_one_short_token_and_is_sent_whole() -> None:
    app = scripted_app()
    text = "All work and no play. " * 50_000
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        app.post_message(events.Paste(text))
        await app.settle()
        assert app.pane.composer.text == f"[pasted {len(text):,} characters]"
        await pilot.press("enter")
        await app.settle()
        assert app.session(1).turns[0].question == text
