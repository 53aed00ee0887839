"""Conversations as JSON that outlives this program: what `ccchat export` writes and reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.sessions import tree
from ccchat_tui.sessions.attachments import (
    Attachment,
    AttachmentError,
    attachment_from,
    bytes_from,
)
from ccchat_tui.sessions.ids import random_id
from ccchat_tui.sessions.model import Session, Turn, TurnState

if TYPE_CHECKING:
    from collections.abc import Iterable

FORMAT: Literal["ccchat conversations"] = "ccchat conversations"
VERSION = 1

Text = Annotated[str, Field(max_length=100_000_000)]
Name = Annotated[str, Field(max_length=10_000)]


class ArchiveError(Exception):
    """A file is no archive that can be read.

    Args:
        message: In words: what is wrong, and where in the file.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", ser_json_inf_nan="constants")


class ArchivedFile(_Model):
    """A file that went with a question: its text, or the Base64 of its bytes."""

    name: Name
    text: Text | None = None
    base64: Text | None = None

    _attachment: Attachment | None = PrivateAttr(None)

    @classmethod
    def of(cls, attachment: Attachment) -> ArchivedFile:
        """A file that is attached to something."""
        content, picture = attachment.content, attachment.is_picture
        file = cls.model_construct(
            name=attachment.name,
            text=None if picture else content,
            base64=content if picture else None,
        )
        file._attachment = attachment
        return file

    @model_validator(mode="after")
    def _look_into(self) -> ArchivedFile:
        """One that could not be attached is refused, in the words for that."""
        try:
            if self.text is not None:
                data = whole(self.text).encode()
            else:
                data = bytes_from(self.base64 or "")
            self._attachment = attachment_from(self.name, data)
        except AttachmentError as error:
            raise ValueError(error.message) from None
        return self

    @property
    def attachment(self) -> Attachment:
        """The file."""
        assert self._attachment is not None
        return self._attachment


class ArchivedTurn(_Model):
    """A question and its reply. For `place`, `after` and `picked` see tree.py."""

    id: Name = ""
    question: Text
    reply: Text = ""
    thinking: Text = ""
    model: Name = ""
    asked_at: AwareDatetime
    state: Literal["completed", "cancelled", "failed", "timed_out", "interrupted"] = "completed"
    note: Name = ""
    attachments: list[ArchivedFile] = Field(default_factory=list)
    tokens: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None
    done_reason: Name | None = None
    place: Name = ""
    after: Name = ""
    picked: int = 0


class ArchivedSession(_Model):
    """One conversation."""

    id: Name = ""
    user: Name = "you"
    title: Name
    model: Name = ""
    created_at: AwareDatetime
    system: Text = ""
    options: dict[str, Any] = Field(default_factory=dict)
    think: bool | Literal["low", "medium", "high", "max"] | None = None
    keep_alive: str | float | None = None
    ordered: bool = False
    pinned: bool = False
    tags: list[Name] = Field(default_factory=list)
    turns: list[ArchivedTurn] = Field(default_factory=list)
    """What is shown, in order."""
    others: list[ArchivedTurn] = Field(default_factory=list)
    """Versions and branches that are not shown. Who does not know of them has a whole conversation
    without."""


class Archive(_Model):
    """A file of conversations."""

    format: Literal["ccchat conversations"]
    version: int
    conversations: list[ArchivedSession]


def archived(
    session: Session, *, pinned: bool = False, tags: Sequence[str] = ()
) -> ArchivedSession:
    """A conversation as it goes into an archive. A reply on its way is told as interrupted."""
    shown = set(session.turns)
    return ArchivedSession(
        id=session.id,
        user=whole(session.user),
        title=whole(session.title),
        model=whole(session.own_model),
        created_at=session.created_at,
        system=whole(session.system),
        options=session.options,
        think=session.think,
        keep_alive=session.keep_alive,
        ordered=session.ordered,
        pinned=pinned,
        tags=[whole(tag) for tag in tags],
        turns=[_archived_turn(turn) for turn in session.turns],
        others=[_archived_turn(turn) for turn in session.every if turn not in shown],
    )


def _archived_turn(turn: Turn) -> ArchivedTurn:
    state = TurnState.INTERRUPTED if turn.state.alive else turn.state
    return ArchivedTurn.model_validate(
        {
            "id": turn.id,
            "question": whole(turn.question),
            "reply": whole(turn.reply),
            "thinking": whole("".join(turn.thinking)),
            "model": whole(turn.model),
            "asked_at": turn.asked_at,
            "state": state.value,
            "note": whole(turn.note),
            "attachments": [ArchivedFile.of(each) for each in turn.attachments],
            "tokens": turn.stats.tokens if turn.stats else None,
            "seconds": turn.duration,
            "done_reason": whole(turn.stats.done_reason or "") or None if turn.stats else None,
            "place": turn.place,
            "after": turn.after,
            "picked": turn.picked,
        }
    )


def whole(text: str) -> str:
    """A text that every reader of UTF-8 takes: half a surrogate pair becomes a replacement."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def to_json(sessions: Iterable[ArchivedSession]) -> str:
    """The archive of some conversations."""
    archive = Archive(format=FORMAT, version=VERSION, conversations=list(sessions))
    return json.dumps(archive.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"


def from_json(text: str | bytes) -> list[ArchivedSession]:
    """The conversations in an archive.

    Raises:
        ArchiveError: It is none, or a newer one.
    """
    try:
        archive = Archive.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        at = f"{where}: " if where else ""
        raise ArchiveError(f"it is no archive of ccchat: {at}{first['msg']}{more}") from None
    if archive.version > VERSION:
        raise ArchiveError(
            f"it was written by a newer ccchat (version {archive.version} of the form; this one "
            f"knows {VERSION})"
        )
    return archive.conversations


def session_from(item: ArchivedSession) -> Session:
    """The conversation that was archived. One without an identifier gets that of its content, so
    that it is the same one when it is read again."""
    content = item.model_dump_json().encode()
    shown = [_turn_from(turn) for turn in item.turns]
    place = ""
    for turn in shown:
        turn.after, place = place, turn.place
    every = sorted(
        (*shown, *map(_turn_from, item.others)), key=lambda turn: (turn.asked_at, turn.picked)
    )
    tree.mend(every)
    highest = tree.top(every) + 1
    for turn in shown:
        turn.picked = highest
    return Session(
        id=item.id or hashlib.sha256(content).hexdigest()[:16],
        user=item.user,
        title=item.title,
        model=item.model,
        created_at=_utc(item.created_at),
        system=item.system,
        options=item.options,
        think=item.think,
        keep_alive=item.keep_alive,
        ordered=item.ordered,
        every=every,
    )


def _turn_from(turn: ArchivedTurn) -> Turn:
    known = turn.tokens is not None or turn.done_reason is not None
    return Turn(
        id=turn.id or random_id(),
        question=turn.question,
        model=turn.model,
        asked_at=_utc(turn.asked_at),
        state=TurnState(turn.state),
        parts=[turn.reply] if turn.reply else [],
        thinking=[turn.thinking] if turn.thinking else [],
        note=turn.note,
        stats=ReplyStats(tokens=turn.tokens, done_reason=turn.done_reason) if known else None,
        duration=turn.seconds,
        attachments=tuple(each.attachment for each in turn.attachments),
        place=turn.place,
        after=turn.after,
        picked=turn.picked,
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
