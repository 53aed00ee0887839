"""What the models of the benchmarks say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

PROSE = """## Section {n}

The **queue** hands out slots in turn, so that *nobody* waits for one who asks for `much`. What
comes later is drawn later; see [the notes](https://example.org/notes/{n}) on fairness.

- first point of {n}, said in a few words
- second point, a little longer than the first one was
  - and a nested one

```python
def slot_{n}(queue: list[int]) -> int:
    return queue.pop(0)  # the oldest
```

| user | waits | runs |
|------|------:|-----:|
| A{n} | 1.2 s | 3 |
| B{n} | 0.4 s | 1 |

"""


def tokens_of(text: str) -> Iterator[str]:
    """A text in pieces of about four characters, as a model sends them."""
    for begin in range(0, len(text), 4):
        yield text[begin : begin + 4]


def prose() -> Iterator[str]:
    """Varied Markdown without end."""
    for number in count(1):
        yield from tokens_of(PROSE.replace("{n}", str(number)))
