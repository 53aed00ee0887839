"""What is told of a reply that ends where nobody looks."""

from __future__ import annotations

import asyncio

import pytest
from textual import events

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.tui.notices import desktop_notice

SIZE = (140, 44)


def listened_to(how: str, users: tuple[str, ...] = ("Ada", "Bob", "Cleo")) -> AppUnderTest:
    """An app whose writes to the terminal are kept in `written`."""
    app = scripted_app(users=users, notify=how)
    app.written = []  # type: ignore[attr-defined]
    app.notices._write = app.written.append  # type: ignore[attr-defined]
    app.notices._env = {"TERM": "xterm-256color"}
    return app


def toasts(app: AppUnderTest) -> list[tuple[str, str]]:
    return [(note.message, note.severity) for note in app._notifications]


async def end(app: AppUnderTest, number: int, question: str) -> None:
    await app.ask(question, number)
    await app.script.emit(question, "answer")
    await app.script.finish(question)
    await app.settle()


class TestToasts:
    """In the app."""

    async def test_a_reply_in_another_tab_is_told_and_one_in_sight_is_not(self) -> None:
        app = listened_to("toast")
        async with app.run_test(size=SIZE, notifications=True):
            await app.settle()
            await end(app, 1, "seen")
            assert toasts(app) == []
            await end(app, 2, "[/b] unseen")
            assert toasts(app) == [("Bob · [/b] unseen: the reply is there", "information")]
            assert app.written == []  # type: ignore[attr-defined]

    async def test_failures_are_told_as_such_and_cancels_are_not(self) -> None:
        app = listened_to("toast")
        async with app.run_test(size=SIZE, notifications=True):
            await app.settle()
            await app.ask("fails", 2)
            await app.script.emit("fails", "x")
            await app.script.fail("fails", ErrorKind.DISCONNECTED, "broke")
            await app.settle()
            assert toasts(app) == [("Bob · fails: the reply failed", "warning")]
            await app.ask("cancelled", 3)
            app.cancel_user("Cleo")
            await app.settle()
            assert len(toasts(app)) == 1

    async def test_in_the_grid_all_are_in_sight(self) -> None:
        app = listened_to("toast", ("Ada", "Bob"))
        async with app.run_test(size=(200, 44), notifications=True) as pilot:
            await app.settle()
            await pilot.press("ctrl+g")
            await app.settle()
            await end(app, 2, "seen")
            assert toasts(app) == []

    async def test_what_ends_together_is_told_together(self) -> None:
        app = listened_to("toast")
        async with app.run_test(size=SIZE, notifications=True):
            await app.settle()
            for question, number in (("b", 2), ("c", 3), ("bb", 2)):
                await app.ask(question, number)
                await app.script.emit(question, "x")
            await asyncio.gather(
                app.script.finish("b"),
                app.script.fail("c", ErrorKind.DISCONNECTED, "broke"),
                app.script.finish("bb"),
            )
            await app.settle()
            assert toasts(app) == [("3 replies ended in 2 chats, 1 failed", "warning")]

    async def test_off_tells_nothing(self) -> None:
        app = listened_to("off")
        async with app.run_test(size=SIZE, notifications=True):
            await app.settle()
            app.post_message(events.AppBlur())
            await app.settle()
            await end(app, 2, "unseen")
            assert toasts(app) == []
            assert app.written == []  # type: ignore[attr-defined]


class TestInTheBackground:
    """While another window has the focus."""

    @pytest.mark.parametrize(
        ("how", "written"),
        [
            ("toast", []),
            ("bell", ["\a"]),
            ("desktop", ["\a", "\x1b]9;ccchat: Ada · ends: the reply is there\x1b\\"]),
        ],
    )
    async def test_bell_and_desktop_also_for_the_tab_in_front(
        self, how: str, written: list[str]
    ) -> None:
        app = listened_to(how)
        async with app.run_test(size=SIZE, notifications=True):
            await app.settle()
            await app.ask("ends", 1)
            app.post_message(events.AppBlur())
            await app.settle()
            await app.script.emit("ends", "x")
            await app.script.finish("ends")
            await app.settle()
            assert app.written == written  # type: ignore[attr-defined]
            # In sight when one comes back, so that no toast is needed.
            assert toasts(app) == []
            app.post_message(events.AppFocus())
            await app.settle()
            await end(app, 1, "seen again")
            assert app.written == written  # type: ignore[attr-defined]

    async def test_nothing_is_written_while_another_program_has_the_terminal(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE):
            await app.settle()
            written: list[str] = []
            assert app._driver is not None
            app._driver.write = written.append  # type: ignore[method-assign,assignment]
            app.notices._write("\a")
            assert written == []  # without a terminal there is nobody to hear it


class TestSequence:
    """What makes a terminal show a notice."""

    @pytest.mark.parametrize(
        ("env", "sequence"),
        [
            ({"TERM": "xterm-kitty"}, "\x1b]9;ccchat: a, b\x1b\\"),
            ({}, "\x1b]9;ccchat: a, b\x1b\\"),
            ({"TERM": "foot"}, "\x1b]777;notify;ccchat;a, b\x1b\\"),
            ({"TERM": "rxvt-unicode-256color"}, "\x1b]777;notify;ccchat;a, b\x1b\\"),
            ({"VTE_VERSION": "7600"}, "\x1b]777;notify;ccchat;a, b\x1b\\"),
            (
                {"TERM": "tmux-256color", "TMUX": "/x,1,0"},
                "\x1bPtmux;\x1b\x1b]9;ccchat: a, b\x1b\x1b\\\x1b\\",
            ),
        ],
    )
    def test_by_the_terminal(self, env: dict[str, str], sequence: str) -> None:
        assert desktop_notice("a; b", env) == sequence

    def test_a_title_ends_no_sequence(self) -> None:
        sequence = desktop_notice("x\x07\x1b\\\x9c\x1b]0;owned\x07\ny", {})
        inner = sequence.removeprefix("\x1b]9;").removesuffix("\x1b\\")
        assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in inner)
