"""The endpoints that answer at once: lists, signs of life, pull and delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ccchat_tui.testing.ollama_server.catalog import Loader, Model, usual_models
from ccchat_tui.testing.ollama_server.steps import (
    PLAIN,
    Answer,
    End,
    Head,
    Request,
    Step,
    answer,
    error,
    line,
)

VERSION = "0.33.0"


class Endpoints:
    """What the server has, and what it says of it.

    Args:
        models: What it has; four of different abilities by default.
        loader: Which of them are loaded.
    """

    def __init__(self, models: Sequence[Model] | None, loader: Loader) -> None:
        self.models = usual_models() if models is None else list(models)
        self.loader = loader
        self.pull_error = "pull model manifest: file does not exist"
        """What is said of a model that cannot be pulled."""
        self._routes: dict[tuple[str, str], Callable[[Request], Iterable[Step]]] = {
            ("GET", "/"): self._alive,
            ("HEAD", "/"): self._alive,
            ("GET", "/api/version"): self._version,
            ("HEAD", "/api/version"): self._version,
            ("GET", "/api/tags"): self._tags,
            ("HEAD", "/api/tags"): self._tags,
            ("GET", "/api/ps"): self._ps,
            ("POST", "/api/show"): self._show,
            ("POST", "/api/pull"): self._pull,
            ("DELETE", "/api/delete"): self._delete,
        }

    def plain(self, request: Request, path: str) -> Iterable[Step]:
        """The answer of every endpoint but the chat's."""
        route = self._routes.get((request.method, path))
        if route is not None:
            return route(request)
        if path == "/api/chat" or any(known == path for _, known in self._routes):
            return [Answer(405, b"405 method not allowed", PLAIN)]
        return [Answer(404, b"404 page not found", PLAIN)]

    def _alive(self, request: Request) -> list[Step]:
        return [Answer(200, b"Ollama is running", PLAIN)]

    def _version(self, request: Request) -> list[Step]:
        return [answer({"version": VERSION})]

    def _tags(self, request: Request) -> list[Step]:
        return [answer({"models": [model.tag() for model in self.models]})]

    def _ps(self, request: Request) -> list[Step]:
        return [answer({"models": self.loader.processes()})]

    def _show(self, request: Request) -> list[Step]:
        refused, body = decoded(request)
        if refused is not None:
            return [refused]
        model = self.model(_name(body))
        if model is None:
            return [error(404, f"model '{_full(_name(body))}' not found")]
        return [answer(model.show())]

    def _pull(self, request: Request) -> Iterable[Step]:
        refused, body = decoded(request)
        if refused is not None:
            return [refused]
        name = _name(body)
        known = self.model(name) is not None or name.startswith("pullable")
        statuses: list[dict[str, Any]] = [{"status": "pulling manifest"}]
        if known:
            for digest, total in (("6a0746a1ec1a", 4000), ("4fa551d4f938", 12)):
                layer: dict[str, Any] = {
                    "status": f"pulling {digest}",
                    "digest": f"sha256:{digest}",
                    "total": total,
                }
                some = (total // 4, total * 5 // 8, total)
                statuses += [layer, *({**layer, "completed": done} for done in some)]
            statuses += [
                {"status": "verifying sha256 digest"},
                {"status": "writing manifest"},
                {"status": "success"},
            ]
        else:
            statuses.append({"error": self.pull_error})
        if body.get("stream") is False:
            last = statuses[-1]
            if "error" not in last:
                self._fetched(name)
            return [answer(last, 500 if "error" in last else 200)]
        return self._pull_steps(name, statuses)

    def _pull_steps(self, name: str, statuses: Sequence[dict[str, Any]]) -> Iterator[Step]:
        """The lines of a pull; the model is there with the last of them."""
        yield Head()
        for each in statuses:
            if each == {"status": "success"}:
                self._fetched(name)
            yield line(each)
        yield End()

    def _fetched(self, name: str) -> None:
        if self.model(name) is None:
            self.models.insert(0, Model(_full(name)))

    def _delete(self, request: Request) -> list[Step]:
        refused, body = decoded(request)
        if refused is not None:
            return [refused]
        model = self.model(_name(body))
        if model is None:
            return [error(404, f"model '{_full(_name(body))}' not found")]
        self.models.remove(model)
        self.loader.unload(model.name)
        return [Answer(200, b"", "")]

    def model(self, name: str) -> Model | None:
        return next((model for model in self.models if model.name == _full(name)), None)


def decoded(request: Request) -> tuple[Answer | None, dict[str, Any]]:
    """The body, or what Ollama says where it is none."""
    if not request.body:
        return error(400, "missing request body"), {}
    try:
        return None, request.json()
    except ValueError as fault:
        cut = "unexpected EOF" if request.body.count(b"{") > request.body.count(b"}") else ""
        return error(400, cut or f"invalid character in body: {fault}"), {}


def _name(body: dict[str, Any]) -> str:
    return str(body.get("model") or body.get("name") or "")


def _full(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
