"""A scenario as it is played where people look on, in virtual time and without a screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ccchat_tui.engine.request import Rejected
from ccchat_tui.scenarios.files import load
from ccchat_tui.scenarios.model import Scenario
from ccchat_tui.scenarios.moments import moments_of
from ccchat_tui.scenarios.plan import Conversation, make_plan
from ccchat_tui.scenarios.player import Hands, Player
from ccchat_tui.scenarios.scene_clock import SceneClock
from ccchat_tui.scenarios.virtual_time import LoopClock
from ccchat_tui.testing.virtual_time import run_virtual

REPLY = 2.0
"""Seconds that every reply takes here."""


class Sent:
    """A message whose reply takes its time."""

    def __init__(self, user: str, end: asyncio.Future[None]) -> None:
        self.user = user
        self._end = end

    def cancel(self) -> None:
        if not self._end.done():
            self._end.set_result(None)

    async def ended(self) -> None:
        await self._end


class BoxDesk:
    """A message box and nothing else."""

    def __init__(self, hall: Hall, conversation: Conversation) -> None:
        self.hall = hall
        self.user = conversation.user
        self.open = True
        self.text = ""
        self.aside: list[str] = []
        self.hands: list[Hands] = []
        self.refusals: list[Rejected] = []
        self.seen: list[tuple[float, str]] = []

    def write(self, text: str) -> None:
        self.text = text
        self.seen.append((self.hall.scene.monotonic(), text))

    def put_aside(self) -> None:
        self.aside.append(self.text)
        self.text = ""

    def send(self, text: str) -> Sent:
        if self.hall.refuse:
            raise self.hall.refuse.pop()
        assert self.text == text
        self.text = ""
        self.hall.sent.append((round(self.hall.scene.monotonic(), 3), self.user, text))
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent = Sent(self.user, end)
        self.hall.living.append(sent)
        self.hall.scene.call_later(REPLY, sent.cancel)
        return sent

    def show_hands(self, hands: Hands) -> None:
        self.hands.append(hands)

    def refused(self, refusal: Rejected) -> None:
        self.refusals.append(refusal)


class Hall:
    """A player, its desks, and what was sent at them."""

    def __init__(self, scenario: Scenario, seed: int = 0) -> None:
        self.scene = SceneClock(LoopClock())
        self.desks: list[BoxDesk] = []
        self.sent: list[tuple[float, str, str]] = []
        self.living: list[Sent] = []
        self.refuse: list[Rejected] = []
        self.player = Player(scenario, seed, pace=self.scene, open_desk=self._open)

    def _open(self, conversation: Conversation) -> BoxDesk:
        self.desks.append(BoxDesk(self, conversation))
        return self.desks[-1]


Deed = Callable[[Hall], Awaitable[None]]


def scenario_of(*users: dict[str, Any], **tables: Any) -> Scenario:
    made = users or [{"name": "Ada", "says": ["Hello?", "And then?"], "think": [1, 1], "typing": 5}]
    return Scenario.model_validate({"title": "T", "users": made, **tables})


def play(scenario: Scenario, deed: Deed | None = None, *, seed: int = 0) -> Hall:
    """Play it to its end, with something done beside it."""

    async def played() -> Hall:
        hall = Hall(scenario, seed)
        async with asyncio.TaskGroup() as group:
            group.create_task(hall.player.run())
            if deed is not None:
                await deed(hall)
        return hall

    return run_virtual(played())


class TestPlaying:
    def test_messages_are_typed_letter_by_letter_and_sent_when_they_are_whole(self) -> None:
        hall = play(scenario_of())
        (desk,) = hall.desks
        assert [text for _, text in desk.seen[:6]] == ["H", "He", "Hel", "Hell", "Hello", "Hello?"]
        assert [moment for moment, _ in desk.seen[:6]] == pytest.approx(
            [0.2 * n for n in range(1, 7)]
        )
        assert hall.sent == [(1.2, "Ada", "Hello?"), (1.2 + REPLY + 1 + 1.8, "Ada", "And then?")]
        assert hall.player.over
        assert hall.player.elapsed == pytest.approx(6 + REPLY)

    def test_it_sends_what_the_plan_says_and_when(self) -> None:
        """The same plan as without a screen: every message, and its moment where nobody waits."""
        scenario = load("rush-hour", None)
        hall = play(scenario, seed=3)
        plan = make_plan(scenario, 3)
        assert sorted(text for _, _, text in hall.sent) == sorted(
            turn.text for conversation in plan for turn in conversation.turns
        )
        first = {user: at for at, user, _ in reversed(hall.sent)}
        assert first == {each.user: pytest.approx(each.at + each.turns[0].typing) for each in plan}

    def test_fast_typing_comes_in_pieces_and_takes_no_longer(self) -> None:
        hall = play(scenario_of({"name": "Ada", "says": ["x" * 1000], "typing": 1000}))
        assert len(hall.desks[0].seen) < 20
        assert hall.sent[0][0] == pytest.approx(1.0)

    def test_no_typing_at_all_is_one_piece(self) -> None:
        hall = play(scenario_of({"name": "Ada", "says": ["at once"], "typing": 0}))
        assert hall.desks[0].seen == [(0.0, "at once")]

    def test_cancels_are_meant_for_what_lives(self) -> None:
        users = [{"name": n, "says": ["?"], "typing": 0} for n in ("Ada", "Bob", "Cleo", "Dan")]
        scenario = scenario_of(*users, cancels=[{"at": 1, "share": 0.5}, {"at": 900}])

        async def look(hall: Hall) -> None:
            await asyncio.sleep(1.5)
            assert sum(sent._end.done() for sent in hall.living) == 2

        assert play(scenario, look).player.elapsed == pytest.approx(REPLY)

    def test_a_refusal_that_passes_is_told_and_the_message_sent_later(self) -> None:
        async def refuse(hall: Hall) -> None:
            hall.refuse.append(Rejected("rate_limited", "too many", retry_after=4))

        hall = play(scenario_of({"name": "Ada", "says": ["Hi"], "typing": 2}), refuse)
        assert hall.sent == [(5.0, "Ada", "Hi")]
        assert len(hall.desks[0].refusals) == 1

    def test_one_that_lasts_ends_the_conversation(self) -> None:
        async def refuse(hall: Hall) -> None:
            hall.refuse.append(Rejected("invalid", "no"))

        assert play(scenario_of(), refuse).sent == []

    def test_stopped_time_stops_the_typing(self) -> None:
        async def stop(hall: Hall) -> None:
            await asyncio.sleep(0.5)
            hall.scene.pause()
            await asyncio.sleep(100)
            assert hall.desks[0].text == "He"
            hall.scene.resume()

        assert play(scenario_of(), stop).sent[0][0] == pytest.approx(1.2)

    def test_a_chat_that_is_closed_is_left_alone(self) -> None:
        async def close(hall: Hall) -> None:
            await asyncio.sleep(0.5)
            hall.desks[0].open = False

        hall = play(scenario_of(), close)
        assert hall.sent == []
        assert hall.player.over


class TestTakingOver:
    def test_who_writes_has_the_box_and_what_was_half_typed_stays(self) -> None:
        async def write(hall: Hall) -> None:
            await asyncio.sleep(0.5)
            (desk,) = hall.desks
            desk.text += "!"
            await asyncio.sleep(60)
            assert desk.text == "He!"
            assert desk.hands == [Hands.YOURS]
            (place,) = hall.player.yours
            desk.text = "Hell"
            hall.player.give_back(place)
            assert desk.hands == [Hands.YOURS, Hands.THEIRS]

        hall = play(scenario_of(), write)
        assert [text for _, _, text in hall.sent] == ["Hello?", "And then?"]
        assert hall.sent[0][0] == pytest.approx(60.5 + 0.4)
        assert hall.desks[0].aside == []

    def test_it_is_noticed_while_nothing_is_typed(self) -> None:
        async def write(hall: Hall) -> None:
            await asyncio.sleep(1.5)
            (desk,) = hall.desks
            desk.text = "mine"
            assert not hall.player.yours
            hall.player.look()
            assert [place.desk for place in hall.player.yours] == [desk]
            await asyncio.sleep(60)
            assert (desk.text, len(hall.sent)) == ("mine", 1)
            hall.player.give_back(hall.player.yours[0])

        hall = play(scenario_of(), write)
        assert hall.desks[0].aside == ["mine"]
        assert len(hall.sent) == 2

    def test_the_others_go_on(self) -> None:
        users = [{"name": n, "says": ["abc", "def"], "typing": 10} for n in ("Ada", "Bob")]

        async def write(hall: Hall) -> None:
            await asyncio.sleep(0.15)
            hall.desks[0].text = ""
            await asyncio.sleep(50)
            assert [user for _, user, _ in hall.sent] == ["Bob", "Bob"]
            assert not hall.player.over
            hall.player.give_back(hall.player.yours[0])

        assert len(play(scenario_of(*users), write).sent) == 4

    def test_one_that_is_closed_is_waited_for_no_more(self) -> None:
        async def close(hall: Hall) -> None:
            await asyncio.sleep(0.5)
            hall.desks[0].text = "mine"
            await asyncio.sleep(1)
            hall.desks[0].open = False
            hall.player.look()

        assert play(scenario_of(), close).player.over

    def test_giving_back_what_was_never_taken_changes_nothing(self) -> None:
        async def give(hall: Hall) -> None:
            await asyncio.sleep(0.5)
            hall.player.give_back(hall.player.places[0])

        assert play(scenario_of(), give).sent == play(scenario_of()).sent


class TestWhatComesNext:
    def test_the_server_and_cancels_and_who_comes_are_told_in_their_order(self) -> None:
        scenario = scenario_of(
            {"name": "Ada", "says": ["?"], "typing": 0.01},
            {"name": "Bob", "says": ["?"], "arrivals": {"how": "at_once", "start": 7}},
            troubles=[{"what": "down", "at": 4, "seconds": 5}],
            cancels=[{"at": 8, "user": "Ada", "share": 0.5}],
            says=[{"at": 0, "text": "first"}, {"at": 5, "text": "second"}],
        )
        told: list[tuple[float, str, str]] = []

        async def look(hall: Hall) -> None:
            for _ in range(10):
                following = hall.player.next
                told.append(
                    (hall.player.elapsed, following.words if following else "", hall.player.line)
                )
                await asyncio.sleep(1)

        play(scenario, look)
        assert [words for _, words, _ in told] == [
            *4 * ["the server goes down"],
            *3 * ["Bob comes"],
            "50% of Ada's requests are cancelled",
            "the server is back",
            "",
        ]
        assert [line for *_, line in told] == [*5 * ["first"], *5 * ["second"]]

    def test_troubles_that_are_not_played_are_not_announced(self) -> None:
        scenario = load("server-trouble", None)
        moments = moments_of(scenario, make_plan(scenario, 0), troubles=False)
        assert {moment.words.split()[-1] for moment in moments} == {"comes"}
