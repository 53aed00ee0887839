"""What `/openapi.json` says (OpenAPI 3.1.0): the endpoints, what they take and what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ccchat_tui import __version__
from ccchat_tui.api.asking import LONGEST_NAME, ONE_LINE
from ccchat_tui.api.views import Json
from ccchat_tui.engine.history import KEPT
from ccchat_tui.engine.request import TERMINAL

_ERRORS: Final = {
    400: "what was sent makes no sense; the text says what does",
    401: "no token, or one that nobody has",
    403: "not for this caller, or not by this host name or from this page",
    404: "there is none, or it is somebody else's",
    409: "there is a request of this id already",
    408: "the body did not come in time",
    413: "the body is too large",
    429: "too many requests of this user in a minute; Retry-After says when to try again",
    499: "somebody cancelled it",
    500: "the model server failed, or ccchat itself",
    502: "the model server cannot be reached, or does not speak its protocol",
    503: "the queue is full, the server busy, or the program closing",
    504: "the reply took too long",
}
_ANY: Final = (400, 401, 403, 408, 413, 500)
"""What every endpoint behind the token may answer."""
_LISTING: Final = (*_ANY, 502, 503)
_STATES: Final = "|".join(sorted(TERMINAL))
_PLAIN: Final = "text/plain"
_TEXT: Final = {"type": "string"}
_MODELS: Final = {
    "type": "object",
    "properties": {"models": {"type": "array", "items": {"type": "object"}}},
    "required": ["models"],
}
_ASKING: Final = (*_ANY, 404, 409, 429, 499, 502, 503, 504)


def document() -> Json:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ccchat",
            "version": __version__,
            "description": "The queue of ccchat: seen, steered, and asked.",
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
        "security": [{"token": []}],
        "paths": _paths(),
    }


def _paths() -> Json:
    ident = _parameter("id", "path", {"type": "string", "minLength": 1}, "the request's id")
    everyone = _parameter("all", "query", _enum("0", "1"), "1 for everybody's; only the admin")
    state = _parameter(
        "state", "query", {"type": "string", "pattern": f"^({_STATES})(,({_STATES}))*$"},
        f"ended ones, in these states, separated by commas: {', '.join(sorted(TERMINAL))}",
    )  # fmt: skip
    user = _parameter("user", "query", {"type": "string"}, "whose; others' only for the admin")
    last = _parameter("Last-Event-ID", "header", {"type": "string"}, "the last event seen")
    after = _parameter("after", "query", {"type": "string"}, "the same, for who sets no headers")
    by_user = _parameter("users", "query", _enum("0", "1"), "1 to have them by user too")
    ids = _object(cancelled={"type": "array", "items": {"type": "string"}})
    one = _object(id={"type": "string"}, cancelled={"type": "boolean"})
    paused = _object(paused={"type": "boolean"})
    rows = _object(requests={"type": "array", "items": _ref("Request")})
    health = _object(status={"type": "string"})
    limit = _parameter("limit", "query", {"type": "integer", "minimum": 1}, "with all: so many")
    buckets = _parameter(
        "count", "query", {"type": "integer", "minimum": 0, "maximum": KEPT},
        "how many of the last buckets",
    )  # fmt: skip
    have = [
        _parameter(name, "query", {"type": "integer", "minimum": 0}, f"how many {words} one has")
        for name, words in (("events", "events"), ("thinking", "characters of the thinking"),
                            ("text", "characters of the reply"))
    ]  # fmt: skip
    return {
        "/api/ai/me": {"get": _does("who the caller is", _object(
            user=_TEXT, admin={"type": "boolean"}, model=_TEXT, at={"type": "number"}))},
        "/api/ai/status": {"get": _does("the queue, its figures and limits", _ref("Status"))},
        "/api/ai/history": {
            "get": _does("how the queue went, for charts", _ref("History"), [buckets])},
        "/api/ai/requests": {
            "get": _does("living requests, or ended ones", rows, [everyone, state, limit]),
            "post": _submit(),
            "delete": _does("cancel all of the caller's", ids, [everyone, user]),
        },
        "/api/ai/requests/{id}": {
            "get": _does("one request", _ref("Request"), [ident], (*_ANY, 404)),
            "delete": _does("cancel one request", one, [ident], (*_ANY, 404)),
        },
        "/api/ai/requests/{id}/reply": {
            "get": _does("what comes of a detached request", _ref("News"), [ident, *have],
                         (*_ANY, 404), kind="application/x-ndjson"),
        },
        "/api/ai/events": {
            "get": _does("what happens, as it happens", {"type": "string"},
                         [last, after], kind="text/event-stream"),
        },
        "/api/ai/limits": {
            "patch": _does("change limits; only the admin", _object(limits=_ref("Limits")),
                           body=_ref("NewLimits")),
        },
        "/api/ai/pause": {"post": _does("start nothing; only the admin", paused)},
        "/api/ai/resume": {"post": _does("start again; only the admin", paused)},
        "/api/chat": {"post": _gateway("ask a model, as Ollama does", _ASKING)},
        "/api/tags": {"get": _does("the models, as Ollama lists them", _MODELS, (), _LISTING)},
        "/api/show": {"post": _gateway("one model, as Ollama shows it", (*_LISTING, 404))},
        "/api/version": {"get": _does("whose protocol this is", _object(version=_TEXT))},
        "/api/ps": {"get": _does("loaded models, as Ollama lists them", _MODELS, (), _LISTING)},
        "/metrics": {
            "get": _does("figures for Prometheus; only the admin", _TEXT, [by_user], kind=_PLAIN),
        },
        "/healthz": {"get": _open("whether it lives", health)},
        "/readyz": {"get": _open("whether it can answer", health, unready=True)},
        "/openapi.json": {"get": _open("this document", {"type": "object"})},
    }  # fmt: skip


def _gateway(words: str, errors: Sequence[int]) -> Json:
    """What Ollama's own documentation describes (docs/api.md); only the frame is told here."""
    name = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": ONE_LINE}
    named = {"type": "object", "properties": {"model": name}, "required": ["model"]}
    told = _does(words, {"type": "object"}, (), errors, body=named)
    told["responses"]["200"]["content"]["application/x-ndjson"] = {"schema": {"type": "object"}}
    return told


