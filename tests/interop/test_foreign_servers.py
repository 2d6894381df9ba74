"""The other way round: what we build is understood by servers of others, and what they answer by us.

Requests and answers are our messages and framers over a plain socket.
"""

from __future__ import annotations

import asyncio
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.client import AsyncClient, Client, ClientPool
from simulator.errors import IllegalDataAddress
from simulator.protocol import bits, registers
from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.contract import ExceptionResponse
from simulator.protocol.identification import ReadDeviceIdentificationRequest
from simulator.protocol.mbap import MbapFramer
from simulator.protocol.messages import decode_response, response_length
from simulator.protocol.rtu import RtuFramer

PATIENCE_S = 30
PYMODBUS = """
import asyncio, sys
from pymodbus import FramerType, ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer, ModbusUdpServer
from pymodbus.simulator import DataType, SimData, SimDevice

async def main(kind, framer, port):
    bits = [SimData(0, values=[bool(i & 1) for i in range(100)], datatype=DataType.BITS)]
    words = [SimData(0, values=list(range(100)), datatype=DataType.REGISTERS)]
    who = ModbusDeviceIdentification(info_name={"VendorName": "Acme", "ProductCode": "X1", "MajorMinorRevision": "3"})
    server = {"tcp": ModbusTcpServer, "udp": ModbusUdpServer}[kind](
        SimDevice(1, simdata=(bits, bits, words, words)), framer=FramerType(framer), identity=who, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await server.serving

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""
PYMODBUSTCP = """
import sys
from pyModbusTCP.server import DataBank, ModbusServer
bank = DataBank()
for fill in (bank.set_coils, bank.set_discrete_inputs):
    fill(0, [bool(i & 1) for i in range(100)])
for fill in (bank.set_holding_registers, bank.set_input_registers):
    fill(0, list(range(100)))
server = ModbusServer("127.0.0.1", int(sys.argv[1]), no_block=True, data_bank=bank)
server.start()
print("ready", flush=True)
sys.stdin.read()
"""
UMODBUS = """
import sys
from socketserver import TCPServer
from umodbus.server.tcp import RequestHandler, get_server
server = get_server(TCPServer, ("127.0.0.1", int(sys.argv[1])), RequestHandler)
bits, words = [i & 1 for i in range(100)], list(range(100))

@server.route(slave_ids=[1], function_codes=[1, 2], addresses=range(100))
def bit(slave_id, function_code, address):
    return bits[address]

@server.route(slave_ids=[1], function_codes=[3, 4], addresses=range(100))
def word(slave_id, function_code, address):
    return words[address]

@server.route(slave_ids=[1], function_codes=[5, 15], addresses=range(100))
def set_bit(slave_id, function_code, address, value):
    bits[address] = value

@server.route(slave_ids=[1], function_codes=[6, 16], addresses=range(100))
def set_word(slave_id, function_code, address, value):
    words[address] = value

print("ready", flush=True)
server.serve_forever()
"""
PEERS: dict[str, tuple[str, list[str], Callable[[], Any], int]] = {
    "pymodbus tcp": (PYMODBUS, ["tcp", "socket"], MbapFramer, socket.SOCK_STREAM),
    "pymodbus udp": (PYMODBUS, ["udp", "socket"], MbapFramer, socket.SOCK_DGRAM),
    "pymodbus rtu+tcp": (PYMODBUS, ["tcp", "rtu"], lambda: RtuFramer(response_length), socket.SOCK_STREAM),
    "pymodbus ascii+tcp": (PYMODBUS, ["tcp", "ascii"], AsciiFramer, socket.SOCK_STREAM),
    "pyModbusTCP": (PYMODBUSTCP, [], MbapFramer, socket.SOCK_STREAM),
    "uModbus": (UMODBUS, [], MbapFramer, socket.SOCK_STREAM),
}
EVEN = tuple(bool(i & 1) for i in range(10))


def free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Asking:
    """One of our conversations with a foreign server."""

    url = ""  # for clients of ours
    serves_one = False  # connection at a time

    def __init__(self, port: int, framer: Any, kind: int) -> None:
        self.framer = framer
        self.transaction = 0
        self.place = port, kind
        self.socket: socket.socket | None = None

    def connect(self) -> socket.socket:
        if self.socket is None:
            port, kind = self.place
            self.socket = socket.socket(socket.AF_INET, kind)
            self.socket.settimeout(PATIENCE_S)
            self.socket.connect(("127.0.0.1", port))
        return self.socket

    def hang_up(self) -> str:
        """Leave the server to others, some of which serve one client at a time; its URL."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        return self.url

    def __call__(self, request: Any) -> Any:
        self.transaction += 1
        connected = self.connect()
        connected.send(self.framer.build(self.transaction, 1, request.encode()))
        frames: list[Any] = []
        while not frames:
            data = connected.recv(4096)
            assert data, "the server closed the connection"
            frames = self.framer.receive(data)
        (frame,) = frames
        assert frame.unit == 1
        assert frame.transaction in (0, self.transaction)
        return decode_response(frame.pdu)


