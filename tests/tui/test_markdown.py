"""What Markdown looks like, finished and half-way through."""

from __future__ import annotations

import pytest

from ccchat_tui.text import sanitize
from ccchat_tui.tui.markdown.code import Highlighter
from ccchat_tui.tui.markdown.document import Document
from ccchat_tui.tui.markdown.lines import Line, plain_text


def rows(text: str, width: int = 40, *, finish: bool = True) -> list[Line]:
    """The rows of a text."""
    document = Document(width)
    document.feed(sanitize(text))
    if finish:
        document.finish()
    document.update()
    return document.lines


def shown(text: str, width: int = 40, *, finish: bool = True) -> list[str]:
    """The rows as text, without what only fills them."""
    return [line.text.rstrip() for line in rows(text, width, finish=finish)]


def styled(lines: list[Line], style: str) -> list[str]:
    """The texts that a style is given to."""
    return [text for line in lines for text, names in line.spans if style in names.split()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One\ntext", ["One", "", "text"]),
        ("## C#", ["C#"]),
        ("# shut ##  ", ["shut"]),
        ("# ## ", [""]),
        ("#", [""]),
        ("#no", ["#no"]),
        ("a\n===", ["a"]),
        ("- a\n- b\n  - c\n\n- d", ["• a", "• b", "  ◦ c", "", "• d"]),
        ("3. a\n3. b", ["3. a", "4. b"]),
        ("- [ ] a\n- [x] b", ["☐ a", "☑ b"]),
        ("> a\n> > b", ["▎ a", "▎", "▎ ▎ b"]),
        ("a\nb  \nc", ["a", "b", "c"]),
        ("---", ["─" * 40]),
        ("a\n\n\n\nb", ["a", "", "b"]),
        ("```\nx\n\ny\n```", [" x", "", " y"]),
        ("```py title\nx", [" py title", " x"]),
        ("    x", [" x"]),
        ("<b>x</b> <br>y", ["<b>x</b>", "y"]),
        ("<div>\n*x*\n</div>", ["<div>", "*x*", "</div>"]),
        ("| a | b |\n|--:|---|\n| 1 | 22 |", ["a │ b", "──┼───", "1 │ 22"]),
        ("&amp; &copy; \\*", ["& © *"]),
    ],
)
def test_blocks(text: str, expected: list[str]) -> None:
    assert shown(text) == expected


def test_emphasis() -> None:
    lines = rows("*em* **strong** ~~gone~~ `code` _em2_ snake_case **a *b* c**")
    assert styled(lines, "em") == ["em", "em2", "b"]
    assert styled(lines, "strong") == ["strong", "a ", "b", " c"]
    assert styled(lines, "strike") == ["gone"]
    assert styled(lines, "code") == ["code"]
    assert "*" not in plain_text(lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[text](https://example.org)", "text (https://example.org)"),
        ('[text](x.html "Title")', 'text (x.html "Title")'),
        ("<https://example.org>", "https://example.org"),
        ("<a@example.org>", "a@example.org"),
        ("https://example.org/a_b_c", "https://example.org/a_b_c"),
        ("![alt](p.png)", "[alt] (p.png)"),
        ("[click](javascript:alert(1))", "click (javascript:alert(1))"),
        ("[bank](https://evil.example)", "bank (https://evil.example)"),
        ("[no such][ref]", "[no such][ref]"),
    ],
)
def test_a_link_shows_where_it_leads(text: str, expected: str) -> None:
    assert plain_text(rows(text, 80)) == expected


def test_no_row_carries_anything_that_opens() -> None:
    """A row is text with the names of styles; there is nowhere for a link to stand."""
    for line in rows("[a](https://example.org) <https://example.org>"):
        for text, names in line.spans:
            assert "http" not in names
            assert isinstance(text, str)


def test_an_open_fence_is_code_already() -> None:
    lines = rows("```python\ndef f():\n    re", finish=False)
    assert [line.text.rstrip() for line in lines] == [" python", " def f():", "     re"]
    assert "def" in styled(lines, "code:Token.Keyword")
    # Its closing, half-way, is not shown as code.
    assert shown("```\nx\n``", finish=False) == [" x"]
    assert shown("```\nx\n```", finish=False) == [" x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text **bo", "bo"),
        ("text **bold wo", "bold wo"),
        ("text **bold *it", "bold "),
    ],
)
def test_open_emphasis_is_drawn_as_if_it_were_closed(text: str, expected: str) -> None:
    lines = rows(text, finish=False)
    assert styled(lines, "strong")[0] == expected
    assert "*" not in plain_text(lines)


def test_open_code_is_drawn_as_code_and_shown_as_written_if_it_never_closes() -> None:
    assert styled(rows("run `pip ins", finish=False), "code") == ["pip ins"]
    assert plain_text(rows("run `pip ins")) == "run `pip ins"


def test_a_table_is_one_from_its_second_line_on() -> None:
    assert shown("| a | b |\n|-", finish=False)[0] == "a │ b"
    assert shown("| a | b |\n|---|---|\n| 1", finish=False)[-1] == "1 │"
    assert shown("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |", finish=False)[-2:] == ["1 │ 2", "3 │"]


