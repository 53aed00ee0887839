"""The dashboard asks for what is really there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import read_hosts
from ccchat_tui.cli.main import main
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.api.desk import api, asking

OF_PROMETHEUS = {"instance", "job"}
"""Labels that it adds itself."""
WORDS = {
    *("sum", "max", "rate", "by", "histogram_quantile", "label_values"),
}


def dashboard(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the command prints."""
    assert main(["serve", "--dashboard"]) == 0
    read: dict[str, Any] = json.loads(capsys.readouterr().out)
    return read


def asked(expression: str) -> tuple[set[str], set[str]]:
    """The metrics and the labels that an expression names."""
    inner = re.sub(r"\[[^\]]*\]", "", expression)
    labels = set()
    for group in re.findall(r"\{([^}]*)\}", inner):
        labels |= set(re.findall(r"(\w+)\s*[=!]", group))
    inner = re.sub(r"\{[^}]*\}", "", inner)
    for group in re.findall(r"by \(([^)]*)\)", inner):
        labels |= {each.strip() for each in group.split(",")}
    inner = re.sub(r"by \([^)]*\)", "", inner)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", inner)) - WORDS, labels


async def exposed(folder: Path) -> dict[str, set[str]]:
    """Every sample of /metrics, with its labels, when everything has happened once."""
    async with OllamaServer() as server:
        backend = open_servers(read_hosts(server.url))
        async with api(folder, backend) as desk:
            for model in ("llama3.2:3b", "there-is-none"):
                async with asking(desk.ada, "hello", model=model) as response:
                    await response.aread()
            text = (await desk.admin.get("/metrics?users=1")).text
        await backend.aclose()
    there: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            there.setdefault(sample.name, set()).update(sample.labels)
    return there


async def test_each_name_and_each_label_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = dashboard(capsys)
    there = await exposed(tmp_path)
    expressions = [target["expr"] for panel in told["panels"] for target in panel["targets"]]
    assert len(expressions) > 20
    for expression in expressions:
        metrics, labels = asked(expression)
        assert metrics, expression
        for metric in metrics:
            assert metric in there, (metric, expression)
            assert labels - OF_PROMETHEUS <= there[metric], (metric, labels, expression)
    for variable in told["templating"]["list"]:
        if variable["type"] == "query":
            metrics, _ = asked(variable["query"].replace(", instance", ""))
            assert metrics <= there.keys()


async def test_a_legend_names_labels_that_its_expression_keeps(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = dashboard(capsys)
    there = await exposed(tmp_path)
    for panel in told["panels"]:
        for target in panel["targets"]:
            metrics, labels = asked(target["expr"])
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            kept = labels if "sum" in target["expr"] else there[metrics.pop()]
            assert shown <= kept, target


def test_nothing_lies_over_another_and_each_says_what_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = dashboard(capsys)
    taken: set[tuple[int, int]] = set()
    for panel in told["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells
        taken |= cells
        assert panel["description"]
        assert place["x"] + place["w"] <= 24
    assert len({panel["id"] for panel in told["panels"]}) == len(told["panels"])
