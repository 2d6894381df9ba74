"""The JSON Schema of plant files, and unit ids."""

from __future__ import annotations

import re
from typing import Any

import pytest

from simulator.config.schema import json_schema, parse_units


@pytest.mark.parametrize(
    ("value", "units"),
    [
        (1, (1,)),
        (0, (0,)),
        ("1-3", (1, 2, 3)),
        ("9,1-2", (9, 1, 2)),
        ([5, "7-8"], (5, 7, 8)),
        ("0x0A", (10,)),
        ("any", None),
    ],
)
def test_unit_ids_keep_the_order_of_the_file(value: object, units: object) -> None:
    assert parse_units(value) == units


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (256, "unit_id is 256, expected 0 to 255"),
        ("1-300", "unit_id is 300, expected 0 to 255"),
        ("all", "unit_id is 'all', expected 0 to 255, a range such as 1-247, or any"),
        ("ayn", "unit_id is 'ayn', expected 0 to 255, a range such as 1-247, or any; did you mean 'any'?"),
        ("1-5,3", "unit_id 3 is listed twice in 1-5,3, expected it once"),
        (True, "unit_id is true, expected a number or a range such as 1-3,5"),
        (None, "unit_id is null, expected a number or a range such as 1-3,5"),
    ],
)
def test_what_is_no_unit_id(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        parse_units(value)
    assert str(caught.value) == message


def test_editors_get_every_key_with_its_description() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == {
        "version",
        "name",
        "seed",
        "clock",
        "signals",
        "scripts",
        "control",
        "state",
        "faults",
        "scenarios",
        "profiles",
        "plugins",
        "limits",
        "tls",
        "devices",
    }
    assert schema["required"] == ["devices"]
    assert schema["additionalProperties"] is False
    group = schema["$defs"]["GroupFile"]
    assert group["required"] == ["name", "profile", "endpoint"]
    assert group["properties"]["bind"]["description"].startswith("each: a listener for every address")
    assert group["properties"]["endpoint"]["type"] == "string"
    assert schema["$defs"]["LimitsFile"]["properties"]["idle_timeout"]["anyOf"][0]["pattern"]


def test_inline_profiles_are_checked_by_the_schema_of_profiles() -> None:
    schema = json_schema()
    folders, inline = schema["properties"]["profiles"]["anyOf"]
    assert folders["type"] == "array"
    assert inline["additionalProperties"] == {"$ref": "#/$defs/Profile"}
    assert "points" in schema["$defs"]["Profile"]["properties"]


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    schema = json_schema()

    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            here = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return here + [name for value in part.values() for name in references(value)]
        return [name for value in part for name in references(value)] if isinstance(part, list) else []

    found = references(schema)
    assert found
    for name in found:
        assert name.removeprefix("#/$defs/") in schema["$defs"], name
