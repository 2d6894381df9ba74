"""uModbus: the functions of its client, for each function code it has, over TCP and RTU on a pseudo-terminal."""

from __future__ import annotations

import socket

import pytest
from umodbus.client import tcp
from umodbus.client.serial import rtu
from umodbus.exceptions import IllegalDataAddressError, IllegalDataValueError


class Asking:
    """One of its modules and a way to the devices: ``ask("read_coils", 20, 4)``."""

    def __init__(self, module, way):
        self._module = module
        self._way = way

    def __call__(self, name, *arguments, unit=1):
        adu = getattr(self._module, name)(unit, *arguments)
        return self._module.send_message(adu, self._way)


@pytest.fixture(params=["tcp", "rtu"])
def ask(request, listening, wire):
    if request.param == "rtu":
        yield Asking(rtu, wire("rtu"))
        return
    with socket.create_connection(("127.0.0.1", listening.port("tcp")), timeout=10) as connection:
        yield Asking(tcp, connection)


def test_01_and_05_and_15_coils(ask):
    assert ask("write_single_coil", 3000, 1) == 1
    assert ask("write_multiple_coils", 3001, [0, 1, 1, 0, 1, 0, 0, 1, 1]) == 9
    assert ask("read_coils", 3000, 10) == [1, 0, 1, 1, 0, 1, 0, 0, 1, 1]
    assert ask("write_single_coil", 3000, 0) == 0
    assert ask("read_coils", 3000, 1) == [0]


def test_02_discrete_inputs(ask):
    assert ask("read_discrete_inputs", 0, 5) == [1, 0, 0, 1, 1]


def test_03_and_06_and_16_holding_registers(ask):
    assert ask("write_single_register", 1500, 0xABCD) == 0xABCD
    assert ask("write_multiple_registers", 1501, list(range(123))) == 123
    assert ask("read_holding_registers", 1500, 124) == [0xABCD, *range(123)]
    assert ask("read_holding_registers", 0, 1, unit=2) == [2]


def test_04_input_registers(ask):
    assert ask("read_input_registers", 0, 4) == [0x4367, 0x8000, 0xE240, 0x0001]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (("read_coils", 4000, 1), IllegalDataAddressError),
        (("read_holding_registers", 1999, 2), IllegalDataAddressError),
        (("write_single_register", 0, 9), IllegalDataAddressError),
        (("write_single_register", 120, 11), IllegalDataValueError),
        (("write_multiple_registers", 119, [1, 11]), IllegalDataValueError),
    ],
)
def test_exceptions_are_raised(ask, call, error):
    with pytest.raises(error):
        ask(*call)
