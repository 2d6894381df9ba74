"""The OpenAPI document is true: schemathesis asks what it allows and what it forbids, and compares."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

from simulator.control import openapi

schemathesis = pytest.importorskip("schemathesis")

from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402

JUDGED = {"write", "write_table", "add_fault", "verify"}  # by what points take, not by a schema
SCHEMA = schemathesis.openapi.from_dict(openapi.document()).exclude(path="/api/v1/stop")


@SCHEMA.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_does_what_its_description_says(case, battered):
    judged = case.operation.definition.raw["operationId"] in JUDGED
    case.call_and_validate(
        base_url=battered.url, excluded_checks=[positive_data_acceptance] if judged else []
    )


def test_the_description_is_served_and_the_plant_still_answers(battered):
    import json
    import urllib.request

    with urllib.request.urlopen(f"{battered.url}/openapi.json", timeout=20) as answer:
        assert json.load(answer) == openapi.document()
    assert battered.remote.status()["devices"] == 11
