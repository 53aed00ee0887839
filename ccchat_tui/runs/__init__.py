"""What can be told of a run from its events: each request, and all of it at any moment."""
