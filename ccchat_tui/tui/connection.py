"""Who answers: the server that was asked for, or the demo model while that one does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ccchat_tui.backends.base import (
    BackendError,
    ChatBackend,
    ErrorKind,
    ModelInfo,
    managers_of,
)
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.backends.pending import PendingBackend
from ccchat_tui.engine.facade import ChatService
from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.text import one_line
from ccchat_tui.tui.widgets.header import NO_SERVER, ServerView

DEMO_SENTENCE = "this is the built-in demo model"


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answers now, and what there is to say of it."""

    view: ServerView
    """For the header."""
    notice: str
    """For the panes: a whole sentence, or nothing where all is as it was asked for."""


class Connection:
    """Tries the server, changes over between it and the demo model, and loses no chat by it.

    Requests that are under way stay with whoever was asked; new ones and further attempts go to
    the new one.

    Args:
        service: Whose backend is changed.
        sessions: Are told which models there are.
        pending: What the service has until it is known who answers; the first who does settles it.
        server: What was asked for.
        demo: What answers while the server does not.
        model: The model of new chats; empty for the first that there is.
        changed: Called after every change of `answer`.
    """

    def __init__(
        self,
        service: ChatService,
        sessions: SessionManager,
        *,
        pending: PendingBackend,
        server: ChatBackend,
        demo: ChatBackend,
        model: str = "",
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.server = server
        self.demo = demo
        self._service = service
        self._sessions = sessions
        self._pending = pending
        self._model = model
        self._changed = changed
        self._otherwise = ""
        self.answer = Answer(ServerView(server.name, server.address), "")

    @property
    def on_demo(self) -> bool:
        """Whether the demo model answers."""
        return self._service.backend is self.demo

    async def try_server(self) -> BackendError | None:
        """Try the server, and change over to it if it answers. If it does not, whoever answered
        before goes on; where nobody has yet, the demo model does.

        Cancelled, it changes nothing: what waits for the outcome waits for the next one.

        Returns:
            What is wrong, where it does not answer.
        """
        error = await self._ask_server()
        if error is not None and self._service.backend is self._pending:
            await self.use_demo(_in_short(error, self.server))
        return error

    async def use_demo(self, problem: str = "") -> None:
        """Let the demo model answer.

        Args:
            problem: Why, if nobody asked for it.
        """
        self._answer_with(self.demo, await self.demo.models())
        notice = f"{problem.rstrip('.')}; {DEMO_SENTENCE}." if problem else ""
        if notice:
            notice += " Start the server and press F5 to change over; the chats stay."
        self._show(self.demo, notice, failed=bool(problem))

    def say(self, notice: str) -> None:
        """Say something in the panes for as long as there is nothing else to be said."""
        self._otherwise = notice
        if not self.answer.notice:
            self.answer = replace(self.answer, notice=notice)
            self._changed()

    async def models(self) -> list[ModelInfo]:
        """What the one that answers has now. Raises `BackendError`."""
        models = await self._service.backend.models()
        if self._service.backend in (self.server, self.demo):
            # Chats keep the model they have, even one that is gone: asking tells what there is.
            self._sessions.known_models = tuple(model.name for model in models)
        return models

    async def _ask_server(self) -> BackendError | None:
        """Change over to the server. Returns what is wrong, where it does not answer."""
        self._show_connecting(True)
        try:
            await self.server.probe()
            models = await self.server.models()
        except BackendError as error:
            return error
        finally:
            self._show_connecting(False)
        self._answer_with(self.server, models)
        self._show(self.server, self._none_yet(models))
        return None

    async def refresh(self) -> list[ModelInfo]:
        """Ask for the models anew, after one was fetched or deleted. A chat that has none, or in
        which another stands in for its own, is given its own if that is there now; no other chat
        is touched. Raises `BackendError`."""
        models = await self.models()
        backend = self._service.backend
        if backend not in (self.server, self.demo):
            return models
        default = self._sessions.default_model = self._model_among(models)
        names = [model.name for model in models]
        there = set(map(full_name, names))
        for session in self._sessions.sessions:
            if not session.model or (session.stand_in and full_name(session.own_model) in there):
                session.fit_model(names, default, stand_in=backend is self.demo)
                self._sessions.changed(session)
        if backend is self.server:
            self._show(backend, self._none_yet(models))
        return models

    def _none_yet(self, models: Sequence[ModelInfo]) -> str:
        """What is to be said of a server that has no models."""
        if models:
            return ""
        here = f"{self.server.name} at {self.server.address} has no models yet."
        if managers_of(self.server):
            return f"{here} Press F3 and then F2 to fetch one, such as llama3.2."
        ollama = "Ollama" in self.server.name
        how = "Fetch one, e.g. `ollama pull llama3.2`" if ollama else "Have one served there"
        return f"{here} {how}, then press F5."

    def _answer_with(self, backend: ChatBackend, models: Sequence[ModelInfo]) -> None:
        """Change over, and let the requests go that were held back for it."""
        self._service.use_backend(backend)
        default = self._model_among(models)
        names = [model.name for model in models]
        self._sessions.set_models(names, default, stand_in=backend is self.demo)
        self._pending.settle(backend, default)

    def _model_among(self, models: Sequence[ModelInfo]) -> str:
        """The model of new chats: what was asked for, by the name the server has for it, or the
        first that can chat."""
        names = [model.name for model in models]
        if self._model and not self.on_demo:
            wanted = full_name(self._model)
            return next((name for name in names if full_name(name) == wanted), self._model)
        if self._model in names:
            return self._model
        return next((model.name for model in models if model.can_chat), "")

    def _show_connecting(self, connecting: bool) -> None:
        view = replace(self.answer.view, connecting=connecting)
        self.answer = replace(self.answer, view=view)
        self._changed()

    def _show(self, backend: ChatBackend, notice: str, *, failed: bool = False) -> None:
        told = NO_SERVER if failed else ""
        view = ServerView(one_line(backend.name, 40), one_line(backend.address, 80), told)
        self.answer = Answer(view, notice or self._otherwise)
        self._changed()


def _in_short(error: BackendError, server: ChatBackend) -> str:
    """Why the server is not asked, as the first half of a sentence."""
    if error.kind is ErrorKind.UNREACHABLE:
        return f"{server.name} does not answer at {server.address}"
    return error.message
