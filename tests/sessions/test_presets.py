"""Presets: what is kept is what comes back, and a file that cannot be used is told of and kept."""

from __future__ import annotations

import os
import sys
import tomllib
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccchat_tui.sessions.presets import LONGEST_NAME, Preset, PresetError, Presets, preset_name
from ccchat_tui.sessions.toml_text import toml_of

WHOLE = Preset(
    system='Be "strict".\nAnd kind \\ [/b] 漢',
    options={"temperature": 0.2, "num_ctx": 16384, "stop": ["\n\n", '"', "]"], "use_mmap": False},
    think="high",
    keep_alive="1h30m",
)


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    return Presets(tmp_path / "config" / "presets.toml")


def test_without_a_file_there_are_none(presets: Presets) -> None:
    assert presets.load() == {}
    presets.delete("nothing")
    assert not presets.file.exists()


@pytest.mark.parametrize(
    "preset",
    [WHOLE, Preset(), Preset(think=False, keep_alive=-1), Preset(think=True, keep_alive=1.5)],
)
def test_what_is_saved_comes_back(presets: Presets, preset: Preset) -> None:
    presets.save("A name", preset)
    assert Presets(presets.file).load() == {"A name": preset}
    assert presets.problems == ()


def test_one_is_replaced_and_deleted_without_touching_the_others(presets: Presets) -> None:
    for name in ("one", "two", "three"):
        presets.save(name, Preset(system=name))
    presets.save("two", WHOLE)
    assert list(presets.load()) == ["one", "two", "three"]
    presets.delete("one")
    assert presets.load() == {"two": WHOLE, "three": Preset(system="three")}
    assert [path.name for path in presets.file.parent.iterdir()] == ["presets.toml"]


@pytest.mark.parametrize(
    "typed",
    ["a.b", "[x]", 'a"b', "a\\b", "= true", "# no", "漢字", "__proto__", "../up", "'", "[/b]",
     "a\x1b[2Jb", "a\u202eb", "a\nb\n[presets.evil]"],
)  # fmt: skip
def test_any_name_is_only_a_name(presets: Presets, typed: str) -> None:
    name = presets.save(typed, WHOLE)
    assert presets.load() == {name: WHOLE}
    assert name.isprintable()
    assert list(tomllib.loads(presets.file.read_text("utf-8"))) == ["presets"]
    presets.delete(name)
    assert presets.load() == {}


def test_names_that_are_none() -> None:
    for typed in ("", "  ", "\n\t"):
        with pytest.raises(PresetError, match="needs a name"):
            preset_name(typed)
    with pytest.raises(PresetError, match="too long"):
        preset_name("x" * (LONGEST_NAME + 1))
    assert preset_name("x" * LONGEST_NAME) == "x" * LONGEST_NAME


BROKEN = {
    "[presets": "is not TOML",
    "presets = 3": "presets is 3",
}


@pytest.mark.parametrize(("text", "words"), BROKEN.items())
def test_a_broken_file_is_told_and_never_written_over(
    presets: Presets, text: str, words: str
) -> None:
    presets.file.parent.mkdir()
    presets.file.write_text(text, "utf-8")
    for attempt in (presets.load, lambda: presets.save("x", WHOLE), lambda: presets.delete("x")):
        with pytest.raises(PresetError) as caught:
            attempt()
        assert words in caught.value.message
        assert str(presets.file) in caught.value.message
    assert presets.file.read_text("utf-8") == text


def test_a_file_that_is_no_text_is_told(presets: Presets) -> None:
    presets.file.parent.mkdir()
    presets.file.write_bytes(b"x = '\xff'")
    with pytest.raises(PresetError, match="not UTF-8"):
        presets.load()
    presets.file.unlink()
    presets.file.mkdir()
    with pytest.raises(PresetError, match="cannot be read"):
        presets.load()


def test_single_presets_that_cannot_be_used_are_named_and_kept(presets: Presets) -> None:
    presets.file.parent.mkdir()
    presets.file.write_text(
        """
        note = 1979-05-27T07:32:00Z
        [presets.good]
        system = "yes"
        [presets.hot]
        options = { temperature = 3 }
        [presets.odd]
        sytem = "typo"
        [presets.kind]
        think = "much"
        [presets.shape]
        options = [1]
        """,
        "utf-8",
    )
    before = tomllib.loads(presets.file.read_text("utf-8"))
    assert presets.load() == {"good": Preset(system="yes")}
    said = "\n".join(presets.problems)
    for words in (
        "“hot”: temperature cannot be 3; give a number from 0 to 2",
        "“odd”: there is no 'sytem'",
        "“kind”: think cannot be 'much'",
        "“shape”: options cannot be [1]",
    ):
        assert words in said
    presets.save("new", WHOLE)
    after = tomllib.loads(presets.file.read_text("utf-8"))
    del after["presets"]["new"]
    assert after == before


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(presets: Presets) -> None:
    presets.save("one", Preset())
    presets.file.parent.chmod(0o500)
    try:
        with pytest.raises(PresetError, match="cannot be written"):
            presets.save("two", Preset())
    finally:
        presets.file.parent.chmod(0o700)
    assert list(presets.load()) == ["one"]


def test_what_is_in_the_way_is_told_and_nothing_is_left_behind(presets: Presets) -> None:
    presets.file.parent.write_text("a file where the folder should be")
    with pytest.raises(PresetError):
        presets.save("two", Preset())


def test_a_write_that_fails_leaves_the_old_file_whole(
    presets: Presets, monkeypatch: pytest.MonkeyPatch
) -> None:
    presets.save("one", WHOLE)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PresetError, match="No space left"):
        presets.save("two", WHOLE)
    assert presets.load() == {"one": WHOLE}
    assert [path.name for path in presets.file.parent.iterdir()] == ["presets.toml"]


def test_a_link_to_the_file_stays_one(presets: Presets, tmp_path: Path) -> None:
    elsewhere = tmp_path / "dotfiles.toml"
    elsewhere.write_text("")
    presets.file.parent.mkdir()
    try:
        presets.file.symlink_to(elsewhere)
    except OSError:
        pytest.skip("no links here")
    presets.save("one", WHOLE)
    assert presets.file.is_symlink()
    assert "one" in elsewhere.read_text("utf-8")


def test_the_summary_says_what_is_in_it() -> None:
    assert Preset().summary == "everything left to the model"
    assert WHOLE.summary == (
        "system prompt · think high · temperature 0.2 · num_ctx 16384 · stop · use_mmap off · "
        "keep_alive 1h30m"
    )


names = st.text(min_size=1, max_size=20)
scalars: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
    st.times(),
)
tables = st.dictionaries(
    names,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@given(tables)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_toml_is_written_as_it_was_read(data: dict[str, Any]) -> None:
    assert tomllib.loads(toml_of(data)) == data


def test_kinds_that_toml_does_not_have_are_refused() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        toml_of({"x": None})
    assert tomllib.loads(toml_of({"x": float("-inf")})) == {"x": float("-inf")}
    assert tomllib.loads(toml_of({"a\ud800": "b"})) == {"a\ufffd": "b"}
    moments = {"a": datetime(2026, 1, 1, tzinfo=UTC), "b": date(2026, 1, 1), "c": time(1, 2)}
    assert tomllib.loads(toml_of(moments)) == moments
