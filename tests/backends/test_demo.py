"""The demo model: what it says, how it paces, and that it behaves like a server."""

from __future__ import annotations

import asyncio
import itertools
import math
from contextlib import aclosing
from dataclasses import replace

import pytest

from ccchat_tui.backends.base import (
    BackendError,
    ChatBackend,
    ChatChunk,
    ChatMessage,
    ErrorKind,
    Prompt,
)
from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.backends.demo_code import SAMPLES
from ccchat_tui.backends.demo_subject import Shape, hear
from ccchat_tui.backends.demo_texts import QUESTIONS
from ccchat_tui.backends.demo_writer import split_tokens
from ccchat_tui.testing.virtual_time import run_virtual


def prompt(*questions: str, model: str = "", system: str = "", **options: object) -> Prompt:
    """A context in which every question but the last was answered."""
    messages = [ChatMessage("system", system)] if system else []
    for number, question in enumerate(questions):
        if number:
            messages.append(ChatMessage("assistant", "An answer."))
        messages.append(ChatMessage("user", question))
    return Prompt(model=model, messages=tuple(messages), options=options)


def quick(seed: int = 0, **more: float) -> DemoBackend:
    return DemoBackend(seed=seed, tokens_per_second=math.inf, first_token=0, **more)  # type: ignore[arg-type]


async def collect(backend: ChatBackend, asked: Prompt) -> list[ChatChunk]:
    return [chunk async for chunk in backend.stream(asked)]


async def reply(asked: Prompt, seed: int = 0) -> str:
    chunks = await collect(quick(seed), asked)
    assert chunks[-1].stats is not None
    return "".join(chunk.text for chunk in chunks)


class TestWhatItSays:
    async def test_the_same_seed_and_prompt_give_the_same_text(self) -> None:
        first = [await reply(prompt(question)) for question in QUESTIONS]
        second = [await reply(prompt(question)) for question in QUESTIONS]
        assert first == second
        assert len(set(first)) == len(QUESTIONS)

    async def test_half_a_surrogate_pair_is_answered_too(self) -> None:
        assert await reply(prompt("What of \ud800?"))

    async def test_another_seed_gives_another_text(self) -> None:
        asked = prompt("Explain gravity")
        assert await reply(asked, seed=1) != await reply(asked, seed=2)

    async def test_the_option_seed_stands_for_the_backends_own(self) -> None:
        plain, seeded = prompt("Explain gravity"), prompt("Explain gravity", seed=2)
        assert await reply(seeded, seed=1) == await reply(plain, seed=2)

    @pytest.mark.parametrize("question", [*QUESTIONS, "hi", "thanks", "who are you?", "2+2", ""])
    async def test_every_reply_says_that_no_language_model_wrote_it(self, question: str) -> None:
        first = await reply(prompt(question))
        later = await reply(prompt("Explain tea", question))
        for text in (first, later):
            assert "demo model" in text
            assert "{t}" not in text
            assert "{T}" not in text

    async def test_it_speaks_of_what_was_asked(self) -> None:
        assert "violin" in await reply(prompt("What should I know of the violin?"))
        assert "chlorophyll" in await reply(prompt("What is photosynthesis?"))

    async def test_it_looks_back_at_earlier_questions(self) -> None:
        text = await reply(prompt("Explain gravity", "Compare tea and coffee", "What did I ask?"))
        assert "1. Explain gravity" in text
        assert "2. Compare tea and coffee" in text

    async def test_a_table_for_a_comparison(self) -> None:
        text = await reply(prompt("What is the difference between TCP and UDP?"))
        assert "| | TCP | UDP |" in text

    @pytest.mark.parametrize("language", sorted(SAMPLES))
    async def test_code_in_the_language_that_was_named(self, language: str) -> None:
        text = await reply(prompt(f"Write some code in {language} about bees"))
        assert f"```{language}\n" in text
        assert text.count("```") == 2

    async def test_as_many_list_items_as_were_asked_for(self) -> None:
        text = await reply(prompt("Give me a list of seven ideas for a garden"))
        assert sum(line.startswith("- ") for line in text.splitlines()) == 7

    async def test_sums_are_right(self) -> None:
        assert "12 \u00d7 7 = **84**" in await reply(prompt("What is 12 * 7?"))
        assert "divided by zero" in await reply(prompt("1 / 0"))

    async def test_a_length_that_was_asked_for_is_reached(self) -> None:
        chunks = await collect(quick(), prompt("Write 12,000 tokens about rivers"))
        assert 12_000 <= len(chunks) < 13_000

    async def test_an_essay_is_longer_than_a_short_answer(self) -> None:
        long = await reply(prompt("A long essay about gravity"))
        short = await reply(prompt("Describe gravity briefly"))
        assert len(long) > 5 * len(short)

    async def test_a_system_prompt_that_asks_for_brevity_is_obeyed(self) -> None:
        asked = "Explain gravity"
        brief = await reply(prompt(asked, system="Be brief."))
        assert len(brief) < len(await reply(prompt(asked)))

    async def test_signs_of_markdown_in_the_subject_do_no_harm(self) -> None:
        text = await reply(prompt("Make a table about a | b `c` [d] **e**"))
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert {row.count("|") for row in rows} == {4}

    def test_the_questions_of_simulated_users_ask_for_many_shapes(self) -> None:
        shapes = {hear(question).shape for question in QUESTIONS}
        assert shapes >= {Shape.PLAIN, Shape.TABLE, Shape.CODE, Shape.LIST, Shape.STEPS}

    @pytest.mark.parametrize(
        "text", ["", "photosynthesis, 12345\n\n e\u0301 漢字 👩‍🚀\ud800", "  a  b"]
    )
    def test_tokens_joined_are_the_text(self, text: str) -> None:
        assert "".join(split_tokens(text)) == text


