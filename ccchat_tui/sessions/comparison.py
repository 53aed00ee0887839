"""The same questions to several models: which they are, and the conversations that belong together.

Each model answers in a conversation of its own, which is kept and found like any other. What makes
them a comparison lives as long as the program: they are asked together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.sessions.attachments import Attachment
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.sessions.model import Session, Turn
from ccchat_tui.sessions.titles import UNTITLED, title_from
from ccchat_tui.sessions.together import Sent, send_to
from ccchat_tui.text import one_line

MOST_MODELS: Final = 8
"""More than these are not compared at once."""
_NAMED: Final = 6
"""So many models are named in a sentence."""


class ModelsError(Exception):
    """These models cannot be compared.

    Args:
        message: What is wrong and what would be right, in words.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def read_models(argument: str, known: Sequence[str]) -> tuple[list[str], str]:
    """Read `modelA modelB -- question`.

    A model may be named by its beginning, where only one has that: `llama3` for `llama3.2:3b`.

    Args:
        argument: What was typed.
        known: The models there are; with none known, names are taken as they stand.

    Returns:
        The models by their whole names, and the question; empty for none.

    Raises:
        ModelsError: One that there is not, or too few or too many.
    """
    names, _, question = _parted(argument)
    models = [_model(name, known) for name in names]
    if len(models) < 2:
        raise ModelsError(
            "Comparing takes two models or more, as in /compare modelA modelB -- question. "
            f"{there_are(known)}".rstrip()
        )
    if len(models) > MOST_MODELS:
        raise ModelsError(f"{len(models)} models are too many: up to {MOST_MODELS} are compared.")
    return models, question


def begun(argument: str) -> tuple[list[str], str] | None:
    """What of an argument names models already, and the word that may become the next one.

    Returns:
        `None` behind the `--`, where the question is written.
    """
    names, dashes, _ = _parted(argument)
    if dashes:
        return None
    if not names or argument[-1:].isspace():
        return names, ""
    return names[:-1], names[-1]


def there_are(known: Sequence[str]) -> str:
    """Which models there are, as a sentence; empty where none is known."""
    if not known:
        return ""
    few = ", ".join(one_line(name, 40) for name in known[:_NAMED])
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return f"There {'is' if len(known) == 1 else 'are'} {few}{more}."


def title_of(model: str, question: str) -> str:
    """What a conversation of a comparison is called."""
    return f"{one_line(model, 60)} compared · {title_from(question)}"


def _parted(argument: str) -> tuple[list[str], bool, str]:
    """The words before the first `--`, whether there is one, and what is behind it."""
    words = argument.split(maxsplit=MOST_MODELS + 40)
    if "--" not in words:
        return argument.split(), False, ""
    place = words.index("--")
    # By words and not by characters: a name may hold two dashes, and a question anything.
    question = argument.split(maxsplit=place + 1)[place + 1 :]
    return words[:place], True, question[0].strip() if question else ""


def _model(name: str, known: Sequence[str]) -> str:
    if not known:
        return name
    for each in known:
        if full_name(each) == full_name(name):
            return each
    found = [each for each in known if each.lower().startswith(name.lower())]
    if len(found) == 1:
        return found[0]
    shown = one_line(name, 40)
    if found:
        raise ModelsError(f"“{shown}” may be {', '.join(one_line(each, 40) for each in found)}.")
    raise ModelsError(
        f"There is no model “{shown}”. {there_are(known)} A question stands behind two dashes, "
        "as in /compare modelA modelB -- question."
    )


@dataclass(slots=True, eq=False)
class Comparison:
    """Conversations that are asked together."""

    origin: str = ""
    """The id of the conversation from which it was asked for."""
    sessions: list[Session] = field(default_factory=list)
    """One a model, in the order in which they were named."""
    first_tokens: dict[str, float] = field(default_factory=dict)
    """Seconds from the slot to the first token, by request."""
    _owed: tuple[str, list[Session]] | None = None
    """A message that some have refused, and who."""
    _titles: dict[str, str] = field(default_factory=dict)
    """The titles that were given here, by session."""

    def add(self, manager: SessionManager, like: Session, model: str) -> Session:
        """Open a conversation with one more model.

        It has its title only once something is asked: a comparison that is left before that has
        been nothing, and nothing is kept of it.

        Args:
            manager: Who keeps the conversations.
            like: Whose user, system prompt and options it gets.
            model: The model that is asked.
        """
        session = manager.create(like.user, model=model, like=like)
        self.sessions.append(session)
        return session

    def ask(
        self, manager: SessionManager, text: str, attachments: Sequence[Attachment] = ()
    ) -> Sent:
        """Ask all of them.

        Where some have refused a message, the same message again goes only to those: the others
        have it.

        Args:
            manager: Who keeps the conversations.
            text: The message.
            attachments: The files that go with it.
        """
        wanted = self.sessions
        if self._owed is not None and self._owed[0] == text:
            wanted = self._owed[1]
        fresh = [session for session in wanted if session.title == UNTITLED]
        sent = send_to(manager, wanted, text, attachments)
        refused = [session for session, _ in sent.refused]
        self._owed = (text, refused) if refused else None
        for session in fresh:
            if session.turns:
                title = self._titles[session.id] = title_of(session.model, text)
                manager.rename(session, title)
        return sent

    def let_go(self, manager: SessionManager, session: Session) -> None:
        """Give a conversation the title that it would have had by itself, if it has one of ours."""
        if session.title == self._titles.pop(session.id, None):
            manager.rename(session, "")

    def first_token_of(self, turn: Turn) -> float | None:
        """Seconds from the slot to the first token of a turn; `None` where that is not known."""
        handle = turn.handle
        if handle is not None and handle.started_at is not None and handle.first_token_at:
            return handle.first_token_at - handle.started_at
        return self.first_tokens.get(turn.request_id or "")
