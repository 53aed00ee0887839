"""What `--connect` takes, and what it says of what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccchat_tui.api.tokens import Tokens
from ccchat_tui.backends.hosts import Host
from ccchat_tui.cli.connect import find_token, read_address
from ccchat_tui.cli.output import CommandError
from ccchat_tui.cli.parser import CommandLine
from ccchat_tui.paths import tokens_file


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("10.1.2.3", "http://10.1.2.3:11435"),
        ("desk:8000", "http://desk:8000"),
        ("[::1]", "http://[::1]:11435"),
        ("[::1]:80", "http://[::1]:80"),
        ("https://chat.example/base/", "https://chat.example:443/base"),
    ],
)
def test_addresses(given: str, url: str) -> None:
    assert read_address(given).url == url


@pytest.mark.parametrize("given", ["ftp://x", "http://a b", "desk:port", "http://me:secret@desk"])
def test_no_addresses(given: str) -> None:
    with pytest.raises(CommandError) as caught:
        read_address(given)
    assert "--connect" in str(caught.value)
    assert "OLLAMA_HOST" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_token_is_the_environments_else_on_this_machine_the_admins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    here, there = Host("http://127.0.0.1:1"), Host("http://10.0.0.1:1")
    monkeypatch.setenv("CCCHAT_TOKEN", " mine ")
    assert find_token(there) == "mine"
    monkeypatch.delenv("CCCHAT_TOKEN")
    for host in (here, there):
        with pytest.raises(CommandError, match="CCCHAT_TOKEN"):
            find_token(host)
    admins = Tokens(tokens_file()).get("admin")
    assert find_token(here) == admins
    with pytest.raises(CommandError, match="CCCHAT_TOKEN"):
        find_token(there)


@pytest.mark.parametrize(
    "argv", [["--api", "80"], ["--demo"], ["--max-concurrent", "2"], ["models"]]
)
def test_what_belongs_to_the_engine_is_not_taken_beside_it(argv: list[str]) -> None:
    with pytest.raises(CommandError, match="--connect"):
        CommandLine().parse(["--connect", "desk", *argv])
