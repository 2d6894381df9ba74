"""Points of a file become points of the program, or tell what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.datatypes import DATA_TYPES, ByteOrder, data_type
from simulator.errors import ConfigError
from simulator.generators.waves import Sine
from simulator.points import Point
from simulator.profiles.loader import ProfileLibrary
from simulator.profiles.profile import Profile
from simulator.protocol.codes import Table

Load = Callable[..., Profile]
Complaints = Callable[..., list[str]]


def point(load: Load, keys: str, head: str = "") -> Point:
    return load(f"{head}\npoints: {{a: {{{keys}}}}}").points["a"]


def test_every_key_of_a_point(load: Load) -> None:
    keys = (
        "table: holding_register, address: 7, data_type: int32, count: 2, scale: 0.1, offset: -5, precision: 1, "
        "unit_of_measurement: V, description: two volts, access: wo, value: [1, 2], min: -10, max: 10, "
        "on_invalid: clamp, hold: 30s, overlap: true, byte_order: DCBA, "
        "generator: {type: sine, min: 0, max: 1, period: 5s}"
    )
    assert point(load, keys) == Point(
        "a",
        Table.HOLDING_REGISTER,
        7,
        data_type("int32", order="DCBA"),
        count=2,
        scale=0.1,
        offset=-5.0,
        precision=1,
        unit_of_measurement="V",
        description="two volts",
        access="wo",
        value=[1, 2],
        min=-10.0,
        max=10.0,
        on_invalid="clamp",
        hold=30.0,
        overlap=True,
        generator=Sine(min=0.0, max=1.0, period=5.0),
    )


def test_defaults(load: Load) -> None:
    found = point(load, "table: hr, address: 7")
    assert found == Point("a", Table.HOLDING_REGISTER, 7, data_type("uint16"))
    assert (found.hold, found.on_invalid, found.generator, found.value) == (
        math.inf,
        "illegal_data_value",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("table", "kind", "access"),
    [("co", "bool", "rw"), ("di", "bool", "ro"), ("ir", "uint16", "ro"), ("hr", "uint16", "rw")],
)
def test_defaults_by_table(load: Load, table: str, kind: str, access: str) -> None:
    found = point(load, f"table: {table}, address: 0")
    assert (found.data_type.name, found.access) == (kind, access)


@pytest.mark.parametrize("name", DATA_TYPES)
def test_every_data_type(load: Load, name: str) -> None:
    length = ", length: 3" if name in ("string", "raw", "bits") else ""
    found = point(load, f"table: hr, address: 0, data_type: {name}{length}")
    assert found.data_type == data_type(name, length=3 if length else None)


@pytest.mark.parametrize(
    ("head", "keys", "order"),
    [
        ("", "", "ABCD"),
        ("byte_order: CDAB", "", "CDAB"),
        ("swap: none", "", "ABCD"),
        ("swap: byte", "", "BADC"),
        ("swap: word", "", "CDAB"),
        ("swap: word_byte", "", "DCBA"),
        ("swap: word", ", byte_order: DCBA", "DCBA"),
        ("byte_order: DCBA", ", swap: none", "ABCD"),
    ],
)
def test_byte_orders_of_profile_and_point(load: Load, head: str, keys: str, order: str) -> None:
    found = point(load, f"table: hr, address: 0, data_type: float32{keys}", head)
    assert found.data_type.order is ByteOrder(order)


@pytest.mark.parametrize(
    ("written", "seconds"), [("30s", 30), ("forever", math.inf), ("none", 0), ("5m", 300)]
)
def test_hold(load: Load, written: str, seconds: float) -> None:
    assert point(load, f"table: hr, address: 0, hold: {written}").hold == seconds


def test_a_reference_picks_the_table(load: Load) -> None:
    profile = load(
        "address_base: modicon\npoints: {a: {address: 40011}, b: {address: 300011}, c: {address: 10011}, "
        "d: {address: '000011'}, e: {address: 40012, table: hr}}"
    )
    assert {name: (point.table.label, point.address) for name, point in profile.points.items()} == {
        "a": ("holding_register", 10),
        "b": ("input_register", 10),
        "c": ("discrete_input", 10),
        "d": ("coil", 10),
        "e": ("holding_register", 11),
    }


def test_texts_bits_arrays_and_bits_of_registers(load: Load) -> None:
    profile = load(
        "parameters: {rated: 5000}\n"
        "points:\n"
        "  text: {table: hr, address: 0, data_type: string, length: 4, string_order: BA, padding: space, "
        "value: 'S{n:03}'}\n"
        "  flags: {table: hr, address: 4, data_type: bits, bits: {0: on, 3: alarm}, value: [on, alarm]}\n"
        "  many: {table: hr, address: 5, count: 3, value: [1, 2, 3]}\n"
        "  flag: {table: hr, address: 8, data_type: bool, bit: 3, value: true}\n"
        "  rated: {table: hr, address: 9, data_type: float32, value: '{rated}'}\n"
        "  mode: {table: hr, address: 11, enum: {0: stop, 1: run}, value: run}\n"
    )
    assert profile.points["text"].data_type == data_type(
        "string", length=4, string_order="BA", padding="space"
    )
    assert profile.points["text"].value == "S{n:03}"
    assert profile.points["flags"].encode(["on", "alarm"]) == b"\0\x09"
    assert profile.points["many"].quantity == 3
    assert profile.points["flag"].mask == 8
    assert profile.points["rated"].value == "{rated}"
    assert profile.points["mode"].enum == {0: "stop", 1: "run"}


TYPES = ", ".join(DATA_TYPES)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("address: 1", "10: points.a: table is missing, expected coil, discrete_input, input_register or holding_register"),
        ("table: hr", "13: points.a.address: address is missing, expected it here"),
        ("table: hr, address: 65536", "34: points.a.address: address is 65536, expected 0 to 65535"),
        (
            "table: holdng, address: 1",
            (
                "21: points.a.table: unknown table 'holdng', expected coil, discrete_input, input_register or "
                "holding_register; did you mean 'holding'?"
            ),
        ),
        (
            "table: hr, address: 1, data_type: flaot32",
            f"48: points.a.data_type: data type is unknown, got 'flaot32', did you mean float32? expected one of {TYPES}",
        ),
        (
            "table: hr, address: 1, data_type: string",
            "48: points.a.data_type: length is missing, got none, expected the number of registers of the string",
        ),
        (
            "table: hr, address: 1, data_type: int16, length: 2",
            "63: points.a.length: length is given, got 2, expected none: int16 has its own",
        ),
        (
            "table: hr, address: 1, byte_order: CDAB, swap: word",
            "61: points.a.swap: swap is word beside byte_order CDAB, expected one of the two keys",
        ),
        (
            "table: hr, address: 1, byte_order: ABDC",
            "49: points.a.byte_order: byte_order is 'ABDC', expected ABCD, CDAB, BADC or DCBA; did you mean 'BADC'?",
        ),
        (
            "table: hr, address: 65535, data_type: float32",
            (
                "34: points.a.address: point leaves the table, got addresses 65535 to 65537 (exclusive), "
                "expected 0 to 65536"
            ),
        ),
        (
            "table: ir, address: 1, access: rw",
            "45: points.a.access: access is rw in input_register, expected ro: clients cannot write there",
        ),
        (
            "table: di, address: 1, access: wo",
            "45: points.a.access: access is wo in discrete_input, expected ro: clients cannot write there",
        ),
        ("table: hr, address: 1, access: read", "45: points.a.access: access is 'read', expected ro, rw or wo"),
        ("table: co, address: 1, data_type: int16", "48: points.a.data_type: data type does not suit coil, got int16, expected bool"),
        ("table: hr, address: 1, bit: 3", "42: points.a.bit: bit is given with uint16, got 3, expected data type bool"),
        ("table: hr, address: 1, data_type: bool, bit: 16", "59: points.a.bit: bit is 16, expected 15 or less"),
        (
            "table: hr, address: 1, data_type: bool, bit: 1, count: 2",
            "69: points.a.count: count is given for a bit of a register, got 2, expected 1",
        ),
        ("table: hr, address: 1, count: 0", "44: points.a.count: count is 0, expected 1 or more"),
        (
            "table: hr, address: 1, scale: 0",
            "44: points.a.scale: scale is unusable, got 0.0 and offset 0.0, expected finite numbers, scale not 0",
        ),
        ("table: hr, address: 1, scale: .inf", "44: points.a.scale: scale is inf, expected a finite number"),
        ("table: hr, address: 1, scale: '1'", "44: points.a.scale: scale is '1', expected a number"),
        ("table: hr, address: 1, min: 4, max: 2", "42: points.a.min: min is above max, got 4.0 and 2.0, expected min at most max"),
        ("table: hr, address: 1, hold: 30", "43: points.a.hold: hold is 30, expected a duration such as 30s, forever or none"),
        ("table: hr, address: 1, hold: never", "43: points.a.hold: hold is 'never', expected a duration such as 30s, forever or none"),
        (
            "table: hr, address: 1, on_invalid: refuse",
            "49: points.a.on_invalid: on_invalid is 'refuse', expected illegal_data_value, ignore or clamp",
        ),
        ("table: hr, address: 1, overlap: 1", "46: points.a.overlap: overlap is 1, expected true or false"),
        ("table: hr, address: 1, value: 70000", "44: points.a.value: value does not fit uint16, got 70000, expected 0 to 65535"),
        ("table: hr, address: 1, value: -1", "44: points.a.value: value does not fit uint16, got -1, expected 0 to 65535"),
        (
            "table: hr, address: 1, data_type: int16, scale: 0.1, value: 3276.8",
            "74: points.a.value: value does not fit int16, got 3276.8, expected -3276.8 to 3276.7",
        ),
        (
            "table: hr, address: 1, count: 2, value: [1, 70000]",
            "54: points.a.value: value does not fit uint16, got 70000, expected 0 to 65535",
        ),
        (
            "table: hr, address: 1, count: 3, value: [1, 2]",
            "54: points.a.value: array has a wrong length, got 2 values, expected 3",
        ),
        ("table: hr, address: 1, value: 20, max: 10", "44: points.a.value: value is out of range, got 20, expected at most 10.0"),
        ("table: hr, address: 1, value: abc", "44: points.a.value: uint16 is given no number, got 'abc', expected a number"),
        (
            "table: hr, address: 1, enum: {0: stop, 1: run}, value: rnu",
            "69: points.a.value: label is unknown, got 'rnu', did you mean run? expected one of stop, run",
        ),
        ("table: hr, address: 1, enum: {0: 5}", "47: points.a.enum.0: entry is 5, expected text"),
        (
            "table: hr, address: 1, data_type: bits, bits: {0: on}, value: [off]",
            "76: points.a.value: bit is unknown, got 'off', expected one of on",
        ),
        (
            "table: hr, address: 1, data_type: string, length: 2, value: 'SN{n:06}'",
            "74: points.a.value: text is too long, got 8 bytes in 'SN000001', expected at most 4 bytes",
        ),
        (
            "table: hr, address: 1, data_type: string, length: 2, value: '{nmae}'",
            "74: points.a.value: '{nmae}' uses {nmae}, expected one of {i}, {n}, {name}",
        ),
        (
            "table: hr, address: 1, value: 'x{i}'",
            "44: points.a.value: value is 'x{i}', got 'x0' for the first device, expected a number",
        ),
        ("table: hr, address: 1, value: '{n}00000'", "44: points.a.value: value does not fit uint16, got 100000.0, expected 0 to 65535"),
        (
            "table: hr, address: 1, adress: 2",
            (
                "37: points.a.adress: unknown key 'adress', expected table, address, data_type, count, length, "
                "byte_order, swap, string_order, padding, scale, offset, precision, unit_of_measurement, "
                "description, access, enum, bits, bit, value, min, max, on_invalid, hold, overlap, generator or "
                "on_write; did you mean 'address'?"
            ),
        ),
        ("table: hr, address: 1, generator: 5", "48: points.a.generator: generator is 5, expected a mapping"),
        (
            "table: hr, address: 1, generator: {type: sine, min: 1, max: 2, perod: 5s}",
            (
                "77: points.a.generator.perod: unknown key 'perod', expected interval, noise, min, max, period, "
                "phase or duty; did you mean 'period'?"
            ),
        ),
        (
            "table: hr, address: 1, generator: {type: sine, min: 1, max: '{rated}'}",
            "74: points.a.generator.max: '{rated}' uses {rated}, expected one of {i}, {n}",
        ),
        (
            "table: hr, address: 1, generator: {type: sine, min: 5, max: 1}",
            "48: points.a.generator: min is 5, expected at most max, which is 1",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_a_point_is_told(complaints: Complaints, keys: str, expected: str) -> None:
    assert complaints(f"points: {{a: {{{keys}}}}}") == [f"p.yaml:1:{expected}"]


def test_an_unknown_generator_names_those_that_there_are(complaints: Complaints) -> None:
    (found,) = complaints("points: {a: {table: hr, address: 1, generator: {type: sinus}}}")
    assert found.startswith("p.yaml:1:55: points.a.generator.type: unknown generator 'sinus', expected ")
    assert found.endswith("; did you mean 'sine'?")


def test_every_mistake_is_told_at_once(complaints: Complaints) -> None:
    text = """\
