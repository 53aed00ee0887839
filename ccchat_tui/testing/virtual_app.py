"""A Textual app in virtual time, for tests."""

from __future__ import annotations

from ccchat_tui.tui.virtual import run_app_virtual

__all__ = ["run_app_virtual"]
