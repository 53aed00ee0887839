"""Pictures of the screen."""

from __future__ import annotations

import re

_FONT_FACE = re.compile(r"\s*@font-face \{.*?\n    \}", re.DOTALL)
_FAMILY = re.compile(r"font-family: Fira Code, monospace")
FONTS = "'Fira Code', 'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, monospace"


def without_fonts(svg: str) -> str:
    """Take the fonts out that Rich would have a viewer fetch from the network; what the viewer
    has is used instead.

    Args:
        svg: As `App.export_screenshot` gives it.
    """
    return _FAMILY.sub(f"font-family: {FONTS}", _FONT_FACE.sub("", svg))