class TestOptions:
    async def test_num_predict_cuts_the_reply(self) -> None:
        *chunks, last = await collect(quick(), prompt("Explain gravity", num_predict=7))
        assert len(chunks) == 7
        assert last.stats is not None
        assert last.stats.done_reason == "length"
        assert last.stats.reply_tokens == 7

    async def test_what_was_cut_is_gone_on_with_to_the_same_text(self) -> None:
        for version in (0, 2):
            asked = replace(prompt("Explain gravity"), version=version, model="demo:thinker")
            whole = await reply(asked)
            begun = replace(asked, messages=(*asked.messages, ChatMessage("assistant", whole[:40])))
            chunks = await collect(quick(), begun)
            assert whole[:40] + "".join(chunk.text for chunk in chunks) == whole
            assert not any(chunk.thinking for chunk in chunks)

    async def test_another_version_is_another_reply_and_the_same_each_time(self) -> None:
        asked = prompt("Explain gravity")
        texts = [await reply(replace(asked, version=number)) for number in (0, 1, 2, 1)]
        assert len(set(texts)) == 3
        assert texts[1] == texts[3]

    async def test_what_it_did_not_say_it_begins_anew_behind(self) -> None:
        asked = prompt("Explain gravity")
        begun = replace(asked, messages=(*asked.messages, ChatMessage("assistant", "Not mine")))
        assert await reply(begun) == "\n\n" + await reply(asked)

    async def test_stop_ends_before_the_text(self) -> None:
        whole = await reply(prompt("Explain gravity"))
        word = whole.split()[5]
        text = await reply(prompt("Explain gravity", stop=[word]))
        assert text == whole[: whole.index(word)]

    @pytest.mark.parametrize("options", [{"seed": "x"}, {"num_predict": 1.5}, {"stop": "x"}])
    async def test_a_wrong_kind_of_option_is_refused_by_name(self, options: object) -> None:
        assert isinstance(options, dict)
        with pytest.raises(BackendError, match=next(iter(options))) as caught:
            await collect(quick(), prompt("hi", **options))
        assert caught.value.kind is ErrorKind.BAD_REQUEST

    async def test_an_unknown_model_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(BackendError) as caught:
            await collect(quick(), prompt("hi", model="llama"))
        assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND
        assert caught.value.hints == tuple(model.name for model in await quick().models())


class TestThinking:
    async def test_the_thinker_thinks_first_and_not_when_told_not_to(self) -> None:
        asked = prompt("Explain gravity", model="demo:thinker")
        chunks = await collect(quick(), asked)
        kinds = ["thinking" if chunk.thinking else "text" for chunk in chunks[:-1]]
        assert kinds == sorted(kinds, reverse=True)
        assert len(set(kinds)) == 2
        silent = await collect(quick(), Prompt(asked.model, asked.messages, think=False))
        assert not any(chunk.thinking for chunk in silent)
        assert "".join(c.text for c in silent) == "".join(c.text for c in chunks)

    async def test_the_others_refuse_to_think(self) -> None:
        with pytest.raises(BackendError, match="does not support thinking"):
            await collect(quick(), Prompt("demo:small", prompt("hi").messages, think=True))


