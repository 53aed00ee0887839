"""Signs in a stream by which one sees on the screen how late it is."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from itertools import count

_FIRST, _LAST = 0x4E00, 0x9FFF
_SIGN = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")

_TEXT = """## Section {m}

The **queue** hands out slots {m} in turn, so that *nobody* waits for one who asks for `much`. What
comes later {m} is drawn later; see [the notes](https://example.org/notes) on fairness.

- first point of {m}, said in a few words
- second point, a little longer than the first one {m} was

```python
def slot(queue: list[int]) -> int:  # {m}
    return queue.pop(0)  # the oldest
```

"""


class Marks:
    """Signs that are sent, and when each is drawn. None comes twice."""

    def __init__(self) -> None:
        self._next = count(_FIRST)
        self._sent: dict[str, tuple[str, float]] = {}
        self.late: list[float] = []
        """Milliseconds from each sign that was drawn back to when it was sent."""

    def begin(self) -> None:
        """From now on it counts."""
        self._sent.clear()
        self.late.clear()

    def pieces(self) -> Iterator[str]:
        """Markdown without end in pieces of about four characters, with a sign in each line or
        two."""
        while True:
            text = re.sub(r"\{m\}", lambda _: chr(next(self._next)), _TEXT)
            yield from (text[begin : begin + 4] for begin in range(0, len(text), 4))

    def sent(self, question: str, piece: str) -> None:
        """A piece is on its way to the app."""
        for sign in _SIGN.findall(piece):
            self._sent[sign] = (question, time.perf_counter())

    def look(self, drawn: str) -> None:
        """The app wrote this to the terminal."""
        for sign in _SIGN.findall(drawn):
            if (found := self._sent.pop(sign, None)) is not None:
                self.late.append((time.perf_counter() - found[1]) * 1000)

    def missing(self, questions: set[str], older: float = 1.0) -> int:
        """How many signs of these replies were sent so many seconds ago, and never drawn."""
        now = time.perf_counter()
        return sum(
            question in questions and now - when > older for question, when in self._sent.values()
        )

    def figures(self) -> dict[str, float]:
        """What a report says."""
        late = sorted(self.late)
        return {
            "late_median_ms": round(statistics.median(late), 1),
            "late_p99_ms": round(late[min(len(late) - 1, len(late) * 99 // 100)], 1),
            "late_worst_ms": round(late[-1], 1),
            "signs": len(late),
        }
