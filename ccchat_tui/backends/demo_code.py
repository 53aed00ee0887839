"""The code samples of the demo model, one a language; `NAME` stands for the subject's name."""

from __future__ import annotations

SAMPLES: dict[str, str] = {
    "python": '''\
from dataclasses import dataclass


@dataclass(frozen=True)
class NAME:
    """One entry, with the time it took in seconds."""

    title: str
    seconds: float


def slowest(entries: list[NAME], count: int = 3) -> list[NAME]:
    """The entries that took longest, longest first."""
    return sorted(entries, key=lambda entry: entry.seconds, reverse=True)[:count]


if __name__ == "__main__":
    entries = [NAME("first", 0.8), NAME("second", 2.5), NAME("third", 1.1)]
    for entry in slowest(entries, 2):
        print(f"{entry.title:<10} {entry.seconds:5.1f} s")
''',
    "javascript": """\
class NAME {
  constructor(title, seconds) {
    this.title = title;
    this.seconds = seconds;
  }
}

function slowest(entries, count = 3) {
  return [...entries].sort((a, b) => b.seconds - a.seconds).slice(0, count);
}

const entries = [new NAME("first", 0.8), new NAME("second", 2.5)];
console.log(slowest(entries, 1)); // the second one
""",
    "typescript": """\
interface NAME {
  readonly title: string;
  readonly seconds: number;
}

export function slowest(entries: readonly NAME[], count = 3): NAME[] {
  return [...entries].sort((a, b) => b.seconds - a.seconds).slice(0, count);
}
""",
    "rust": """\
#[derive(Debug, Clone, PartialEq)]
struct NAME {
    title: String,
    seconds: f64,
}

/// The entries that took longest, longest first.
fn slowest(mut entries: Vec<NAME>, count: usize) -> Vec<NAME> {
    entries.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    entries.truncate(count);
    entries
}

fn main() {
    let entries = vec![
        NAME { title: "first".into(), seconds: 0.8 },
        NAME { title: "second".into(), seconds: 2.5 },
    ];
    println!("{:?}", slowest(entries, 1));
}
""",
    "go": """\
package main

import (
\t"fmt"
\t"sort"
)

type NAME struct {
\tTitle   string
\tSeconds float64
}

// Slowest returns the entries that took longest, longest first.
func Slowest(entries []NAME, count int) []NAME {
\tsort.Slice(entries, func(i, j int) bool { return entries[i].Seconds > entries[j].Seconds })
\treturn entries[:min(count, len(entries))]
}

func main() {
\tfmt.Println(Slowest([]NAME{{"first", 0.8}, {"second", 2.5}}, 1))
}
""",
    "java": """\
import java.util.Comparator;
import java.util.List;

record NAME(String title, double seconds) {
    static List<NAME> slowest(List<NAME> entries, int count) {
        return entries.stream()
                .sorted(Comparator.comparingDouble(NAME::seconds).reversed())
                .limit(count)
                .toList();
    }
}
""",
    "c": """\
#include <stdio.h>
#include <stdlib.h>

struct NAME {
    const char *title;
    double seconds;
};

static int by_seconds(const void *a, const void *b) {
    double x = ((const struct NAME *)a)->seconds;
    double y = ((const struct NAME *)b)->seconds;
    return (x < y) - (x > y);
}

int main(void) {
    struct NAME entries[] = {{"first", 0.8}, {"second", 2.5}, {"third", 1.1}};
    size_t count = sizeof entries / sizeof entries[0];
    qsort(entries, count, sizeof entries[0], by_seconds);
    printf("slowest: %s\\n", entries[0].title);
    return 0;
}
""",
    "c++": """\
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

struct NAME {
    std::string title;
    double seconds;
};

int main() {
    std::vector<NAME> entries{{"first", 0.8}, {"second", 2.5}, {"third", 1.1}};
    std::ranges::sort(entries, std::greater{}, &NAME::seconds);
    std::cout << "slowest: " << entries.front().title << '\\n';
}
""",
    "bash": """\
#!/usr/bin/env bash
set -euo pipefail

# The three slowest entries of a file with "seconds title" on each line.
file="${1:?usage: $0 FILE}"
sort --numeric-sort --reverse "$file" | head -n 3
""",
    "sql": """\
CREATE TABLE name (
    title   TEXT PRIMARY KEY,
    seconds REAL NOT NULL CHECK (seconds >= 0)
);

-- The three that took longest.
SELECT title, seconds
FROM name
ORDER BY seconds DESC
LIMIT 3;
""",
    "html": """\
<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>NAME</title></head>
  <body>
    <h1>NAME</h1>
    <ol>
      <li>second, <time>2.5 s</time></li>
      <li>third, <time>1.1 s</time></li>
    </ol>
  </body>
</html>
""",
    "css": """\
.name {
  display: grid;
  grid-template-columns: 1fr auto;
  gap: 0.5rem;
}

.name > .slow {
  font-weight: bold;
}
""",
    "json": """\
{
  "name": "NAME",
  "entries": [
    {"title": "first", "seconds": 0.8},
    {"title": "second", "seconds": 2.5}
  ]
}
""",
    "yaml": """\
name: NAME
entries:
  - title: first
    seconds: 0.8
  - title: second
    seconds: 2.5
""",
    "toml": """\
name = "NAME"

[[entries]]
title = "first"
seconds = 0.8

[[entries]]
title = "second"
seconds = 2.5
""",
    "ruby": """\
NAME = Struct.new(:title, :seconds)

def slowest(entries, count = 3)
  entries.max_by(count, &:seconds)
end

entries = [NAME.new("first", 0.8), NAME.new("second", 2.5)]
puts slowest(entries, 1).map(&:title)
""",
    "haskell": """\
import Data.List (sortOn)
import Data.Ord (Down (..))

data NAME = NAME { title :: String, seconds :: Double }
  deriving (Show)

slowest :: Int -> [NAME] -> [NAME]
slowest count = take count . sortOn (Down . seconds)

main :: IO ()
main = print (slowest 1 [NAME "first" 0.8, NAME "second" 2.5])
""",
}

NAMES = {
    "py": "python",
    "js": "javascript",
    "node": "javascript",
    "ts": "typescript",
    "golang": "go",
    "cpp": "c++",
    "shell": "bash",
    "sh": "bash",
    "postgres": "sql",
    "sqlite": "sql",
    "yml": "yaml",
}
"""Other names for the languages above."""

AMBIGUOUS = frozenset({"go", "c", "rust", "ruby", "node", "shell", "sh"})
"""Names that are ordinary words too: they count only beside a word such as `code`."""
