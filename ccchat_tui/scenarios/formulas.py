"""What each figure of a comparison is, and how it comes about. The one place that says it."""

from __future__ import annotations

FORMULAS = {
    "wall time": "from the beginning of the run to the end of the last reply",
    "wait": "of each request that got a slot: when it first got one - when it was sent",
    "first token": "of each request that got one: when it came - when the request was sent",
    "median, p95, longest": "of n values in order, the one in place ceil(n/2), ceil(0.95 n) and n",
    "tokens a second": "tokens of all replies / wall time",
    "a user's speed": "tokens of the user's replies / the sum of (when each of the user's "
    "requests ended - when it was sent)",
    "fairness": "Jain's index of the n users' speeds x: (sum of x)^2 / (n * sum of x^2); 1 if all "
    "are alike, 1/n if one has everything",
}
"""In words, by the name of the figure. Times are those of the engine's clock."""
