"""The table that says what each function code does, and the decorator that fills it."""

from __future__ import annotations

import struct

import pytest

from simulator import errors
from simulator.functions.standard import function_table
from simulator.functions.table import function, illegal_function, refusal


def test_the_functions_that_read_and_write_are_all_there():
    table = function_table()
    assert len(table) == 256
    present = {code for code, behaviour in enumerate(table) if behaviour is not illegal_function}
    assert present >= {1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43}
    assert not present & {0, 9, 10, 100, *range(128, 256)}


def test_a_table_can_do_without_some():
    table = function_table(without=[6, 16])
    assert table[6] is table[16] is illegal_function
    assert table[3] is not illegal_function
    assert function_table()[6] is not illegal_function


def test_a_second_behaviour_for_a_code_is_refused_with_its_owner():
    with pytest.raises(
        ValueError, match=r"0x03 already belongs to simulator\.functions\.\S*read_holding_registers"
    ):
        function(3)(lambda device, pdu: b"")


@pytest.mark.parametrize("code", [0, -1, 128, 256])
def test_a_code_that_no_request_can_carry_is_refused(code):
    with pytest.raises(ValueError, match=f"function code is {code}, expected 1 to 127"):
        function(code)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (errors.IllegalFunction(), 1),
        (errors.IllegalDataAddress(), 2),
        (errors.IllegalDataValue(), 3),
        (errors.ServerDeviceFailure(), 4),
        (errors.Acknowledge(), 5),
        (errors.ServerDeviceBusy(), 6),
        (errors.NegativeAcknowledge(), 7),
        (errors.MemoryParityError(), 8),
        (errors.GatewayPathUnavailable(), 10),
        (errors.GatewayTargetFailed(), 11),
        (errors.ModbusException(), 4),
        (errors.ModbusException("own", code=0x42), 0x42),
        (struct.error("wrong size"), 3),
        (RuntimeError("a fault of ours"), 4),
    ],
)
def test_what_a_function_raises_becomes_its_code(reason, code):
    assert refusal(b"\x03\x00\x00\x00\x01", reason) == bytes((0x83, code))


@pytest.mark.parametrize("code", [0, -1, 256])
def test_an_exception_code_fits_a_byte_and_is_not_zero(code):
    with pytest.raises(ValueError, match=f"exception code is {code}, expected 1 to 255"):
        errors.ModbusException(code=code)
