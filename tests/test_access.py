"""What a client may write: read-only points, limits, labels, holds, and what lies beside them."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

import pytest

from simulator.access import Gate, gate, hide, is_ruled, rules
from simulator.blocks.base import AddressMap
from simulator.blocks.memory import BitBlock, RegisterBlock, new_buffer, sequential_registers
from simulator.datatypes import data_type
from simulator.device import Device, DeviceKind
from simulator.errors import IllegalDataAddress, IllegalDataValue, IllegalFunction, ServerDeviceBusy
from simulator.functions.standard import function_table
from simulator.generators.registry import make
from simulator.points import Point
from simulator.protocol.codes import Table

SIZE = 64
SINE = make({"type": "sine", "min": 0, "max": 10})


def register(
    name: str, address: int, kind: str = "uint16", *, length: int | None = None, **facts: Any
) -> Point:
    return Point(name, Table.HOLDING_REGISTER, address, data_type(kind, length=length), **facts)


def coil(name: str, address: int, **facts: Any) -> Point:
    return Point(name, Table.COIL, address, data_type("bool"), **facts)


class Gated:
    """64 registers, or bits, with these points; what a client writes and what then stands there."""

    def __init__(
        self,
        *points: Point,
        values: Mapping[int, int] | None = None,
        read_only: str = "illegal_data_address",
    ) -> None:
        self.bits = points[0].table.is_bits
        spots = AddressMap([(0, SIZE)])
        self.block = (BitBlock if self.bits else RegisterBlock)(spots, new_buffer(2 * SIZE))
        self.held: list[tuple[str, int, float]] = []
        holds = {point.name: self._hold(point.name) for point in points if point.generator is not None}
        self.gate = gate(spots, points, holds, read_only)
        for address, value in (values or {}).items():
            self.block.write(address, 1, self.pack([value]))

    def _hold(self, name: str) -> Any:
        return lambda row, seconds: self.held.append((name, row, seconds))

    def pack(self, numbers: list[int]) -> bytes:
        if self.bits:
            return sum(bit << place for place, bit in enumerate(numbers)).to_bytes(
                -(-len(numbers) // 8), "little"
            )
        return struct.pack(f">{len(numbers)}H", *numbers)

    def write(self, address: int, *numbers: int, row: int = 0) -> None:
        """Write as a device does: past the gate where it is open, through it elsewhere."""
        data = self.pack(list(numbers))
        if self.gate is None or self.gate.is_open(address, len(numbers)):
            self.block.write(address, len(numbers), data)
        else:
            self.gate.write(row, self.block, address, len(numbers), data)

    def read(self, address: int, quantity: int = 1) -> list[int]:
        if self.bits:
            return [self.block.read(place, 1)[0] for place in range(address, address + quantity)]
        return list(struct.unpack(f">{quantity}H", self.block.read(address, quantity)))

    def dump(self) -> list[int]:
        return self.read(0, SIZE)


def refused(gated: Gated, error: type[Exception], address: int, *numbers: int) -> None:
    """The write is refused, nothing changes and nothing is held."""
    before = gated.dump()
    with pytest.raises(error):
        gated.write(address, *numbers)
    assert gated.dump() == before
    assert gated.held == []


# --- where no rule is


def test_points_without_rules_need_no_gate():
    assert not is_ruled(register("plain", 3))
    assert gate(AddressMap([(0, SIZE)]), [register("plain", 3), register("other", 4)], {}, "ignore") is None


@pytest.mark.parametrize(
    "facts",
    [{"access": "ro"}, {"min": 0.0}, {"max": 9.0}, {"enum": {0: "off"}}, {"generator": SINE}],
    ids=lambda facts: next(iter(facts)),
)
def test_each_of_these_makes_a_rule(facts):
    assert is_ruled(register("ruled", 3, **facts))


def test_a_generated_point_that_is_not_held_is_simply_written():
    assert not is_ruled(register("free", 3, generator=SINE, hold=0.0))


@pytest.mark.parametrize(("address", "quantity"), [(0, 10), (9, 1), (12, 8), (21, 43), (63, 1)])
def test_a_gate_is_open_where_no_ruled_point_is_touched(address, quantity):
    gated = Gated(register("a", 10, "uint32", access="ro"), register("b", 20, access="ro"))
    assert gated.gate is not None
    assert gated.gate.is_open(address, quantity)
    gated.write(address, *[7] * quantity)
    assert gated.read(address, quantity) == [7] * quantity


@pytest.mark.parametrize(
    ("address", "quantity"),
    [(9, 2), (10, 1), (11, 1), (11, 9), (0, 64), (12, 9), (20, 1), (60, 5), (64, 1), (65535, 1)],
)
def test_a_gate_is_closed_at_a_ruled_point_and_beyond_the_table(address, quantity):
    gated = Gated(register("a", 10, "uint32", access="ro"), register("b", 20, access="ro"))
    assert gated.gate is not None
    assert not gated.gate.is_open(address, quantity)


def test_addresses_that_do_not_exist_answer_02_before_any_rule_is_asked():
    refused(Gated(register("a", 63, max=5.0)), IllegalDataAddress, 63, 9, 9)


def test_a_gate_is_closed_over_a_hole_between_ranges():
    closed = gate(AddressMap([(0, 4), (6, 9)]), [register("a", 8, access="ro")], {}, "ignore")
    assert closed is not None
    assert closed.is_open(0, 4)
    assert closed.is_open(6, 2)
    assert not closed.is_open(3, 2)
    assert not closed.is_open(4, 1)


# --- read-only points


@pytest.mark.parametrize(
    ("policy", "error"), [("illegal_data_address", IllegalDataAddress), ("illegal_function", IllegalFunction)]
)
@pytest.mark.parametrize(("address", "numbers"), [(11, [1]), (10, [1, 1, 1]), (0, [1] * 64), (12, [1])])
def test_a_write_that_touches_a_read_only_point_is_refused_as_a_whole(policy, error, address, numbers):
    gated = Gated(register("serial", 11, "uint32", access="ro"), values={11: 5, 12: 6}, read_only=policy)
    refused(gated, error, address, *numbers)


def test_read_only_ignore_keeps_the_point_and_writes_the_rest():
    gated = Gated(register("serial", 11, "uint32", access="ro"), values={11: 5, 12: 6}, read_only="ignore")
    gated.write(10, 1, 2, 3, 4)
    assert gated.read(10, 4) == [1, 5, 6, 4]


def test_a_write_of_the_value_that_stands_in_a_read_only_register_is_refused_all_the_same():
    refused(Gated(register("serial", 11, access="ro"), values={11: 5}), IllegalDataAddress, 11, 5)


def test_a_read_only_coil_is_refused_and_its_neighbours_in_the_byte_are_not():
    gated = Gated(coil("interlock", 3, access="ro"), values={3: 1})
    refused(gated, IllegalDataAddress, 0, 0, 0, 0, 0, 0)
    gated.write(4, 1, 1)
    assert gated.read(2, 5) == [0, 1, 1, 1, 0]


def test_read_only_ignore_keeps_a_coil():
    gated = Gated(coil("interlock", 3, access="ro"), values={3: 1}, read_only="ignore")
    gated.write(0, 1, 1, 1, 0, 1, 0, 1, 0, 1)
    assert gated.read(0, 9) == [1, 1, 1, 1, 1, 0, 1, 0, 1]


# --- limits


def setpoint(**facts: Any) -> Point:
    return register("setpoint", 10, "int16", scale=0.1, min=5.0, max=35.0, **facts)


@pytest.mark.parametrize("raw", [50, 210, 350])
def test_a_value_within_its_limits_is_taken(raw):
    gated = Gated(setpoint())
    gated.write(10, raw)
    assert gated.read(10) == [raw]


@pytest.mark.parametrize("raw", [0, 49, 351, 0x7FFF, 0x8000, 0xFFFF])
def test_a_value_beyond_its_limits_answers_03(raw):
    refused(Gated(setpoint(), values={10: 210}), IllegalDataValue, 10, raw)


def test_one_bad_value_of_a_request_keeps_all_others_out():
    refused(
        Gated(setpoint(), register("gain", 12, max=10.0), values={10: 210}),
        IllegalDataValue,
        9,
        1,
        300,
        1,
        11,
    )


@pytest.mark.parametrize(
    ("raw", "stored"), [(49, 50), (0, 50), (0xFFFF, 50), (351, 350), (0x7FFF, 350), (200, 200)]
)
def test_on_invalid_clamp_stores_the_nearest_limit(raw, stored):
    gated = Gated(setpoint(on_invalid="clamp"))
    gated.write(9, 1, raw, 2)
    assert gated.read(9, 3) == [1, stored, 2]


@pytest.mark.parametrize(("raw", "stored"), [(49, 210), (351, 210), (200, 200)])
def test_on_invalid_ignore_keeps_what_stands_and_writes_the_rest(raw, stored):
    gated = Gated(setpoint(on_invalid="ignore"), values={10: 210})
    gated.write(9, 1, raw, 2)
    assert gated.read(9, 3) == [1, stored, 2]


def test_a_limit_on_one_side_leaves_the_other_open():
    gated = Gated(register("level", 10, "int16", min=-5.0))
    gated.write(10, 0x7FFF)
    assert gated.read(10) == [0x7FFF]
    refused(gated, IllegalDataValue, 10, 0xFFFA)  # -6


def test_limits_are_judged_before_a_value_is_rounded_for_display():
    refused(Gated(register("setpoint", 10, scale=0.1, precision=0, min=5.0)), IllegalDataValue, 10, 48)  # 4.8


def float_words(value: float) -> tuple[int, ...]:
    return struct.unpack(">2H", struct.pack(">f", value))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_float_that_is_no_number_is_beyond_every_limit(value):
    point = register("flow", 10, "float32", min=0.0, max=10.0)
    refused(Gated(point), IllegalDataValue, 10, *float_words(value))


@pytest.mark.parametrize(
    ("limits", "value", "stored"),
    [
        ({"min": 0.0, "max": 10.0}, math.inf, 10.0),
        ({"min": 0.0, "max": 10.0}, -math.inf, 0.0),
        ({"min": 1.0, "max": 10.0}, math.nan, 1.0),
        ({"max": 10.0}, math.nan, 10.0),
        ({"min": 1.0}, math.nan, 1.0),
    ],
)
def test_clamping_a_float_that_is_no_number_gives_a_limit(limits, value, stored):
    gated = Gated(register("flow", 10, "float32", on_invalid="clamp", **limits))
    gated.write(10, *float_words(value))
    assert tuple(gated.read(10, 2)) == float_words(stored)


def test_nan_is_taken_where_there_are_no_limits():
    gated = Gated(register("flow", 10, "float32", generator=SINE))
    gated.write(10, *float_words(math.nan))
    assert tuple(gated.read(10, 2)) == float_words(math.nan)


def test_limits_hold_for_every_element_of_an_array():
    point = register("segments", 10, "int16", count=4, max=100.0)
    gated = Gated(point)
    gated.write(10, 1, 2, 3, 100)
    refused(gated, IllegalDataValue, 10, 1, 2, 101, 4)
    refused(gated, IllegalDataValue, 13, 101)


def test_clamping_an_array_leaves_its_good_elements():
    gated = Gated(register("segments", 10, "int16", count=4, max=100.0, on_invalid="clamp"))
    gated.write(10, 1, 200, 3, 300)
    assert gated.read(10, 4) == [1, 100, 3, 100]


@pytest.mark.parametrize(("access", "expected"), [("rw", [7]), ("wo", [7])])
def test_write_only_points_are_written_like_others(access, expected):
    gated = Gated(register("command", 10, access=access, max=9.0))
    gated.write(10, 7)
    assert gated.read(10) == expected


# --- points of several registers, written in part


def energy(**facts: Any) -> Point:
    return register("energy", 10, "uint32", max=0x0001_FFFF, **facts)


def test_half_of_a_number_is_judged_with_the_half_that_stands():
    gated = Gated(energy(), values={10: 0, 11: 5})
    gated.write(10, 1)  # 0x0001_0005
    assert gated.read(10, 2) == [1, 5]
    refused(gated, IllegalDataValue, 10, 2)  # 0x0002_0005
    gated.write(11, 0xFFFF)
    assert gated.read(10, 2) == [1, 0xFFFF]


def test_a_partly_written_number_that_is_ignored_keeps_both_halves():
    gated = Gated(energy(on_invalid="ignore"), values={10: 0, 11: 5})
    gated.write(9, 8, 2)
    assert gated.read(9, 3) == [8, 0, 5]


def test_a_write_that_ends_inside_a_number_and_one_that_begins_there():
    gated = Gated(energy(), register("next", 12, max=3.0), values={11: 5})
    gated.write(9, 1, 1)
    gated.write(11, 6, 3)
    assert gated.read(9, 4) == [1, 1, 6, 3]
    refused(gated, IllegalDataValue, 11, 6, 4)


@pytest.mark.parametrize("on_invalid", ["illegal_data_value", "clamp"])
def test_digits_that_are_not_decimal_answer_03_whether_written_at_once_or_in_part(on_invalid):
    count = register("count", 10, "bcd32", max=99_999.0, on_invalid=on_invalid)
    refused(Gated(count), IllegalDataValue, 10, 0, 0xABCD)
    refused(Gated(count), IllegalDataValue, 11, 0xABCD)
    gated = Gated(count)
    gated.write(11, 0x1234)
    assert gated.read(10, 2) == [0, 0x1234]


def test_digits_that_are_not_decimal_are_ignored_where_the_profile_says_so():
    gated = Gated(register("count", 10, "bcd16", max=99.0, on_invalid="ignore"), values={10: 0x42})
    gated.write(9, 1, 0xABCD)
    assert gated.read(9, 2) == [1, 0x42]


# --- labels


MODE = {0: "stop", 1: "run", 4: "fault"}


@pytest.mark.parametrize("raw", [0, 1, 4])
def test_a_number_with_a_label_is_taken(raw):
    gated = Gated(register("mode", 10, enum=MODE))
    gated.write(10, raw)
    assert gated.read(10) == [raw]


@pytest.mark.parametrize("raw", [2, 3, 5, 0xFFFF])
def test_a_number_without_a_label_answers_03(raw):
    refused(Gated(register("mode", 10, enum=MODE), values={10: 1}), IllegalDataValue, 10, raw)


def test_a_number_without_a_label_is_ignored_where_the_profile_says_so():
    gated = Gated(register("mode", 10, enum=MODE, on_invalid="ignore"), values={10: 1})
    gated.write(10, 2)
    assert gated.read(10) == [1]


def test_there_is_no_nearest_label():
    refused(
        Gated(register("mode", 10, enum=MODE, on_invalid="clamp"), values={10: 1}), IllegalDataValue, 10, 2
    )


def test_a_label_is_judged_by_its_raw_number_whatever_the_scale():
    gated = Gated(register("mode", 10, enum=MODE, scale=10.0))
    gated.write(10, 4)
    assert gated.read(10) == [4]
    refused(gated, IllegalDataValue, 10, 40)


# --- bits of registers


def test_a_read_only_bit_of_a_register_may_be_written_back_but_not_changed():
    """A client that sets another bit of the word reads, changes and writes the whole word."""
    gated = Gated(
        register("running", 10, "bool", bit=0, access="ro"),
        register("reset", 10, "bool", bit=3),
        values={10: 1},
    )
    gated.write(10, 0b1001)
    assert gated.read(10) == [0b1001]
    refused(gated, IllegalDataAddress, 10, 0b1000)


def test_read_only_ignore_keeps_a_bit_and_takes_the_rest_of_the_word():
    gated = Gated(register("running", 10, "bool", bit=0, access="ro"), values={10: 1}, read_only="ignore")
    gated.write(10, 0xFFFE)
    assert gated.read(10) == [0xFFFF]


def test_two_read_only_bits_of_a_word_are_both_kept():
    gated = Gated(
        register("low", 10, "bool", bit=0, access="ro"),
        register("high", 10, "bool", bit=15, access="ro"),
        values={10: 0x0001},
        read_only="ignore",
    )
    gated.write(10, 0xAAAA)
    assert gated.read(10) == [0x2AAB]


# --- points with a generator are held


def test_a_written_point_with_a_generator_is_held_for_the_row_that_was_written():
    gated = Gated(register("level", 10, generator=SINE), register("flow", 20, generator=SINE, hold=30.0))
    gated.write(10, 5, row=3)
    gated.write(20, 6, row=7)
    assert gated.held == [("level", 3, math.inf), ("flow", 7, 30.0)]
    assert gated.read(10) == [5]
    assert gated.read(20) == [6]


def test_every_point_a_write_touches_is_held_and_no_other():
    gated = Gated(*(register(f"p{place}", place, generator=SINE) for place in (10, 11, 12, 13)))
    gated.write(11, 1, 2)
    assert [name for name, _, _ in gated.held] == ["p11", "p12"]


def test_a_coil_with_a_generator_is_held():
    gated = Gated(coil("pump", 10, generator=SINE))
    gated.write(8, 0, 0, 1)
    assert gated.held == [("pump", 0, math.inf)]


def test_a_write_that_is_refused_holds_nothing():
    gated = Gated(register("level", 10, generator=SINE, max=5.0), register("serial", 11, access="ro"))
    refused(gated, IllegalDataValue, 10, 6)
    refused(gated, IllegalDataAddress, 10, 5, 1)


def test_a_write_that_is_ignored_lets_the_value_go_on_moving():
    gated = Gated(register("level", 10, generator=SINE, max=5.0, on_invalid="ignore"))
    gated.write(10, 6)
    assert gated.held == []
    gated.write(10, 4)
    assert gated.held == [("level", 0, math.inf)]


def test_a_read_only_point_with_a_generator_is_not_held_when_writes_to_it_are_ignored():
    gated = Gated(register("level", 10, generator=SINE, access="ro"), read_only="ignore")
    gated.write(10, 6)
    assert gated.held == []
    assert gated.read(10) == [0]


def test_a_word_written_as_it_was_holds_no_bit_of_it() -> None:
    low, high = (
        register(name, 3, "bool", bit=bit, generator=SINE) for name, bit in (("low", 0), ("high", 9))
    )
    box = Gated(low, high, values={3: 0x0201})
    box.gate.write(0, box.block, 3, 1, b"\x02\x00")  # only bit 0 changes
    assert [name for name, _, _ in box.held] == ["low"]


class TestWriteOnly:
    """A write-only point answers a read with 02; everything beside it is read as ever."""

    @pytest.fixture
    def functions(self) -> Any:
        points = {Table.HOLDING_REGISTER: [register("key", 4, "uint32", access="wo"), register("open", 6)]}
        return hide(function_table(), {Table.HOLDING_REGISTER: AddressMap([(0, SIZE)])}, points)

    @pytest.fixture
    def device(self) -> Device:
        return Device(DeviceKind(function_table()), holding_registers=sequential_registers(0, range(SIZE)))

    @pytest.mark.parametrize(
        "pdu", ["03 0004 0001", "03 0005 0001", "03 0000 0005", "17 0003 0002 0000 0001 02 FFFF"]
    )
    def test_its_registers_cannot_be_read(self, functions: Any, device: Device, pdu: str) -> None:
        request = bytes.fromhex(pdu)
        with pytest.raises(IllegalDataAddress):
            functions[request[0]](device, request)
        assert device.holding_registers.read(0, 1) == b"\0\0"

    @pytest.mark.parametrize("pdu", ["03 0000 0004", "03 0006 0020"])
    def test_others_can(self, functions: Any, device: Device, pdu: str) -> None:
        request = bytes.fromhex(pdu)
        assert functions[request[0]](device, request)[0] == request[0]

    @pytest.mark.parametrize("pdu", ["03 0004 0000", "03 0004 007E"])
    def test_a_wrong_quantity_is_told_first(self, functions: Any, device: Device, pdu: str) -> None:
        with pytest.raises(IllegalDataValue):
            functions[3](device, bytes.fromhex(pdu))

    def test_functions_that_do_not_read_them_stay_the_standard_ones(self, functions: Any) -> None:
        standard = function_table()
        assert [code for code in range(256) if functions[code] is not standard[code]] == [3, 23]


class Told:
    """Watches one point and keeps what it is told; refuses what ``refused`` says."""

    def __init__(self, rows=(0,), refused=b""):
        self.rows, self.refused, self.told = rows, refused, []

    def wants(self, row):
        return row in self.rows

    def judge(self, row, before, after):
        if after == self.refused:
            raise ServerDeviceBusy("not now")

    def written(self, row, before, after):
        self.told.append((row, before.hex(), after.hex()))


def watched(*points, watch):
    found = rules(points, {}, {points[0].name: watch})
    return Gate(AddressMap([(0, 20)]), found, "illegal_data_address", bits=points[0].table.is_bits)


def test_a_watch_is_told_of_the_whole_point_before_and_after():
    watch = Told()
    point = register("total", 3, "uint32")
    block = sequential_registers(0, range(1, 21))
    watched(point, watch=watch).write(0, block, 4, 2, b"\xaa\xbb\xcc\xdd")
    assert watch.told == [(0, "00040005", "0004aabb")]
    assert block.read(3, 3) == b"\x00\x04\xaa\xbb\xcc\xdd"


def test_a_watch_may_refuse_the_write_as_a_whole_and_is_not_asked_for_other_rows():
    watch = Told(rows=(1,), refused=b"\x00\x07")
    gate = watched(register("a", 3), register("b", 4), watch=watch)
    block = sequential_registers(0, range(20))
    with pytest.raises(ServerDeviceBusy):
        gate.write(1, block, 2, 3, b"\0\x09\0\x07\0\x09")
    assert block.read(2, 3) == b"\0\x02\0\x03\0\x04"
    gate.write(0, block, 2, 3, b"\0\x09\0\x07\0\x09")
    assert block.read(2, 3) == b"\0\x09\0\x07\0\x09"
    assert watch.told == []


def test_rules_come_and_go_in_the_same_array():
    gate = watched(register("a", 3), watch=Told())
    stops = gate.open_stops
    shared = memoryview(stops)  # compiled code keeps it for ever
    assert not gate.is_open(2, 3)
    gate.replace([])
    assert gate.is_open(2, 3)
    gate.replace(rules([register("b", 7)], {}, {"b": Told()}))
    assert gate.open_stops is stops
    assert (shared[6], shared[7], shared[8]) == (7, 0, 20)
