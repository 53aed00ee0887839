"""Model names, and the lists of several servers as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ccchat_tui.backends.base import ModelInfo


def full_name(model: str) -> str:
    """A model's name with its tag: Ollama takes a missing one for `latest` (Ollama source,
    types/model/name.go)."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def merged(lists: Sequence[tuple[str, Sequence[ModelInfo]]]) -> list[ModelInfo]:
    """One list of several servers' lists, each with its server's name.

    Returns:
        Newest first, each name once, with the servers that have it. Where these have different
        versions of it, the newest speaks for it, and the digest is `None`, because it is not
        known which of them will reply.
    """
    found: dict[str, list[tuple[str, ModelInfo]]] = {}
    for server, models in lists:
        for model in models:
            found.setdefault(full_name(model.name), []).append((server, model))
    result = []
    for same in found.values():
        newest = max((model for _, model in same), key=_age_key)
        digests = {model.digest for _, model in same}
        result.append(
            replace(
                newest,
                digest=newest.digest if len(digests) == 1 else None,
                servers=tuple(dict.fromkeys(server for server, _ in same)),
            )
        )
    return sorted(result, key=_age_key, reverse=True)


def _age_key(model: ModelInfo) -> datetime:
    """For sorting by age; what has no date counts as oldest."""
    when = model.modified_at
    if when is None:
        return datetime.min.replace(tzinfo=UTC)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
