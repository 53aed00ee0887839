"""From addresses to backends: one by itself, several as a pool, and who gets the key."""

from __future__ import annotations

import random

import pytest

from ccchat_tui.backends.base import ErrorKind, HasServers
from ccchat_tui.backends.cache import CacheSettings, CachingBackend
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import Host, Server, read_host, read_hosts
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.backends.pool import PoolBackend
from ccchat_tui.testing.ollama_server import Model, OllamaServer, text_of
from tests.support.streams import ask, outcome, read, text_in


async def test_a_single_server_is_a_pool_of_one_for_its_breaker() -> None:
    backend = open_servers([read_host("h")])
    assert isinstance(backend, PoolBackend)
    assert (backend.name, backend.address) == ("Ollama", "http://h:11434")
    assert [server.name for server in backend.servers()] == ["h"]
    await backend.aclose()


@pytest.mark.parametrize(
    ("hosts", "longest"), [("127.0.0.1", 3.0), ("localhost,[::1]:1", 3.0), ("127.0.0.1,far", 15.0)]
)
def test_a_server_on_this_machine_is_tried_again_sooner(hosts: str, longest: float) -> None:
    backend = open_servers(read_hosts(hosts))
    assert isinstance(backend, PoolBackend)
    assert {m.breaker.settings.longest_pause for m in backend._members} == {longest}


async def test_a_reply_cache_stands_before_all_of_them() -> None:
    async with OllamaServer() as server:
        backend = open_servers([read_host(server.url)], cache=CacheSettings())
        assert isinstance(backend, CachingBackend)
        prompt = ask("x", options={"temperature": 0}, user="ada")
        first, second = await read(backend, prompt), await read(backend, prompt)
        assert len(server.chats) == 1
        assert text_in(first) == text_in(second) == text_of("x", 8)
        assert second[-1].stats is not None
        assert second[-1].stats.cached
        await backend.aclose()


async def test_several_servers_are_a_pool_with_their_names() -> None:
    backend = open_servers(read_hosts("a,b:1,https://c/x"), rng=random.Random(1))
    assert isinstance(backend, PoolBackend)
    assert isinstance(backend, HasServers)
    assert [server.name for server in backend.servers()] == ["a", "b:1", "c/x"]
    assert backend.name == "Ollama (3 servers)"
    await backend.aclose()


async def test_servers_keep_their_names_and_their_keys() -> None:
    one = Server(read_host("a"), "desk", api_key="own")
    backend = open_servers([one, Server(read_host("https://b"))], api_key="for all")
    assert isinstance(backend, PoolBackend)
    assert [server.name for server in backend.servers()] == ["desk", "b"]
    given = [m.server.backend._key for m in backend._members]  # type: ignore[attr-defined]
    assert given == ["own", ""]
    await backend.aclose()


async def test_names_tell_servers_apart() -> None:
    backend = open_servers(read_hosts("http://a:1,https://a:1"))
    assert isinstance(backend, PoolBackend)
    assert [server.name for server in backend.servers()] == ["http://a:1", "https://a:1"]
    await backend.aclose()


@pytest.mark.parametrize("hosts", [[], [read_host("a"), read_host("a:11434")]])
def test_no_server_and_one_twice_are_refused(hosts: list[Host]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        open_servers(hosts)


@pytest.mark.parametrize(
    ("hosts", "keyed"),
    [
        ("a", ["a"]),
        ("https://a", ["a"]),
        ("a,b", ["a", "b"]),
        ("127.0.0.1,ollama.com", ["ollama.com"]),
        ("a,https://b,https://c", ["b", "c"]),
    ],
)
def test_a_key_does_not_go_in_the_clear_where_it_is_meant_for_another(
    hosts: str, keyed: list[str]
) -> None:
    backend = open_servers(read_hosts(hosts), api_key="key")
    backends = (
        [member.server.backend for member in backend._members]
        if isinstance(backend, PoolBackend)
        else [backend]
    )
    given = [
        each.address.partition("://")[2].partition(":")[0]
        for each in backends
        if isinstance(each, OllamaBackend) and each._key
    ]
    assert given == keyed


async def test_a_pool_of_real_servers_shares_the_work_and_outlives_one_of_them() -> None:
    async with (
        OllamaServer(models=[Model("both:1b"), Model("one:1b")]) as one,
        OllamaServer(models=[Model("both:1b"), Model("two:1b")]) as two,
    ):
        backend = open_servers([read_host(one.url), read_host(two.url)])
        assert {model.name: len(model.servers) for model in await backend.models()} == {
            "both:1b": 2,
            "one:1b": 1,
            "two:1b": 1,
        }
        assert await backend.probe() == "0.33.0"
        for model, server in (("one:1b", one), ("two:1b", two)):
            assert text_in(await read(backend, ask(model, model))) == text_of(model, 8)
            assert [chat.question for chat in server.chats] == [model]
        for number in range(4):
            await read(backend, ask(f"q{number}", "both:1b"))
        assert (len(one.chats), len(two.chats)) == (3, 3)

        await one.stop()
        for number in range(4):
            assert text_in(await read(backend, ask(f"r{number}", "both:1b"))) == text_of(
                f"r{number}", 8
            )
        await two.stop()
        _, error = await outcome(backend, ask("x", "both:1b"))
        assert error is not None
        assert error.kind is ErrorKind.UNREACHABLE
        assert one.url in error.message
        assert two.url in error.message
        await backend.aclose()
