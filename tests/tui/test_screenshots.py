"""The pictures of the README are those of the present app."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.screenshots import FOLDER, NAMES, PICTURES, RECORDED, draw, recorded

README = Path(__file__).resolve().parents[2] / "README.md"
_ID = re.compile(r"terminal-\d+-")


@pytest.mark.parametrize("name", PICTURES)
async def test_a_picture_is_drawn_as_it_is_kept(name: str) -> None:
    """Otherwise: `python -m tests.screenshots`, and look at what has changed."""
    compare(name, await draw(name))


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_is_as_it_is_kept(name: str) -> None:
    """Otherwise: `python -m tests.screenshots`, and look at what has changed."""
    compare(name, recorded(name))


def compare(name: str, drawn: str) -> None:
    kept = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert _ID.sub("", drawn) == _ID.sub("", kept)
    assert "@font-face" not in drawn, "a picture must fetch nothing when it is opened"
    assert "url(http" not in drawn


def test_every_picture_is_shown_and_every_one_shown_is_there() -> None:
    shown = set(re.findall(r"\(screenshots/([\w-]+)\.svg\)", README.read_text(encoding="utf-8")))
    assert shown == set(NAMES)
    assert {file.stem for file in FOLDER.glob("*.svg")} == set(NAMES)
