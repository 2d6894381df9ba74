"""pymodbus 3, blocking over every transport and asyncio over TCP: the function codes that most devices have."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.client.mixin import ModbusClientMixin

PYMODBUS = ["tcp", "udp", "tls", "rtu+tcp", "ascii+tcp", "rtu+udp", "rtu", "ascii"]
DATATYPE = ModbusClientMixin.DATATYPE


class Asyncio:
    """pymodbus's asyncio client, one call at a time from a loop of its own."""

    def __init__(self, port):
        self._loop = asyncio.new_event_loop()
        self._client = self._run(self._connect(port))

    async def _connect(self, port):
        client = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=10)
        assert await client.connect()
        return client

    def _run(self, coroutine):
        return self._loop.run_until_complete(coroutine)

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if not callable(method):
            return method

        def call(*args, **kwargs):
            result = method(*args, **kwargs)
            return self._run(result) if inspect.isawaitable(result) else result

        return call

    def gather(self, *calls):
        """Call all at once; the responses in the order of the calls."""

        async def together():
            return await asyncio.gather(
                *(getattr(self._client, name)(*args, **kw) for name, args, kw in calls)
            )

        return self._run(together())

    def close(self):
        self._client.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


@pytest.fixture(params=["asyncio", *PYMODBUS])
def client(request, listening):
    client = (
        Asyncio(listening.port("tcp")) if request.param == "asyncio" else listening.pymodbus(request.param)
    )
    yield client
    client.close()


def good(response):
    assert not response.isError(), response
    return response


def test_01_and_05_and_15_coils(client):
    good(client.write_coil(10, True))
    good(client.write_coils(11, [False, True, True, False, True, False, False, True, True]))
    assert good(client.read_coils(10, count=10)).bits[:10] == [
        True, False, True, True, False, True, False, False, True, True,
    ]  # fmt: skip
    good(client.write_coil(10, False))
    assert good(client.read_coils(10, count=1)).bits[0] is False


def test_2000_coils_at_once(client):
    pattern = [bool(place % 3) for place in range(1968)]
    good(client.write_coils(100, pattern))
    assert good(client.read_coils(100, count=2000)).bits == pattern + [False] * 32
    good(client.write_coils(100, [False] * 1968))


def test_02_discrete_inputs(client):
    assert good(client.read_discrete_inputs(0, count=5)).bits[:5] == [True, False, False, True, True]


def test_03_and_06_and_16_holding_registers(client):
    good(client.write_register(300, 0xABCD))
    good(client.write_registers(301, [1, 2, 65535]))
    assert good(client.read_holding_registers(300, count=4)).registers == [0xABCD, 1, 2, 65535]
    assert good(client.read_holding_registers(0, count=1, device_id=2)).registers == [2]


def test_the_most_registers_at_once(client):
    values = [place * 7 for place in range(123)]
    good(client.write_registers(400, values))
    assert good(client.read_holding_registers(400, count=125)).registers == [*values, 0, 0]


def test_04_input_registers_in_the_data_types_of_the_profile(client):
    registers = good(client.read_input_registers(0, count=4)).registers
    assert client.convert_from_registers(registers[:2], DATATYPE.FLOAT32) == 231.5
    assert client.convert_from_registers(registers[2:], DATATYPE.UINT32, word_order="little") == 123456


def test_a_string(client):
    registers = good(client.read_holding_registers(100, count=4)).registers
    assert client.convert_from_registers(registers, DATATYPE.STRING) == "SN000042"


def test_22_mask_write_register(client):
    good(client.write_register(310, 0x0012))
    good(client.mask_write_register(address=310, and_mask=0x00F2, or_mask=0x0025))
    assert good(client.read_holding_registers(310)).registers == [0x0017]


def test_23_read_write_registers(client):
    good(client.write_registers(320, [1, 2, 3, 4]))
    response = good(
        client.readwrite_registers(read_address=320, read_count=4, write_address=321, values=[0xAA, 0xBB])
    )
    assert response.registers == [1, 0xAA, 0xBB, 4]


def test_43_14_device_identification_basic_and_regular(client):
    basic = good(client.read_device_information(read_code=1))
    assert basic.information == {0: b"Acme", 1: b"BOX", 2: b"1.0"}
    regular = good(client.read_device_information(read_code=2, device_id=2))
    assert regular.information[6].endswith(b"-2")
    assert set(regular.information) == set(range(7))


def test_43_14_extended_identification_over_several_responses(client):
    found: dict[int, bytes] = {}
    object_id, turns = 0, 0
    while turns < 10:
        response = good(client.read_device_information(read_code=3, object_id=object_id))
        found.update(response.information)
        turns += 1
        if not response.more_follows:
            break
        object_id = response.next_object_id
    assert turns == 3
    assert found[0x80] == b"private"
    assert found[0x81] == b"\x00\xff"
    assert (found[0x90], found[0x91]) == (b"x" * 200, b"y" * 200)


def test_43_14_one_object(client):
    assert good(client.read_device_information(read_code=4, object_id=5)).information == {5: b"B-1"}


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (("read_holding_registers", (2000,), {}), 2),
        (("read_holding_registers", (1999,), {"count": 2}), 2),
        (("read_coils", (4000,), {}), 2),
        (("write_register", (0, 9), {}), 2),
        (("write_register", (120, 11), {}), 3),
        (("write_registers", (119, [1, 11]), {}), 3),
        (("read_device_information", (), {"read_code": 4, "object_id": 0x44}), 2),
    ],
)
def test_exceptions_reach_the_client(client, call, code):
    name, arguments, options = call
    response = getattr(client, name)(*arguments, **options)
    assert response.isError()
    assert response.exception_code == code


@pytest.mark.parametrize("listener", ["tcp", "udp", "tls"])
def test_an_unknown_unit_is_a_gateway_exception(listening, listener):
    """On lines it is silence: see the serial lines of the server's own tests."""
    client = listening.pymodbus(listener)
    assert client.read_holding_registers(0, device_id=77).exception_code == 0x0B
    client.close()


def test_many_asyncio_calls_at_once_get_their_own_answers(port):
    client = Asyncio(port)
    calls = [("read_holding_registers", (0,), {"device_id": 1 + place % 2}) for place in range(50)]
    assert [good(response).registers for response in client.gather(*calls)] == [[1], [2]] * 25
    client.close()
