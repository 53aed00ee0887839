"""Scenario files: ours can be played, and a mistake names file, field, value and what may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccchat_tui.scenarios.files import OURS, ScenarioError, find, listed, load, read

NAMES = {
    "cancel-storm",
    "crowd",
    "hello",
    "long-haul",
    "noisy-neighbour",
    "rush-hour",
    "server-trouble",
}
LEAST = 'title = "T"\n[[users]]\nname = "Ada"\n'


def wrong(folder: Path, text: str) -> str:
    """What is said of a file with this content, without its path, which must be there."""
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        read(file)
    lines = caught.value.message.splitlines()
    start = f"scenario file {file}: "
    assert all(line.startswith(start) for line in lines)
    return "\n".join(line.removeprefix(start) for line in lines)


class TestOurs:
    def test_they_are_these_and_all_can_be_played(self) -> None:
        there = list(listed(None))
        assert {each.name for each in there} == NAMES
        assert not [each.problem for each in there if each.problem]

    @pytest.mark.parametrize(
        ("name", "users", "messages", "slots"),
        [("hello", 3, 8, None), ("rush-hour", 12, 48, 5), ("crowd", 1000, 100_000, None)],
    )
    def test_they_are_of_the_size_that_is_promised(
        self, name: str, users: int, messages: int, slots: int | None
    ) -> None:
        scenario = load(name, None)
        assert len(scenario.names) == users
        assert scenario.expected == messages
        assert scenario.server.slots == slots


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                LEAST + "weight = 0",
                "users[1].weight cannot be 0: give a whole number from 1 to 1000",
            ),
            (
                LEAST + "count = true",
                "users[1].count cannot be True: give a whole number from 1 to",
            ),
            (LEAST + "wieght = 2", "users[1].wieght is no field; did you mean weight?"),
            (LEAST + "qqq = 2", "users[1].qqq is no field; there are name, count, colour, "),
            (
                LEAST + 'colour = "red"',
                "users[1].colour cannot be 'red': give a colour such as #ff8800",
            ),
            (
                LEAST + 'priority = "urgent"',
                "users[1].priority cannot be 'urgent': give low, normal or high",
            ),
            (
                LEAST + "think = [3, 1]",
                "users[1].think cannot be [3, 1]: give the least and the most, as in [1, 4]",
            ),
            (
                LEAST + 'says = ["Hi", 3]',
                "users[1].says[2] cannot be 3: give a list of one or more texts",
            ),
            (LEAST + "says = []", "users[1].says cannot be []: give a list of one or more texts"),
            (
                LEAST + 'arrivals = { how = "every" }',
                "users[1].arrivals.seconds is missing: give a number more than 0 up to 86400",
            ),
            (
                LEAST + 'arrivals = { how = "every", seconds = -1 }',
                "users[1].arrivals.seconds cannot be -1: give a number more than 0",
            ),
            (
                LEAST + 'arrivals = { how = "every", seconds = 1, size = 2 }',
                "users[1].arrivals.size is no field; there are how, seconds, start",
            ),
            (
                LEAST + 'arrivals = { how = "slowly" }',
                "users[1].arrivals.how cannot be 'slowly': give at_once, every, poisson, burst or",
            ),
            (
                LEAST + "arrivals = { seconds = 1 }",
                "users[1].arrivals.how is missing: give at_once, every, poisson, burst or ramp",
            ),
            (LEAST + "arrivals = 3", "users[1].arrivals cannot be 3: give a table such as {"),
            (
                LEAST + '[[troubles]]\nat = 1\nseconds = 2\nwhat = "fire"',
                "troubles[1].what cannot be 'fire': give down, busy, slow or failing",
            ),
            (
                LEAST + "[server]\nslots = 0",
                "server.slots cannot be 0: give a whole number from 1 to 1000, or leave it out",
            ),
            (LEAST + "[server]\nfirst_token = nan", "server.first_token cannot be nan: give a"),
            ('title = "T"', "users is missing: give one or more [[users]] tables"),
            (
                LEAST + '[[cancels]]\nat = 1\nuser = "Bob"',
                "cancels[1].user cannot be 'Bob': give the name of a user",
            ),
            (
                LEAST + 'count = 2\n[[users]]\nname = "Ada 2"',
                "users: 2 of them are called 'Ada 2': give each a name of its own",
            ),
            (
                LEAST + "count = 10000\nmessages = 10000",
                "users send 100000000 messages altogether: give at most 1000000",
            ),
            ("title =", "is not TOML: "),
        ],
    )
    def test_each_is_told_with_its_place_and_its_remedy(
        self, tmp_path: Path, text: str, said: str
    ) -> None:
        assert wrong(tmp_path, text).startswith(said)

    def test_all_of_them_are_told(self, tmp_path: Path) -> None:
        assert len(wrong(tmp_path, LEAST + "weight = 0\ncount = 0").splitlines()) == 2

    def test_what_is_no_text(self, tmp_path: Path) -> None:
        file = tmp_path / "x.toml"
        file.write_bytes(b'title = "\xff"')
        with pytest.raises(ScenarioError, match=r"is not UTF-8 text \(byte 9\)"):
            read(file)

    def test_what_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ScenarioError, match="there is no such file"):
            load(str(tmp_path / "x.toml"), None)


class TestFolders:
    def test_a_folder_that_is_not_there_is_none(self, tmp_path: Path) -> None:
        assert set(find(tmp_path / "none")) == NAMES

    def test_the_persons_own_are_found_and_take_the_place_of_ours(self, tmp_path: Path) -> None:
        for name in ("hello", "mine"):
            (tmp_path / f"{name}.toml").write_text(LEAST, encoding="utf-8")
        assert set(find(tmp_path)) == NAMES | {"mine"}
        assert load("hello", tmp_path).title == "T"
        assert load("hello", None).title == read(OURS / "hello.toml").title != "T"

    def test_a_file_can_be_named_by_its_path(self, tmp_path: Path) -> None:
        (tmp_path / "a.toml").write_text("\ufeff" + LEAST, encoding="utf-8")
        assert load(str(tmp_path / "a.toml"), None).names == ("Ada",)

    def test_one_that_cannot_be_played_is_listed_with_the_reason(self, tmp_path: Path) -> None:
        (tmp_path / "bad.toml").write_text("title = 3", encoding="utf-8")
        (bad,) = (each for each in listed(tmp_path) if each.scenario is None)
        assert bad.name == "bad"
        assert "title cannot be 3" in bad.problem

    def test_a_name_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ScenarioError, match="did you mean rush-hour") as caught:
            load("rush-huor", tmp_path)
        assert str(tmp_path) in caught.value.message
