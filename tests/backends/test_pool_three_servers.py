"""Three servers of which one dies in mid-run and one is slow: nothing lost, and it pays."""

from __future__ import annotations

from ccchat_tui.testing.virtual_time import run_virtual
from tests.support.memory_server import MemoryServer
from tests.support.three_servers import Server, run_load

REQUESTS = 120


def make(name: str, rate: float = 20.0) -> MemoryServer:
    return MemoryServer(name, slots=4, rate=rate, tokens=40)


def test_one_dies_and_one_is_slow() -> None:
    alone = run_virtual(run_load([Server(make("a"))], REQUESTS))
    assert (alone.completed, alone.broken, alone.lost) == (REQUESTS, 0, 0)

    dies = make("dies")
    three = run_virtual(
        run_load(
            [Server(make("a")), Server(make("slow", 20 / 3)), Server(dies, (10.0, 40.0))], REQUESTS
        )
    )
    assert three.lost == 0
    assert three.doubled == 0
    assert three.completed + three.broken == REQUESTS
    assert three.broken <= 4, "at most those that the dying server was in the middle of"
    assert three.completed == sum(three.shares.values()), "every reply was given by one server"
    assert three.moved >= 1, "what had shown nothing went elsewhere"
    assert all(share > 0 for share in three.shares.values())
    assert dies.peak_probes == 1
    assert three.seconds < 0.7 * alone.seconds


def test_three_alike_take_a_third_of_the_time() -> None:
    alone = run_virtual(run_load([Server(make("a"))], REQUESTS))
    three = run_virtual(run_load([Server(make(name)) for name in "abc"], REQUESTS))
    assert three.completed == REQUESTS
    assert max(three.shares.values()) - min(three.shares.values()) <= 1
    assert 0.30 < three.seconds / alone.seconds < 0.37
