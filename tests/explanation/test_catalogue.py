"""The catalogue leaves no message out."""

from __future__ import annotations

from simulator.explanation.catalogue import MESSAGES, REFUSALS, examples
from simulator.explanation.names import EXCEPTIONS, FUNCTIONS, function_code, function_name
from simulator.protocol.diagnostics import Diagnostic, DiagnosticsRequest, DiagnosticsResponse
from simulator.protocol.messages import _STANDARD


def test_every_standard_message_has_an_example_and_every_function_a_name_and_a_clause():
    kinds = {type(message) for message in MESSAGES}
    assert {kind for pair in _STANDARD for kind in pair} == kinds
    assert {request.function for request, _ in _STANDARD} == set(FUNCTIONS)


def test_every_sub_function_has_a_request_and_all_but_one_a_response():
    asked = {message.sub_function for message in MESSAGES if isinstance(message, DiagnosticsRequest)}
    answered = {message.sub_function for message in MESSAGES if isinstance(message, DiagnosticsResponse)}
    assert asked == set(Diagnostic)
    assert asked - answered == {Diagnostic.FORCE_LISTEN_ONLY_MODE}


def test_every_exception_of_the_specification_is_there():
    assert {refusal.code for refusal in REFUSALS} == set(EXCEPTIONS) - {7}


def test_examples_are_filtered_and_addressed():
    found = list(examples(functions=[3], framings=["mbap"], directions=["request"], unit=17, transaction=258))
    assert [example.wire.hex(" ") for example in found] == ["01 02 00 00 00 06 11 03 00 6b 00 03"]


def test_functions_are_found_by_number_and_name():
    for text in ("43", "0x2B", "43/14", "read_device_identification", "Read device identification"):
        assert function_code(text) == 43
    assert function_name(99).text == "unknown function"
