"""Markdown of every kind, for the tests of what draws it."""

from __future__ import annotations

from typing import Final

FAMILY: Final = "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"

CORPUS: Final[dict[str, str]] = {
    "headings": (
        "# One\n"
        "\n"
        "text\n"
        "## Two ##\n"
        "### Three\n"
        "\n"
        "Setext one\n"
        "===\n"
        "Setext *two*\n"
        "more\n"
        "---\n"
        "####### no\n"
        "#also no\n"
        "#\n"
    ),
    "emphasis": (
        "Some *em*, **strong**, ***both***, ~~gone~~, `code`, _em_ and __strong"
        "__ snake_case_word 2*3*4.\n"
        "An unclosed **strong and `code\n"
        "with a second line* and a hard break  \n"
        "third\\\n"
        "fourth\n"
    ),
    "lists": (
        "- one\n"
        "- two\n"
        "  continued\n"
        "  - nested\n"
        "    1. deep\n"
        "    2. deeper\n"
        "\n"
        "       paragraph\n"
        "- three\n"
        "\n"
        "\n"
        "- loose\n"
        "\n"
        "+ other\n"
        "* third\n"
    ),
    "ordered": (
        "1. one\n"
        "2. two\n"
        "3) other\n"
        "10. ten\n"
        "\n"
        "Text 2. not a list\n"
        "1. list\n"
        "   ```py\n"
        "   x = 1\n"
        "   ```\n"
        "2. after\n"
    ),
    "tasks": ("- [ ] open\n- [x] done\n- [X] Done\n1. [ ] numbered\n- [y] no task\n"),
    "quotes": (
        "> one\n"
        "> two\n"
        "lazy\n"
        ">\n"
        "> - item\n"
        ">   more\n"
        ">> deep\n"
        "> # head\n"
        "\n"
        "> ```\n"
        "> code\n"
        "> ```\n"
        "after\n"
    ),
    "tables": (
        "| a | b | c |\n"
        "|:--|:-:|--:|\n"
        "| 1 | **two** | `x\\|y` |\n"
        "| \u4e2d\u6587 | \U0001f44d\U0001f3fd | long long long long text here |\n"
        "| too | many | cells | here | more |\n"
        "| few |\n"
        "after the table\n"
        "\n"
        "text\n"
    ),
    "no table": ("| a | b |\n|---|\n| c | d |\n\na | b\n- | -\nc | d\n"),
    "links": (
        'See [the notes](https://example.org/a_b_c "Title") and <https://exampl'
        "e.org>, ![picture](x.png), [ref][1] and https://bare.example/x_y_z.\n"
        "\n"
        "[1]: https://example.org/ref\n"
    ),
    "fence": (
        "```python\n"
        "def f(x):\n"
        '    """Doc\n'
        '    string"""\n'
        "\treturn x  # \u4e2d\u6587 \U0001f600\n"
        "```\n"
        "\n"
        "```\n"
        "plain <b>*x*\n"
        "```\n"
        "~~~ js title=x\n"
        "/* long\n"
        "comment */ let a = `\n"
        "${b}`;\n"
        "~~~\n"
        "```unknown-language\n"
        "x\n"
        "```\n"
    ),
    "nested fences": ("````md\n```py\nprint()\n```\n````\ntext\n```\nopen\n"),
    "indented": ("text\n\n    code\n\n\n    more\n\tcode\nafter\n"),
    "html": (
        '<div class="x">\n'
        "*not em*\n"
        "</div>\n"
        "\n"
        "text <b>bold</b><br>next &amp; &#x202e; &copy;\n"
        "\n"
        "<!-- a\n"
        "\n"
        "comment -->\n"
        "<pre>\n"
        "\n"
        "x\n"
        "</pre>\n"
    ),
    "rules": ("a\n\n---\n***\n_ _ _\n- - -\n--\n"),
    "odd": (
        "\n\n \n>\n-\n\n1.\n\n```\n```\n|\n||\n\\\n*\n[\n](\n<\n&\n\n\t\n- \n  x\n\n>- a\n>\n> b\n"
    ),
    "wide": (
        "\u4e2d\u6587\u5b57\u7b26\u5f88\u591a\uff0c\u9700\u8981\u6362\u884c\u3002" * 4
        + f"\n\n{FAMILY} {FAMILY}{FAMILY} \u2764\ufe0f\u200d\U0001f525 "
        + "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7 e\u0301e\u0301 \ud55c\uad6d\uc5b4 "
        + "\u0939\u093f\u0928\u094d\u0926\u0940 1\ufe0f\u20e3\n"
        + f"\n- {FAMILY * 12}\n\n**{FAMILY}**\u0301*x*\ufe0f `\u2764`\ufe0f\n"
    ),
    "long words": (
        "x" * 130
        + " short https://example.org/"
        + "a" * 100
        + "\n\n- "
        + "y" * 90
        + "\u4e2d" * 30
        + "\n"
    ),
    "long lines": (
        "```c\n/* comment\n"
        + "0123456789" * 230
        + "\n*/ int x;\n```\n<div>\n"
        + "\u4e2d" * 400
        + "\n\tx\n</div>\n"
    ),
    "deep": (
        "".join("  " * n + f"- level {n}\n" for n in range(12))
        + "> " * 15
        + "deep quote\n123456789. big number\n"
    ),
    "wide table": (
        "| "
        + " | ".join(f"column{n}" for n in range(9))
        + " |\n"
        + "|---" * 9
        + "|\n"
        + ("| " + " | ".join(f"v{n}" for n in range(9)) + " |\n") * 3
    ),
}
