"""Simulated users: the same from the same seed, and told apart by name."""

from __future__ import annotations

from ccchat_tui.scenarios.users import NAMES, make_users


def test_the_same_seed_makes_the_same_users() -> None:
    assert make_users(5, 4, 7) == make_users(5, 4, 7)


def test_another_seed_asks_other_things() -> None:
    assert make_users(5, 4, 7) != make_users(5, 4, 8)


def test_more_users_change_nothing_for_those_before() -> None:
    assert make_users(9, 4, 7)[:5] == make_users(5, 4, 7)


def test_each_has_a_name_and_as_many_messages_as_were_asked_for() -> None:
    users = make_users(len(NAMES) * 3, 2, 0)
    assert len({user.name for user in users}) == len(users)
    assert {len(user.messages) for user in users} == {2}
    assert users[len(NAMES)].name == f"{NAMES[0]} 2"
    assert all(message.strip() for user in users for message in user.messages)