nme: x
byte_order: ABDC
identity: {revision: 1.4, vendor_name: "{nme}"}
parameters: {list: [1]}
tables:
  holdng: {}
  ir: {count: 2, fill: -1, valus: {}}
points:
  a: {table: hr, adress: 1, data_type: flaot32, access: all}
  b: {table: holdng, address: 1, hold: 30}
  c: 5
  d: {table: hr, address: 70000, value: '{list}'}
  e: {table: hr, address: 1}
  f: {table: hr, address: 1}
"""
    places = [text.split(": ")[:2] for text in complaints(text)]
    assert places == [
        ["p.yaml:1:1", "nme"],
        ["p.yaml:2:13", "byte_order"],
        ["p.yaml:3:22", "identity.revision"],
        ["p.yaml:3:40", "identity.vendor_name"],
        ["p.yaml:4:20", "parameters.list"],
        ["p.yaml:6:3", "tables.holdng"],
        ["p.yaml:7:24", "tables.ir.fill"],
        ["p.yaml:7:28", "tables.ir.valus"],
        ["p.yaml:9:6", "points.a.address"],
        ["p.yaml:9:18", "points.a.adress"],
        ["p.yaml:9:40", "points.a.data_type"],
        ["p.yaml:9:57", "points.a.access"],
        ["p.yaml:10:14", "points.b.table"],
        ["p.yaml:10:40", "points.b.hold"],
        ["p.yaml:11:6", "points.c"],
        ["p.yaml:12:27", "points.d.address"],
        ["p.yaml:14:3", "points.f"],
    ]


def test_a_wrong_address_base_does_not_make_every_address_wrong(complaints: Complaints) -> None:
    text = "address_base: modcon\npoints: {a: {address: 40001}, b: {address: 40001, data_type: float23}}"
    found = complaints(text)
    assert found[0] == "p.yaml:1:15: address_base: address_base is 'modcon', expected 0, 1 or modicon; did you mean 'modicon'?"  # fmt: skip
    assert [line.split(": ")[1] for line in found[1:]] == ["points.b.data_type"]


def test_files_have_mistakes_of_their_own(complaints: Complaints) -> None:
    assert complaints(
        "description: ${NONE}\npoints: {x: {table: hr, address: 1}, x: {table: hr, address: 2}}"
    ) == [
        (
            "p.yaml:1:14: description: environment variable NONE is not set, "
            "expected a value or ${NONE:-default}"
        ),
        "p.yaml:2:38: points.x: key 'x' is a duplicate, expected it once (first on line 2)",
    ]


def test_an_environment_variable(load: Load) -> None:
    profile = load("points:\n  a:\n    table: hr\n    address: 1\n    scale: ${RATE}")
    assert profile.points["a"].scale == 2


INTEGERS = st.sampled_from(["int8", "uint8", "int16", "uint16", "int32", "uint32", "bcd16", "bcd32"])
SCALES = st.sampled_from([1.0, 0.1, 0.01, 2.0, -1.0, 0.25])


@given(INTEGERS, SCALES, st.integers(-100, 100), st.integers(-(2**33), 2**33))
def test_an_initial_value_is_taken_exactly_when_its_raw_number_fits(
    name: str, scale: float, offset: int, raw: int
) -> None:
    kind, value = data_type(name), raw * scale + offset
    keys: dict[str, Any] = {"table": "hr", "address": 0, "data_type": name, "scale": scale, "offset": offset}
    library = ProfileLibrary(inline={"p": {"points": {"a": {**keys, "value": value}}}})
    fits = (kind.minimum or 0) <= raw <= (kind.maximum or 0)
    if fits:
        found = library.get("p").points["a"]
        assert kind.decode(found.encode(value)) == raw
    else:
        with pytest.raises(ConfigError) as caught:
            library.get("p")
        assert f"value does not fit {name}, got {value}" in str(caught.value)


@pytest.mark.parametrize("share", ["{coil: {share: discrete_input}}", "{discrete_input: {share: coil}}"])
def test_inputs_that_share_a_block_with_coils_can_be_written(load, share):
    points = load(
        f"tables: {share}\npoints: {{a: {{table: discrete_input, address: 0}}, b: {{table: co, address: 1}}}}"
    ).points
    assert [point.access for point in points.values()] == ["rw", "rw"]
