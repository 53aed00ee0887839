"""One message to several conversations at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field

from ccchat_tui.engine.request import Rejected
from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.attachments import Attachment
from ccchat_tui.sessions.keeper import Keeper
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.sessions.model import Session, Turn


@dataclass(slots=True)
class Sent:
    """What became of a message to several."""

    turns: list[Turn] = field(default_factory=list)
    """Of those that took it, in the order in which they were asked."""
    refused: list[tuple[Session, Rejected]] = field(default_factory=list)
    """Those that did not, each with the reason."""


def send_to(
    manager: SessionManager,
    sessions: Iterable[Session],
    text: str,
    attachments: Sequence[Attachment] = (),
) -> Sent:
    """Ask the same in several conversations, one after the other.

    One that is refused keeps no other from being asked. A conversation that was closed meanwhile
    is passed over.

    Args:
        manager: Who keeps the conversations.
        sessions: In the order in which they are to be asked.
        text: The message.
        attachments: The files that go with it.
    """
    sent = Sent()
    for session in sessions:
        if session not in manager.sessions:
            continue
        try:
            sent.turns.append(manager.send(session, text, attachments))
        except Rejected as refusal:
            sent.refused.append((session, refusal))
    return sent


def when_all_kept(keeper: Keeper, turns: Sequence[Turn], then: Callable[[], None]) -> None:
    """Call `then` once, when every one of these turns is on the disk or cannot be for now.

    Args:
        keeper: Who keeps them.
        turns: Just asked.
        then: What waits for that; called at once where there are no turns.
    """
    left = len(turns)
    if not left:
        then()

    def one_more() -> None:
        nonlocal left
        left -= 1
        if not left:
            then()

    for turn in turns:
        keeper.when_kept(turn, one_more)
