"""Recordings of a demo: what is in them, and that they come out the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pyte
import pytest
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ccchat_tui.cli.main import main
from ccchat_tui.tui.recording.animated import Animated
from ccchat_tui.tui.recording.rows import Looks

SVG = "{http://www.w3.org/2000/svg}"
ASKED = ("--until", "7s", "--size", "100x30")


def run(folder: Path, seed: str, *words: str) -> None:
    """Record in a process of its own, where sets are in another order."""
    subprocess.run(
        [sys.executable, "-m", "ccchat_tui", "demo", "hello", *ASKED, *words],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONHASHSEED": seed,
            "XDG_CONFIG_HOME": str(folder),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=120,
    )


def text_of(svg: str) -> str:
    """All that is written in a picture, without its blanks."""
    texts = ET.fromstring(svg).iter(f"{SVG}text")
    return "".join("".join(each.itertext()) for each in texts).translate(
        dict.fromkeys((10, 32, 160))
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything, of the first seconds of `hello`."""
    folder = tmp_path_factory.mktemp("recorded")
    run(folder, "1", "--svg", "p", "--cast", "c.cast", "--animated", "a.svg", "--every", "2s")
    return folder


def test_the_cast_ends_with_the_screen_of_the_last_picture(recorded: Path) -> None:
    """What a terminal makes of what was drawn bit by bit is what the app shows at that moment."""
    head, *events = map(json.loads, (recorded / "c.cast").read_text("utf-8").splitlines())
    assert (head["version"], head["width"], head["height"]) == (2, 100, 30)
    assert head["title"] == "Hello"
    screen = pyte.Screen(100, 30)
    stream = pyte.Stream(screen)
    for at, kind, drawn in events:
        assert kind == "o"
        assert 0 <= at <= 7
        stream.feed(drawn)
    times = [at for at, _, _ in events]
    assert times == sorted(times)
    seen = "".join(screen.display).replace(" ", "")
    shown = text_of((recorded / "p" / "hello-end.svg").read_text("utf-8"))
    assert "streaming" in seen
    assert seen in shown  # which has a title besides
    sizes = sorted(len(drawn) for _, _, drawn in events)
    assert sizes[len(sizes) // 2] < sizes[-1] / 3, "a frame is what has changed, not everything"


def test_a_picture_for_every_step_and_the_end(recorded: Path) -> None:
    names = sorted(file.name for file in (recorded / "p").iterdir())
    assert names == [f"hello-{each}.svg" for each in ("0000", "0002", "0004", "0006", "end")]
    pictures = [(recorded / "p" / name).read_text("utf-8") for name in names]
    assert len(set(pictures)) == len(pictures)
    assert "0:04" in text_of(pictures[2])


def test_the_picture_that_moves_fetches_nothing_and_can_stand_still(recorded: Path) -> None:
    svg = (recorded / "a.svg").read_text("utf-8")
    assert len(svg) < 300_000
    assert "<script" not in svg
    assert "url(" not in svg
    assert svg.count("http") == 1  # the name of its namespace
    assert "@media(prefers-reduced-motion:reduce){.f{animation:none!important}}" in svg
    groups = [each for each in ET.fromstring(svg).iter(f"{SVG}g") if each.get("class")]
    assert len(groups) == 5  # the four steps and the end
    assert sum("still" in str(each.get("class")) for each in groups) == 1


def test_the_same_again_is_the_same_byte_for_byte(recorded: Path, tmp_path: Path) -> None:
    """Whatever the order of sets, and whatever else is recorded beside."""
    run(tmp_path, "2", "--cast", "c.cast", "--animated", "a.svg", "--every", "2s")
    for name in ("c.cast", "a.svg"):
        assert (tmp_path / name).read_bytes() == (recorded / name).read_bytes(), name


def test_pictures_that_are_alike_are_one_and_rows_are_kept_once() -> None:
    moving = Animated(4, 2, "a <b>")
    same, other = Strip([Segment("ab  ")]), Strip([Segment("cd  ")])
    moving.add(0, [same, other])
    moving.add(1, [same, other])
    moving.add(2, [other, other])
    svg = moving.svg(5)
    assert svg.count('<g id="r') == 2
    assert "@keyframes k0{0.000%{visibility:visible}25.000%{visibility:hidden}}" in svg
    assert "@keyframes k1{0%{visibility:hidden}25.000%{visibility:visible}}" in svg
    assert "animation:8s step-end infinite" in svg
    assert "<title>a &lt;b&gt;</title>" in svg


def test_letters_stay_in_their_columns() -> None:
    """Wide ones take two, and many blanks are left out."""
    row = Looks().row([Segment(" 日本  a     b&", Style(color="#ff0000"))])
    assert 'x="6" y="9" textLength="42">日本  a<' in row
    assert 'x="78" y="9" textLength="12">b&amp;<' in row


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--svg p --every 0", "--every: cannot be '0'; give seconds from 0.1 to 3600, as in 2s"),
        ("--svg p --every soon", "--every: cannot be 'soon'"),
        ("--svg p --size 5x5", "--size: cannot be '5x5'; give columns and rows from 20x10"),
        ("--every 2s", "--every is for a recording; add --svg FOLDER"),
        ("--cast c --host h", "--cast records the demo model, in a time of its own, and --host"),
        ("--svg file", "--svg cannot be 'file': that is a file; give a folder"),
        ("--cast no/c.cast", "--cast cannot be 'no/c.cast': it cannot be written: No such file"),
        ("--animated .", "--animated cannot be '.': it cannot be written"),
    ],
)
def test_what_cannot_be_recorded(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main(["demo", "hello", *words.split()]) == 2
    assert said in capsys.readouterr().err
