"""What every block does, whichever way it keeps its values: one suite for all of them.

A plain dictionary, address -> number, says what is right.  The fleet's block is the middle row of three,
whose neighbours must never change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.blocks.base import AddressMap, Block
from simulator.blocks.fleet import FleetTable
from simulator.blocks.memory import (
    pack_bits,
    pack_registers,
    sequential_bits,
    sequential_registers,
    sparse_bits,
    sparse_registers,
)
from simulator.errors import IllegalDataAddress

Model = dict[int, int]


@dataclass
class Subject:
    """A block under test, and a check that nothing outside it has changed."""

    block: Block
    neighbours_are_untouched: Callable[[], bool] = lambda: True


def sequential(values: Model, *, bits: bool) -> Subject:
    make = sequential_bits if bits else sequential_registers
    return Subject(make(min(values), values.values()))


def sparse(values: Model, *, bits: bool) -> Subject:
    return Subject(sparse_bits(values) if bits else sparse_registers(values))


def fleet(values: Model, *, bits: bool) -> Subject:
    ordered = [values[address] for address in sorted(values)]
    template = pack_bits(ordered) if bits else pack_registers(ordered)
    table = FleetTable(AddressMap((address, address + 1) for address in values), 3, template, bits=bits)
    before = table.cells.copy()

    def untouched() -> bool:
        return bool((table.cells[[0, 2]] == before[[0, 2]]).all())

    return Subject(table.row(1), untouched)


KINDS = [
    pytest.param(make, bits, id=f"{make.__name__} {'bits' if bits else 'registers'}")
    for make in (sequential, sparse, fleet)
    for bits in (False, True)
]
every_kind = pytest.mark.parametrize(("make", "bits"), KINDS)
Make = Callable[..., Subject]


def packed(numbers: list[int], bits: bool) -> bytes:
    """Numbers as they stand on the wire, told once more and in another way than the code under test."""
    if not bits:
        return bytes(byte for number in numbers for byte in divmod(number, 256))
    text = "".join(str(number) for number in reversed(numbers))
    return int(text, 2).to_bytes(-(-len(numbers) // 8), "little")


def read(block: Block, model: Model, address: int, quantity: int, bits: bool) -> None:
    """Read, and compare with the model: the values, or the refusal."""
    wanted = [model.get(place) for place in range(address, address + quantity)]
    if None in wanted:
        with pytest.raises(IllegalDataAddress):
            block.read(address, quantity)
    else:
        data = block.read(address, quantity)
        assert isinstance(data, bytes)
        assert data == packed([number for number in wanted if number is not None], bits)


def write(block: Block, model: Model, address: int, numbers: list[int], bits: bool) -> None:
    """Write to both, or see both refuse."""
    places = range(address, address + len(numbers))
    data = packed(numbers, bits)
    if all(place in model for place in places):
        block.write(address, len(numbers), data)
        model.update(zip(places, numbers, strict=True))
    else:
        with pytest.raises(IllegalDataAddress):
            block.write(address, len(numbers), data)


def same(block: Block, model: Model, bits: bool) -> bool:
    """True when the block holds what the model holds, asked one address at a time."""
    return all(block.read(place, 1) == packed([number], bits) for place, number in model.items())


LAST = 0xFFFF
starts = st.integers(0, 90) | st.integers(LAST - 90, LAST)
spans = st.tuples(starts, st.integers(1, 40)).map(
    lambda span: range(span[0], min(span[0] + span[1], LAST + 1))
)
numbers = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=60)
steps = st.lists(st.tuples(starts | st.integers(0, LAST), numbers, st.booleans()), max_size=20)


@every_kind
@settings(deadline=None, max_examples=60)
@given(spans=st.lists(spans, min_size=1, max_size=6), seed=st.integers(0, 0xFFFF), steps=steps)
@example(
    spans=[range(3, 8), range(9, 30)], seed=9, steps=[(3, [7] * 5, True), (8, [1], True), (7, [1] * 2, True)]
)
def test_reads_and_writes_as_a_dictionary_would(
    make: Make, bits: bool, spans: list[range], seed: int, steps: list[tuple[int, list[int], bool]]
) -> None:
    chosen = spans[:1] if make is sequential else spans
    full = 1 if bits else 0xFFFF
    addresses = sorted({place for span in chosen for place in span})
    model = {place: (place * 31 + seed) & full for place in addresses}
    subject = make(model, bits=bits)
    for address, values, is_write in steps:
        if is_write:
            write(subject.block, model, address, [value & full for value in values], bits)
        else:
            read(subject.block, model, address, len(values), bits)
    assert same(subject.block, model, bits)
    assert subject.neighbours_are_untouched()


@every_kind
@pytest.mark.parametrize(
    ("address", "quantity"),
    [
        (9, 1),
        (9, 2),
        (9, 12),
        (10, 11),
        (19, 2),
        (20, 1),
        (15, 2000),
        (0, 1),
        (LAST, 1),
        (LAST, 2),
        (12, 0xFFFF),
    ],
)
def test_a_range_with_a_missing_address_is_refused_and_nothing_changes(
    make: Make, bits: bool, address: int, quantity: int
) -> None:
    model = {place: place & 1 for place in range(10, 20)}
    subject = make(model, bits=bits)
    ones = packed([1] * quantity, bits)
    with pytest.raises(IllegalDataAddress):
        subject.block.write(address, quantity, ones)
    with pytest.raises(IllegalDataAddress):
        subject.block.read(address, quantity)
    assert same(subject.block, model, bits)
    assert subject.neighbours_are_untouched()


@pytest.mark.parametrize("make", [sparse, fleet])
@pytest.mark.parametrize("bits", [False, True])
def test_a_range_over_a_hole_is_refused_though_both_its_ends_exist(make: Make, bits: bool) -> None:
    model = dict.fromkeys([0, 1, 2, 4, 5, LAST], 1)
    subject = make(model, bits=bits)
    with pytest.raises(IllegalDataAddress, match="addresses 2 to 4 do not all exist"):
        subject.block.read(2, 3)
    with pytest.raises(IllegalDataAddress):
        subject.block.write(1, 4, packed([0] * 4, bits))
    assert same(subject.block, model, bits)


@every_kind
def test_the_last_address_can_be_read_and_written(make: Make, bits: bool) -> None:
    model = {LAST - 1: 0, LAST: 1}
    subject = make(model, bits=bits)
    assert subject.block.read(LAST, 1) == packed([1], bits)
    subject.block.write(LAST - 1, 2, packed([1, 0], bits))
    assert subject.block.read(LAST - 1, 2) == packed([1, 0], bits)
    assert subject.neighbours_are_untouched()


@every_kind
def test_all_65536_addresses_fit(make: Make, bits: bool) -> None:
    full = 1 if bits else 0xFFFF
    subject = make({place: place * 7 & full for place in range(LAST + 1)}, bits=bits)
    for address in (0, 1, 30000, LAST - 124):
        expected = packed([place * 7 & full for place in range(address, address + 125)], bits)
        assert subject.block.read(address, 125) == expected


every_block_of_bits = pytest.mark.parametrize("make", [sequential, sparse, fleet])


@every_block_of_bits
@pytest.mark.parametrize("address", [0, 1, 3, 7, 8, 13])
@pytest.mark.parametrize("quantity", [1, 7, 8, 9, 1999, 2000])
def test_bits_at_odd_places_do_not_spill(make: Make, address: int, quantity: int) -> None:
    """From one coil to the 2000 a request may ask for, the coils on both sides keep their state."""
    model = {place: place % 3 & 1 for place in range(2100)}
    subject = make(model, bits=True)
    block = subject.block
    turned = [1 - model[place] for place in range(address, address + quantity)]
    write(block, model, address, turned, bits=True)
    read(block, model, address, quantity, bits=True)
    for start in (max(address - 9, 0), address + quantity):
        read(block, model, start, 9, bits=True)
    assert same(block, model, bits=True)
    assert subject.neighbours_are_untouched()


@every_block_of_bits
def test_the_unused_bits_of_the_last_byte_are_zero_when_read_and_ignored_when_written(make: Make) -> None:
    model = dict.fromkeys(range(20), 0)
    subject = make(model, bits=True)
    subject.block.write(3, 2, b"\xff")
    assert subject.block.read(0, 8) == b"\x18"
    assert subject.block.read(3, 1) == b"\x01"
    subject.block.write(0, 20, b"\xff\xff\xff")
    assert subject.block.read(11, 9) == b"\xff\x01"
    assert subject.neighbours_are_untouched()


def test_registers_are_big_endian_and_bits_begin_in_the_lowest() -> None:
    """As V1.1b3 §4.2 and §6.1 draw them."""
    assert sequential_registers(107, [0x022B, 0, 100]).read(107, 3) == bytes.fromhex("022B 0000 0064")
    assert sequential_bits(19, map(int, "10110011")).read(19, 8) == bytes.fromhex("CD")


def test_a_block_knows_its_addresses_whatever_the_order_they_were_given_in() -> None:
    assert AddressMap([(8, 9), (0, 4), (3, 6), (6, 8)]).ranges == ((0, 9),)
    assert AddressMap([]).size == 0


@pytest.mark.parametrize("span", [(-1, 3), (4, 4), (5, 4), (LAST, LAST + 2)])
def test_a_range_outside_the_table_is_no_map(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="expected within 0 to 65535"):
        AddressMap([span])


def test_a_fleet_has_no_rows_beyond_its_ends() -> None:
    table = FleetTable(AddressMap([(0, 4)]), 2, bytes(8), bits=False)
    for row in (-1, 2):
        with pytest.raises(IndexError, match="expected 0 to 1"):
            table.row(row)


def test_a_fleet_refuses_a_template_of_another_size() -> None:
    with pytest.raises(ValueError, match="template has 7 bytes, expected 8"):
        FleetTable(AddressMap([(0, 4)]), 2, bytes(7), bits=False)


def test_rows_share_a_buffer_and_two_blocks_of_a_row_see_one_another() -> None:
    table = FleetTable(AddressMap([(0, 4)]), 2, bytes(8), bits=False)
    table.row(1).write(2, 1, b"\x12\x34")
    assert table.row(1).read(2, 1) == b"\x12\x34"
    assert table.row(0).read(2, 1) == b"\x00\x00"
