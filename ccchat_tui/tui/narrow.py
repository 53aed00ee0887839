"""Draws of the screen what has changed, and nothing that lies between two changes."""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip


class NarrowCompositor(Compositor):
    """Asks for a partial update only those widgets that show some of it, and only for its rows.

    Textual's own asks every widget within the smallest rectangle around all changes for all its
    rows. While eight panes stream and somebody types, that is most of the screen in every frame.
    Where a change lies wholly within a widget, nothing behind that one is asked either: whoever
    is in front wins in any case, and every widget fills its region.
    """

    def __init__(self) -> None:
        super().__init__()
        self._changes: tuple[Region, ...] = ()

    def render_partial_update(self) -> ChopsUpdate | None:
        """What has changed since the last update; `None` for nothing."""
        self._changes = tuple(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._changes = ()

    def _get_renders(
        self, crop: Region | None = None
    ) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if not self._changes:
            yield from super()._get_renders(crop)
            return
        left = list(self._changes)
        # From the front to the back.
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            concerned = [change for change in left if change.overlaps(seen)]
            if not concerned:
                continue
            top = max(seen.y, min(change.y for change in concerned))
            bottom = min(seen.bottom, max(change.bottom for change in concerned))
            part = Region(seen.x, top, seen.width, bottom - top)
            yield part, part, widget.render_lines(part.translate(-region.offset))
            left = [change for change in left if not seen.contains_region(change)]
            if not left:
                return
