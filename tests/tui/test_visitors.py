"""Who visits in a browser has the app, and not the files of the machine that it runs on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ccchat_tui.api.tokens import Caller
from ccchat_tui.cli.web import env_of
from ccchat_tui.config import VISITOR_ENV, Loaded, Settings
from ccchat_tui.testing.app import scripted_app, until
from ccchat_tui.tui.paths import completions, files_in
from tests.tui.test_attaching import SIZE, give, names, says


@pytest.fixture(autouse=True)
def visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISITOR_ENV, "1")


def test_a_visitor_is_told_to_be_one() -> None:
    for caller in (Caller("ada"), Caller("admin", admin=True)):
        assert env_of(Loaded(Settings(), {}, None), caller, "token")[VISITOR_ENV]


async def test_files_are_neither_read_nor_written_nor_listed(tmp_path: Path) -> None:
    secret = tmp_path / "tokens.json"
    secret.write_text('{"tokens": {"admin": "ccchat_secret"}}', encoding="utf-8")
    assert completions(f"{tmp_path}/") == []
    assert files_in(str(secret)) == []
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        session = app.pane.session
        for typed in (f"/attach {secret}", f"/import {secret}"):
            await give(app, pilot, typed)
            await until(says(app, "which a browser does not reach"))
            app.pane.composer.load_text("")
            app.pane.tell("")
        await give(app, pilot, "hello")
        await until(lambda: len(session.turns) == 1)
        await give(app, pilot, f"/export markdown {tmp_path / 'new.md'}")
        await until(says(app, "which a browser does not reach"))
        assert names(app) == []
    assert not await asyncio.to_thread((tmp_path / "new.md").exists)
