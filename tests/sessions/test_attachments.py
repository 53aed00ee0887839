"""Files that go with questions: what is one, what is told of one that is not, where they go."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.sessions import attachments as module
from ccchat_tui.sessions.archive import ArchiveError, archived, from_json, session_from, to_json
from ccchat_tui.sessions.attached_rows import save_attached
from ccchat_tui.sessions.attachments import (
    SLICE,
    Attachment,
    AttachmentError,
    attachment_from,
    check_room,
    fenced,
    read_attachment,
)
from ccchat_tui.sessions.context import prompt_for
from ccchat_tui.sessions.database import open_database, transaction
from ccchat_tui.sessions.export import export
from ccchat_tui.sessions.loading import load_session
from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.rows import TurnRow, save_turn
from tests.sessions.pictures import GIF, JPEG, WEBP, png
from tests.sessions.stored import conversation, facts, write

PICTURE = attachment_from("red.png", png())
NOTES = attachment_from("notes.md", b"# Fish\n```\ncod\n```\n")


def asked(*files: Attachment) -> Session:
    """A conversation about some files."""
    session = conversation(turns=(("What is this?", "A fish."),))
    session.turns[0].attachments = files
    return session


def blobs(database: sqlite3.Connection) -> list[bytes]:
    return [row[0] for row in database.execute("SELECT data FROM blobs ORDER BY number")]


# What is one -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind"),
    [(png(), "png"), (JPEG, "jpeg"), (GIF, "gif"), (WEBP, "webp"), (b"RIFF....AVI", "text")],
)
def test_a_kind_goes_by_content(tmp_path: Path, data: bytes, kind: str) -> None:
    path = tmp_path / "misleading.pdf"
    path.write_bytes(data)
    read = read_attachment(path)
    assert (read.name, read.kind, read.size) == ("misleading.pdf", kind, len(data))
    assert read.is_picture is (kind != "text")
    assert b"".join(read.pieces()) == data


@pytest.mark.parametrize("size", [0, 1, SLICE - 1, SLICE, SLICE + 1, 3 * SLICE + 2])
def test_slices_make_no_difference(size: int) -> None:
    data = png(size)
    assert attachment_from("x", data).content == base64.b64encode(data).decode()
    text = ("\u00e9" + "\u9c7c" * (size // 3)).encode()
    read = attachment_from("x", text)
    assert read.content == text.decode()
    assert b"".join(read.pieces()) == text


def test_a_mark_of_the_encoding_is_no_part_of_a_text() -> None:
    read = attachment_from("x", b"\xef\xbb\xbfcod")
    assert (read.content, read.size) == ("cod", 3)
    assert read.digest == attachment_from("x", b"cod").digest


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "a.bin is empty"),
        (b"\xef\xbb\xbf", "a.bin is empty"),
        (b"a\0b", "a.bin is binary"),
        (b"caf\xe9", "byte 0xe9 stands in it. Save it as UTF-8"),
        (b"x" * SLICE + b"\xe9\x20", "byte 0xe9 stands in it"),
        (b"cut \xe9\xb1", "byte 0xe9 stands in it"),
        ("text".encode("utf-16"), "UTF-16; save it as UTF-8"),
        (b"%PDF-1.7 \0", "a PDF document"),
        (b"PK\x03\x04\0\0", "ZIP archive"),
    ],
)
def test_what_is_neither_is_told_with_its_name_and_what_helps(
    tmp_path: Path, data: bytes, words: str
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    with pytest.raises(AttachmentError) as caught:
        read_attachment(path)
    assert words in caught.value.message


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(AttachmentError, match=r"There is no file .*gone\.txt"):
        read_attachment(tmp_path / "gone.txt")
    with pytest.raises(AttachmentError, match="is a folder"):
        read_attachment(tmp_path)
    with pytest.raises(AttachmentError, match="cannot be read"):
        read_attachment(tmp_path / "a\0b")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(AttachmentError, match="pipe is no file"):
            read_attachment(tmp_path / "pipe")  # and does not wait for anybody


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"x" * 1001, "1.0 kB, and a text may have 1.0 kB"), (png(3000), "a picture may have 2.0 kB")],
)
def test_what_is_too_large_is_told_with_how_large_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, words: str
) -> None:
    monkeypatch.setattr(module, "LARGEST_TEXT", 1000)
    monkeypatch.setattr(module, "LARGEST_PICTURE", 2000)
    path = tmp_path / "big"
    path.write_bytes(data)
    with pytest.raises(AttachmentError, match="big is too large") as caught:
        read_attachment(path)
    assert words in caught.value.message


def test_a_name_is_fit_for_the_screen(tmp_path: Path) -> None:
    assert attachment_from("a\x1b[2J\n\u202eb`.txt", b"x").name == "a\u241b[2J \ufffdb`.txt"


def test_a_message_has_room_for_so_many() -> None:
    with pytest.raises(AttachmentError, match="attached already"):
        check_room([NOTES], NOTES)
    many = [attachment_from(f"{number}.txt", b"x") for number in range(module.MOST)]
    check_room(many[1:], many[0])
    with pytest.raises(AttachmentError, match="one too many"):
        check_room(many, NOTES)
    big = Attachment("big.png", "png", module.MOST_BYTES, "d", "")
    with pytest.raises(AttachmentError, match=r"too much beside the others: .* 40\.0 MB"):
        check_room([big], NOTES)


@given(st.text(alphabet="`~a\n", max_size=40))
def test_a_block_is_not_left_by_what_stands_in_it(text: str) -> None:
    file = attachment_from("a.py", (text or "x").encode())
    name, opening, *rest, closing = fenced(file).split("\n")
    assert (name, opening) == ("a.py:", f"{closing}py")
    assert set(closing) == {"`"}
    assert len(closing) >= 3
    assert not any(line.startswith(closing) for line in rest)
    assert "\n".join(rest).rstrip("\n") == file.content.rstrip("\n")


# In requests -------------------------------------------------------------------------------


def test_every_later_request_has_them_again() -> None:
    session = asked(PICTURE, NOTES)
    later = conversation(2, turns=(("And now?", ""),)).turns[0]
    later.after = session.end
    session.add(later)
    first, _reply, last = prompt_for(session, later).messages
    assert first.images == (base64.b64encode(png()).decode(),)
    assert first.content == ("notes.md:\n````md\n# Fish\n```\ncod\n```\n````\n\nWhat is this?")
    assert (last.content, last.images) == ("And now?", ())


def test_a_model_without_eyes_is_told_the_names_of_pictures() -> None:
    session = asked(PICTURE)
    [message] = prompt_for(session, session.turns[0], sees=False).messages
    assert message.images == ()
    assert message.content == "(red.png: a picture that you cannot see)\n\nWhat is this?"


def test_another_attempt_has_them_too() -> None:
    turn = asked(PICTURE).turns[0]
    turn.start_over("other")
    assert turn.attachments == (PICTURE,)


# In the store ------------------------------------------------------------------------------


def test_they_are_kept_once_and_come_back(tmp_path: Path) -> None:
    session = asked(PICTURE, NOTES, attachment_from("again.png", png()))
    session.attached = (PICTURE, attachment_from("large.png", png(2 * SLICE)))
    with closing(open_database(tmp_path / "c.db")) as database:
        with transaction(database):
            write(database, session)
            write(database, session)
        assert len(blobs(database)) == 3
        assert blobs(database)[0] == png()
    with closing(open_database(tmp_path / "c.db")) as database:
        loaded = load_session(database, "s1")
        assert loaded is not None
        assert facts(loaded) == facts(session)


def test_bytes_go_with_the_last_that_names_them(tmp_path: Path) -> None:
    session = asked(PICTURE)
    session.attached = (PICTURE, NOTES)
    with closing(open_database(tmp_path / "c.db")) as database, transaction(database):
        write(database, session)
        save_attached(database, "s1", (PICTURE,))
        assert blobs(database) == [png()]
        save_attached(database, "s1", (NOTES, PICTURE))
        save_attached(database, "s1", ())
        assert blobs(database) == [png()], "the turn has it still"
        database.execute("DELETE FROM sessions")
        assert blobs(database) == []
        assert database.execute("SELECT * FROM attachments").fetchall() == []


def test_a_turn_that_is_written_again_keeps_them(tmp_path: Path) -> None:
    session = asked(PICTURE)
    with closing(open_database(tmp_path / "c.db")) as database, transaction(database):
        write(database, session)
        session.turns[0].parts = ["A cod."]
        save_turn(database, "s1", TurnRow.of(session.turns[0]), session.created_at)
        loaded = load_session(database, "s1")
        assert loaded is not None
        assert loaded.turns[0].attachments == (PICTURE,)


# In documents ------------------------------------------------------------------------------


def test_json_and_back() -> None:
    session = asked(PICTURE, NOTES)
    [item] = from_json(to_json([archived(session)]))
    assert facts(session_from(item)) == facts(session)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ({"name": "a.png", "base64": "*"}, "attachments.0: "),
        ({"name": "a.png", "base64": ""}, "a.png is empty"),
        ({"name": "a.bin", "text": "a\0"}, "a.bin is binary"),
    ],
)
def test_an_archive_with_a_file_that_is_none_is_refused(file: object, words: str) -> None:
    told = json.loads(to_json([archived(asked())]))
    told["conversations"][0]["turns"][0]["attachments"] = [file]
    with pytest.raises(ArchiveError) as caught:
        from_json(json.dumps(told))
    assert words in caught.value.message


def test_markdown_has_texts_whole_and_names_pictures() -> None:
    text = export([archived(asked(PICTURE, NOTES))], "md")
    assert f"> *Attached: red.png, PNG, {len(png())} B*\n" in text
    assert "> ````md\n> # Fish\n> ```\n> cod\n> ```\n> ````\n" in text


def test_a_page_shows_pictures_and_no_name_is_more_than_text() -> None:
    evil = attachment_from('"><script>x</script>.png', png())
    text = attachment_from("<b>.txt", b"<script>y</script>")
    page = export([archived(asked(evil, text))], "html")
    assert f'<img src="data:image/png;base64,{evil.content}"' in page
    assert "<script" not in page
    assert "<b>" not in page
    assert "img-src data:" in page
