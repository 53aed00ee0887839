"""`OLLAMA_HOST` means here what it means to Ollama."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.backends.hosts import (
    Host,
    HostError,
    is_loopback,
    parse_host,
    parse_hosts,
    read_host,
    read_hosts,
)

# The values are those of Ollama's own table of tests, and those its documentation names.
URLS = [
    ("", "http://127.0.0.1:11434"),
    ("  ", "http://127.0.0.1:11434"),
    ('""', "http://127.0.0.1:11434"),
    ("1.2.3.4", "http://1.2.3.4:11434"),
    ("1.2.3.4:1234", "http://1.2.3.4:1234"),
    (":1234", "http://127.0.0.1:1234"),
    ("example.com", "http://example.com:11434"),
    ("example.com:1234", "http://example.com:1234"),
    ("example.com/", "http://example.com:11434"),
    ("example.com:56789/ollama", "http://example.com:56789/ollama"),
    ("::1", "http://[::1]:11434"),
    ("[::1]", "http://[::1]:11434"),
    ("[::1]:1337", "http://[::1]:1337"),
    ("http://[::1]:1337/x/", "http://[::1]:1337/x"),
    ("2001:DB8::1", "http://[2001:db8::1]:11434"),
    (" 1.2.3.4 ", "http://1.2.3.4:11434"),
    ('"1.2.3.4"', "http://1.2.3.4:11434"),
    (' " 1.2.3.4 " ', "http://1.2.3.4:11434"),
    ("'1.2.3.4'", "http://1.2.3.4:11434"),
    ("http://1.2.3.4", "http://1.2.3.4:80"),
    ("http://1.2.3.4:4321", "http://1.2.3.4:4321"),
    ("https://1.2.3.4", "https://1.2.3.4:443"),
    ("https://1.2.3.4:4321", "https://1.2.3.4:4321"),
    ("https://example.com/ollama", "https://example.com:443/ollama"),
    ("https://example.com/a/b/", "https://example.com:443/a/b"),
    ("ollama.com", "https://ollama.com:443"),
    ("https://ollama.com", "https://ollama.com:443"),
    ("0.0.0.0", "http://127.0.0.1:11434"),
    ("0.0.0.0:8080", "http://127.0.0.1:8080"),
    ("[::]", "http://[::1]:11434"),
    ("[::]:8080", "http://[::1]:8080"),
    ("http://", "http://127.0.0.1:80"),
    ("localhost:065535", "http://localhost:65535"),
]


@pytest.mark.parametrize(("value", "url"), URLS)
def test_a_value_gives_the_address_that_ollama_takes_it_for(value: str, url: str) -> None:
    host = read_host(value)
    assert host.url == url
    assert host.warning == ""
    assert parse_host(url) == url, "an address read once more stays what it is"


@pytest.mark.parametrize(
    ("value", "url", "port"),
    [
        (":66000", "http://127.0.0.1:11434", "66000"),
        (":-1", "http://127.0.0.1:11434", "-1"),
        ("example.com:abc", "http://example.com:11434", "abc"),
        ("http://example.com:abc", "http://example.com:80", "abc"),
        ("https://example.com:65536", "https://example.com:443", "65536"),
        ("example.com:", "http://example.com:11434", "''"),
        ("example.com:\u0663", "http://example.com:11434", "\\u0663"),
        ("example.com:1_0", "http://example.com:11434", "1_0"),
    ],
)
def test_an_impossible_port_falls_back_with_a_warning_that_names_it(
    value: str, url: str, port: str
) -> None:
    host = read_host(value)
    assert host.url == url
    assert "OLLAMA_HOST" in host.warning
    assert port in host.warning


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("ftp://example.com", "http or https"),
        ("HTTP://example.com", "http or https"),
        ("exa mple.com", "exa mple.com"),
        ("a?b", "a?b"),
        ("a:b:c", "a:b:c"),
        ("http://[1::2::3]:80", "1::2::3"),
        ("[", "["),
        ("a]b", "a]b"),
        ("http://exam\x1b[31mple", "\\x1b"),
        ("example.com/a b", "a b"),
        ("example.com/a?b=1", "a?b=1"),
    ],
)
def test_what_cannot_be_an_address_is_refused_by_name(value: str, named: str) -> None:
    with pytest.raises(HostError) as caught:
        read_host(value)
    assert named in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_password_in_the_address_is_neither_used_nor_repeated() -> None:
    host = read_host("https://me:hunter2@example.com/x")
    assert host.url == "https://example.com:443/x"
    assert "API key" in host.warning
    assert "hunter2" not in repr(host)


def test_several_servers_are_separated_by_commas() -> None:
    assert parse_hosts("a, b:1 ,,https://c/x") == [
        "http://a:11434",
        "http://b:1",
        "https://c:443/x",
    ]
    assert parse_hosts('"a,b"') == ["http://a:11434", "http://b:11434"]
    assert parse_hosts("a,http://a:11434") == ["http://a:11434"], "named twice counts once"
    assert parse_hosts(" , ") == ["http://127.0.0.1:11434"]
    assert [bool(host.warning) for host in read_hosts("a:1,b:x")] == [False, True]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", True),
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("ollama.localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::ffff:127.0.0.1]:1", True),
        ("192.168.0.1", False),
        ("localhost.example.com", False),
        ("https://ollama.com", False),
    ],
)
def test_loopback_is_known(value: str, expected: bool) -> None:
    assert is_loopback(parse_host(value)) is expected


@given(st.one_of(st.text(max_size=40), st.text("[]:/@.,1af%h", max_size=12)))
def test_any_text_gives_an_address_or_words(value: str) -> None:
    host, refused = read_or_refusal(value)
    if host is None:
        assert refused.isprintable()
        assert refused
    else:
        assert host.url.startswith(("http://", "https://"))
        assert host.warning == "" or host.warning.isprintable()
        assert read_host(host.url).url == host.url


def read_or_refusal(value: str) -> tuple[Host | None, str]:
    """The address, or the words with which it is refused."""
    try:
        return read_host(value), ""
    except HostError as error:
        return None, str(error)


class TestKinds:
    @pytest.mark.parametrize(
        ("value", "host"),
        [
            ("openai+http://h", Host("http://h:80/v1", kind="openai")),
            ("openai+http://h:8080/", Host("http://h:8080/v1", kind="openai")),
            ("openai+https://h/v1/", Host("https://h:443/v1", kind="openai")),
            ("openai+https://h/a/b", Host("https://h:443/a/b", kind="openai")),
            (' "OpenAI+http://0.0.0.0:1" ', Host("http://127.0.0.1:1/v1", kind="openai")),
            ("openai+http://", Host("http://127.0.0.1:80/v1", kind="openai")),
            ("ollama+http://h", Host("http://h:80")),
            ("parrot+home://cage/?a#b", Host("home://cage/?a#b", kind="parrot")),
            ("my-kind_2+x-y.z://", Host("x-y.z://", kind="my-kind_2")),
        ],
    )
    def test_a_kind_stands_before_the_address(self, value: str, host: Host) -> None:
        assert read_host(value) == host

    @pytest.mark.parametrize("value", ["h+x", "a+b:1", "openai+h:8080"])
    def test_no_value_of_ollamas_own_is_taken_for_one(self, value: str) -> None:
        """Without a scheme it is a name, however odd."""
        assert read_host(value).kind == "ollama"

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("+http://h", "its scheme must be http or https"),
            ("2+http://h", "its scheme must be http or https"),
            ("openai+ftp://h", "its scheme must be http or https"),
            ("openai+ollama+http://h", "its scheme must be http or https"),
            ("parrot+x://a b", "it may hold letters, figures and signs of ASCII only"),
            ("parrot+x://\x1b[2J", "it may hold letters"),
            ("parrot+x://" + "a" * 1000, "1000 of them at most"),
            ("parrot+x://ada:sesame@h", "holds a user name or password"),
        ],
    )
    def test_one_that_cannot_be(self, value: str, words: str) -> None:
        with pytest.raises(HostError) as caught:
            read_host(value)
        assert words in str(caught.value)
        assert "sesame" not in str(caught.value)
        assert str(caught.value).isprintable()

    def test_one_address_is_of_one_kind(self) -> None:
        hosts = read_hosts("http://h,openai+http://h/v1,openai+http://h")
        assert [host.kind for host in hosts] == ["ollama", "openai"]
        with pytest.raises(HostError, match="'http://h:80/v1' as two kinds of server"):
            read_hosts("http://h/v1,openai+http://h")
