"""What a scenario means to the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccchat_tui.config import Loaded
    from ccchat_tui.engine.limits import EngineSettings
    from ccchat_tui.scenarios.model import Scenario

_LIMITS = {
    "max_concurrent": "max_concurrent_chats",
    "max_concurrent_per_user": "max_concurrent_per_user",
    "requests_per_minute": "requests_per_minute",
    "retry_attempts": "chat_retry_attempts",
    "timeout": "chat_timeout",
}
"""The limits that a scenario may name, and the settings that count more."""


def limits_of(scenario: Scenario, loaded: Loaded) -> EngineSettings:
    """The engine's limits: what the person has set, then what the scenario says."""
    limits = loaded.settings.engine()
    named = {
        limit: getattr(scenario.limits, limit)
        for limit, setting in _LIMITS.items()
        if loaded.is_default(setting)
    }
    # Nothing that a person can set, so that nothing stands against it.
    named["fallback_quiet"] = scenario.limits.fallback_quiet
    if loaded.is_default("max_queue"):
        named["max_queue"] = max(limits.max_queue, scenario.expected)
    weights = {name: user.weight for user in scenario.users for name in user.names}
    return replace(limits, **named, user_weights={**weights, **limits.user_weights})
