"""The description says what is really there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.api.control import ASKED
from ccchat_tui.api.openapi import document
from tests.api.desk import api

DOCUMENT = document()


async def test_it_is_served(tmp_path: Path) -> None:
    async with api(tmp_path) as desk:
        assert (await desk.ada.get("/openapi.json")).json() == DOCUMENT


def test_each_reference_leads_somewhere() -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                name = value["$ref"].removeprefix("#/components/schemas/")
                assert name in DOCUMENT["components"]["schemas"]
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(DOCUMENT)


def test_the_fields_of_a_chat_are_those_that_are_taken() -> None:
    assert set(DOCUMENT["components"]["schemas"]["Chat"]["properties"]) == ASKED


@pytest.mark.parametrize("path", DOCUMENT["paths"])
async def test_what_is_not_described_is_not_there(tmp_path: Path, path: str) -> None:
    """Each path answers to the methods that are described, and to no others."""
    told = {method.upper() for method in DOCUMENT["paths"][path]}
    async with api(tmp_path) as desk:
        where = path.replace("{id}", "1")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if path.endswith("/events") and method == "GET":
                continue
            response = await desk.admin.request(method, where)
            status = response.status_code
            assert (status == 405) == (method not in told), (method, status)
            if status == 405:
                allowed = set(response.headers.get_list("allow", split_commas=True))
                assert allowed - {"HEAD"} == told
            if method in told:
                assert str(status) in DOCUMENT["paths"][path][method.lower()]["responses"]
