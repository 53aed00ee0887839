"""The names that OpenTelemetry's conventions for generative AI have for what we measure, and the
values that they allow (opentelemetry.io/docs/specs/semconv/gen-ai, in development).

We are a client of the model servers: what is measured begins when a request is sent to one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ccchat_tui.backends.base import ChatBackend

CHAT: Final = "chat"
"""The operation, `gen_ai.operation.name`."""
OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105 - no password
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - no password
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
ERROR: Final = "error.type"

DURATIONS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48,
                    40.96, 81.92, 163.84, 327.68)  # fmt: skip
"""Seconds: the bounds of buckets that the conventions ask for, and two more, for local models."""
TOKENS: Final = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216,
                 67108864)  # fmt: skip
"""Tokens: the bounds of buckets that the conventions ask for."""


def provider_of(backend: ChatBackend) -> str:
    """Whose protocol is spoken: `openai` as the conventions have it, `ollama`, `demo`; `pool` for
    servers of several kinds, of which it is known only later who answers; `other`."""
    name = backend.name.lower()
    spoken = [each for each in ("openai", "ollama", "demo") if each in name]
    if len(spoken) > 1:
        return "pool"
    return spoken[0] if spoken else "other"


def in_prometheus(name: str, unit: str = "") -> str:
    """A name in Prometheus' spelling, by the rules of OpenTelemetry's compatibility with it."""
    return "_".join(filter(None, (name.replace(".", "_"), unit)))
