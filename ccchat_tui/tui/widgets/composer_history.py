"""The prompts sent before, as the composer recalls them."""

from __future__ import annotations

from collections.abc import Iterable

from ccchat_tui.quick import dataclass


@dataclass(frozen=True, slots=True)
class Draft:
    """A text with the place where its author was in it."""

    text: str
    place: tuple[tuple[int, int], tuple[int, int]] | None = None
    """Row and column of the two ends of the selection, the cursor at the second; `None` for a
    text that nobody has been in yet."""


class PromptHistory:
    """Earlier prompts and the way back to the draft one was writing.

    What is changed in a recalled prompt is kept as long as one browses, so that walking past it
    loses nothing; the prompt itself stays as it was sent.

    Args:
        prompts: The earlier prompts, oldest first.
        limit: How many are kept; the oldest go first.
    """

    def __init__(self, prompts: Iterable[str] = (), *, limit: int = 200) -> None:
        self._limit = max(1, limit)
        self._prompts: list[str] = list(prompts)[-self._limit :]
        self._index: int | None = None
        self._changed: dict[int, Draft] = {}

    @property
    def prompts(self) -> tuple[str, ...]:
        """The earlier prompts, oldest first."""
        return tuple(self._prompts)

    @property
    def browsing(self) -> bool:
        """Whether an earlier prompt is shown in the place of the draft."""
        return self._index is not None

    def add(self, prompt: str) -> None:
        """Remember a prompt that was sent; ends browsing. The same twice running counts once."""
        self.stop()
        if not self._prompts or self._prompts[-1] != prompt:
            self._prompts.append(prompt)
            del self._prompts[: -self._limit]

    def older(self, current: Draft) -> Draft | None:
        """Go one prompt back.

        Args:
            current: What the composer shows now; comes back when one returns to this place.

        Returns:
            What to show; `None` where there is nothing older.
        """
        return self._move(-1, current)

    def newer(self, current: Draft) -> Draft | None:
        """Go one prompt forward, at last to the draft; `None` if one is there already."""
        return self._move(1, current) if self.browsing else None

    def draft(self) -> Draft | None:
        """End browsing and give the draft back; `None` if one was not browsing."""
        kept = self._changed.get(len(self._prompts)) if self.browsing else None
        self.stop()
        return kept

    def stop(self) -> None:
        """End browsing; what the composer shows is the draft from now on."""
        self._index = None
        self._changed.clear()

    def kept_texts(self) -> Iterable[str]:
        """Every text that may still be shown again."""
        yield from self._prompts
        yield from (draft.text for draft in self._changed.values())

    def _move(self, step: int, current: Draft) -> Draft | None:
        here = len(self._prompts) if self._index is None else self._index
        target = here + step
        if not 0 <= target <= len(self._prompts):
            return None
        self._changed[here] = current
        if target == len(self._prompts):
            return self.draft()
        self._index = target
        return self._changed.get(target) or Draft(self._prompts[target])
