"""Kinds of servers that come with other packages: found, loaded, refused in words; and the README's
own, built and installed as it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import read_host, read_hosts
from ccchat_tui.backends.kinds import KindError, Target, check_kinds, open_kind
from ccchat_tui.backends.openai import OpenAIBackend
from ccchat_tui.cli.main import main
from tests.support.openai_server import OpenAIServer
from tests.support.streams import ask, read, text_in

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

MODULE = """
class Backend:
    name = "given"
    def __init__(self, target):
        self.target, self.address = target, target.url
    def stream(self, prompt): ...
    async def models(self): ...
    async def probe(self): ...
    async def aclose(self): ...

def picky(target):
    raise ValueError("give a cage with a door\\x1b[31m")

def broken(target):
    raise RuntimeError

def other(target):
    return target

number = 7
"""


class Packages:
    """Installed packages, made of the two files that matter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, package: str, module: str = MODULE, **kinds: str) -> None:
        """Install one with these kinds, each with the name of what stands for it."""
        name = package.replace("-", "_")
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{kind} = {name}:{what}" for kind, what in kinds.items()]
        (info / "entry_points.txt").write_text("\n".join(["[ccchat_tui.backends]", *lines]))
        (self.folder / f"{name}.py").write_text(module)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("CCCHAT_CONFIG", "")
    for name in ("XDG_CONFIG_HOME", "HOME", "LOCALAPPDATA", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return Packages(folder)


def refused(kind: str) -> str:
    """What is told of a kind."""
    with pytest.raises(KindError) as caught:
        open_kind(Target(read_host(f"{kind}+x://y")))
    assert str(caught.value).isprintable()
    return str(caught.value)


class TestBuiltIn:
    def test_each_by_its_name(self) -> None:
        assert open_kind(Target(read_host("h"))).name == "Ollama"
        assert open_kind(Target(read_host("ollama+http://h:1"))).name == "Ollama"
        backend = open_kind(Target(read_host("openai+http://h:1"), "key", 3.0))
        assert isinstance(backend, OpenAIBackend)
        assert (backend.address, backend._key) == ("http://h:1/v1", "key")

    async def test_kinds_may_be_mixed(self) -> None:
        async with OpenAIServer() as server:
            backend = open_servers(read_hosts(f"127.0.0.1:1,openai+{server.url}"))
            assert backend.name == "Ollama, OpenAI-compatible (2 servers)"
            assert [model.name for model in await backend.models()] == ["mist-7b"]
            assert text_in(await read(backend, ask("hi", "mist-7b")))
            await backend.aclose()

    def test_nothing_is_looked_through_nor_loaded_for_them(self, tmp_path: Path) -> None:
        code = (
            "import sys\n"
            "from ccchat_tui.backends.connect import open_servers\n"
            "from ccchat_tui.backends.hosts import read_hosts\n"
            "from ccchat_tui.backends.kinds import check_kinds\n"
            "hosts = read_hosts(sys.argv[1])\n"
            "check_kinds(hosts); open_servers(hosts)\n"
            "print(*sys.modules)"
        )

        def loaded(hosts: str) -> set[str]:
            done = subprocess.run(
                [sys.executable, "-c", code, hosts],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=True,
            )
            return set(done.stdout.split())

        heavy = {"importlib.metadata", "httpx", "pydantic"}
        ollama = loaded("127.0.0.1,ollama+http://b")
        assert not ollama & (heavy | {"ccchat_tui.backends.openai"})
        openai = loaded("openai+http://b")
        assert not openai & (heavy | {"ccchat_tui.backends.ollama"})
        assert "ccchat_tui.backends.openai" in openai


class TestPackages:
    def test_one_is_asked_for_a_backend_of_its_kind(self, packages: Packages) -> None:
        packages.add("ccchat-given", given="Backend")
        check_kinds(read_hosts("127.0.0.1,Given+x://y/?z"))
        backend = open_kind(Target(read_host("given+x://y/?z"), "key", 3.0))
        target = backend.target  # type: ignore[attr-defined]
        assert (backend.address, target.api_key, target.connect_timeout) == ("x://y/?z", "key", 3.0)
        assert "key" not in repr(target)

    def test_it_is_loaded_only_where_its_kind_is_named(self, packages: Packages) -> None:
        packages.add("ccchat-given", given="Backend")
        packages.add("ccchat-bystander", module="raise RuntimeError", bystander="Backend")
        open_kind(Target(read_host("given+x://y")))
        assert "ccchat_bystander" not in sys.modules

    def test_it_takes_no_name_of_ours(self, packages: Packages) -> None:
        packages.add("ccchat-greedy", openai="Backend", ollama="Backend")
        assert isinstance(open_kind(Target(read_host("openai+http://h"))), OpenAIBackend)

    def test_a_kind_that_nobody_has(self, packages: Packages) -> None:
        packages.add("ccchat-given", given="Backend")
        told = refused("nobody")
        assert "There is no kind of server 'nobody'" in told
        assert re.search(r"there are .*given.*ollama, openai", told)

    def test_two_packages_for_one_kind(self, packages: Packages) -> None:
        packages.add("ccchat-one", twin="Backend")
        packages.add("ccchat-two", twin="Backend")
        assert "several packages (ccchat-one, ccchat-two)" in refused("twin")

    @pytest.mark.parametrize(
        ("what", "words"),
        [
            ("picky", "x://y cannot be asked: give a cage with a door\u241b[31m"),
            ("broken", "x://y cannot be asked: RuntimeError"),
            ("other", "gives a Target, which is no ChatBackend"),
            ("number", "of ccchat-bad is of type int, and nothing to be called"),
            ("missing", "of ccchat-bad cannot be loaded: AttributeError: "),
        ],
    )
    def test_one_that_does_not_do_what_it_should(
        self, packages: Packages, what: str, words: str
    ) -> None:
        sys.modules.pop("ccchat_bad", None)
        packages.add("ccchat-bad", bad=what)
        assert words in refused("bad")

    def test_one_that_cannot_be_loaded(self, packages: Packages) -> None:
        sys.modules.pop("ccchat_torn", None)
        packages.add("ccchat-torn", module="import no_such_module", torn="Backend")
        with pytest.raises(KindError, match="ModuleNotFoundError: No module named 'no_such_mod"):
            check_kinds([read_host("torn+x://y")])

    @pytest.mark.parametrize("command", [["simulate"], ["models"], ["config"], []])
    def test_the_command_line_says_it_and_stops(
        self, packages: Packages, command: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*command, "--host", "nobody+x://y"]) == 2
        told = capsys.readouterr().err
        assert told.startswith("ccchat: There is no kind of server 'nobody'")
        assert "Traceback" not in told

    def test_the_command_line_says_what_a_package_refuses(
        self, packages: Packages, capsys: pytest.CaptureFixture[str]
    ) -> None:
        sys.modules.pop("ccchat_bad", None)
        packages.add("ccchat-bad", bad="picky")
        assert main(["models", "--host", "bad+x://y"]) == 2
        assert "give a cage with a door" in capsys.readouterr().err


