"""The description of the API: OpenAPI 3.1, from the table of verbs and the shapes of answers.

The one rule: nothing is written here that the table, the models or the results say already.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from simulator.control.operations import OPERATIONS, Operation
from simulator.control.requests import MODELS
from simulator.control.verbs import PREFIX

_REFERENCE = "#/components/schemas/{model}"
_REFUSED = {
    "400": "the request makes no sense",
    "401": "the token is missing or wrong",
    "403": "a page of another origin asks, or the Host is no address of this program",
    "404": "no such device, point or name",
    "409": "the plant is not in the state for it",
    "413": "the body is too large",
    "415": "the body is no application/json",
    "422": "a value is wrong",
    "429": "too many requests",
}
_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, and what was expected"},
    },
    "required": ["type", "title", "status", "detail"],
}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS.values():
        described = _described(operation, schemas)
        paths.setdefault(PREFIX + operation.verb.path, {})[operation.verb.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "modsim: a running plant", "version": version("modsim")},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _described(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    verb = operation.verb
    model = MODELS[verb.name].model_json_schema(ref_template=_REFERENCE, mode="validation")
    schemas.update(model.get("$defs", {}))
    described: dict[str, Any] = {
        "operationId": verb.method_name,
        "summary": verb.summary,
        "parameters": [
            {
                "name": each.name,
                "in": each.where,
                "required": each.required,
                "description": each.help,
                "schema": model["properties"][each.name],
            }
            for each in verb.parameters
            if each.where != "body"
        ],
        "responses": _responses(operation, schemas),
    }
    inside = [each for each in verb.parameters if each.where == "body"]
    if inside:
        required = [each.name for each in inside if each.required]
        body = {
            "type": "object",
            "properties": {each.name: model["properties"][each.name] for each in inside},
            "required": required,
            "additionalProperties": False,
        }
        described["requestBody"] = {
            "required": bool(required),
            "content": {"application/json": {"schema": body}},
        }
    return described


def _responses(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    result = TypeAdapter(operation.result).json_schema(ref_template=_REFERENCE, mode="serialization")
    schemas.update(result.pop("$defs", {}))
    name = result.get("title", operation.result.__name__)
    schemas[name] = result
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refused = {code: {"description": text, "content": problem} for code, text in _REFUSED.items()}
    done = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {"200": {"description": "done", "content": done}, **refused}
