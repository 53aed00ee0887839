"""What runs: each attempt in a task of its own, stopped at most once, and told of when it has
closed."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable

from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import AttemptFailed, Failure, RequestState

_log = logging.getLogger(__name__)

Runner = Callable[[RequestHandle], Awaitable[None]]
"""What runs one attempt: it calls `feed` and `finish` of the handle, raises `AttemptFailed` for
whatever goes wrong, and has closed its connection when it returns or raises, also on a cancel."""

CANCELLED = Failure("cancelled", "Cancelled")


class Flights:
    """Every attempt that is under way, and the task that runs it.

    Args:
        runner: Runs one attempt.
        closed: Told in the last step of an attempt's task what went wrong, if anything did.
    """

    def __init__(
        self, runner: Runner, closed: Callable[[RequestHandle, Failure | None], None]
    ) -> None:
        self.runner = runner
        self.tasks: dict[RequestHandle, asyncio.Task[None]] = {}
        """In the order of the starts."""
        self._closed = closed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = contextvars.Context()

    def bind(self) -> contextvars.Context | None:
        """Take the running loop. Returns the context to work in, if it is another one.

        Tasks run in the context of the first submission, so that what one request's task does to
        its context is nobody else's.
        """
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return None
        self._loop = loop
        self._context = contextvars.copy_context()
        return self._context

    def launch(self, handle: RequestHandle) -> None:
        """Run an attempt; its first step is not taken before this returns."""
        handle._company = bool(self.tasks)
        if len(self.tasks) == 1:
            next(iter(self.tasks))._company = True
        handle._begun = False
        # Made directly, its first step is never taken at once, whatever the loop's task factory.
        self.tasks[handle] = asyncio.Task(
            self._run(handle), loop=self._loop, name=handle.id, context=self._context.copy()
        )

    def stop(self, handle: RequestHandle) -> None:
        """Have an attempt close, whose `_stop` says why. To be called once for each attempt."""
        if handle._begun:
            # One that has not begun would never run: it sees `_stop` in its first step instead.
            self.tasks[handle].cancel()

    async def _run(self, handle: RequestHandle) -> None:
        """The task of one attempt. What follows its end is done in its last step."""
        failure: Failure | None = None
        interrupted: asyncio.CancelledError | None = None
        try:
            if handle._stop is None:
                handle._begun = True
                if not handle._prompted:
                    self._make_prompt(handle)
                await self.runner(handle)
        except asyncio.CancelledError as stopped:
            task = asyncio.current_task()
            if handle._stop is None and task is not None and task.cancelling():
                # Not by us: the loop is being shut down.
                handle._stop = (RequestState.CANCELLED, CANCELLED)
                interrupted = stopped
            failure = Failure("internal", "What ran the request was cancelled from within")
        except AttemptFailed as fault:
            failure = fault.failure
        except Exception as fault:
            _log.exception("A fault of ours in request %s", handle.id)
            failure = Failure("internal", f"{type(fault).__name__}: {fault}")
        self._closed(handle, failure)
        if interrupted is not None:
            raise interrupted

    def _make_prompt(self, handle: RequestHandle) -> None:
        """Fix the context, for this attempt and any further one."""
        handle._prompted = True
        try:
            handle.prompt = handle.request.prompt()
        except Exception as fault:
            _log.exception("The prompt of request %s could not be made", handle.id)
            raise AttemptFailed(
                Failure("internal", f"The prompt could not be made: {fault}")
            ) from fault
