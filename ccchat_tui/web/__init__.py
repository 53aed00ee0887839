"""The app itself in a browser, through textual-serve: a process for each visitor, one engine for
all."""
