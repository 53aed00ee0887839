"""The queue manager: limits, scheduling, retries, statistics. Knows neither Textual nor HTTP."""