@pytest.fixture(scope="module", params=PEERS)
def ask(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    program, words, framer, kind = PEERS[request.param]
    script: Path = tmp_path_factory.mktemp("peer") / "server.py"
    script.write_text(program)
    port = free_port(kind)
    peer = subprocess.Popen(
        [sys.executable, str(script), *words, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert peer.stdout is not None
    assert select.select([peer.stdout], [], [], PATIENCE_S)[0], "the peer did not start"
    assert peer.stdout.readline().startswith("ready")
    asking = Asking(port, framer(), kind)
    scheme = request.param.partition(" ")[2] or "tcp"
    asking.serves_one = request.param == "uModbus"
    asking.url = f"{scheme}://127.0.0.1:{port}"
    yield asking
    asking.hang_up()
    peer.kill()
    peer.communicate()


def test_reads(ask: Asking) -> None:
    assert ask(bits.ReadCoilsRequest(0, 10)).bits[:10] == EVEN
    assert ask(bits.ReadDiscreteInputsRequest(1, 9)).bits[:9] == EVEN[1:]
    assert ask(registers.ReadHoldingRegistersRequest(5, 3)).registers == (5, 6, 7)
    assert ask(registers.ReadInputRegistersRequest(90, 10)).registers == tuple(range(90, 100))


def test_writes_are_read_back(ask: Asking) -> None:
    ask(registers.WriteSingleRegisterRequest(20, 777))
    ask(registers.WriteMultipleRegistersRequest(21, (1, 65535)))
    assert ask(registers.ReadHoldingRegistersRequest(20, 3)).registers == (777, 1, 65535)
    ask(bits.WriteSingleCoilRequest(30, True))
    ask(bits.WriteMultipleCoilsRequest(31, (False, True, True)))
    assert ask(bits.ReadCoilsRequest(30, 4)).bits[:4] == (True, False, True, True)


def test_what_does_not_exist_is_an_exception(ask: Asking) -> None:
    answer = ask(registers.ReadHoldingRegistersRequest(65530, 20))
    assert isinstance(answer, ExceptionResponse)
    assert (answer.function, answer.code) == (3, 2)


@pytest.mark.parametrize("ask", [name for name in PEERS if name.startswith("pymodbus")], indirect=True)
def test_functions_that_only_pymodbus_has(ask: Asking) -> None:
    ask(registers.MaskWriteRegisterRequest(20, 0x00F2, 0x0025))
    answer = ask(registers.ReadWriteMultipleRegistersRequest(5, 2, 40, (3, 4)))
    assert answer.registers == (5, 6)
    told = ask(ReadDeviceIdentificationRequest(1, 0))
    assert dict(told.objects)[0] == b"Acme"


def test_e4_our_blocking_client(ask: Asking) -> None:
    with Client(ask.hang_up(), timeout=PATIENCE_S) as client:
        assert client.read_coils(0, 10) == list(EVEN)
        assert client.read_discrete_inputs(1, 9) == list(EVEN[1:])
        assert client.read_holding_registers(5, 3) == [5, 6, 7]
        assert client.read_input_registers(90, 10) == list(range(90, 100))
        client.write("float32", 50, 21.5, byte_order="CDAB")
        assert client.read("float32", 50, byte_order="CDAB") == 21.5
        client.write_single_coil(40, True)
        client.write_multiple_coils(41, [False, True])
        assert client.read("bool", 40, count=3) == [True, False, True]
        client.write_single_register(60, 6)
        assert client.read_holding_registers(60) == [6]
        with pytest.raises(IllegalDataAddress) as caught:
            client.read_holding_registers(65530, 20)
        assert (caught.value.function, caught.value.code) == (3, 2)


def test_e4_our_client_for_asyncio(ask: Asking) -> None:
    async def poll() -> list[list[int]]:
        async with AsyncClient(ask.hang_up(), timeout=PATIENCE_S) as client:
            return list(await asyncio.gather(*(client.read_input_registers(n, 2) for n in range(70, 90))))

    assert asyncio.run(poll()) == [[n, n + 1] for n in range(70, 90)]


def test_e4_our_pool(ask: Asking) -> None:
    url = ask.hang_up()
    one_peer = ask.place[1] == socket.SOCK_DGRAM or ask.serves_one
    with ClientPool(url, size=1 if one_peer else 2, timeout=PATIENCE_S) as pool:
        futures = [pool.read_input_registers(n) for n in range(70, 90)]
        assert [future.result(PATIENCE_S) for future in futures] == [[n] for n in range(70, 90)]


@pytest.mark.parametrize("ask", [name for name in PEERS if name.startswith("pymodbus")], indirect=True)
def test_e4_our_client_and_functions_that_only_pymodbus_has(ask: Asking) -> None:
    with Client(ask.hang_up(), timeout=PATIENCE_S) as client:
        client.write_single_register(61, 0x12)
        client.mask_write_register(61, 0xF2, 0x25)
        assert client.read_holding_registers(61) == [0x17]
        assert client.read_write_multiple_registers(5, 2, 62, [3, 4]) == [5, 6]
        assert client.read_device_identification()[0] == b"Acme"
