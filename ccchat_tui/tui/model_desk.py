"""What the person does with models beside talking to them: choose, fetch, delete, unload."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ccchat_tui.backends.base import (
    BackendError,
    LoadedModel,
    ManagesModels,
    ModelInfo,
    managers_of,
)
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.text import one_line, sanitize
from ccchat_tui.tui.pulls import Pull, Pulls, PullState

if TYPE_CHECKING:
    from ccchat_tui.sessions.model import Session
    from ccchat_tui.sessions.presets import Presets
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.screens.chat_settings import ChatSettingsScreen
    from ccchat_tui.tui.screens.model_picker import ModelPickerScreen

CANNOT = "Models cannot be fetched or deleted from here: this kind of server has no way for that."


class ModelDesk:
    """Asks the servers, and wires the dialogs to them.

    Args:
        app: Whose dialogs they are.
        presets: Where settings of chats are kept by name; `None` for nowhere.
    """

    def __init__(self, app: CCChatApp, presets: Presets | None) -> None:
        self._app = app
        self._presets = presets
        self.models: list[ModelInfo] = []
        """What was told when the servers were last asked for their models."""
        self.pulls = Pulls(app.wall, changed=app.wake_queue, ended=self._pull_ended)

    @property
    def managers(self) -> Mapping[str, ManagesModels]:
        """The servers whose models can be managed, by name."""
        return managers_of(self._app.service.backend)

    async def aclose(self) -> None:
        """Stop what is being fetched."""
        await self.pulls.aclose()

    # Choosing -----------------------------------------------------------------------------

    def choose(self, session: Session) -> None:
        """Ask for the models there are, and which of them a chat is to talk to."""
        from ccchat_tui.tui.screens.model_picker import ModelPickerScreen  # noqa: PLC0415

        def answered(model: str | None) -> None:
            if model:
                session.model = model
                self._app.sessions.changed(session)

        # At once, and filled in when the server has answered: a dialog that comes later would
        # take the keys of whoever has gone on writing.
        picker = ModelPickerScreen(None, session.model, desk=self, zone=self._app.keeping.zone)
        self._app.push_screen(picker, answered)
        self.fill(picker)

    def fill(self, picker: ModelPickerScreen) -> None:
        """Have the servers asked for what the picker shows."""
        self._app.run_worker(self._fill(picker), group="models", exclusive=True)

    async def _fill(self, picker: ModelPickerScreen) -> None:
        try:
            self.models = await self._app.connection.models()
            picker.show_models(self.models)
        except BackendError as error:
            picker.show_models([], error.message)
            return
        finally:
            # One that did not tell its models may be left out now.
            self._app.wake_queue()
        async with asyncio.TaskGroup() as group:
            for server, manager in self.managers.items():
                group.create_task(self._ask_loaded(picker, server, manager))

    async def _ask_loaded(
        self, picker: ModelPickerScreen, server: str, manager: ManagesModels
    ) -> None:
        try:
            loaded: Sequence[LoadedModel] = await manager.running()
        except BackendError:
            return  # then it is not known what is loaded there
        picker.show_loaded(server if len(self.managers) > 1 else "", loaded)

    # The settings of a chat ---------------------------------------------------------------

    def show_settings(self, session: Session) -> None:
        """Ask what a chat is asked with."""
        from ccchat_tui.tui.screens.chat_settings import (  # noqa: PLC0415
            ChatSettings,
            ChatSettingsScreen,
        )

        def answered(settings: ChatSettings | None) -> None:
            if settings is not None:
                settings.apply(session)
                self._app.sessions.changed(session)

        dialog = ChatSettingsScreen(
            session,
            presets=self._presets,
            others=self._app.sessions.sessions,
            models=self.models,
            reloads=bool(self.managers),
        )
        self._app.push_screen(dialog, answered)
        if self.managers:
            self._app.run_worker(self._tell_loaded(dialog), group="models")

    async def _tell_loaded(self, dialog: ChatSettingsScreen) -> None:
        """Tell a dialog what is loaded, if every server says so."""
        with suppress(BackendError):
            lists = [await manager.running() for manager in self.managers.values()]
            dialog.show_loaded([each for loaded in lists for each in loaded])

    # Fetching -----------------------------------------------------------------------------

    def show_pulls(self, name: str = "") -> None:
        """Ask which model is to be fetched, and show those on their way."""
        from ccchat_tui.tui.screens.model_pull import PullScreen  # noqa: PLC0415

        if not self.managers and not self.pulls.all:
            self._say(CANNOT, good=False)
        elif not isinstance(self._app.screen, PullScreen):
            self._app.push_screen(PullScreen(self, name))

    def pull(self, model: str, started: Callable[[Pull], None]) -> None:
        """Fetch a model; of several servers, the person says which one is to.

        Args:
            model: Its name.
            started: Called with each pull that has begun.
        """
        managers = self.managers
        if not managers:
            self._say(CANNOT, good=False)
            return
        if len(managers) == 1:
            started(self.pulls.start(model, "", next(iter(managers.values()))))
            return

        def chosen(servers: Sequence[str]) -> None:
            for server in servers:
                started(self.pulls.start(model, server, managers[server]))

        self._choose("Where to?", f"Which server is to fetch {one_line(model, 60)}?",
                     list(managers), chosen)  # fmt: skip

    def show_news(self) -> None:
        """Show how far those are that are on their way, wherever that is shown."""
        from ccchat_tui.tui.pull_words import header_words  # noqa: PLC0415

        self._app.chats.header.show_pulls(*header_words(self.pulls.running))
        for screen in self._app.screen_stack:
            if hasattr(screen, "show_pulls") and screen.is_current:
                screen.show_pulls()

    def _pull_ended(self, pull: Pull) -> None:
        if not self._app.is_running:
            return
        name = one_line(pull.model, 60) + (f" on {one_line(pull.server, 20)}" * bool(pull.server))
        # Where it is looked at, it says so itself.
        seen = hasattr(self._app.screen, "show_pulls")
        if pull.state is PullState.DONE:
            self._app.run_worker(self._take_note(), group="models")
        if seen:
            return
        if pull.state is PullState.DONE:
            self._say(f"{name} is fetched.")
        elif pull.state is PullState.FAILED:
            self._say(f"{name} was not fetched. {pull.problem}", good=False)

    async def _take_note(self) -> None:
        """Models came or went: whoever knows of them is told."""
        from ccchat_tui.tui.screens.model_picker import ModelPickerScreen  # noqa: PLC0415

        try:
            self.models = await self._app.connection.refresh()
        except BackendError:
            return  # which is told by whoever asks it next
        for screen in self._app.screen_stack:
            if isinstance(screen, ModelPickerScreen):
                screen.show_models(self.models)

    # Deleting and unloading ---------------------------------------------------------------

    def delete(self, model: ModelInfo, picker: ModelPickerScreen) -> None:
        """Delete a model, with a question: it would have to be fetched again."""
        from ccchat_tui.tui.screens.confirm import ConfirmScreen  # noqa: PLC0415

        there = self._having(model)
        if not there:
            picker.say(CANNOT)
            return

        def ask(servers: Sequence[str]) -> None:
            self._app.push_screen(
                ConfirmScreen("Delete this model?", self._loss(model, servers), yes="Delete it"),
                lambda yes: self._delete(model, servers, picker) if yes else None,
            )

        self._choose("Where?", f"On which server is {one_line(model.name, 60)} to be deleted?",
                     there, ask)  # fmt: skip

    def _loss(self, model: ModelInfo, servers: Sequence[str]) -> str:
        """What would be lost, in words."""
        from ccchat_tui.tui.pull_words import size_words  # noqa: PLC0415

        size = f" ({size_words(model.size)})" if model.size else ""
        where = f" on {', '.join(one_line(each, 20) for each in servers)}" if servers[0] else ""
        words = f"{one_line(model.name, 60)}{size}{where} would have to be fetched again."
        talking = sum(
            full_name(each.own_model) == full_name(model.name)
            for each in self._app.sessions.sessions
            if each.own_model
        )
        if talking:
            many = "1 open chat talks" if talking == 1 else f"{talking} open chats talk"
            words += f" {many} to it."
        return words

    def _delete(self, model: ModelInfo, servers: Sequence[str], picker: ModelPickerScreen) -> None:
        async def delete(manager: ManagesModels) -> None:
            await manager.delete(model.name)

        self._do(delete, servers, picker, f"{one_line(model.name, 60)} is deleted.")

    def unload(self, model: ModelInfo, servers: Sequence[str], picker: ModelPickerScreen) -> None:
        """Free the memory that a model takes; who asks it next waits until it is loaded again."""

        async def unload(manager: ManagesModels) -> None:
            await manager.unload(model.name)

        self._do(unload, servers, picker, f"{one_line(model.name, 60)} is unloaded.")

    def _do(
        self,
        what: Callable[[ManagesModels], Awaitable[None]],
        servers: Sequence[str],
        picker: ModelPickerScreen,
        said: str,
    ) -> None:
        self._app.run_worker(self._done(what, servers, picker, said), group="manage")

    async def _done(
        self,
        what: Callable[[ManagesModels], Awaitable[None]],
        servers: Sequence[str],
        picker: ModelPickerScreen,
        said: str,
    ) -> None:
        managers = self.managers
        problems = []
        for server in servers:
            manager = managers.get(server) or next(iter(managers.values()), None)
            if manager is None:
                continue
            try:
                await what(manager)
            except BackendError as error:
                problems.append(error.message)
        await self._take_note()
        await self._fill(picker)
        picker.say(" ".join(problems) or said)

    def _having(self, model: ModelInfo) -> list[str]:
        """The servers that have a model and let us manage it; one without a name where there is
        only one."""
        managers = self.managers
        if len(managers) < 2:
            return [""] if managers else []
        return [server for server in managers if server in model.servers or not model.servers]

    def _choose(
        self,
        title: str,
        question: str,
        servers: Sequence[str],
        then: Callable[[Sequence[str]], None],
    ) -> None:
        """Ask which of several servers is meant; where there is one only, it is."""
        if len(servers) < 2:
            then(servers)
            return
        from ccchat_tui.tui.screens.choose import ChooseScreen  # noqa: PLC0415

        def answered(place: int | None) -> None:
            if place is not None:
                then(servers if place == len(servers) else [servers[place]])

        screen = ChooseScreen(title, question, [*servers, "all of them"])
        self._app.push_screen(screen, answered)

    def _say(self, words: str, *, good: bool = True) -> None:
        self._app.notify(
            sanitize(words),
            severity="information" if good else "warning",
            timeout=8,
            markup=False,
        )
