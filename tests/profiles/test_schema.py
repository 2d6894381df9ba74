"""The JSON Schema that editors check profiles against."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from simulator.datatypes import DATA_TYPES
from simulator.generators.registry import types
from simulator.profiles.schema import IdentityFile, PointFile, ProfileFile, TableFile, json_schema
from simulator.protocol.identification import OBJECT_IDS

SCHEMA = json_schema()


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key == "$ref")
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


def test_it_is_json_and_all_its_references_lead_somewhere() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    references = set(_references(SCHEMA))
    assert len(references) >= 3
    for reference in references:
        assert reference.removeprefix("#/$defs/") in SCHEMA["$defs"]


def test_it_has_every_key() -> None:
    assert SCHEMA["properties"].keys() == ProfileFile.model_fields.keys()
    for model in (PointFile, TableFile, IdentityFile):
        definition = SCHEMA["$defs"][model.__name__]
        assert definition["properties"].keys() == model.model_fields.keys()
        assert definition["additionalProperties"] is False
    assert SCHEMA["$defs"]["PointFile"]["properties"]["data_type"]["enum"] == list(DATA_TYPES)


def test_it_knows_the_keys_of_every_generator() -> None:
    one_of = SCHEMA["$defs"]["Generator"]["anyOf"][0]["oneOf"]
    found = {each["properties"]["type"]["const"]: each for each in one_of}
    assert found.keys() == types().keys()
    assert {"type", "min", "max", "period", "phase", "duty", "interval", "noise"} == found["sine"][
        "properties"
    ].keys()
    assert {"from", "to"} <= found["ramp"]["properties"].keys()
    assert found["sine"]["additionalProperties"] is False


def test_an_address_is_required_unless_the_profile_extends_another() -> None:
    assert SCHEMA["if"] == {"not": {"required": ["extends"]}}
    assert SCHEMA["then"]["properties"]["points"]["additionalProperties"]["required"] == ["address"]
    assert "required" not in SCHEMA["$defs"]["PointFile"]


def test_identity_has_the_objects_of_the_protocol() -> None:
    assert set(IdentityFile.model_fields) == {*OBJECT_IDS, "objects"}
