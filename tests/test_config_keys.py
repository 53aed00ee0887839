"""Keys of servers: where they may stand, who may read them, and that nobody is shown one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ccchat_tui.config import Loaded, SettingsError, load_settings

KEY = "sk-secret-4711"
posix_only = pytest.mark.skipif(os.name == "nt", reason="the folder decides on Windows")


def loaded(folder: Path, lines: str, **env: str) -> Loaded:
    file = folder / "config.toml"
    file.write_text(f'[[servers]]\nurl = "openai+http://h:8000"\n{lines}\n', encoding="utf-8")
    file.chmod(0o600)
    return load_settings({}, env, file)


def key_of(told: Loaded) -> str:
    (server,) = told.settings.servers
    assert KEY not in f"{told!r}{server}{server.server()!r}{told.warnings}"
    return server.server().api_key


def refused(folder: Path, lines: str, **env: str) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(folder, lines, **env)
    message = caught.value.message
    assert message.startswith("[[servers]] table 1: api_key")
    assert str(folder / "config.toml") in message
    assert KEY not in message
    assert "\n" not in message
    return message


def key_file(folder: Path, content: bytes = f"{KEY}\n".encode(), mode: int = 0o600) -> Path:
    file = folder / "key"
    file.write_bytes(content)
    file.chmod(mode)
    return file


class TestFromTheEnvironment:
    def test_a_variable_is_named(self, tmp_path: Path) -> None:
        told = loaded(tmp_path, 'api_key_env = "VLLM_KEY"', VLLM_KEY=f" {KEY}\n")
        assert key_of(told) == KEY
        assert "key ********" in str(told.settings.servers[0])

    @pytest.mark.parametrize("env", [{}, {"VLLM_KEY": " "}])
    def test_one_that_is_not_there(self, tmp_path: Path, env: dict[str, str]) -> None:
        message = refused(tmp_path, 'api_key_env = "VLLM_KEY"', **env)
        assert "names VLLM_KEY, which the environment does not hold" in message

    def test_the_key_itself_in_place_of_a_name_is_not_repeated(self, tmp_path: Path) -> None:
        assert "not the name of a variable" in refused(tmp_path, f'api_key_env = "{KEY}"')

    def test_it_is_none_of_text(self, tmp_path: Path) -> None:
        assert "api_key_env cannot be ********" in refused(tmp_path, "api_key_env = 4711")


class TestFromAFile:
    def test_a_file_that_only_its_owner_reads(self, tmp_path: Path) -> None:
        assert key_of(loaded(tmp_path, f"api_key_file = '{key_file(tmp_path)}'")) == KEY

    def test_a_file_at_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HOME", "USERPROFILE"):
            monkeypatch.setenv(name, str(tmp_path))
        key_file(tmp_path, b"\xef\xbb\xbf" + KEY.encode())
        assert key_of(loaded(tmp_path, 'api_key_file = "~/key"')) == KEY

    @posix_only
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
    def test_one_that_others_may_read(self, tmp_path: Path, mode: int) -> None:
        file = key_file(tmp_path, mode=mode)
        message = refused(tmp_path, f"api_key_file = '{file}'")
        assert f"names '{file}', which others may read: `chmod 600` it" in message

    @pytest.mark.parametrize(
        "content", [b"", b" \n", b"two keys", f"{KEY}\n{KEY}".encode(), b"k" * 9000]
    )
    def test_one_that_holds_no_key(self, tmp_path: Path, content: bytes) -> None:
        message = refused(tmp_path, f"api_key_file = '{key_file(tmp_path, content)}'")
        assert "does not hold a key and nothing else" in message

    def test_one_that_is_no_text(self, tmp_path: Path) -> None:
        file = key_file(tmp_path, b"k\xff")
        message = refused(tmp_path, f"api_key_file = '{file}'")
        assert "cannot be read: it is not text" in message

    def test_none_there_and_a_folder(self, tmp_path: Path) -> None:
        for place in (tmp_path, tmp_path / "nothing"):
            assert "where there is no file" in refused(tmp_path, f"api_key_file = '{place}'")


@pytest.mark.parametrize(
    "lines",
    ['api_key = "{k}"\napi_key_env = "K"', "api_key_env = 'K'\napi_key_file = '{f}'"],
)
def test_a_key_stands_in_one_place(tmp_path: Path, lines: str) -> None:
    filled = lines.format(k=KEY, f=key_file(tmp_path))
    assert "give the key once" in refused(tmp_path, filled, K=KEY)


@posix_only
class TestTheConfigFile:
    def notes(self, folder: Path, text: str, mode: int, **env: str) -> tuple[str, ...]:
        file = folder / "config.toml"
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        return load_settings({}, env, file).warnings

    @pytest.mark.parametrize(
        "text", [f'api_key = "{KEY}"', f'[[servers]]\nurl = "h"\napi_key = "{KEY}"']
    )
    def test_one_with_a_key_that_others_may_read_is_told_of(
        self, tmp_path: Path, text: str
    ) -> None:
        (note,) = self.notes(tmp_path, text, 0o644)
        assert "holds a key, and others may read it: `chmod 600` it" in note
        assert KEY not in note
        assert self.notes(tmp_path, text, 0o600) == ()

    def test_one_without_a_key_may_be_read_by_anybody(self, tmp_path: Path) -> None:
        assert self.notes(tmp_path, 'model = "x"', 0o644, CCCHAT_API_KEY=KEY) == ()
        assert self.notes(tmp_path, '[[servers]]\nurl = "h"', 0o644) == ()
