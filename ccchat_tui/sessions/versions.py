"""What makes versions and branches: asking for another reply, editing a question, going on with a
reply, deleting a turn; and choosing which of them is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccchat_tui.engine.request import Rejected
from ccchat_tui.sessions.checks import check_question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccchat_tui.sessions.attachments import Attachment
    from ccchat_tui.sessions.manager import SessionManager
    from ccchat_tui.sessions.model import Session, Turn
    from ccchat_tui.sessions.tree import Removed


class Versions:
    """Of the conversations of a manager.

    Args:
        sessions: Asks, and tells of what has changed.
    """

    def __init__(self, sessions: SessionManager) -> None:
        self._sessions = sessions
        self._removed: dict[str, list[Removed[Turn]]] = {}

    def regenerate(self, session: Session, turn: Turn) -> Turn:
        """Ask the question of a turn anew, with the session's present model. The reply there is
        stays, also one that is still on its way.

        Returns:
            The new version, which is shown from now on.

        Raises:
            Rejected: It was not taken; then nothing has changed.
        """
        fresh = self._sessions.new_turn(
            session,
            turn.question,
            after=turn.after,
            place=turn.place,
            attachments=turn.attachments,
        )
        fresh.drafted = False
        self._sessions.ask_new(session, fresh)
        self._sessions.turn_changed(session, fresh)
        return fresh

    def resend(
        self,
        session: Session,
        turn: Turn,
        text: str,
        attachments: Sequence[Attachment] = (),
        *,
        drafted: bool = True,
    ) -> Turn:
        """Ask another question in the place of that of a turn, in a branch of its own.

        Args:
            session: Whose it is.
            turn: Where the branch begins; it stays, with all that follows it.
            text: The question.
            attachments: The files that go with it.
            drafted: Whether nothing else is to stay of the kept draft.

        Returns:
            The new turn, which is shown from now on.

        Raises:
            Rejected: It was not taken; then nothing has changed.
        """
        fresh = self._sessions.new_turn(session, text, after=turn.after, attachments=attachments)
        fresh.drafted = drafted
        self._sessions.ask_new(session, fresh)
        self._sessions.turn_changed(session, fresh)
        return fresh

    def go_on(self, session: Session, turn: Turn) -> None:
        """Have the model of a turn go on with a reply that was cut off. What comes is put behind
        what there is.

        Raises:
            Rejected: There is nothing to go on with, or it was not taken; then nothing has
                changed.
        """
        if turn.state.alive:
            raise Rejected("invalid", "This reply is still on its way.")
        if not turn.can_go_on:
            raise Rejected(
                "invalid",
                "Only a reply that was cut off with some text can be continued; "
                "regenerate asks for another one.",
            )
        check_question(session, turn.question)
        self._sessions.ask_again(session, turn, turn.go_on())

    def delete(self, session: Session, turn: Turn) -> None:
        """Delete a turn, as one that runs is cancelled. Where it has other versions, one of them
        is shown; else what followed it moves up. `undelete` takes it back."""
        if turn not in session.every:
            return
        self._sessions.cancel_turn(turn)
        self._removed.setdefault(session.id, []).append(session.remove(turn))
        self._sessions.keeper.deleted(session, turn)
        self._sessions.changed(session)

    def undelete(self, session: Session) -> Turn | None:
        """Take the last `delete` back that was not taken back yet; `None` if there is none."""
        removed = self._removed.get(session.id)
        if not removed:
            return None
        last = removed.pop()
        last.turn.drafted = False
        session.put_back(last)
        self._sessions.turn_changed(session, last.turn)
        return last.turn

    def walk(self, session: Session, turn: Turn, step: int) -> Turn | None:
        """Show another version or branch in the place of a turn that is shown.

        Args:
            session: Whose it is.
            turn: Which.
            step: How many further on, in a row and not in a circle.

        Returns:
            What is shown there now; `None` if there is nothing in that direction.
        """
        there = session.alternatives(turn)
        at = there.index(turn) + step
        if not 0 <= at < len(there):
            return None
        self.show(session, there[at])
        return there[at]

    def show(self, session: Session, turn: Turn) -> None:
        """Show a turn, with the branch that it stands in."""
        if turn not in session.turns:
            session.show(turn)
            self._sessions.changed(session)

    def forget(self, session: Session) -> None:
        """A session is closed: what was deleted in it cannot come back."""
        self._removed.pop(session.id, None)
