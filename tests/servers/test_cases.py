"""Everything that Ollama, and the proxies before it, are known to do, through the whole service."""

from __future__ import annotations

import unicodedata

import pytest

from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import RequestState
from ccchat_tui.sessions.words import words_for, words_for_cancelled, words_for_retry
from ccchat_tui.testing.ollama_server import OllamaServer, pieces_of
from ccchat_tui.testing.ollama_server.chat import fault_in
from ccchat_tui.text import sanitize
from tests.servers.cases import CASES, NUMBERS, Case
from tests.servers.stage import Stage
from tests.support.certificates import server_context

TOKENS = 8


def server_for(case: Case) -> OllamaServer:
    options = {"tokens": TOKENS, **case.server}
    if case.number == 56:
        options["tls"] = server_context()
    return OllamaServer(**options)


def question_of(case: Case) -> str:
    return f"fault:{case.fault}" if case.fault else "hi"


def test_the_table_has_every_number_and_no_row_twice() -> None:
    assert {case.number for case in CASES} == set(range(1, NUMBERS + 1))
    assert [case.number for case in CASES] == sorted(case.number for case in CASES)
    names = [(case.number, case.name) for case in CASES]
    assert len(set(names)) == len(names)


def test_every_fault_of_the_table_is_one_that_the_server_knows() -> None:
    for case in CASES:
        assert not case.fault or fault_in(question_of(case)) is not None, case


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number} {case.name}")
async def test_a_case(case: Case) -> None:
    async with server_for(case) as server:
        stage = Stage(server, case.settings)
        if case.play is not None:
            handle = await case.play(stage)
        else:
            handle = stage.ask(question_of(case), model=case.model, **case.prompt)
        state = await handle
        check_end(case, handle, state)
        check_words(case, handle)
        check_retries(case, stage, handle)
        assert (stage.service.snapshot(0).mode == "sequential") is case.sequential
        if case.recovers:
            # Whatever it was, it is over, and the next question is answered.
            again = stage.ask("next", model=case.next_model)
            assert await again is RequestState.COMPLETED
            assert again.text == "".join(pieces_of("next", TOKENS))
        totals = stage.service.snapshot(0).totals
        ended = totals.completed + totals.failed + totals.cancelled + totals.timed_out
        assert totals.submitted == ended
        await stage.close()


def check_end(case: Case, handle: RequestHandle, state: RequestState) -> None:
    assert state is case.ends
    assert (handle.failure.kind if handle.failure else "") == case.kind
    assert case.attempts in (handle.attempt, None)
    whole = pieces_of(question_of(case), TOKENS)
    kept = case.text if isinstance(case.text, str) else "".join(whole[: case.text])
    assert handle.text == kept or (case.loses and kept.startswith(handle.text))
    assert "".join(handle.thinking) == case.thinking
    assert (handle.stats is not None) is (state is RequestState.COMPLETED)
    if handle.stats is not None:
        assert handle.stats.done_reason == case.reason


def check_words(case: Case, handle: RequestHandle) -> None:
    if case.ends is RequestState.CANCELLED:
        told = words_for_cancelled(has_reply=bool(handle.text))
    elif case.ends is RequestState.COMPLETED:
        told = None
    else:
        told = words_for(handle.failure, has_reply=bool(handle.text))
    assert bool(case.words) is (told is not None)
    if told is not None:
        assert case.words in told.note
        assert bool(case.hint) is bool(told.hints)
        assert case.hint in "".join(told.hints)
        for text in (told.note, *told.hints):
            assert text.isprintable()
            assert len(text) < 500
    # The reply itself is data, and harmless once it is made fit to be shown.
    shown = sanitize(handle.text)
    assert not any(unicodedata.category(char) == "Cc" for char in shown.replace("\n", ""))


def check_retries(case: Case, stage: Stage, handle: RequestHandle) -> None:
    mine = [each for each in stage.retries if each.request_id == handle.id]
    if case.attempts is not None:
        cancelled = case.ends is RequestState.CANCELLED
        assert len(mine) == case.attempts - 1 + (cancelled and case.pause is not None)
    for each in mine:
        least = case.pause or 0.0
        most = stage.settings.retry_base * 2 ** (0 if case.pause else each.attempt - 1)
        assert least <= each.delay <= least + most
        assert words_for_retry(each.failure, each.delay).isprintable()
    if case.pause is not None:
        assert mine, "else nothing was waited for"


AGAIN = [case for case in CASES if case.attempts == 3 and case.fault and not case.settings]


@pytest.mark.parametrize("case", AGAIN, ids=lambda case: f"{case.number} {case.name}")
async def test_what_is_tried_again_may_go_well(case: Case) -> None:
    name, _, lines = case.fault.partition("@")
    async with server_for(case) as server:
        server.fail(name, after=int(lines or 2))
        stage = Stage(server, {})
        handle = stage.ask("hi")
        assert await handle is RequestState.COMPLETED
        assert handle.attempt == 2
        assert handle.text == "".join(pieces_of("hi", TOKENS)), "and nothing of it twice"
        assert handle.failure is None
        assert len(server.chats) == 2
        await stage.close()


async def test_no_retry_after_is_waited_for_beyond_the_time_that_a_request_has() -> None:
    async with server_for(CASES[0]) as server:
        stage = Stage(server, {"timeout": 5.0})
        # Two at once, so that they are put back for the fallback, with their time given back.
        handles = [stage.ask(f"{number} fault:busy_till", user=f"{number}") for number in range(2)]
        for handle in handles:
            assert await handle is RequestState.FAILED
            assert handle.failure is not None
            assert handle.failure.kind == "busy"
        await stage.close()
