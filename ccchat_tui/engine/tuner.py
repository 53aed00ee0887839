"""Puts an adaptive limit in force: tells it once a second what happened, and sets what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ccchat_tui.clock import Timer
from ccchat_tui.engine.adaptive import AdaptiveLimit, AdaptiveSettings
from ccchat_tui.engine.manager import ChatQueueManager
from ccchat_tui.engine.stats import AdaptiveView

EVERY = 1.0
"""Seconds between two looks."""


class Tuner:
    """Lets the limit for all find itself, until somebody sets one.

    It looks only while something lives; when nothing does it has no timer. What it sees while the
    fallback holds the limit down, or while there are not requests enough (also because of the
    limit of each user, or of a pause), teaches it nothing.

    Args:
        manager: Whose limit it sets.
        servers: What there is of servers that are well. When that changes, what was measured is
            forgotten.
    """

    def __init__(
        self, manager: ChatQueueManager, servers: Callable[[], object] = lambda: None
    ) -> None:
        self._manager = manager
        self._life = manager.life
        self._servers = servers
        self._limit: AdaptiveLimit | None = None
        self._was_on = False
        self._timer: Timer | None = None
        self._seen_servers: object = None
        self._lowest = 0
        self._pieces = 0
        self._firsts = (0, 0.0)

    # Of the service -----------------------------------------------------------------------

    @property
    def on(self) -> bool:
        """Whether the limit finds itself."""
        return self._limit is not None

    def start(self, settings: AdaptiveSettings) -> None:
        """Find the limit from now on, beginning with the present one; the caller settles.

        Args:
            settings: Within what bounds. Where it begins, the limit that is set now says.
        """
        begin = min(max(self._manager.wanted_limit, settings.minimum), settings.maximum)
        self._limit = AdaptiveLimit(replace(settings, start=begin))
        self._was_on = True
        self._seen_servers = self._servers()
        self._manager.set_wanted(begin)
        self._life.watcher = self._stepped
        self._begin_look()

    def stop(self) -> None:
        """Look no more: the limit was set by hand."""
        self._limit = self._life.watcher = None
        self._end_looks()

    def overloaded(self, at_once: int) -> bool:
        """So many at once were too much; the caller settles. See `AdaptiveLimit.overloaded`."""
        if self._limit is None:
            return False
        was_trial = self._limit.overloaded(self._life.now(), at_once)
        self._apply(self._limit)
        return was_trial

    def view(self) -> AdaptiveView | None:
        """What it has found, for a snapshot; `None` if it never was on."""
        if self._limit is not None:
            limit = self._limit
            return AdaptiveView(True, limit.found, limit.phase.value, limit.describe())
        if not self._was_on:
            return None
        set_to = self._manager.wanted_limit
        return AdaptiveView(False, set_to, "off", f"auto is off: {set_to} was set by hand")

    # Looking ------------------------------------------------------------------------------

    def _stepped(self, in_flight: int) -> None:
        """The end of a step of the engine."""
        self._lowest = min(self._lowest, in_flight)
        if self._timer is None:
            if self._life.living:
                self._begin_look()
        elif not self._life.living and self._limit is not None:
            self._end_looks()
            self._tell(self._limit)  # that it is not full any more

    def _begin_look(self) -> None:
        """From now on until the next look it is noted how it goes."""
        life, tally = self._life, self._life.counters.all
        self._lowest = len(life.in_flight)
        self._pieces = life.tokens - life.corrections
        self._firsts = tally.first_tokens, tally.first_token_sum
        if self._timer is None and life.living and self._limit is not None:
            self._timer = life.later(EVERY, self._look)

    def _end_looks(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """A second is over."""
        self._timer = None
        if self._limit is None:
            return
        servers = self._servers()
        if servers != self._seen_servers:
            self._seen_servers = servers
            self._limit.forget()
        self._tell(self._limit)
        self._apply(self._limit)
        self._manager.settle()
        self._begin_look()

    def _tell(self, limit: AdaptiveLimit) -> None:
        life, tally = self._life, self._life.counters.all
        count = tally.first_tokens - self._firsts[0]
        limit.observe(
            life.now(),
            # Held down, it is not full by its own limit, however many there are.
            0 if self._manager.capped else self._lowest,
            life.tokens - life.corrections - self._pieces,
            first_token=(tally.first_token_sum - self._firsts[1]) / count if count else None,
        )

    def _apply(self, limit: AdaptiveLimit) -> None:
        if limit.limit != self._manager.wanted_limit:
            self._manager.set_wanted(limit.limit)
