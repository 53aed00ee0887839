"""The report: what stands in it, that nothing in it is more than text, and how it looks."""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ccchat_tui.cli.main import main
from ccchat_tui.engine.request import RequestState
from ccchat_tui.runs.course import Course, Phase
from ccchat_tui.scenarios.charts import BUCKETS, DRAWN, gantt, levels, tokens, waits
from tests.support.chromium import Browser, needs_chromium

pytestmark = pytest.mark.usefixtures("clean_environment")

HOSTILE = '<script>alert(1)</script>"\u202e|*x*'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "events.jsonl"
    words = ["simulate", "--scenario=server-trouble", "--fast", "--json", f"--events={file}"]
    assert main(words) == 0
    return file


@pytest.fixture
def html(log: Path, tmp_path: Path) -> Path:
    file = tmp_path / "r.html"
    assert main(["report", str(log), "-o", str(file)]) == 0
    return file


def course(sent: float, start: float, end: float, **more: object) -> Course:
    made = Course("1", "Ada", "s", sent, started_at=start, ended_at=end, tokens=10)
    made.first_token_at = start
    made.state = RequestState.COMPLETED
    made.phases = [(Phase.WAITING, sent), (Phase.STREAMING, start)]
    return made


class Tags(HTMLParser):
    """The tags of a page, each as often as it is there, and what they refer to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


class TestCharts:
    def test_a_peak_shorter_than_a_part_of_the_time_is_seen(self) -> None:
        many = [course(500, 500.001, 500.002) for _ in range(7)]
        flying, queued = levels([course(0, 0, 1000), *many], 0, 1000)
        assert max(flying) == 8
        assert max(queued) == 7
        assert flying[0] == flying[-1] == 1
        assert queued[-1] == 0

    def test_what_ends_when_the_next_begins_is_one_at_a_time(self) -> None:
        flying, _ = levels([course(n, n, n + 1) for n in range(10)], 0, 10)
        assert max(flying) == 1

    def test_all_tokens_are_spread_over_the_time_of_their_reply(self) -> None:
        found = tokens([course(0, 2, 4), course(0, 9.9999, 10)], 0, 10)
        assert sum(found) * 10 / BUCKETS == pytest.approx(20)
        assert found[BUCKETS // 10] == 0
        assert found[BUCKETS * 3 // 10] == pytest.approx(5)

    def test_the_longest_wait_is_the_one_shown(self) -> None:
        found = waits([course(0, 5, 9), course(4, 5, 9)], 0, 10)
        assert max(found) == found[BUCKETS // 2] == 5

    def test_requests_of_one_user_at_once_lie_below_each_other(self) -> None:
        rows = re.findall(r'class="streaming"[^>]* y="(\d+)"', gantt([course(0, 1, 5)] * 3, 0, 10))
        assert len(set(rows)) == 3
        one = [course(0, 1, 2), course(5, 6, 7)]
        assert len(set(re.findall(r'class="streaming"[^>]* y="(\d+)"', gantt(one, 0, 10)))) == 1

    def test_no_more_are_drawn_than_can_be_seen(self) -> None:
        assert gantt([course(n, n, n + 0.5) for n in range(DRAWN + 9)], 0, 3000).count("<g>") == (
            DRAWN
        )


class TestPage:
    def test_it_is_whole_and_needs_nothing(self, log: Path, tmp_path: Path) -> None:
        assert main(["report", str(log), "-o", str(tmp_path / "r.html")]) == 0
        text = (tmp_path / "r.html").read_text(encoding="utf-8")
        page = Tags(text)
        assert not page.open
        assert not page.tags["script"]
        assert not page.links
        assert "http://" not in text
        assert "https://" not in text
        assert page.tags["g"] == 72
        for words in ("Server trouble: 6 users", "Guest 6", "tokens a second", "Jain"):
            assert words in text

    def test_names_and_failures_are_text(self, log: Path, tmp_path: Path) -> None:
        text = log.read_text(encoding="utf-8")
        hostile = text.replace("Guest 2", HOSTILE.replace('"', '\\"'))
        log.write_text(hostile, encoding="utf-8")
        assert main(["report", str(log), "-o", str(tmp_path / "r.html")]) == 0
        page = (tmp_path / "r.html").read_text(encoding="utf-8")
        assert not Tags(page).tags["script"]
        assert "&lt;script&gt;" in page
        assert "\u202e" not in page

    def test_no_colour_gets_in_that_is_none(self, log: Path) -> None:
        text = log.read_text(encoding="utf-8")
        bad = text.replace('"colour":""', '"colour":"red;x:url(//x)"', 1)
        log.write_text(bad, encoding="utf-8")
        assert main(["report", str(log)]) == 2

    def test_markdown(self, log: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        capsys.readouterr()
        log.write_text(log.read_text("utf-8").replace("Guest 2", "a|b <i>"), encoding="utf-8")
        assert main(["report", str(log)]) == 0
        out = capsys.readouterr().out
        assert main(["report", str(log), "--output", str(tmp_path / "r.md")]) == 0
        assert (tmp_path / "r.md").read_text(encoding="utf-8") == out
        assert "| a\\|b \\<i\\> | 12 |" in out
        tables = re.findall(r"^\|.*\|$", out, re.MULTILINE)
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in tables} == {3, 11}

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["-o", "r.pdf"], "-o cannot be 'r.pdf': give a file that ends in .html or in .md"),
            (["-o", "none/r.md"], "-o cannot be 'none/r.md': it cannot be written: No such"),
        ],
    )
    def test_mistakes(
        self,
        log: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        words: list[str],
        said: str,
    ) -> None:
        monkeypatch.chdir(log.parent)
        assert main(["report", str(log), *words]) == 2
        assert said in capsys.readouterr().err

    def test_of_a_log_that_was_cut_off_and_of_an_empty_run(
        self, log: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
        for number in (1, 2, len(lines) // 2):
            log.write_text("".join(lines[:number]), encoding="utf-8")
            for name in ("r.html", "r.md"):
                assert main(["report", str(log), "-o", str(tmp_path / name)]) == 0
                assert "the log is not whole" in (tmp_path / name).read_text(encoding="utf-8")
            assert "has no end" in capsys.readouterr().err


@needs_chromium
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("scheme", "ground", "accent"),
    [
        ("light", (255, 255, 255), (0x1F, 0x6F, 0xB8)),
        ("dark", (0x14, 0x18, 0x1F), (0x5F, 0xB0, 0xF5)),
    ],
)
async def test_it_is_drawn_light_and_dark(
    browser: Browser,
    html: Path,
    scheme: str,
    ground: tuple[int, int, int],
    accent: tuple[int, int, int],
) -> None:
    async with browser.page(width=1000, height=1800) as page:
        await page.prefer(color_scheme=scheme)
        await page.open(html.as_uri())
        found = colours(await page.picture())
        assert not page.complaints
    assert found.most_common(1)[0][0] == ground
    # The bars of the replies and the lines of the charts.
    assert found[accent] > 3000


def colours(png: bytes) -> Counter[tuple[int, int, int]]:
    """The pixels of a picture of 8 bits a channel, without a library (PNG, RFC 2083)."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    channels = {2: 3, 6: 4}[kind]
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    raw, size = zlib.decompress(data), width * channels
    found: Counter[tuple[int, int, int]] = Counter()
    above = bytearray(size)
    for y in range(height):
        start = y * (size + 1)
        line = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + size]), above, channels)
        found.update(zip(line[0::channels], line[1::channels], line[2::channels], strict=True))
        above = line
    return found


def unfiltered(kind: int, line: bytearray, above: bytearray, step: int) -> bytearray:
    for x in range(len(line)):
        left = line[x - step] if x >= step else 0
        corner = above[x - step] if x >= step else 0
        up = above[x]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        elif kind == 4:
            near = left + up - corner
            guess = min((left, up, corner), key=lambda value: abs(near - value))
        else:
            return line
        line[x] = (line[x] + guess) & 255
    return line