class TestPace:
    def test_the_pace_is_right_on_average_and_uneven(self) -> None:
        async def scenario() -> tuple[list[float], float]:
            loop = asyncio.get_running_loop()
            backend = DemoBackend(tokens_per_second=50, first_token=0.5)
            asked = prompt("Write 2000 tokens about rivers")
            begun = loop.time()
            times = [loop.time() async for _ in backend.stream(asked)]
            return times, begun

        times, begun = run_virtual(scenario())
        assert 0.3 <= times[0] - begun <= 1.0
        pauses = [after - before for before, after in itertools.pairwise(times)]
        assert len(pauses) / sum(pauses) == pytest.approx(50, rel=0.1)
        assert max(pauses) > 2 * min(pauses)

    def test_small_is_faster_than_large(self) -> None:
        async def seconds(model: str) -> float:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            await collect(DemoBackend(), prompt("500 tokens about tea", model=model))
            return loop.time() - begun

        small = run_virtual(seconds("demo:small"))
        assert run_virtual(seconds("demo:large")) > 2 * small

    def test_requests_beyond_the_slots_wait_without_a_sign(self) -> None:
        async def scenario() -> tuple[int, float, float]:
            loop = asyncio.get_running_loop()
            backend = DemoBackend(slots=2)
            working = peak = 0

            async def one(number: int) -> tuple[float, float]:
                nonlocal working, peak
                first = 0.0
                async for _ in backend.stream(prompt(f"300 tokens about {number}")):
                    if not first:
                        first = loop.time()
                        working += 1
                        peak = max(peak, working)
                working -= 1
                return first, loop.time()

            spans = await asyncio.gather(*(one(number) for number in range(4)))
            return peak, spans[2][0], min(end for _, end in spans[:2])

        peak, third_begins, first_ends = run_virtual(scenario())
        assert peak == 2
        assert third_begins >= first_ends

    def test_a_cancel_gives_the_slot_to_the_next(self) -> None:
        async def scenario() -> int:
            backend = DemoBackend(slots=1)
            streaming = asyncio.Event()

            async def held() -> None:
                async with aclosing(backend.stream(prompt("5000 tokens about tea"))) as chunks:  # type: ignore[type-var]
                    async for _ in chunks:
                        streaming.set()

            first = asyncio.create_task(held())
            waiting = asyncio.create_task(collect(backend, prompt("Explain tea")))
            await streaming.wait()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            async with asyncio.timeout(600):
                return len(await collect(backend, prompt("Explain tea")))

        assert run_virtual(scenario()) > 10


class TestFailures:
    async def test_a_share_of_the_requests_fails_and_by_the_seed(self) -> None:
        async def outcomes() -> list[str]:
            backend, kinds = quick(seed=3, failure_rate=0.5), []
            for number in range(60):
                try:
                    await collect(backend, prompt(f"Explain {number}"))
                except BackendError as error:
                    kinds.append(error.kind.value if error.message else "no words")
                else:
                    kinds.append("done")
            return kinds

        first = await outcomes()
        assert first == await outcomes()
        assert 15 <= first.count("done") <= 45
        assert set(first) == {"done", "busy", "server", "disconnected"}

    async def test_another_attempt_draws_again(self) -> None:
        backend = quick(failure_rate=0.5)
        ended = []
        for _ in range(20):
            try:
                await collect(backend, prompt("Explain tea"))
            except BackendError:
                ended.append(False)
            else:
                ended.append(True)
        assert {True, False} == set(ended)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("tokens_per_second", 0), ("first_token", -1), ("slots", 0), ("failure_rate", 1.5)],
    )
    def test_impossible_numbers_are_refused_by_name(self, name: str, value: float) -> None:
        with pytest.raises(ValueError, match=name):
            DemoBackend(**{name: value})  # type: ignore[arg-type]


async def test_it_is_a_backend_like_any_other() -> None:
    backend = DemoBackend()
    assert isinstance(backend, ChatBackend)
    assert await backend.probe()
    assert (await backend.models())[0].name == "demo:medium"
    await backend.aclose()
    await backend.aclose()
