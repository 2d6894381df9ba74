"""Every operation has all its faces: a route, a place in the OpenAPI document, a ctl verb, a remote method."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from simulator.cli.app import parser_of
from simulator.cli.verbs import VERBS as CLI_VERBS
from simulator.control import course, devices, openapi, points, records, tables
from simulator.control.operations import OPERATIONS
from simulator.control.verbs import PREFIX, TABLE, VERBS
from simulator.control.web import ROUTES
from simulator.remote import Remote


@pytest.mark.parametrize("verb", TABLE, ids=lambda verb: verb.name)
def test_every_operation_has_a_route_a_verb_and_a_method(verb):
    operation = OPERATIONS[verb.name]
    path = PREFIX + verb.path.format(device="d", table="coil", name="n")
    assert [
        found for pattern, found in ROUTES if pattern.fullmatch(path) and found.verb.method == verb.method
    ] == [operation]
    described = openapi.document()["paths"][PREFIX + verb.path][verb.method.lower()]
    assert described["operationId"] == verb.method_name
    method = getattr(Remote, verb.method_name)
    assert set(list(inspect.signature(method).parameters)[1:]) == {each.name for each in verb.parameters}
    assert verb.summary.capitalize() in method.__doc__
    actions = parser_of(CLI_VERBS["ctl"])._actions
    (operations,) = [action for action in actions if action.dest == "operation"]
    words = {action.dest for action in operations.choices[verb.name]._actions}
    assert {f"given_{each.name}" for each in verb.parameters} <= words


def test_every_public_function_of_a_topic_is_an_operation():
    known = {operation.function for operation in OPERATIONS.values()}
    public = {
        found
        for module in (course, devices, points, records, tables)
        for name, found in vars(module).items()
        if inspect.isfunction(found) and found.__module__ == module.__name__ and not name.startswith("_")
    }
    assert {found.__name__ for found in public - known} == {"raw_numbers"}
    assert len(known) == len(VERBS) == len(TABLE)


def test_the_client_needs_the_standard_library_only():
    code = (
        "import sys; before = set(sys.modules); import simulator.remote; "
        "tops = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(tops - sys.stdlib_module_names - {'simulator'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
