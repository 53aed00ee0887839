"""ccchat: a terminal chat client in which many chats stream at once."""

__version__ = "0.1.0"
