"""Which queued request goes next: by priority with ageing, in turns between users, in order.

The rules, in the order in which they decide:

1. What the fallback put back at the front goes before everything else.
2. The highest priority goes first, until a lower one is due: one that could have run but was
   passed over `PATIENCE` times in succession.
3. Within a priority, users take turns, each as many in a row as its weight. A user who comes
   joins at the end of the line, and leaves nothing behind when its last request has gone: nobody
   saves credit, and nobody gains by leaving and coming back.
4. When a user's turn comes in one priority while requests of a lower one of the same user have
   been passed over `PATIENCE` times by that user's own, the lower one takes the turn.
5. Within one user and priority: in the order of submission.

The bound: as long as it may run (its user is below the limit of its own), a request of the lowest
priority that is its user's first there waits for at most `PATIENCE[LOW] + 1` turns for each turn
of a user before it in the line; a user who keeps itself at its limit with higher requests lets
one of its lowest go after at most `PATIENCE[LOW]` of them.

Nothing here depends on how much is queued: a push, a removal and a pop cost the same with a
hundred thousand requests waiting as with ten. What is cancelled stays behind as a dead entry, and
is swept out when dead entries outnumber the living. A user at its limit is taken out of the line
when its turn comes, and comes back when one of its requests has ended.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice

from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import Priority, RequestState

FRONT = len(Priority)
"""The level of what the fallback put back; the levels below are the priorities."""
PATIENCE: Mapping[int, int] = {Priority.LOW: 8, Priority.NORMAL: 4}
"""How many times in succession a priority may be passed over. Where two are due at once the lower
goes first, and the other is passed over once more."""
_SWEEP = 64
"""So many dead entries are left lying, whatever lives."""

_QUEUED = RequestState.QUEUED


class _Lane:
    """The waiting requests of one user on one level, in the order of their submission.

    A lane lives as long as something waits in it. `back` holds what came back from an attempt, out
    of order and therefore as a heap; usually it is empty.
    """

    __slots__ = ("back", "dead", "fresh", "level", "listed", "live", "passed", "turns", "user")

    def __init__(self, user: _User, level: int) -> None:
        self.user = user
        self.level = level
        self.fresh: deque[RequestHandle] = deque()
        self.back: list[tuple[int, RequestHandle]] = []
        self.live = 0
        self.dead = 0
        self.passed = 0
        self.turns = 0  # left in the visit that it is at; 0 between visits
        self.listed = False

    def add(self, handle: RequestHandle) -> None:
        fresh = self.fresh
        if fresh and handle._seq < fresh[-1]._seq:
            heapq.heappush(self.back, (handle._seq, handle))
        else:
            fresh.append(handle)
        self.live += 1

    def take(self) -> RequestHandle:
        """Remove the first; there must be one."""
        while True:
            if self.back and (not self.fresh or self.back[0][0] < self.fresh[0]._seq):
                handle = heapq.heappop(self.back)[1]
            else:
                handle = self.fresh.popleft()
            if handle.state is _QUEUED:
                self.live -= 1
                return handle
            self.dead -= 1

    def sweep(self) -> None:
        """Let go of the dead, in one go."""
        self.fresh = deque(handle for handle in self.fresh if handle.state is _QUEUED)
        self.back = [entry for entry in self.back if entry[1].state is _QUEUED]
        heapq.heapify(self.back)
        self.dead = 0

    def __iter__(self) -> Iterator[RequestHandle]:
        """The living, in the order in which `take` would give them."""
        fresh: Iterator[RequestHandle] = iter(self.fresh)
        if self.back:
            back = (handle for _, handle in sorted(self.back))
            fresh = heapq.merge(back, fresh, key=lambda handle: handle._seq)
        return (handle for handle in fresh if handle.state is _QUEUED)


class _CopiedLane(_Lane):
    """A lane to look ahead in: it takes from another one without changing it."""

    __slots__ = ("_source",)

    def __init__(self, user: _User, lane: _Lane) -> None:
        super().__init__(user, lane.level)
        self.live, self.passed, self.turns = lane.live, lane.passed, lane.turns
        self._source = iter(lane)

    def take(self) -> RequestHandle:
        self.live -= 1
        return next(self._source)


class _User:
    """Somebody with a request that waits or runs."""

    __slots__ = ("in_flight", "lanes", "name", "parked", "queued", "weight")

    def __init__(self, name: str, weight: int) -> None:
        self.name = name
        self.weight = weight
        self.in_flight = 0
        self.queued = 0
        self.parked = False
        self.lanes: list[_Lane | None] = [None] * (FRONT + 1)


class _Line:
    """The users who wait on one level, in the order of their turns."""

    __slots__ = ("lanes", "level", "passed", "patience", "stale")

    def __init__(self, level: int) -> None:
        self.level = level
        self.lanes: deque[_Lane] = deque()
        self.stale = 0  # emptied lanes that still stand in the line
        self.passed = 0
        self.patience = PATIENCE.get(level)


class Scheduler:
    """Everything that is queued, and how many requests each user has in flight.

    Args:
        user_limit: How many requests one user may have in flight.
        weights: Turns in a row by user; users not named get one.
    """

    def __init__(self, user_limit: int, weights: Mapping[str, int]) -> None:
        self.queued = 0
        """How many requests wait."""
        self._user_limit = user_limit
        self._weights = weights
        self._users: dict[str, _User] = {}
        self._parked: dict[str, _User] = {}
        self._lines = [_Line(level) for level in range(FRONT + 1)]
        self._downwards = tuple(reversed(self._lines))

    # What waits ---------------------------------------------------------------------------

    def push(self, handle: RequestHandle) -> None:
        """Queue a request; its state must say so."""
        request = handle.request
        user = self._users.get(request.user)
        if user is None:
            weight = self._weights.get(request.user, 1)
            user = self._users[request.user] = _User(request.user, weight)
        level = FRONT if handle._front else request.priority
        lane = user.lanes[level]
        if lane is None:
            lane = user.lanes[level] = _Lane(user, level)
            if not user.parked:
                lane.listed = True
                self._lines[level].lanes.append(lane)
        lane.add(handle)
        user.queued += 1
        self.queued += 1

    def remove(self, handle: RequestHandle) -> None:
        """A queued request has ended; its state must say so by now."""
        user = self._users[handle.request.user]
        lane = user.lanes[FRONT if handle._front else handle.request.priority]
        assert lane is not None
        lane.live -= 1
        lane.dead += 1
        self.queued -= 1
        user.queued -= 1
        if lane.live == 0:
            self._leave(lane)
            self._forget_idle(user)
        elif lane.dead > _SWEEP + lane.live:
            lane.sweep()

    def pop(self) -> RequestHandle | None:
        """Take out the request that goes next, as one more in flight of its user.

        Returns:
            `None` if nothing waits that may run.
        """
        line = self._next_line()
        if line is None:
            return None
        turn = line.lanes[0]
        user = turn.user
        lane = turn if line.level == FRONT else self._due_lane(turn)
        handle = lane.take()
        user.in_flight += 1
        user.queued -= 1
        self.queued -= 1
        turn.turns = (turn.turns or user.weight) - 1
        if turn.turns == 0:
            line.lanes.rotate(-1)
        if lane.live == 0:
            self._leave(lane)
        return handle

    def release(self, name: str) -> None:
        """One request of a user is in flight no more."""
        user = self._users[name]
        user.in_flight -= 1
        if user.parked and user.in_flight < self._user_limit:
            self._unpark(user)
        self._forget_idle(user)

    def set_user_limit(self, limit: int) -> None:
        """Change how many requests one user may have in flight."""
        self._user_limit = limit
        for user in list(self._parked.values()):
            if user.in_flight < limit:
                self._unpark(user)

    # Looking ------------------------------------------------------------------------------

    def ahead(self, count: int) -> list[RequestHandle]:
        """The next requests in the order in which they would go, at most so many.

        The limit of each user is left out of account, for nobody knows what will end when; who is
        at its limit now comes after the others. Costs as much as `count` pops.
        """
        count = min(count, self.queued)
        copy = Scheduler(self.queued + 1, self._weights)
        copy.queued = self.queued
        for line, copied in zip(self._lines, copy._lines, strict=True):
            copied.passed = line.passed
            listed = (lane for lane in line.lanes if lane.live)
            for lane in islice(listed, count):
                copy._copy(lane)
            for user in islice(self._parked.values(), count):
                lane_there = user.lanes[line.level]
                if lane_there is not None and not lane_there.listed:
                    copy._copy(lane_there)
        found: list[RequestHandle] = []
        for _ in range(count):
            handle = copy.pop()
            if handle is None:
                break
            found.append(handle)
        return found

    def of_user(self, name: str) -> list[RequestHandle]:
        """What waits of one user."""
        user = self._users.get(name)
        return [] if user is None else [h for lane in user.lanes if lane is not None for h in lane]

    def counts(self, name: str) -> tuple[int, int]:
        """How many requests of a user wait, and how many are in flight."""
        user = self._users.get(name)
        return (0, 0) if user is None else (user.queued, user.in_flight)

    @property
    def size(self) -> int:
        """How many users it knows of; none when nothing waits and nothing runs."""
        return len(self._users)

    # Within -------------------------------------------------------------------------------

    def _next_line(self) -> _Line | None:
        """The level whose turn it is, with a lane that may run at the head of its line."""
        chosen: _Line | None = None
        passed: list[_Line] = []
        for line in self._downwards:
            if not line.lanes or not self._can_run(line):
                continue
            if chosen is None:
                chosen = line
                if line.level == FRONT:
                    return line
            elif line.patience is not None and line.passed >= line.patience:
                passed.append(chosen)
                chosen = line
            else:
                passed.append(line)
        for line in passed:
            line.passed += 1
        if chosen is not None:
            chosen.passed = 0
        return chosen

    def _can_run(self, line: _Line) -> bool:
        """Clear the head of a line of whoever cannot run; whether somebody is left who can."""
        lanes = line.lanes
        while lanes:
            lane = lanes[0]
            if lane.live == 0:
                lanes.popleft()
                line.stale -= 1
                continue
            user = lane.user
            if user.in_flight < self._user_limit:
                return True
            lanes.popleft()
            lane.listed = False
            user.parked = True
            self._parked[user.name] = user
        return False

    def _due_lane(self, turn: _Lane) -> _Lane:
        """The lane that a user's turn goes to: a lower one, if it has waited for too long."""
        user = turn.user
        chosen = turn
        below = [lane for lane in user.lanes[: turn.level] if lane is not None]
        for lane in reversed(below):
            if lane.passed >= PATIENCE[lane.level]:
                chosen = lane
        for lane in below:
            lane.passed += 1
        chosen.passed = 0
        return chosen

    def _leave(self, lane: _Lane) -> None:
        """Nothing waits in a lane any more: it is given up, wherever it stands in its line."""
        lane.user.lanes[lane.level] = None
        lane.fresh.clear()
        lane.back.clear()
        if not lane.listed:
            return
        line = self._lines[lane.level]
        line.stale += 1
        if line.stale == len(line.lanes):
            line.lanes.clear()
            line.stale = line.passed = 0
        elif line.stale > _SWEEP + len(line.lanes) // 2:
            line.lanes = deque(other for other in line.lanes if other.live)
            line.stale = 0

    def _unpark(self, user: _User) -> None:
        """A user may run again: it goes on with the visit that was broken off, or waits anew."""
        user.parked = False
        del self._parked[user.name]
        for lane in user.lanes:
            if lane is not None and not lane.listed:
                lane.listed = True
                lanes = self._lines[lane.level].lanes
                if lane.turns:
                    lanes.appendleft(lane)
                else:
                    lanes.append(lane)

    def _forget_idle(self, user: _User) -> None:
        if user.queued == 0 and user.parked:
            user.parked = False
            del self._parked[user.name]
        if user.queued == 0 and user.in_flight == 0:
            del self._users[user.name]

    def _copy(self, lane: _Lane) -> None:
        """Put a copy of a lane of another scheduler at the end of its line."""
        user = self._users.get(lane.user.name)
        if user is None:
            user = self._users[lane.user.name] = _User(lane.user.name, lane.user.weight)
            # All its lanes at once, for its turn on one level may go to another.
            for other in lane.user.lanes:
                if other is not None:
                    user.lanes[other.level] = _CopiedLane(user, other)
                    user.queued += other.live
        copied = user.lanes[lane.level]
        assert copied is not None
        copied.listed = True
        self._lines[lane.level].lanes.append(copied)
