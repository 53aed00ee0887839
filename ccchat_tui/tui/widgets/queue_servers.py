"""How the model servers are: a line for each of several, and what the header says of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len

from ccchat_tui.backends.base import ServerState, ServerStatus
from ccchat_tui.text import one_line
from ccchat_tui.tui.glyphs import glyph, word
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow
from ccchat_tui.tui.widgets.queue_words import count

_LABEL, _VALUE, _QUIET = "$text-muted", "$foreground", "$text-muted"
_STYLES = {
    ServerState.CLOSED: "$state-completed",
    ServerState.OPEN: "bold $text-warning",
    ServerState.HALF_OPEN: "$state-connecting",
}
_SIGNS = {
    ServerState.CLOSED: "server_up",
    ServerState.OPEN: "server_out",
    ServerState.HALF_OPEN: "server_tried",
}
_WIDE, _MIDDLE = 74, 34
"""Cells from which the figures are named, and from which what failed has a column."""

_REASON = 10
"""Cells below which a reason is left out: it would be cut to nothing."""
_STATE = 22
"""Cells of the longest state: `left out, again in 12s`."""


def server_rows(servers: Sequence[ServerStatus], width: int, most: int) -> list[PieceRow]:
    """A row for each of several servers; none for a single one.

    Args:
        servers: In the order of the configuration.
        width: Cells there are.
        most: Rows there are. If they are too few, those that are not up are shown first, and the
            last row counts the others.
    """
    if len(servers) < 2 or most < 1:
        return []
    if len(servers) <= most:
        return [_row(server, servers, width) for server in servers]
    by_trouble = sorted(range(len(servers)), key=lambda at: servers[at].state is ServerState.CLOSED)
    shown = sorted(by_trouble[: most - 1])
    rest = [server for at, server in enumerate(servers) if at not in shown]
    up = sum(server.state is ServerState.CLOSED for server in rest)
    flight = sum(server.in_flight for server in rest)
    if shown and up == len(rest):
        told = f"… and {up} more, all up"
    else:
        told = f"{'… and ' * bool(shown)}{up} of {len(rest)} {'more' if shown else 'servers'} up"
    room = width - 4
    if cell_len(told) + 13 <= room:
        told += f", {flight} in flight"
    sign, style = ("server_up", _LABEL) if up == len(rest) else ("server_out", "$text-warning")
    last: PieceRow = (Piece(f" {glyph(sign)} ", style), Piece(one_line(told, room), style))
    return [*(_row(servers[at], servers, width) for at in shown), last]


def _row(server: ServerStatus, servers: Sequence[ServerStatus], width: int) -> PieceRow:
    inner = width - 2
    style = _STYLES[server.state]
    up = server.state is ServerState.CLOSED
    flight = f"{server.in_flight}" if server.limit is None else f"{server.in_flight}/{server.limit}"
    done, failed = count(server.completed, 6), count(server.failed, 3)
    flight_style = "bold $state-streaming" if server.in_flight else _QUIET
    failed_style = "$state-failed" if server.failed else _QUIET
    if inner >= _WIDE:
        figures = [
            Piece(f"{flight + ' in flight':>15}", flight_style),
            Piece(f"{done + ' done':>12}", _VALUE if server.completed else _QUIET),
            Piece(f"{failed + ' failed':>10}", failed_style),
        ]
    elif not up:
        # What its state is and when that may change is more than figures that stand still.
        figures = []
    else:
        figures = [
            Piece(f"{flight:>7}", flight_style),
            Piece(f"{done:>6}{glyph('completed')}", _VALUE if server.completed else _QUIET),
        ]
        if inner >= _MIDDLE:
            figures.append(Piece(f"{failed:>5}{glyph('failed')}", failed_style))
    taken = sum(piece.width for piece in figures)
    if inner >= _WIDE:
        longest = max(cell_len(one_line(each.name, 28)) for each in servers)
        name_room = min(longest, inner - 4 - taken - _STATE)
        said = state_words(server)
        room = inner - 2 - name_room - 2 - taken
        if server.reason and room - len(said) >= _REASON:
            said += f": {server.reason}"
    else:
        room = _STATE if inner >= _MIDDLE else 14
        name_room = inner - 2 - 1 - (room if not up else 2 + taken)
        said = state_words(server, short=inner < _MIDDLE)
        room = room if not up else 2
    name = one_line(server.name, name_room)
    gap = 2 if inner >= _WIDE else 1
    return (
        Piece(f" {glyph(_SIGNS[server.state])} ", style),
        Piece(_fill(name, name_room + gap), _VALUE if up else style),
        Piece(_fill(one_line(said, room), room), _LABEL if up else style),
        *figures,
    )


def state_words(server: ServerStatus, *, short: bool = False) -> str:
    """The state of a server as people say it: `up`, `left out, again in 12s`, `trying`."""
    said = word(_SIGNS[server.state])
    if server.retry_at is None:
        return said
    seconds = math.ceil(server.retry_at)
    return f"out, again {seconds}s" if short else f"{said}, again in {seconds}s"


def trouble_words(servers: Sequence[ServerStatus]) -> tuple[str, str]:
    """What is wrong with the servers, for the header: in full and in short; nothing if all are
    up."""
    away = [server for server in servers if server.state is not ServerState.CLOSED]
    if not away:
        return "", ""
    waits = [server.retry_at for server in away if server.retry_at is not None]
    when = f"again in {math.ceil(min(waits))} s" if waits else "trying"
    up = len(servers) - len(away)
    if up:
        return f"{len(away)} of {len(servers)} servers left out", f"{up}/{len(servers)} up"
    who = "server" if len(servers) == 1 else "all servers"
    return f"{who} left out, {when}", "no server"


def _fill(text: str, cells: int) -> str:
    return text + " " * max(0, cells - cell_len(text))