class TestReadme:
    """The package of the README, file by file as it stands there."""

    def files(self) -> dict[str, str]:
        fence = r"<!-- plugin (\S+) -->\n```\w+\n(.*?)^```$"
        return dict(re.findall(fence, README, re.DOTALL | re.MULTILINE))

    def test_it_is_as_short_as_promised(self) -> None:
        files = self.files()
        assert set(files) == {"pyproject.toml", "ccchat_parrot.py"}
        lines = [line for text in files.values() for line in text.splitlines() if line.strip()]
        assert len(lines) <= 32

    def test_it_is_built_installed_and_asked(self, tmp_path: Path) -> None:
        source, site = tmp_path / "parrot", tmp_path / "site"
        source.mkdir()
        for name, text in self.files().items():
            (source / name).write_text(text, encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        offline = ["--no-index", "--no-deps", "--no-build-isolation"]
        installed = subprocess.run(
            [*pip, *offline, "--target", str(site), str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert installed.returncode == 0, installed.stderr
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(site)]),
            "XDG_CONFIG_HOME": str(tmp_path),
            "APPDATA": str(tmp_path),
        }

        def ccchat(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "ccchat_tui", *words, "--host", "parrot+home://cage"],
                cwd=tmp_path,
                env=env,
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
            )

        done = ccchat("simulate", "--users", "3", "--messages", "2", "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["totals"]["completed"] == 6
        assert "(parrot, home://cage)" in done.stderr
        assert ccchat("models").stdout.splitlines()[-1].strip() == "grey-parrot"
