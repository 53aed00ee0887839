"""Scenarios played in the app, and one load run in two ways side by side."""
