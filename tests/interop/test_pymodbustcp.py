"""pyModbusTCP: every function code its client has."""

from __future__ import annotations

import pytest
from pyModbusTCP.client import ModbusClient


@pytest.fixture
def client(port):
    client = ModbusClient("127.0.0.1", port=port, unit_id=1, timeout=10, auto_open=True)
    yield client
    client.close()


def test_coils(client):
    assert client.write_single_coil(20, True)
    assert client.write_multiple_coils(21, [False, True, True])
    assert client.read_coils(20, 4) == [True, False, True, True]
    pattern = [bool(place % 5) for place in range(1968)]
    assert client.write_multiple_coils(2003, pattern)
    assert client.read_coils(2003, 1970) == [*pattern, False, False]


def test_discrete_inputs(client):
    assert client.read_discrete_inputs(0, 5) == [True, False, False, True, True]


def test_registers(client):
    assert client.write_single_register(500, 0xBEEF)
    assert client.write_multiple_registers(501, list(range(123)))
    assert client.read_holding_registers(500, 124) == [0xBEEF, *range(123)]
    assert client.read_input_registers(0, 2) == [0x4367, 0x8000]


def test_write_and_read_in_one(client):
    assert client.write_read_multiple_registers(700, [7, 8], 699, 4) == [0, 7, 8, 0]


def test_identification(client):
    response = client.read_device_identification(read_code=1)
    assert (response.vendor_name, response.product_code, response.major_minor_revision) == (
        b"Acme",
        b"BOX",
        b"1.0",
    )
    assert client.read_device_identification(read_code=4, object_id=6).user_application_name == b"box-1"


def test_unit_ids(client):
    client.unit_id = 2
    assert client.read_holding_registers(0, 1) == [2]


@pytest.mark.parametrize(("address", "value", "code"), [(0, 9, 2), (120, 11, 3), (2000, 0, 2)])
def test_exceptions_reach_the_client(client, address, value, code):
    assert not client.write_single_register(address, value)
    assert client.last_except == code


def test_an_unknown_unit_is_a_gateway_exception(client):
    client.unit_id = 9
    assert client.read_holding_registers(0, 1) is None
    assert client.last_except == 0x0B


def test_a_request_of_ones_own(client):
    assert client.custom_request(bytes.fromhex("16 0320 00F2 0025")) == bytes.fromhex("16 0320 00F2 0025")
