"""``extends``: a profile laid over another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.generators.waves import Sine, Square
from simulator.profiles.merging import merge
from simulator.profiles.profile import Profile
from simulator.protocol.codes import Table

Load = Callable[..., Profile]
Complaints = Callable[..., list[str]]

BASE = """
description: a base
identity: {vendor_name: Acme, product_code: B1, objects: {0x80: left, 0x81: right}}
parameters: {rated: 100, zero: 0}
byte_order: CDAB
tables: {holding_register: {block: sequential, address: 0, count: 50, fill: 7}}
points:
  a: {table: hr, address: 0, data_type: float32, unit_of_measurement: V,
      generator: {type: sine, min: 1, max: 2, period: 5s}}
  b: {table: hr, address: 2, enum: {0: stop, 1: run}, value: run}
  c: {table: hr, address: 3}
"""


def test_points_merge_by_name(load: Load) -> None:
    profile = load(
        "extends: base\n"
        "points: {a: {precision: 1, generator: {max: 3}}, b: {enum: {2: fault}}, d: {table: ir, address: 9}}",
        base=BASE,
    )
    assert list(profile.points) == ["a", "b", "c", "d"]
    a = profile.points["a"]
    assert (a.unit_of_measurement, a.precision, a.data_type.order.value) == ("V", 1, "CDAB")
    assert a.generator == Sine(min=1.0, max=3.0, period=5.0)
    assert profile.points["b"].enum == {0: "stop", 1: "run", 2: "fault"}


def test_mappings_merge_and_the_rest_is_inherited(load: Load) -> None:
    profile = load(
        "extends: base\nname: mine\n"
        "identity: {product_code: M2, objects: {0x81: other}}\nparameters: {rated: 5}",
        base=BASE,
    )
    assert (profile.name, profile.description) == ("mine", "a base")
    assert profile.identity == {0: "Acme", 1: "M2", 0x80: "left", 0x81: "other"}
    assert profile.parameters == {"rated": 5, "zero": 0}


def test_a_generator_of_another_type_replaces_the_one_of_the_base(load: Load) -> None:
    profile = load("extends: base\npoints: {a: {generator: {type: square, min: 0, max: 9}}}", base=BASE)
    assert profile.points["a"].generator == Square(min=0.0, max=9.0)


def test_a_table_with_another_block_replaces_the_one_of_the_base(load: Load) -> None:
    profile = load("extends: base\ntables: {holding_register: {block: sparse}}", base=BASE)
    layout = profile.tables[Table.HOLDING_REGISTER]
    assert (layout.kind, layout.ranges, layout.fill) == ("sparse", ((0, 4),), 0)


def test_null_takes_away_what_the_base_has(load: Load) -> None:
    profile = load(
        "extends: base\npoints: {a: {generator: null}, c: null}\nparameters: {zero: null}", base=BASE
    )
    assert list(profile.points) == ["a", "b"]
    assert profile.points["a"].generator is None
    assert profile.parameters == {"rated": 100}


def test_null_for_what_the_base_does_not_have_is_an_error(complaints: Complaints) -> None:
    assert complaints("extends: base\npoints: {cc: null}", base=BASE) == [
        "p.yaml:2:14: points.cc: cc is null, expected a mapping"
    ]


def test_swap_and_byte_order_say_the_same_so_the_upper_one_wins(load: Load) -> None:
    profile = load("extends: base\nswap: byte", base=BASE)
    assert profile.points["a"].data_type.order.value == "BADC"


def test_bases_have_bases(load: Load) -> None:
    profile = load("extends: middle", middle="extends: base\npoints: {c: {scale: 2}}", base=BASE)
    assert (profile.points["c"].scale, profile.points["c"].address) == (2.0, 3)


def test_a_folder_refines_a_shipped_profile_by_extending_its_own_name(load: Load) -> None:
    profile = load("extends: ups", ups="extends: ups\nparameters: {battery_blocks: 40}")
    assert profile.parameters["battery_blocks"] == 40
    assert len(profile.points) > 40


def test_a_circle_is_shown(complaints: Complaints) -> None:
    assert complaints("extends: q", q="extends: r", r="extends: q") == [
        "r.yaml:1:10: extends: profile extends itself, got p -> q -> r -> q, expected an end"
    ]
    assert complaints("extends: p") == [
        "p.yaml:1:10: extends: profile extends itself, got p -> p, expected another profile"
    ]


def test_a_missing_base_suggests_a_near_one(complaints: Complaints) -> None:
    (found,) = complaints("extends: energy-metre")
    assert found.startswith("p.yaml:1:10: extends: unknown profile 'energy-metre', expected battery-bms, ")
    assert found.endswith("; did you mean 'energy-meter'?")


def test_a_mistake_in_the_base_is_told_where_the_base_makes_it(complaints: Complaints) -> None:
    found = complaints(
        "extends: base\npoints: {a: {scale: big}}", base="points:\n  a: {table: hr, address: 70000}"
    )
    assert found == [
        "base.yaml:2:27: points.a.address: address is 70000, expected 0 to 65535",
        "p.yaml:2:21: points.a.scale: scale is 'big', expected a number",
    ]


def test_addresses_are_numbered_as_in_the_base(complaints: Complaints) -> None:
    assert complaints("extends: base\naddress_base: modicon", base="address_base: 1") == [
        "p.yaml:2:15: address_base: address_base is modicon, expected 1 as in the profile it extends"
    ]
    assert complaints("extends: base\naddress_base: 1", base="points: {}") == [
        "p.yaml:2:15: address_base: address_base is 1, expected 0 as in the profile it extends"
    ]


NESTED: Any = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(st.sampled_from("abcd"), NESTED, max_size=4)


@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_laying_over_is_associative_and_idempotent(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    assert merge({}, one) == merge(one, {}) == merge(one, one) == one
    if not _clashing(one, two) and not _clashing(two, three) and not _clashing(one, three):
        assert merge(merge(one, two), three) == merge(one, merge(two, three))


def _clashing(one: Any, two: Any) -> bool:
    """Whether a mapping meets a plain value somewhere: then the order of laying over matters."""
    if isinstance(one, dict) and isinstance(two, dict):
        return any(_clashing(one[key], two[key]) for key in one.keys() & two.keys())
    return isinstance(one, dict) or isinstance(two, dict)


@pytest.mark.parametrize("name", ["type", "block", "share"])
def test_points_may_have_the_names_of_keys_that_replace(name: str) -> None:
    base = {"points": {name: {"address": 1}, "other": {"address": 2}}}
    over = {"points": {name: {"address": 3}}}
    assert merge(base, over) == {"points": {name: {"address": 3}, "other": {"address": 2}}}
