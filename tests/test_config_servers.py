"""Several servers in the config file: what comes of the tables, and what a bad one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccchat_tui.backends.base import HasServers
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import Host, Server
from ccchat_tui.cli.main import main
from ccchat_tui.config import Loaded, SettingsError, load_settings

TWO = """
[[servers]]
url = "192.168.1.7"
name = "desk"
weight = 2
limit = 4

[[servers]]
url = "https://ada.example/ollama"
api_key = "sesame"
"""


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OLLAMA_HOST", "CCCHAT_API_KEY", "CCCHAT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CONFIG_HOME", "HOME", "LOCALAPPDATA", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


def loaded(folder: Path, text: str, **env: str) -> Loaded:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return load_settings({}, env, file)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(folder, text)
    message = caught.value.message
    assert str(folder / "config.toml") in message
    return message.replace(str(folder / "config.toml"), "FILE")


class TestTables:
    def test_each_becomes_a_server_on_its_own_terms(self, tmp_path: Path) -> None:
        servers = loaded(tmp_path, TWO).settings.model_servers()
        assert servers == [
            Server(Host("http://192.168.1.7:11434"), "desk", 2.0, 4),
            Server(Host("https://ada.example:443/ollama"), api_key="sesame"),
        ]
        backend = open_servers(servers, api_key="another")
        assert isinstance(backend, HasServers)
        assert [(s.name, s.weight, s.limit) for s in backend.servers()] == [
            ("desk", 2.0, 4),
            ("ada.example/ollama", 1.0, None),
        ]

    def test_a_kind_stands_before_the_address(self, tmp_path: Path) -> None:
        text = '[[servers]]\nurl = "openai+http://gpu:8000"\n[[servers]]\nurl = "gpu:8000"\n'
        settings = loaded(tmp_path, text).settings
        assert settings.model_servers() == [
            Server(Host("http://gpu:8000/v1", kind="openai")),
            Server(Host("http://gpu:8000")),
        ]
        assert str(settings.servers[0]) == "openai+http://gpu:8000"

    def test_without_any_the_hosts_count(self, tmp_path: Path) -> None:
        settings = loaded(tmp_path, 'ollama_host = "a,b:1"\nservers = []\n').settings
        assert [each.url for each in settings.model_servers()] == ["http://a:11434", "http://b:1"]

    def test_a_key_is_never_shown(self, tmp_path: Path) -> None:
        told = loaded(tmp_path, TWO)
        assert "sesame" not in repr(told)
        assert "sesame" not in repr(told.settings.model_servers())
        assert "sesame" not in str(told.settings.servers[1])


class TestLayers:
    def test_the_environment_counts_more_and_that_is_said(self, tmp_path: Path) -> None:
        told = loaded(tmp_path, TWO, OLLAMA_HOST="other")
        assert [each.url for each in told.settings.model_servers()] == ["http://other:11434"]
        (note,) = told.warnings
        assert "[[servers]] tables of file" in note
        assert "not used: environment OLLAMA_HOST" in note
        assert told.sources["servers"].endswith("not used because of environment OLLAMA_HOST")

    def test_the_file_names_them_in_one_way(self, tmp_path: Path) -> None:
        message = refused(tmp_path, f'ollama_host = "a"\n{TWO}')
        assert message == (
            "ollama_host and [[servers]] both name the servers (file FILE): leave one of them out"
        )

    def test_a_key_for_all_goes_nowhere_and_that_is_said(self, tmp_path: Path) -> None:
        told = loaded(tmp_path, TWO, CCCHAT_API_KEY="sesame")
        (note,) = told.warnings
        assert note.startswith("api_key (environment CCCHAT_API_KEY) is sent to no server")


class TestRefusals:
    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ('url = "ftp://x"', "url cannot be 'ftp://x' (file FILE): give an address such as"),
            ('url = "http://a:99999"', "with a port from 0 to 65535"),
            ('url = "a,b"', "url cannot be 'a,b'"),
            ('url = ""', "url cannot be ''"),
            ("url = 7", "url cannot be 7"),
            ('name = "no url"', "has no url (file FILE): give an address such as"),
            ('url = "x"\nweight = 0', "weight cannot be 0 (file FILE): give a number more than 0"),
            ('url = "x"\nweight = "heavy"', "weight cannot be 'heavy'"),
            ('url = "x"\nweight = nan', "weight cannot be nan"),
            ('url = "x"\nlimit = 0', "limit cannot be 0 (file FILE): give a whole number from 1"),
            ('url = "x"\nlimit = true', "limit cannot be True"),
            ('url = "x"\nname = 5', "name cannot be 5 (file FILE): give text of at most 40"),
            ('url = "x"\napi_key = 12345', "api_key cannot be ******** (file FILE): give text"),
            (
                'url = "x"\nwieght = 2',
                "'wieght' is no setting of a server (file FILE); did",
            ),
            (
                'url = "x"\nqq = 2',
                "there are url, name, weight, limit, api_key, api_key_env, api_key_file",
            ),
        ],
    )
    def test_file_table_field_value_and_what_is_allowed_are_named(
        self, tmp_path: Path, line: str, words: str
    ) -> None:
        message = refused(tmp_path, f'[[servers]]\nurl = "good"\n[[servers]]\n{line}\n')
        assert message.startswith("[[servers]] table 2")
        assert words in message
        assert "\n" not in message

    def test_a_password_is_neither_taken_nor_repeated(self, tmp_path: Path) -> None:
        message = refused(tmp_path, '[[servers]]\nurl = "http://ada:sesame@x"\n')
        assert "without a user name" in message
        assert "sesame" not in message

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('[servers]\nurl = "x"', "servers cannot be {'url': 'x'} (file FILE): give tables"),
            ('servers = "x"', "servers cannot be 'x' (file FILE): give tables headed [[servers]]"),
            ('servers = ["x"]', "[[servers]] table 1 cannot be 'x' (file FILE): give tables"),
            (
                '[[servers]]\nurl = "x"\n[[servers]]\nurl = "http://x:11434/"',
                "[[servers]] tables 1 and 2: url 'http://x:11434' is there twice (file FILE)",
            ),
            (
                '[[servers]]\nurl = "x"\nname="n"\n[[servers]]\nurl = "y"\nname = "n "',
                "[[servers]] tables 1 and 2: name 'n' is there twice",
            ),
        ],
    )
    def test_what_is_wrong_with_all_of_them(self, tmp_path: Path, text: str, words: str) -> None:
        assert words in refused(tmp_path, text)

    def test_everything_wrong_is_told_at_once(self, tmp_path: Path) -> None:
        message = refused(tmp_path, '[[servers]]\nweight = 0\n[[servers]]\nurl = "x"\nlimit = 0\n')
        lines = message.splitlines()
        assert [line.partition(" (")[0] for line in lines] == [
            "[[servers]] table 1 has no url",
            "[[servers]] table 1: weight cannot be 0",
            "[[servers]] table 2: limit cannot be 0",
        ]


class TestCommand:
    def test_config_shows_them_without_their_keys(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "config.toml"
        file.write_text(TWO, encoding="utf-8")
        assert main(["config", "--config", str(file)]) == 0
        out, err = capsys.readouterr()
        (line,) = [line for line in out.splitlines() if line.startswith("servers")]
        assert "desk (192.168.1.7, weight 2, limit 4),https://ada.example/ollama (key *" in line
        assert line.endswith(f"file {file}")
        assert "sesame" not in out + err

    def test_a_bad_one_ends_it_with_2(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "config.toml"
        file.write_text('[[servers]]\nurl = "x"\nlimit = 0\n', encoding="utf-8")
        assert main(["models", "--config", str(file)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("ccchat: [[servers]] table 1: limit cannot be 0")


class TestCache:
    def test_it_is_off_unless_it_is_asked_for(self) -> None:
        assert load_settings({}, {}, None).settings.cache() is None

    @pytest.mark.parametrize(("word", "shared"), [("user", False), ("Shared", True)])
    def test_its_bounds(self, word: str, shared: bool) -> None:
        env = {
            "CCCHAT_REPLY_CACHE": word,
            "CCCHAT_REPLY_CACHE_SIZE": "2",
            "CCCHAT_REPLY_CACHE_AGE": "60",
        }
        cache = load_settings({}, env, None).settings.cache()
        assert cache is not None
        assert (cache.shared, cache.max_bytes, cache.max_age) == (shared, 2 * 1024 * 1024, 60.0)
        assert cache.pace is None
        env["CCCHAT_REPLY_CACHE_PACE"] = "40"
        cache = load_settings({}, env, None).settings.cache()
        assert cache is not None
        assert cache.pace == 40.0

    def test_another_word_is_refused(self) -> None:
        with pytest.raises(SettingsError) as caught:
            load_settings({}, {"CCCHAT_REPLY_CACHE": "all"}, None)
        assert caught.value.message == (
            "reply_cache cannot be 'all' (environment CCCHAT_REPLY_CACHE): give off, user or shared"
        )
