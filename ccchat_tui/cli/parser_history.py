"""What the command line says and takes for what was said before: `ccchat list`, `search`, `export`
and `import`."""

from __future__ import annotations

from collections.abc import Callable

from ccchat_tui.cli.parser_base import Parser, whole


def _list_options(parser: Parser) -> None:
    parser.add_argument("--limit", metavar="N", type=whole(1, 1_000_000), help="how many (20)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _search_options(parser: Parser) -> None:
    parser.add_argument("words", metavar="WORD", nargs="+", help="what to look for")
    _list_options(parser)


def _export_options(parser: Parser) -> None:
    parser.add_argument(
        "ids", metavar="ID", nargs="*", help="the beginning of an id, as `ccchat list` shows it"
    )
    parser.add_argument("--format", dest="form", choices=("md", "json", "html"), help="(md)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write there; its ending may say how"
    )


def _import_options(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="what was exported; - for input")


HISTORY: dict[str, tuple[str, str, Callable[[Parser], None]]] = {
    "list": (
        "list the conversations that were kept",
        "List the conversations that were kept: pinned ones first, then the newest.",
        _list_options,
    ),
    "search": (
        "search in all conversations",
        """\
Search in all that was ever said. All the words must stand in a title, or together in one turn; the
last may be the beginning of one. Exits with 1 if nothing is found.
""",
        _search_options,
    ),
    "export": (
        "write conversations as Markdown, JSON or a web page",
        """\
Write conversations as Markdown, as JSON that `ccchat import` reads, or as a web page that needs
nothing else. Without an id: all of them.
""",
        _export_options,
    ),
    "import": (
        "read conversations that were exported as JSON",
        """\
Read conversations that were exported as JSON. Those that are there already are left alone.
""",
        _import_options,
    ),
}
"""The commands about conversations: what the help says of each in few words and in more, and what
adds its options."""
