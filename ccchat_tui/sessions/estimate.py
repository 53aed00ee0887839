"""About how many tokens a request takes. What they really are, only a model's server knows."""

from __future__ import annotations

from ccchat_tui.sessions.model import Session, Turn, TurnState


def tokens_in(text: str) -> int:
    """About how many tokens a text is: four bytes each, which holds for English and code, and
    roughly for other languages."""
    return -(-(len(text) if text.isascii() else len(text.encode("utf-8", "replace"))) // 4)


class Estimator:
    """Knows of turns that have ended how many tokens they are."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, int], int] = {}

    def next_request(self, session: Session, text: str) -> int:
        """About how many tokens the next request of a session takes, with all that goes before.

        Args:
            session: With the files that are to go with it.
            text: The question.
        """
        before = sum(
            self._turn(turn) for turn in session.turns if turn.state is TurnState.COMPLETED
        )
        files = sum(each.tokens for each in session.attached)
        return tokens_in(session.system) + before + files + tokens_in(text)

    def _turn(self, turn: Turn) -> int:
        key = (turn.id, turn.revision)
        if key not in self._turns:
            files = sum(each.tokens for each in turn.attachments)
            self._turns[key] = tokens_in(turn.question) + tokens_in(turn.reply) + files
        return self._turns[key]
