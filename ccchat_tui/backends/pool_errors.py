"""What a pool says when none of its servers could take a request."""

from __future__ import annotations

from collections.abc import Sequence

from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.backends.placement import Member

FINAL = frozenset({ErrorKind.MODEL_NOT_FOUND, ErrorKind.UNAUTHORIZED, ErrorKind.NOT_OLLAMA})
"""Failures that a later try does not mend. Where servers failed differently, one that a later try
may mend speaks for all of them: the server that has the model may be the one that is down."""

AFTER_PROBE = 0.25
"""Seconds that the next probe is given to be answered before a request is worth another try."""


def closed() -> BackendError:
    """The pool is closed, and so takes nothing more."""
    return BackendError(ErrorKind.UNREACHABLE, "The connection to the servers was closed")


def left_out(member: Member) -> BackendError:
    """Why a server whose breaker is not closed takes nothing, and when it is next tried."""
    return BackendError(
        ErrorKind.UNREACHABLE,
        f"{member.server.backend.address} is left out for now: {member.breaker.describe()}",
        retry_after=(member.breaker.retry_in or 0.0) + AFTER_PROBE,
    )


def together(failures: Sequence[tuple[Member, BackendError]]) -> BackendError:
    """One error for several: of the kind that says most, in the words of all."""
    errors = [error for _, error in failures]
    if not errors:
        # The last server failed and came back between two steps of the loop.
        return BackendError(
            ErrorKind.UNREACHABLE, "No server could take it just now", retry_after=AFTER_PROBE
        )
    if len(errors) == 1:
        return errors[0]
    told = next((error for error in reversed(errors) if error.kind not in FINAL), errors[-1])
    waits = [error.retry_after for error in errors if error.retry_after is not None]
    words = [f"{member.server.name}: {error.message}" for member, error in failures]
    return BackendError(
        told.kind,
        f"No server could take it. {'; '.join(words)}",
        status=told.status,
        retry_after=min(waits) if waits else None,
        hints=tuple(dict.fromkeys(hint for error in errors for hint in error.hints)),
    )
