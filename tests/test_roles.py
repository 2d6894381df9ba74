"""What roles allow."""

from __future__ import annotations

import pytest

from simulator.protocol.codes import Table
from simulator.roles import Rule, Touched, touched

HOLDING = Table.HOLDING_REGISTER


def allowed(rule: Rule, pdu: str, unit: int = 1) -> bool:
    request = bytes.fromhex(pdu)
    return rule.concerns(unit, request[0]) and rule.allows(touched(request))


@pytest.mark.parametrize(
    ("pdu", "expected"),
    [
        ("01 0013 0013", [(Table.COIL, 19, 19)]),
        ("02 00C4 0016", [(Table.DISCRETE_INPUT, 196, 22)]),
        ("03 006B 0003", [(HOLDING, 107, 3)]),
        ("04 0008 0001", [(Table.INPUT_REGISTER, 8, 1)]),
        ("05 00AC FF00", [(Table.COIL, 172, 1)]),
        ("06 0001 0003", [(HOLDING, 1, 1)]),
        ("0F 0013 000A 02 CD01", [(Table.COIL, 19, 10)]),
        ("10 0001 0002 04 000A 0102", [(HOLDING, 1, 2)]),
        ("16 0004 00F2 0025", [(HOLDING, 4, 1)]),
        ("17 0003 0006 000E 0003 06 00FF 00FF 00FF", [(HOLDING, 3, 6), (HOLDING, 14, 3)]),
        ("18 04DE", [(HOLDING, 1246, 1)]),
        ("11", []),
        ("2B 0E 01 00", []),
        ("03 006B 00", []),
        ("03", []),
    ],
)
def test_what_the_examples_of_the_specification_touch(pdu, expected):
    assert list(touched(bytes.fromhex(pdu))) == [Touched(*each) for each in expected]


def test_a_rule_without_limits_allows_everything():
    for pdu in ("03 0000 0001", "10 FFFF 0001 02 0000", "11", "41 00"):
        assert allowed(Rule(), pdu)


def test_functions_that_are_not_listed_are_refused():
    rule = Rule(functions=frozenset({1, 3}))
    assert allowed(rule, "03 0000 0001")
    assert not allowed(rule, "06 0000 0001")
    assert not allowed(rule, "11")


@pytest.mark.parametrize(
    ("pdu", "expected"),
    [
        ("03 000A 000A", True),  # 10 to 19
        ("03 0009 0002", False),  # begins before
        ("03 000A 000B", False),  # ends behind
        ("03 0014 0001", False),  # between the ranges
        ("03 001E 0001", True),  # 30 alone
        ("03 001E 0002", False),
        ("03 000A 0000", True),  # a quantity of 0 is the function's to refuse
        ("03 FFFF FFFF", False),
        ("17 000A 0001 001E 0001 02 0000", True),
        ("17 000A 0001 001F 0001 02 0000", False),  # may be read, not written
        ("17 001F 0001 000A 0001 02 0000", False),
    ],
)
def test_all_of_the_addresses_must_be_allowed(pdu, expected):
    assert allowed(Rule(addresses=((10, 19), (30, 30))), pdu) is expected


def test_tables_that_are_not_listed_are_refused():
    rule = Rule(tables=frozenset({HOLDING}))
    assert allowed(rule, "06 0000 0001")
    assert not allowed(rule, "04 0000 0001")
    assert not allowed(rule, "05 0000 FF00")


def test_functions_without_addresses_must_be_named_where_addresses_are_limited():
    """Who may see registers 0 to 9 may not therefore restart the device."""
    limited = ((0, 9),)
    assert not allowed(Rule(addresses=limited), "08 0001 0000")
    assert not allowed(Rule(tables=frozenset({HOLDING})), "2B 0E 01 00")
    assert allowed(Rule(functions=frozenset({3, 0x2B}), addresses=limited), "2B 0E 01 00")


def test_unit_ids_that_are_not_listed_are_refused():
    rule = Rule(unit_ids=frozenset({1, 2}))
    assert allowed(rule, "03 0000 0001", unit=2)
    assert not allowed(rule, "03 0000 0001", unit=3)
