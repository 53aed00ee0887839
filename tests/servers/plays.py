"""The cases that need more than a question: what is done, and the request that tells of it."""

from __future__ import annotations

import asyncio

from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import RequestState
from ccchat_tui.testing.ollama_server import Phase, text_of
from tests.servers.stage import MODEL, THINKER, Stage
from tests.support.streams import ask, read, text_in


async def load(stage: Stage) -> RequestHandle:
    """Ask nothing, which loads the model."""
    handle = stage.ask(None)
    await handle
    assert list(stage.server.loader.loaded) == [MODEL]
    return handle


async def unload(stage: Stage) -> RequestHandle:
    """Ask nothing, and for no time, which unloads it."""
    await stage.ask(None)
    handle = stage.ask(None, keep_alive=0)
    await handle
    assert not stage.server.loader.loaded
    return handle


async def lists(stage: Stage) -> RequestHandle:
    """Have a reply, and look at every list beside it."""
    backend = stage.backend
    handle = stage.ask("hi")
    await handle
    assert await stage.service.backend.probe() == "0.33.0"
    models = await stage.service.backend.models()
    assert [model.name for model in models][:3] == [MODEL, THINKER, "gemma3:4b"]
    assert [running.name for running in await backend.running()] == [MODEL]
    assert (await backend.show("gemma3:4b")).context_length == 131_072
    return handle


async def pull(stage: Stage) -> RequestHandle:
    """Ask for a model that is not there, have it fetched, and ask again."""
    missing = stage.ask("hi", model="pullable")
    assert await missing is RequestState.FAILED
    status, told = await stage.call("POST", "/api/pull", {"model": "pullable"})
    assert (status, told[-1]) == (200, {"status": "success"})
    handle = stage.ask("hi", model="pullable")
    await handle
    return handle


async def pull_of_nothing(stage: Stage) -> RequestHandle:
    """Have fetched what nobody has, and ask for it."""
    status, told = await stage.call("POST", "/api/pull", {"model": "nope"})
    assert (status, list(told[-1])) == (200, ["error"])
    handle = stage.ask("hi", model="nope")
    await handle
    return handle


async def delete(stage: Stage) -> RequestHandle:
    """Delete a model, and ask for it."""
    await stage.ask("before")
    assert await stage.call("DELETE", "/api/delete", {"model": MODEL}) == (200, [])
    handle = stage.ask("hi")
    await handle
    return handle


async def full_queue(stage: Stage) -> RequestHandle:
    """Ask while the scheduler's queue is full of somebody else."""
    loader = stage.server.loader
    loader.gate = asyncio.Event()
    other = OllamaBackend(read_host(stage.server.url))
    occupant = asyncio.create_task(read(other, ask("occupant", model=THINKER)))
    await stage.server.until(lambda: loader.pending == 1)
    handle = stage.ask("hi")
    await handle
    assert len(stage.server.chats) == 4
    loader.gate.set()
    assert text_in(await occupant) == text_of("occupant", stage.server.tokens)
    return handle


async def cancel_while_waiting(stage: Stage) -> RequestHandle:
    """Cancel what waits, and holds no slot, because the server said so."""
    handle = stage.ask("fault:rate_limited")
    await stage.until(lambda: handle.state is RequestState.WAITING_TO_RETRY)
    assert stage.service.snapshot().in_flight == 0
    assert handle.cancel()
    await handle
    return handle


async def late_headers(stage: Stage) -> RequestHandle:
    """Wait for headers, which come at some time."""
    handle = stage.ask("fault:held_then_right")
    chat = await stage.server.chat()
    await chat.reached(Phase.GENERATING)
    assert handle.state is RequestState.CONNECTING
    chat.let_go()
    await handle
    return handle


async def slots(stage: Stage) -> RequestHandle:
    """Ask five where two have a slot."""
    server = stage.server
    handles = [stage.ask(f"{number}") for number in range(4)] + [stage.ask("hi")]
    await server.until(
        lambda: (
            sorted(chat.phase for chat in server.chats)
            == [Phase.GENERATING] * 2 + [Phase.WAITING] * 3
        )
    )
    assert [handle.state for handle in handles] == [RequestState.CONNECTING] * 5
    server.manual = False
    for chat in server.chats:
        chat.let_go()
    for handle in handles[:-1]:
        assert await handle is RequestState.COMPLETED
    await handles[-1]
    assert server.peak == 2
    return handles[-1]


async def loads(stage: Stage) -> RequestHandle:
    """Ask three models at once, where there is room for one."""
    names = [THINKER, "gemma3:4b", MODEL]
    handles = [stage.ask("hi", model=name) for name in names]
    for handle in handles:
        assert await handle is RequestState.COMPLETED
    loader = stage.server.loader
    assert sorted(loader.started) == sorted(names)
    assert loader.evicted == loader.started[:2]
    return handles[-1]


async def broken_load(stage: Stage) -> RequestHandle:
    """Leave while the model is being loaded."""
    loader = stage.server.loader
    loader.gate = asyncio.Event()
    handle = stage.ask("hi")
    await stage.server.until(lambda: loader.started == [MODEL])
    handle.cancel()
    await handle
    await stage.server.until(lambda: loader.aborted == [MODEL])
    loader.gate = None
    return handle


async def leaving(stage: Stage) -> RequestHandle:
    """Leave in mid-reply."""
    before = asyncio.get_running_loop().time()
    handle = stage.ask("hi")
    chat = await stage.server.chat("hi")
    await chat.release(2)
    async for _ in handle:
        if len(handle.parts) == 2:
            break
    handle.cancel()
    await handle
    after = asyncio.get_running_loop().time()
    await chat.reached(Phase.LEFT)
    (left,) = stage.server.disconnects
    assert (left.question, left.phase, left.lines) == ("hi", Phase.GENERATING, 2)
    assert before < left.at
    assert stage.backend.open == 0
    # The connection was closed before the request had ended; the server hears of it a bit later.
    assert left.at < after + 5
    stage.server.manual = False
    return handle


async def refused(stage: Stage) -> RequestHandle:
    """Ask where nobody listens any more."""
    await stage.ask("before")
    await stage.server.stop()
    handle = stage.ask("hi")
    await handle
    await stage.server.start()
    return handle


async def refused_then_there(stage: Stage) -> RequestHandle:
    """Ask where nobody listens yet."""
    await stage.server.stop()
    handle = stage.ask("hi")
    await stage.until(lambda: len(stage.retries) > 0)
    assert stage.retries[0].failure.kind == "unreachable"
    await stage.server.start()
    await handle
    assert handle.attempt > 1
    return handle


async def idle_closed(stage: Stage) -> RequestHandle:
    """Ask after the server has closed whatever connection stayed open from before."""
    await stage.ask("before")
    stage.server.close_idle()
    handle = stage.ask("hi")
    await handle
    assert stage.server.connections == 2
    return handle


async def bad_certificate(stage: Stage) -> RequestHandle:
    """Ask a server whose certificate nobody signed."""
    handle = stage.ask("hi")
    await handle
    return handle
