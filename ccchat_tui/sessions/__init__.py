"""Conversations: what was said, with which model, and how it went."""