def test_the_first_mark_of_a_line_waits_until_it_is_clear_what_it_is() -> None:
    for mark in ("-", "--", "#", "1.", "*", "`", "|", "<"):
        assert shown("text\n\n" + mark, finish=False) == ["text"], mark


def test_a_table_too_wide_is_written_as_lists() -> None:
    head = "| " + " | ".join(f"name{n}" for n in range(6)) + " |\n" + "|---" * 6 + "|\n"
    row = "| " + " | ".join(f"v{n}" for n in range(6)) + " |\n"
    assert shown(head + row, 20)[:2] == ["name0: v0", "name1: v1"]
    assert shown(head, 20) == [f"name{n}" for n in range(6)]


def test_cells_beyond_the_head_are_kept() -> None:
    assert shown("| a | b |\n|---|---|\n| 1 | 2 | 3 | 4 |")[-1] == "1 │ 2 │ 3 │ 4"


def test_code_is_copied_as_it_was_written() -> None:
    document = Document(40)
    document.feed(
        "```make\nall:\n\tcc -o\tx\n```\n\n- item\n\n  ```\n  in item\n  ```\n\n    indented\n"
    )
    document.finish()
    assert document.code_blocks()[0] == "all:\n\tcc -o\tx"
    assert document.code_blocks()[1] == "in item"


def test_the_words_of_a_wrapped_text_are_joined_when_copied() -> None:
    text = (
        "several words that are wrapped and https://example.org/long/long/long/address/" + "x" * 40
    )
    assert plain_text(rows(text, 20)) == text
    assert plain_text(rows("- " + text, 20)) == "• " + text


def test_highlighting_a_comment_over_lines_and_going_on_behind_it() -> None:
    lines = rows("```c\n/* one\ntwo\n*/ int x;\n```")
    assert styled(lines, "code:Token.Comment.Multiline") == ["/* one", "two", "*/"]
    assert styled(lines, "code:Token.Keyword.Type") == ["int"]


def test_a_string_over_lines_stays_a_string() -> None:
    lines = rows('```python\nx = """a\nb = 1\n"""\ny = 2\n```')
    assert "b = 1" in styled(lines, "code:Token.Literal.String.Double")
    assert "2" in styled(lines, "code:Token.Literal.Number.Integer")


CODE = """def f(x, *a): # comment "q"
/* multi
line */ int main() { return 0x1F; } // end
"unterminated
'c' `tick` ${var} <tag a="v">text</tag> {% if %} <?php echo 1 ?>
  - key: value [1,2] @decor #define X 1
\u4e2d\u6587 \U0001f600\U0001f1e9\U0001f1ea e\u0301 -- lua ''; $x = 1; end"""
LANGUAGES = (
    "python c cpp rust go java js ts tsx html css json yaml toml xml bash console sql php ruby "
    "perl lua swift kotlin scala haskell elixir erlang clojure lisp r julia make docker diff ini "
    "nix zig jinja markdown rst tex vim awk powershell batch csharp fsharp ocaml text none-such"
)


@pytest.mark.parametrize("language", LANGUAGES.split())
def test_no_lexer_loses_a_character(language: str) -> None:
    highlighter = Highlighter(language)
    spans = [
        row for line in CODE.split("\n") for row in highlighter.feed(line)
    ] + highlighter.preview(None)
    assert ["".join(text for text, _ in row) for row in spans] == CODE.split("\n")


def test_a_lexer_that_fails_leaves_the_code_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise KeyError("state")

    highlighter = Highlighter("python")
    monkeypatch.setattr("ccchat_tui.tui.markdown.code._lex", broken)
    assert highlighter.feed("x = 1") == [[("x = 1", "fence")]]
    assert highlighter.feed("y = 2") == [[("y = 2", "fence")]]


def test_a_lexer_that_leaves_text_out_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    highlighter = Highlighter("python")
    monkeypatch.setattr("ccchat_tui.tui.markdown.code._lex", lambda *_: iter([(0, "T", "x\n")]))
    assert highlighter.feed("x = 1") == [[("x = 1", "fence")]]


@pytest.mark.parametrize(
    "text",
    [
        "# " + " " * 100_000 + "x",
        "a|b\n-" + " " * 100_000 + "x",
        "a|b\n" + "-|" * 50_000,
        "* " * 50_000 + "a",
        "> " * 50_000,
        "#" * 100_000,
        "`" * 100_000,
        "\t" * 100_000 + "x",
        "[" * 50_000,
    ],
    ids=lambda text: ascii(text[:6]),
)
def test_no_line_is_so_odd_that_it_takes_for_ever(text: str) -> None:
    """A pattern that goes back over what it has read takes hours for some of these."""
    lines = rows(text, 80)
    assert max(line.cells for line in lines) <= 80


def test_what_would_be_nested_too_deep_is_text() -> None:
    assert plain_text(rows("> " * 100 + "deep", 400)).endswith("> " * 60 + "deep")


def test_a_finished_document_takes_no_more() -> None:
    document = Document(10)
    document.finish()
    with pytest.raises(ValueError, match="finished"):
        document.feed("x")
