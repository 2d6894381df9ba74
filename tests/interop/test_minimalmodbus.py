"""minimalmodbus: every method of an instrument, RTU and ASCII on pseudo-terminals."""

from __future__ import annotations

import minimalmodbus
import pytest


@pytest.fixture(params=["rtu", "ascii"])
def instrument(request, listening):
    instrument = minimalmodbus.Instrument(listening.path(request.param), 1, request.param)
    instrument.serial.timeout = 1  # which it waits when the response is an exception: a short one
    yield instrument
    instrument.serial.close()


def test_01_and_05_and_15_bits(instrument):
    instrument.write_bit(3500, 1)
    instrument.write_bits(3501, [0, 1, 1, 0, 1])
    assert instrument.read_bits(3500, 6, functioncode=1) == [1, 0, 1, 1, 0, 1]
    instrument.write_bit(3500, 0, functioncode=15)
    assert instrument.read_bit(3500, functioncode=1) == 0


def test_02_discrete_inputs(instrument):
    assert instrument.read_bits(0, 5) == [1, 0, 0, 1, 1]


def test_03_and_06_and_16_registers(instrument):
    instrument.write_register(1700, 21.5, number_of_decimals=1, functioncode=6)
    assert instrument.read_register(1700) == 215
    instrument.write_register(1700, -2, signed=True)
    assert instrument.read_register(1700) == 0xFFFE
    instrument.write_registers(1701, list(range(123)))
    assert instrument.read_registers(1701, 123) == list(range(123))


@pytest.mark.parametrize("order", [minimalmodbus.BYTEORDER_BIG, minimalmodbus.BYTEORDER_LITTLE_SWAP])
def test_numbers_of_several_registers(instrument, order):
    instrument.write_long(1710, -123456789, signed=True, byteorder=order)
    assert instrument.read_long(1710, signed=True, byteorder=order) == -123456789
    instrument.write_float(1712, 0.5, number_of_registers=4, byteorder=order)
    assert instrument.read_float(1712, number_of_registers=4, byteorder=order) == 0.5


def test_04_input_registers_in_the_data_types_of_the_profile(instrument):
    assert instrument.read_float(0, functioncode=4) == 231.5
    swapped = minimalmodbus.BYTEORDER_LITTLE_SWAP
    assert instrument.read_long(2, functioncode=4, byteorder=swapped) == 123456


def test_strings(instrument):
    assert instrument.read_string(100, 4) == "SN000042"
    instrument.write_string(1720, "modsim", 3)
    assert instrument.read_string(1720, 3) == "modsim"


@pytest.mark.parametrize(("address", "value"), [(2000, 0), (0, 9), (120, 11)])
def test_exceptions_are_raised(instrument, address, value):
    with pytest.raises(minimalmodbus.IllegalRequestError):
        instrument.write_register(address, value)
