"""What a model may be asked with, as it is typed and as it is sent."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.config import HOTTEST, SettingsError, load_settings
from ccchat_tui.sessions.options import (
    OPTIONS,
    OptionError,
    check_keep_alive,
    check_option,
    check_think,
    shown_option,
    stop_texts,
    think_word,
    typed_stops,
)


@pytest.mark.parametrize(
    ("name", "typed", "meant"),
    [
        ("temperature", "0", 0.0),
        ("temperature", " 1,5 ", 1.5),
        ("temperature", "2", 2.0),
        ("top_p", "0.9", 0.9),
        ("top_k", "40", 40),
        ("num_ctx", "8192", 8192),
        ("num_predict", "-1", -1),
        ("seed", "9223372036854775807", 2**63 - 1),
        ("repeat_penalty", "1.1", 1.1),
        ("stop", "a\n\nb c\n\\n\\\\n", ["a", "b c", "\n\\n"]),
        ("use_mmap", "Off", False),
        ("num_gpu", "0", 0),
    ],
)
def test_what_is_typed_becomes_what_is_sent(name: str, typed: str, meant: Any) -> None:
    value = OPTIONS[name].read(typed)
    assert value == meant
    assert type(value) is type(meant)
    assert OPTIONS[name].read(shown_option(value)) == meant


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("temperature", "2.01"),
        ("temperature", "-0.1"),
        ("temperature", "nan"),
        ("temperature", "inf"),
        ("temperature", "warm"),
        ("top_p", "1.1"),
        ("top_k", "1.5"),
        ("top_k", "-1"),
        ("num_ctx", "0"),
        ("num_ctx", "4k"),
        ("num_ctx", "1_000"),
        ("num_ctx", "٣"),
        ("num_predict", "-3"),
        ("seed", "9223372036854775808"),
        ("seed", "9" * 5000),
        ("repeat_penalty", "11"),
        ("use_mmap", "maybe"),
    ],
)
def test_what_cannot_be_is_named_with_what_can(name: str, typed: str) -> None:
    with pytest.raises(OptionError) as caught:
        OPTIONS[name].read(typed)
    assert caught.value.name == name
    message = caught.value.message
    assert message.startswith(f"{name} cannot be ")
    assert typed[:20].encode("unicode_escape").decode()[:1] in message or typed[:20] in message
    assert OPTIONS[name].allowed in message
    assert len(message) < 250


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", True),
        ("temperature", "1"),
        ("temperature", math.nan),
        ("top_k", 1.0),
        ("top_k", True),
        ("stop", "a"),
        ("stop", [1]),
        ("stop", [""]),
        ("use_mmap", 1),
        ("no_such", 1),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(name: str, value: Any) -> None:
    with pytest.raises(OptionError):
        check_option(name, value)


@given(st.lists(st.text(min_size=1)))
def test_every_stop_text_can_be_typed(stops: list[str]) -> None:
    assert stop_texts(typed_stops(stops)) == stops


@pytest.mark.parametrize(
    ("typed", "sent"),
    [("10m", "10m"), ("1h30m", "1h30m"), ("300", 300), ("-1", -1), ("0", 0), ("1.5", 1.5),
     (" ", None), (None, None), (300, 300), ("-5m", "-5m")],
)  # fmt: skip
def test_keep_alive_is_sent_as_ollama_takes_it(typed: Any, sent: Any) -> None:
    assert check_keep_alive(typed) == sent
    assert type(check_keep_alive(typed)) is type(sent)


@pytest.mark.parametrize("typed", ["5 minutes", "m", "10x", "1e3", math.inf, True, [], "1m" * 99])
def test_keep_alive_that_ollama_would_refuse_is_refused_in_words(typed: Any) -> None:
    with pytest.raises(OptionError, match=r"keep_alive cannot be .*such as 10m"):
        check_keep_alive(typed)


def test_each_way_to_think_has_a_word() -> None:
    meant = [check_think(word) for word in ("default", "off", "on", "low", "medium", "high", "max")]
    assert meant == [None, False, True, "low", "medium", "high", "max"]
    assert [check_think(value) for value in meant] == meant
    assert [think_word(value) for value in meant][:3] == ["default", "off", "on"]
    wrongs: tuple[Any, ...] = (1, 0, "much", [], 1.0)
    for wrong in wrongs:
        with pytest.raises(OptionError, match="think cannot be"):
            check_think(wrong)


def test_the_settings_and_the_dialog_allow_the_same_temperatures() -> None:
    for value in (0.0, HOTTEST):
        assert load_settings({"temperature": value}, {}, None).settings.temperature == value
        assert check_option("temperature", value) == value
    for value in (-0.01, HOTTEST + 0.01):
        with pytest.raises(SettingsError):
            load_settings({"temperature": value}, {}, None)
        with pytest.raises(OptionError):
            check_option("temperature", value)
