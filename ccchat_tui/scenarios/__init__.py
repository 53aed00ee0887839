"""Simulated users: the load they make and the report of how it went."""
