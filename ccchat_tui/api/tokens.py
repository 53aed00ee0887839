"""Who may do what: a secret for each user, and one for the admin, in a file of the owner's alone.

The tokens themselves are in the file, not only their digests, so that `ccchat token` can show
them again; whoever can read the file can read the conversations too.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from ccchat_tui.config_keys import private
from ccchat_tui.quick import dataclass
from ccchat_tui.text import shown_value

ADMIN: Final = "admin"
"""The name of the one who may do everything; no user can have it."""
MOST: Final = 1000
LONGEST_NAME: Final = 100

_PREFIX: Final = "ccchat_"
"""So that a token that was published by mistake is known for one."""


class TokensError(Exception):
    """The tokens cannot be read, written or made; its text says what to do."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    user: str
    admin: bool = False


class Tokens:
    """The tokens of a file. What is changed there counts from the next request on.

    Args:
        file: Where they are; it need not be there.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._stamp: tuple[int, int, int] | None = None
        self._digests: list[tuple[bytes, Caller]] = []

    def who(self, token: str) -> Caller | None:
        """Whose token it is; `None` for nobody's. Takes the same time for each that is wrong.

        Raises:
            TokensError: The file cannot be read.
        """
        self._refresh()
        given = _digest(token)
        found = None
        for digest, caller in self._digests:
            if hmac.compare_digest(given, digest):
                found = caller
        return found

    def all(self) -> dict[str, str]:
        """The tokens by name, the admin's first. Raises `TokensError`."""
        try:
            if not private(self.file):
                raise TokensError(
                    f"the tokens in {self.file} may be read by others: `chmod 600` it, and "
                    "revoke them, for they may be known"
                )
            data = json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise TokensError(
                f"the tokens in {self.file} cannot be read: {error.strerror}"
            ) from None
        except ValueError:
            data = None
        tokens = data.get("tokens") if isinstance(data, dict) else None
        if not isinstance(tokens, dict) or not all(
            isinstance(token, str) and token for token in tokens.values()
        ):
            raise TokensError(
                f"{self.file} holds no tokens; delete it, and new ones are made at the next start"
            )
        return dict(sorted(tokens.items(), key=lambda item: (item[0] != ADMIN, item[0])))

    def get(self, name: str) -> str:
        """The token of this name, made if there is none. Raises `TokensError`."""
        return self.make_missing((name,))[name]

    def make_missing(self, names: tuple[str, ...]) -> dict[str, str]:
        """All tokens, with new ones for those of these names that have none. Raises
        `TokensError`."""
        tokens = self.all()
        missing = [name for name in dict.fromkeys(names) if name not in tokens]
        for name in missing:
            check_name(name)
            tokens[name] = _PREFIX + secrets.token_urlsafe(32)
        if len(tokens) > MOST:
            raise TokensError(f"there are {MOST} tokens, and no more can be made; revoke some")
        if missing:
            self._write(tokens)
        return tokens

    def revoke(self, name: str) -> bool:
        """Have a token count no longer. Returns whether there was one; raises `TokensError`."""
        tokens = self.all()
        if name not in tokens:
            return False
        del tokens[name]
        self._write(tokens)
        return True

    def _refresh(self) -> None:
        try:
            stat = self.file.stat()
        except OSError:
            self._stamp, self._digests = None, []
            return
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if stamp != self._stamp:
            self._digests = [
                (_digest(token), Caller(name, admin=name == ADMIN))
                for name, token in self.all().items()
            ]
            self._stamp = stamp

    def _write(self, tokens: Mapping[str, str]) -> None:
        text = json.dumps({"tokens": dict(tokens)}, indent=2) + "\n"
        beside = self.file.with_name(f".{self.file.name}.{secrets.token_hex(4)}")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w",
                           encoding="utf-8") as out:  # fmt: skip
                out.write(text)
            beside.replace(self.file)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise TokensError(
                f"the tokens cannot be written to {self.file}: {error.strerror}"
            ) from None


def check_name(name: str) -> None:
    """Raise `TokensError` if no token can have this name."""
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise TokensError(f"no user can be called {shown_value(name)}; give a name in one line")
    if len(name) > LONGEST_NAME:
        raise TokensError(
            f"no user can be called {shown_value(name)}; give at most {LONGEST_NAME} characters"
        )


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
