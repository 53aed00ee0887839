"""Nothing from outside may steer the terminal; how it is cut into pieces changes nothing."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from ccchat_tui.text import MAX_MARKS, REPLACEMENT, Sanitizer, one_line, sanitize, shown_value

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"

# Whatever has rules of its own, far more often than chance would bring it.
_ODD = st.sampled_from(
    [
        *"\r\n\t\x00\x1b\x07\x7f\x9b\x85\u2028\u200d\ufe0f\u0301\u200b\ufeff\xad a1",
        *BIDI,
        "\u200d",
        "\U0001f469",
        "\U0001f3fd",
        "\U0001f1e9",
        "\u2764",
        "\ud83d",
        "\ude00",
        "\U000e0061",
        "\u4e2d",
        "\u0e33",
        "\u115f",
        "\r\n",
        "\u0301" * 9,
        FAMILY,
    ]
)
_TEXTS = st.lists(st.one_of(_ODD, st.characters(), st.text(max_size=5)), max_size=40).map("".join)


def in_pieces(text: str, cuts: list[int]) -> str:
    """What a sanitizer makes of a text that is cut at these places."""
    sanitizer = Sanitizer()
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    out = [sanitizer.feed(text[begin:end]) for begin, end in pairwise(places)]
    return "".join([*out, sanitizer.close()])


@settings(max_examples=400, deadline=None)
@given(_TEXTS, st.lists(st.integers(0, 10_000), max_size=12))
def test_where_the_pieces_are_cut_changes_nothing(text: str, cuts: list[int]) -> None:
    assert in_pieces(text, cuts) == sanitize(text)


@settings(max_examples=200, deadline=None)
@given(_TEXTS)
def test_one_character_at_a_time_changes_nothing(text: str) -> None:
    assert in_pieces(text, list(range(len(text)))) == sanitize(text)


@settings(max_examples=400, deadline=None)
@given(_TEXTS)
def test_applied_twice_it_changes_nothing_more(text: str) -> None:
    once = sanitize(text)
    assert sanitize(once) == once


def zero_width_runs(text: str) -> int:
    """The longest run of characters that take no cell."""
    longest = run = 0
    for char in text:
        run = 0 if char in "\n\t" or cell_len(char) else run + 1
        longest = max(longest, run)
    return longest


@settings(max_examples=400, deadline=None)
@given(_TEXTS)
def test_nothing_that_steers_a_terminal_comes_through(text: str) -> None:
    shown = sanitize(text)
    for char in shown:
        assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp"), char
        assert char not in BIDI
    # Marks on a base, a joiner: nothing may be piled up beyond that.
    assert zero_width_runs(shown) <= MAX_MARKS + 1
    shown.encode()


def test_every_single_character_is_harmless_and_measured() -> None:
    marks = 0
    for code in range(0x110000):
        char = chr(code)
        shown = sanitize("a" + char)[1:]
        if char in "\n\t":
            assert shown == char
        elif cell_len(shown) == 0:
            # Without width: then runs of it are bounded.
            assert zero_width_runs(sanitize("a" + char * 50)) <= MAX_MARKS, hex(code)
            marks += 1
        else:
            assert unicodedata.category(shown) not in ("Cc", "Cs"), hex(code)
    assert marks > 2000


@pytest.mark.parametrize(
    ("attack", "shown"),
    [
        ("\x1b]0;owned\x07x", "\u241b]0;owned\u2407x"),
        ("\x1b[2J\x1b[H", "\u241b[2J\u241b[H"),
        ("\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\", None),
        ("\x9b2J", REPLACEMENT + "2J"),
        ("\x9d0;owned\x9c", f"{REPLACEMENT}0;owned{REPLACEMENT}"),
        ("\x90q\x9c", None),
        ("abc\x7f\x08\x08", "abc\u2421\u2408\u2408"),
        ("\x00", "\u2400"),
        ("user\u202etxt.exe", f"user{REPLACEMENT}txt.exe"),
        ("\u2066a\u2069", f"{REPLACEMENT}a{REPLACEMENT}"),
        ("one\r\ntwo\rthree", "one\ntwo\u240dthree"),
        ("a\u2028b\u2029c\x85d", f"a\nb\nc{REPLACEMENT}d"),
        ("\ud83d", REPLACEMENT),
        ("\ude00\ud83d", REPLACEMENT * 2),
        ("\ud83d\ude00", "\U0001f600"),
        ("a\u200db", "ab"),
        ("\ufffe\uffff", REPLACEMENT * 2),
        ("\U0001f3fd", REPLACEMENT),
    ],
)
def test_known_attacks(attack: str, shown: str | None) -> None:
    result = sanitize(attack)
    assert shown is None or result == shown
    assert not any(char in "\x1b\x07\x9b\x9c\x9d\x90\x7f" for char in result)


@pytest.mark.parametrize(
    "text",
    [
        "plain, \tand\n\nlines",
        "\u00e9 e\u0301 \u4e2d\u6587 \ud55c\uad6d\uc5b4",
        "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e19\u0e49\u0e33",
        FAMILY,
        "\U0001f3f4\u200d\u2620\ufe0f",
        "\u2764\ufe0f\u200d\U0001f525 \U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea",
        "\U0001f9d1\U0001f3fd\u200d\U0001f91d\u200d\U0001f9d1\U0001f3ff",
        "\u261d\U0001f3fb \u261d\ufe0f\U0001f3fb",
        # The flag of Wales: seven tags on one base.
        "\U0001f3f4" + "".join(chr(0xE0000 + ord(char)) for char in "gbwls") + "\U000e007f",
        "1\ufe0f\u20e3",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert sanitize(text) == text


def test_zalgo_is_bounded_and_marked() -> None:
    assert sanitize("a" + "\u0301" * 500 + "b") == "a" + "\u0301" * MAX_MARKS + REPLACEMENT + "b"


def test_emoji_are_not_joined_without_end() -> None:
    shown = sanitize("\u200d".join(["\U0001f469"] * 200))
    assert shown.count("\U0001f469") == 200
    assert max(part.count("\u200d") for part in shown.split(REPLACEMENT)) <= 8


def test_a_pair_of_surrogates_may_be_cut_behind_a_joiner() -> None:
    assert in_pieces("\U0001f469\u200d\ud83d\udc67", [3]) == "\U0001f469\u200d\U0001f467"


def test_what_marks_too_many_marks_is_no_base_for_a_joiner() -> None:
    once = sanitize("\U0001f469" + "\u0301" * 9 + "\u200d\U0001f467")
    assert once == "\U0001f469" + "\u0301" * MAX_MARKS + REPLACEMENT + "\U0001f467"
    assert sanitize(once) == once


def test_a_very_long_line_comes_through_whole() -> None:
    line = "x" * 100_000
    assert sanitize(line) == line
    sanitizer = Sanitizer()
    assert sum(len(sanitizer.feed("x" * 1000)) for _ in range(100)) == 100_000


@settings(max_examples=400, deadline=None)
@given(_TEXTS, st.integers(0, 30))
def test_one_line_fits(text: str, width: int) -> None:
    line = one_line(text, width)
    assert cell_len(line) <= width
    assert "\n" not in line
    assert "\t" not in line
    whole = " ".join(sanitize(text).split())
    if not width:
        assert line == ""
    elif cell_len(whole) <= width:
        assert line == whole
    else:
        assert line.endswith("\u2026")
        assert whole.startswith(line[:-1].rstrip())


def test_one_line_says_that_something_is_missing_however_far_away() -> None:
    assert one_line("a" + " " * 200_000 + "b", 10) in ("a b", "a\u2026")
    assert one_line(" " * 200_000 + "b", 10) == "b"
    assert one_line("\u4e2d" * 100_000, 5) == "\u4e2d\u4e2d\u2026"
    assert one_line("x" * 100_000, 5) == "xxxx\u2026"
    assert one_line("\U0001f469" + "\u0301" * 100_000 + "tail", 4) == (
        "\U0001f469" + "\u0301" * MAX_MARKS + REPLACEMENT + "\u2026"
    )


class Unspeakable:
    """Something that cannot even be shown."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "None"),
        (7, "7"),
        ("a\x1b[2J", "'a\\x1b[2J'"),
        ("[/b]", "'[/b]'"),
        (b"\x00", "b'\\x00'"),
        (10**5000, "a value of type int"),
        ("x" * 10_000_000, "'" + "x" * 58 + "…"),
        ([[[[[[[[1]]]]]]]], "[[[[[[[...]]]]]]]"),
    ],
    # pytest cannot write the number either.
    ids=range(8),
)
def test_a_wrong_value_is_shown_in_a_short_line(value: object, shown: str) -> None:
    assert shown_value(value) == shown


def test_what_cannot_be_shown_is_told_by_its_kind() -> None:
    assert shown_value(Unspeakable()).startswith("<Unspeakable instance at")
