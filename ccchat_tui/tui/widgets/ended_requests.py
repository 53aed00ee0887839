"""Requests that have just ended: they stay in their place for a moment, so that it is seen."""

from __future__ import annotations

from collections.abc import Sequence

from ccchat_tui.engine.events import RequestEnded
from ccchat_tui.engine.stats import RequestView
from ccchat_tui.quick import dataclass

FADE_SECONDS = 3.0
"""How long an ended request stays in the list, by the engine's clock."""
MOST_UNSEEN = 20
"""How many are kept that were never in the list, as when all of a long queue is cancelled."""


@dataclass(frozen=True, slots=True)
class EndedRequest:
    """How a request ended, and what the list said of it last."""

    event: RequestEnded
    preview: str
    last: RequestView | None
    """`None` if it ended before it was ever in the list."""

    @property
    def id(self) -> str:
        """The request's id."""
        return self.event.request_id


ListItem = RequestView | EndedRequest
"""What a row of the list can be about."""


class EndedRequests:
    """Keeps what has ended until it has faded, and puts it where it stood among the living."""

    def __init__(self) -> None:
        self._ended: dict[str, EndedRequest] = {}
        self._unseen = 0
        self._order: list[str] = []
        self._views: dict[str, RequestView] = {}

    def __len__(self) -> int:
        return len(self._ended)

    def add(self, event: RequestEnded, preview: str) -> None:
        """Something ended. Costs the same however long the queue is."""
        last = self._views.get(event.request_id)
        if last is None:
            if self._unseen >= MOST_UNSEEN:
                return
            self._unseen += 1
        self._ended[event.request_id] = EndedRequest(
            event, preview or (last.preview if last else ""), last
        )

    def clear(self) -> None:
        """Forget everything, as when nobody looks."""
        self._ended.clear()
        self._views.clear()
        self._order.clear()
        self._unseen = 0

    def merge(self, living: Sequence[RequestView], at: float, *, whole: bool) -> list[ListItem]:
        """The list to be shown: those that live in their order, those that fade between them.

        Args:
            living: What a snapshot says, in its order, cut at what can be shown.
            at: The moment of that snapshot.
            whole: Whether nothing was cut. What was never in the list fades at its end, and so is
                not shown where the end is not.
        """
        views = {view.id: view for view in living}
        for ended in list(self._ended.values()):
            # An id that lives again (a retry of the same turn) is not the one that ended.
            if at - ended.event.at >= FADE_SECONDS or ended.id in views:
                del self._ended[ended.id]
                self._unseen -= ended.last is None
        merged: list[ListItem] = list(living)
        if self._ended:
            merged = self._between(living, views, whole=whole)
        self._views = views
        self._order = [item.id for item in merged]
        return merged

    def _between(
        self, living: Sequence[RequestView], views: dict[str, RequestView], *, whole: bool
    ) -> list[ListItem]:
        after: dict[str, list[EndedRequest]] = {}
        unplaced = dict(self._ended)
        before = ""
        for request_id in self._order:
            if request_id in views:
                before = request_id
            elif (ended := unplaced.pop(request_id, None)) is not None:
                after.setdefault(before, []).append(ended)
        merged: list[ListItem] = [*after.get("", ())]
        for view in living:
            merged.append(view)
            merged.extend(after.get(view.id, ()))
        if whole:
            merged.extend(unplaced.values())
        return merged
