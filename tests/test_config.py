"""Settings: the layers, where each value came from, and what a bad one is told."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from ccchat_tui import config, config_rules
from ccchat_tui.config import (
    Loaded,
    Settings,
    SettingsError,
    load_settings,
    markdown_table,
    setting_rows,
)

README = Path(__file__).parents[1] / "README.md"
DESIGNED = {
    "MAX_CONCURRENT_CHATS": "5",
    "MAX_CONCURRENT_PER_USER": "3",
    "REQUESTS_PER_MINUTE": "20",
    "CHAT_TIMEOUT": "300000",
    "CHAT_RETRY_ATTEMPTS": "2",
    "ENABLE_CONCURRENT_PROCESSING": "true",
    "OLLAMA_HOST": "127.0.0.1:11434",
}


def from_env(**env: str) -> Settings:
    return load_settings({}, env, None).settings


def refused(env: dict[str, str] | None = None, file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, env or {}, file, file_required=True)
    return caught.value.message


def written(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


class TestLayers:
    def test_with_nothing_set_every_value_is_the_default(self) -> None:
        loaded = load_settings({}, {}, None)
        assert loaded.settings == Settings()
        assert set(loaded.sources) == {each.name for each in fields(Settings)}
        assert all(loaded.is_default(name) for name in loaded.sources)

    def test_each_layer_lies_over_the_one_before(self, tmp_path: Path) -> None:
        file = written(
            tmp_path,
            "max_concurrent_chats = 6\nmax_concurrent_per_user = 6\nrequests_per_minute = 6\n",
        )
        loaded = load_settings(
            {"requests_per_minute": ("--rpm", "8")},
            {"MAX_CONCURRENT_PER_USER": "7", "REQUESTS_PER_MINUTE": "7"},
            file,
        )
        settings = loaded.settings
        assert settings.max_concurrent_chats == 6
        assert settings.max_concurrent_per_user == 7
        assert settings.requests_per_minute == 8
        assert loaded.sources["max_concurrent_chats"] == f"file {file}"
        assert loaded.sources["max_concurrent_per_user"] == "environment MAX_CONCURRENT_PER_USER"
        assert loaded.sources["requests_per_minute"] == "command line --rpm"

    def test_a_variable_set_to_nothing_counts_as_not_set(self) -> None:
        assert from_env(MAX_CONCURRENT_CHATS="", OLLAMA_HOST=" ") == Settings()

    def test_the_file_need_not_be_there_unless_it_was_named(self, tmp_path: Path) -> None:
        nowhere = tmp_path / "none.toml"
        loaded = load_settings({}, {}, nowhere)
        assert not loaded.file_found
        assert str(nowhere) in refused(file=nowhere)

    def test_a_file_with_a_byte_order_mark_is_read(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text("demo = true\n", encoding="utf-8-sig")
        assert load_settings({}, {}, file).settings.demo


class TestValues:
    @pytest.mark.parametrize("word", ["true", "1", "yes", "on", "TRUE", "Yes", "On"])
    def test_words_for_true(self, word: str) -> None:
        assert from_env(ENABLE_CONCURRENT_PROCESSING=word).enable_concurrent_processing

    @pytest.mark.parametrize("word", ["false", "0", "no", "off", "False", "NO", "Off"])
    def test_words_for_false(self, word: str) -> None:
        assert not from_env(ENABLE_CONCURRENT_PROCESSING=word).enable_concurrent_processing

    def test_users_are_trimmed_and_named_once(self) -> None:
        assert from_env(CCCHAT_USERS=" ada, bob ,,ada").users == ("ada", "bob")

    def test_users_may_be_a_list_in_the_file(self, tmp_path: Path) -> None:
        file = written(tmp_path, 'users = ["ada", "bob"]\n[user_weights]\nada = 2\n')
        settings = load_settings({}, {}, file).settings
        assert settings.users == ("ada", "bob")
        assert settings.user_weights == {"ada": 2}

    def test_weights_from_the_environment(self) -> None:
        assert from_env(CCCHAT_USER_WEIGHTS="ada=2, b=o=3").user_weights == {"ada": 2, "b=o": 3}

    def test_a_key_is_never_shown(self) -> None:
        settings = from_env(CCCHAT_API_KEY="sesame")
        assert "sesame" not in repr(settings)
        assert settings.api_key.get_secret_value() == "sesame"


class TestRefusals:
    @pytest.mark.parametrize(
        ("env", "value", "allowed"),
        [
            ("MAX_CONCURRENT_CHATS", "0", "a whole number from 1 to 1000"),
            ("MAX_CONCURRENT_CHATS", "many", "a whole number from 1 to 1000, or auto"),
            ("MAX_CONCURRENT_CHATS", "1001", "a whole number from 1 to 1000, or auto"),
            ("CCCHAT_AUTO_MAX", "0", "a whole number from 1 to 1000"),
            ("MAX_CONCURRENT_PER_USER", "-1", "a whole number from 1 to 1000"),
            ("REQUESTS_PER_MINUTE", "2.5", "a whole number from 0"),
            ("CHAT_TIMEOUT", "0", "a whole number from 1"),
            ("CHAT_RETRY_ATTEMPTS", "x", "a whole number from 0 to 100"),
            ("ENABLE_CONCURRENT_PROCESSING", "maybe", "true or false"),
            ("CCCHAT_STALL_TIMEOUT", "inf", "a number from 0"),
            ("CCCHAT_CONNECT_TIMEOUT", "0", "a number more than 0"),
            ("CCCHAT_TEMPERATURE", "nan", "a number from 0 to 2"),
            ("CCCHAT_TEMPERATURE", "2.1", "a number from 0 to 2"),
            ("CCCHAT_PANEL_WIDTH", "25", "a whole number from 26 to 100"),
            ("CCCHAT_USERS", ",", "names separated by commas"),
            ("CCCHAT_USER_WEIGHTS", "ada", "such as ada=2"),
            ("CCCHAT_USER_WEIGHTS", "ada=0", "such as ada=2"),
            ("CCCHAT_MODEL", "x" * 513, "text of at most 512 characters"),
        ],
    )
    def test_a_bad_value_is_named_with_its_place_and_what_is_allowed(
        self, env: str, value: str, allowed: str
    ) -> None:
        message = refused({env: value})
        name = next(row.name for row in setting_rows() if row.env == env)
        assert message.startswith(name)
        assert f"environment {env}" in message
        assert allowed in message
        assert "\n" not in message

    def test_everything_wrong_is_told_at_once(self) -> None:
        message = refused({"CHAT_TIMEOUT": "x", "CCCHAT_DEMO": "perhaps"})
        assert [line.split()[0] for line in message.splitlines()] == ["chat_timeout", "demo"]

    def test_true_is_no_number(self, tmp_path: Path) -> None:
        file = written(tmp_path, "max_concurrent_chats = true\n")
        assert "max_concurrent_chats cannot be True" in refused(file=file)

    def test_an_unknown_key_is_refused_with_the_nearest_name(self, tmp_path: Path) -> None:
        message = refused(file=written(tmp_path, "max_concurent_chats = 2\n"))
        assert "did you mean max_concurrent_chats?" in message
        assert "config.toml" in message

    def test_bad_toml_names_file_and_line(self, tmp_path: Path) -> None:
        message = refused(file=written(tmp_path, "demo = true\nmodel = what\n"))
        assert "line 2" in message
        assert "config.toml" in message

    def test_a_file_that_is_not_text(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_bytes(b'model = "\xff"\n')
        assert "UTF-8" in refused(file=file)

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        assert "cannot be read" in refused(file=tmp_path)

    def test_a_bad_key_is_not_repeated_in_the_message(self, tmp_path: Path) -> None:
        message = refused(file=written(tmp_path, "api_key = 12345\n"))
        assert "12345" not in message
        assert "api_key" in message

    def test_a_mistyped_variable_is_pointed_out(self) -> None:
        loaded: Loaded = load_settings({}, {"CCCHAT_MODLE": "x", "CCCHAT_DEBUG": "1"}, None)
        (warning,) = loaded.warnings
        assert "CCCHAT_MODLE" in warning
        assert "did you mean CCCHAT_MODEL?" in warning


class TestTable:
    def test_the_settings_that_were_promised_have_their_defaults(self) -> None:
        rows = {row.env: row.default for row in setting_rows()}
        assert {env: rows[env] for env in DESIGNED} == DESIGNED

    def test_every_setting_says_what_it_is_and_what_it_may_be(self) -> None:
        rows = setting_rows()
        assert [row.name for row in rows if not row.env] == ["servers", "keys"], "only in the file"
        named = [row.env for row in rows if row.env]
        assert len(set(named)) == len(named)
        for row in rows:
            assert row.meaning, row.name
            assert row.allowed, row.name
            assert row.env in {"", *DESIGNED} or row.env.startswith("CCCHAT_"), row.name

    def test_each_default_is_taken_when_given_in_the_environment(self) -> None:
        env = {row.env: row.default for row in setting_rows()}
        assert load_settings({}, env, None).settings == Settings()

    def test_the_readme_holds_this_very_table(self) -> None:
        text = README.read_text(encoding="utf-8")
        start, end = "<!-- settings -->", "<!-- /settings -->"
        if start not in text:
            pytest.skip("the README has no settings table yet")
        held = text.split(start)[1].split(end)[0].strip()
        assert held == markdown_table(), "write the output of `ccchat config --markdown` there"


class TestEngine:
    def test_the_engine_gets_seconds_and_none_for_no_limit(self) -> None:
        limits = from_env(CHAT_TIMEOUT="1500", CCCHAT_STALL_TIMEOUT="0").engine()
        assert limits.timeout == 1.5
        assert limits.stall_timeout is None
        assert limits.queue_timeout is None
        assert limits.max_concurrent == 5
        assert not limits.adapts

    def test_a_limit_that_finds_itself(self, tmp_path: Path) -> None:
        limits = from_env(MAX_CONCURRENT_CHATS=" Auto ", CCCHAT_AUTO_MAX="9").engine()
        assert (limits.adapts, limits.max_concurrent, limits.adaptive.maximum) == (True, 2, 9)
        file = written(tmp_path, 'max_concurrent_chats = "auto"\nauto_max = 1\n')
        limits = load_settings({}, {}, file).settings.engine()
        assert (limits.adapts, limits.max_concurrent, limits.adaptive.maximum) == (True, 1, 1)

    def test_what_the_engine_has_a_word_for_it_is_told(self) -> None:
        limits = from_env(
            CCCHAT_USER_WEIGHTS="ada=2", CCCHAT_QUEUE_TIMEOUT="1.5", CCCHAT_MAX_QUEUE="7"
        ).engine()
        assert limits.user_weights == {"ada": 2}
        assert (limits.queue_timeout, limits.max_queue) == (1.5, 7)


class TestWithoutPydantic:
    """Most starts give nothing that has to be checked, and do without what checks it."""

    def test_the_defaults_are_what_the_rules_make_of_them(self) -> None:
        checked = config_rules.check(Settings, {}, {}, {})
        assert Settings(**checked) == Settings()

    @pytest.mark.parametrize("name", sorted(config._TEXTS))
    @pytest.mark.parametrize("text", ["x" * config._ANY_TEXT, "[/", " a ", "\x1b[2J", "true", "1"])
    def test_a_text_that_is_not_checked_would_have_passed(self, name: str, text: str) -> None:
        """And stays as it is."""
        assert config._plain({name: text})
        assert config_rules.check(Settings, {name: text}, {}, {})[name] == text

    @pytest.mark.parametrize("value", [True, False])
    def test_so_would_every_truth(self, value: bool) -> None:
        truths = [each.name for each in fields(Settings) if isinstance(each.default, bool)]
        values = dict.fromkeys(truths, value)
        assert len(truths) > 5
        assert config._plain(values)
        checked = config_rules.check(Settings, values, {}, {})
        assert {name: checked[name] for name in truths} == values

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("demo", "true"),
            ("demo", 1),
            ("max_queue", 5),
            ("max_queue", True),
            ("model", True),
            ("model", "x" * 101),
            ("model", "\udcff"),
            ("reply_cache", "user"),
            ("users", "ada"),
            ("api_key", "sesame"),
            ("nonsense", "x"),
            ("nonsense", True),
        ],
    )
    def test_everything_else_is_checked(self, name: str, value: object) -> None:
        assert not config._plain({name: value})

    def test_a_key_is_not_told_by_what_holds_it(self) -> None:
        settings = from_env(CCCHAT_API_KEY="sesame")
        assert settings.api_key.get_secret_value() == "sesame"
        assert "sesame" not in f"{settings!r} {settings.api_key}"
