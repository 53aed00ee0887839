"""Working on the engine of another ccchat, over its API."""