def _submit() -> Json:
    told = _does("ask a model", _ref("Chunk"), (), _ASKING, body=_ref("Chat"))
    told["responses"]["200"]["content"]["application/x-ndjson"] = {"schema": _ref("Chunk")}
    told["responses"]["202"] = _content(
        "detached: taken, and followed at its /reply", _object(id={"type": "string"})
    )
    told["responses"]["200"]["headers"] = {
        "X-Request-Id": {"schema": {"type": "string"}, "description": "the request's id"}
    }
    return told


def _schemas() -> Json:
    text, whole, number = {"type": "string"}, {"type": "integer"}, {"type": "number"}
    optional = {"type": ["number", "null"]}
    maybe = {"type": ["string", "null"]}
    limit = {"type": "integer", "minimum": 1, "maximum": 1000}
    name = {**maybe, "maxLength": LONGEST_NAME, "pattern": ONE_LINE}
    message = _object(role=_enum("system", "user", "assistant", "tool"), content=maybe)
    message["required"] = ["role"]
    chat = {
        "model": name,
        "messages": {"type": "array", "items": _ref("Message"), "minItems": 1},
        "options": {"type": ["object", "null"]},
        "think": {"enum": [True, False, "low", "medium", "high", "max", None]},
        "keep_alive": {"type": ["string", "number", "null"]},
        "stream": {"type": ["boolean", "null"], "default": True},
        "session_id": name,
        "priority": _enum("low", "normal", "high"),
        "timeout_ms": {"type": ["integer", "null"], "minimum": 1, "maximum": 86_400_000},
        "id": {"type": ["string", "null"], "pattern": "^[0-9A-Za-z_-]{8,64}$"},
        "detached": {"type": ["boolean", "null"], "default": False},
        "preview": {
            "type": ["string", "null"],
            "maxLength": 512,
            "description": "what is shown of it in place of the last message",
        },
        "user": {**name, "description": "for whom; others only for the admin"},
    }
    named = {"id": text, "user": text, "session_id": text, "model": text, "preview": text}
    return {
        "Error": _object(error=text),
        "Message": message,
        "Chat": {
            "type": "object",
            "properties": chat,
            "required": ["messages"],
            "additionalProperties": False,
        },
        "Chunk": {
            "type": "object",
            "properties": {
                "model": text,
                "created_at": text,
                "message": {"type": "object"},
                "done": {"type": "boolean"},
                "done_reason": text,
                "error": text,
            },
        },
        "Request": {
            "type": "object",
            "properties": {
                **named,
                "state": text,
                "tokens": whole,
                "position": {"type": ["integer", "null"]},
                "waited_ms": number,
                "running_ms": number,
                "first_token_ms": optional,
                "duration_ms": number,
                "failure": {"type": ["string", "null"]},
            },
            "required": [*named, "state", "tokens"],
        },
        "News": {
            "type": "object",
            "properties": {
                "events": {"type": "array", "items": {"type": "object"}},
                "thinking": text,
                "text": text,
            },
        },
        "History": {
            **_object(
                seconds=number,
                in_flight={"type": "array", "items": whole},
                queue_length={"type": "array", "items": whole},
                tokens={"type": "array", "items": whole},
            ),
            "description": "the highest levels and the tokens in each bucket, oldest first",
        },
        "Limits": _object(
            max_concurrent=whole,
            max_concurrent_per_user=whole,
            requests_per_minute=whole,
            timeout_ms=whole,
            retry_attempts=whole,
        ),
        "NewLimits": {
            "type": "object",
            "properties": {
                "max_concurrent": {"anyOf": [limit, {"const": "auto"}]},
                "max_concurrent_per_user": limit,
            },
            "minProperties": 1,
            "additionalProperties": False,
        },
        "Status": {
            "type": "object",
            "properties": {
                "mode": _enum("concurrent", "sequential"),
                "mode_reason": text,
                "paused": {"type": "boolean"},
                "limits": _ref("Limits"),
                "queue_length": whole,
                "in_flight": whole,
                "waiting_to_retry": whole,
                "peak_concurrency": whole,
                "totals": {"type": "object", "additionalProperties": whole},
                "success_rate": number,
                "users": {"type": "array", "items": {"type": "object"}},
                "servers": {"type": "array", "items": {"type": "object"}},
            },
            "required": ["mode", "limits", "queue_length", "in_flight", "totals"],
        },
    }


def _does(
    words: str,
    schema: Json,
    parameters: Sequence[Json] = (),
    errors: Sequence[int] = _ANY,
    *,
    body: Json | None = None,
    kind: str = "application/json",
) -> Json:
    told: Json = {"summary": words, "responses": {"200": _content("done", schema, kind)}}
    for status in errors:
        told["responses"][str(status)] = _content(_ERRORS[status], _ref("Error"))
    if parameters:
        told["parameters"] = list(parameters)
    if body is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return told


def _open(words: str, schema: Json, *, unready: bool = False) -> Json:
    """An endpoint that needs no token."""
    told = {**_does(words, schema, errors=(400, 403, 408, 413)), "security": []}
    if unready:
        told["responses"]["503"] = _content("not now", schema)
    return told


def _content(words: str, schema: Json, kind: str = "application/json") -> Json:
    return {"description": words, "content": {kind: {"schema": schema}}}


def _parameter(name: str, where: str, schema: Json, words: str) -> Json:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "schema": schema,
        "description": words,
    }


def _object(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _enum(*values: str) -> Json:
    return {"type": "string", "enum": list(values)}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
