"""Versions and branches: whatever is done to them, nothing is lost and one path is shown."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.sessions import tree


@dataclass(eq=False)
class Node:
    """A turn as far as the tree knows it."""

    id: str
    place: str
    after: str
    picked: int = 0


class Talk:
    """A conversation, and what was done to it."""

    def __init__(self) -> None:
        self.turns: list[Node] = []
        self.removed: list[tree.Removed[Node]] = []
        self.asked = 0

    def add(self, after: str, place: str = "") -> Node:
        self.asked += 1
        name = f"t{self.asked}"
        node = Node(name, place or name, after, tree.top(self.turns) + 1)
        self.turns.append(node)
        return node

    def state(self) -> dict[str, tuple[str, str]]:
        return {each.id: (each.place, each.after) for each in self.turns}

    def shown(self) -> list[str]:
        return [each.id for each in tree.path(self.turns)]

    def do(self, what: str, number: int) -> None:
        path = tree.path(self.turns)
        one = self.turns[number % len(self.turns)] if self.turns else None
        if what == "send":
            self.add(path[-1].place if path else "")
        elif what == "undo" and self.removed:
            tree.put_back(self.turns, self.removed.pop())
        elif one is None:
            return
        elif what == "regenerate":
            fresh = self.add(one.after, one.place)
            tree.pick(self.turns, fresh)
        elif what == "resend":
            tree.pick(self.turns, self.add(one.after))
        elif what == "show":
            tree.pick(self.turns, one)
        elif what == "delete":
            self.removed.append(tree.take_out(self.turns, one))

    def check(self) -> None:
        """What holds at any time."""
        path = tree.path(self.turns)
        places = {each.place for each in self.turns}
        after = ""
        for turn in path:
            assert turn.after == after
            after = turn.place
        assert not any(each.after == after for each in self.turns), "the path goes on to its end"
        for turn in self.turns:
            assert turn.after in places | {""}
            assert {each.after for each in tree.versions(self.turns, turn)} == {turn.after}
            assert turn in tree.alternatives(self.turns, turn)
        if path:
            assert tree.before(self.turns, path[-1]) == path[:-1]


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["send", "send", "regenerate", "resend", "show", "delete", "undo"]),
        st.integers(0, 20),
    ),
    max_size=25,
)


def played(deeds: list[tuple[str, int]]) -> Talk:
    talk = Talk()
    for deed in deeds:
        talk.do(*deed)
        talk.check()
    return talk


@given(DEEDS)
def test_one_path_is_shown_and_everything_can_be_reached(deeds: list[tuple[str, int]]) -> None:
    talk = played(deeds)
    for turn in list(talk.turns):
        tree.pick(talk.turns, turn)
        talk.check()
        assert turn.id in talk.shown()
        assert talk.shown()[: talk.shown().index(turn.id)] == [
            each.id for each in tree.before(talk.turns, turn)
        ]


@given(DEEDS, st.lists(st.integers(0, 20), min_size=1, max_size=4))
def test_what_is_deleted_and_taken_back_stands_where_it_stood(
    deeds: list[tuple[str, int]], which: list[int]
) -> None:
    talk = played(deeds)
    talk.removed.clear()
    before, shown = talk.state(), talk.shown()
    order = [each.id for each in talk.turns]
    for number in which:
        talk.do("delete", number)
        talk.check()
    assert len(talk.turns) == max(0, len(before) - len(which))
    for _ in which:
        talk.do("undo", 0)
        talk.check()
    assert talk.state() == before
    assert [each.id for each in talk.turns] == order
    assert not shown or talk.shown()


@given(DEEDS)
def test_to_delete_what_is_shown_leaves_the_rest_of_it_shown(
    deeds: list[tuple[str, int]],
) -> None:
    talk = played(deeds)
    for turn in tree.path(talk.turns):
        shown = talk.shown()
        others = len(tree.versions(talk.turns, turn)) > 1
        followed = shown.index(turn.id) + 1 < len(shown)
        removed = tree.take_out(talk.turns, turn)
        rest = [each for each in shown if each != turn.id]
        if others:
            assert [each for each in talk.shown() if each in rest] == rest
            assert len(talk.shown()) == len(shown)
        elif followed:
            assert talk.shown() == rest
        else:
            assert talk.shown()[: len(rest)] == rest
        tree.put_back(talk.turns, removed)
        tree.pick(talk.turns, turn)


@given(DEEDS, st.integers(0, 20))
def test_another_version_keeps_what_follows_and_another_question_does_not(
    deeds: list[tuple[str, int]], number: int
) -> None:
    talk = played(deeds)
    shown = talk.shown()
    if not shown:
        return
    at = number % len(shown)
    turn = next(each for each in talk.turns if each.id == shown[at])
    version = talk.add(turn.after, turn.place)
    assert talk.shown() == [*shown[:at], version.id, *shown[at + 1 :]]
    branch = talk.add(turn.after)
    assert talk.shown() == [*shown[:at], branch.id]
    assert tree.before(talk.turns, branch) == tree.before(talk.turns, version)
    tree.pick(talk.turns, version)
    assert talk.shown() == [*shown[:at], version.id, *shown[at + 1 :]]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "a", "b", "t0", "t1", "t2"]),
            st.sampled_from(["", "a", "b", "t0", "t1", "t2", "gone"]),
            st.integers(0, 3),
        ),
        max_size=6,
    )
)
def test_whatever_comes_from_outside_is_mended_so_that_all_of_it_can_be_reached(
    rows: list[tuple[str, str, int]],
) -> None:
    talk = Talk()
    talk.turns = [Node(f"t{number}", *row) for number, row in enumerate(rows)]
    tree.mend(talk.turns)
    talk.check()
    for turn in talk.turns:
        tree.pick(talk.turns, turn)
        assert turn.id in talk.shown()


def test_what_holds_together_is_not_touched_however_long_it_is() -> None:
    talk = Talk()
    for _ in range(3000):
        talk.add(talk.turns[-1].place if talk.turns else "")
    before = talk.state()
    tree.mend(talk.turns)
    assert talk.state() == before


def test_versions_stand_together_in_the_order_of_asking_and_branches_behind_each_other() -> None:
    talk = Talk()
    first = talk.add("")
    branch = talk.add("")
    again = talk.add("", first.place)
    branch_again = talk.add("", branch.place)
    assert tree.alternatives(talk.turns, again) == [first, again, branch, branch_again]


def test_what_moves_up_is_shown_though_a_branch_beside_it_was_shown_later_than_that() -> None:
    talk = Talk()
    first = talk.add("")
    second = talk.add(first.place)
    third = talk.add(second.place)
    talk.add(first.place)
    tree.pick(talk.turns, second)
    assert talk.shown() == [first.id, second.id, third.id]
    tree.take_out(talk.turns, second)
    assert talk.shown() == [first.id, third.id]
