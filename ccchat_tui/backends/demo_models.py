"""Fetching, deleting and loading, as the demo model plays them: there is nothing to fetch."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Collection

from ccchat_tui.backends.base import BackendError, ErrorKind, LoadedModel, PullStep
from ccchat_tui.clock import Pace

PREFIX = "demo:"
LAYERS = (2_300_000_000, 7_400_000, 1_500)
"""Bytes of the layers of every model that is fetched."""
SECONDS = 12.0
"""How long a pull is played."""
TICK = 0.1
"""Seconds between two lines of it."""


class DemoModels:
    """What was fetched beside the models that are always there, and what is loaded.

    Args:
        seed: Begins every choice.
        built_in: The names of the models that are always there.
        pace: The time it goes by.
    """

    def __init__(self, seed: int, built_in: Collection[str], pace: Pace) -> None:
        self._seed = seed
        self._built_in = built_in
        self._pace = pace
        self.fetched: list[str] = []
        """The latest first."""
        self.loaded: list[str] = []
        """Those that were asked something, the latest first."""

    def used(self, model: str) -> None:
        """A model is asked something, and so is loaded."""
        self.loaded = [model, *(each for each in self.loaded if each != model)]

    async def pull(self, model: str) -> AsyncGenerator[PullStep, None]:
        """See `ManagesModels`. Only what is called `demo:...` can be fetched."""
        yield PullStep("pulling manifest")
        await self._pace.sleep(TICK)
        if not model.startswith(PREFIX) or model == PREFIX:
            raise BackendError(
                ErrorKind.MODEL_NOT_FOUND,
                f"The demo model can only play at fetching models called {PREFIX}something, "
                f"such as {PREFIX}huge",
            )
        rng = random.Random(f"{self._seed}:pull:{model}")
        for total in LAYERS:
            digest = f"sha256:{rng.getrandbits(256):064x}"
            status = f"pulling {digest[7:19]}"
            steps = max(1, round(SECONDS / TICK * total / sum(LAYERS)))
            for step in range(steps + 1):
                yield PullStep(status, digest, total, total * step // steps)
                await self._pace.sleep(TICK * rng.uniform(0.6, 1.4))
        for status in ("verifying sha256 digest", "writing manifest"):
            yield PullStep(status)
            await self._pace.sleep(TICK)
        if model not in self._built_in and model not in self.fetched:
            self.fetched.insert(0, model)
        yield PullStep("success")

    def delete(self, model: str) -> None:
        """Forget what was fetched. Raises `BackendError` for what was not."""
        if model not in self.fetched:
            what = "is built in, and stays" if model in self._built_in else "is not there any more"
            raise BackendError(ErrorKind.BAD_REQUEST, f"{model[:80]} {what}")
        self.fetched.remove(model)
        self.unload(model)

    def unload(self, model: str) -> None:
        """Play that its memory is free."""
        self.loaded = [each for each in self.loaded if each != model]

    def running(self) -> list[LoadedModel]:
        """What is loaded; it takes no memory, and stays."""
        return [LoadedModel(name, size=0, stays=True) for name in self.loaded]
