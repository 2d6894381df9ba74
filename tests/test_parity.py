"""What programs written for other Modbus stacks may count on, each shown over a real socket or pseudo-terminal.

The letter and number in a test's name stand for one habit of those stacks: c for routes and signed values, d for
a server with a data bank, e for a full stack with every function, framing and transport.
"""

from __future__ import annotations

import os
import select
import socket
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from simulator.config.loader import parse_plant
from simulator.functions import table
from simulator.functions.custom import custom_function
from simulator.plant import Plant
from simulator.protocol import messages
from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.contract import Request, Response
from simulator.protocol.mbap import MbapFramer
from simulator.protocol.messages import decode_response, response_length
from simulator.protocol.rtu import RtuFramer

BOX = """
profiles:
  box:
    identity: {vendor_name: Acme, product_code: BOX, revision: "1.0", objects: {0x80: private}}
    tables:
      holding_register: {block: sparse, ranges: [0-9, 20-29]}
      input_register: {block: sequential, count: 65536}
      coil: {block: sequential, count: 16}
      discrete_input: {share: coil}
    points:
      number: {table: hr, address: 0, data_type: uint16, value: "{n}"}
      depth: {table: hr, address: 1, data_type: int16, value: -2}
    server_id: {id: 0x11}
    exception_status: 0x6D
    files: {4: {records: 10, values: {1: [0x0DFE, 0x0020]}}}
    fifos: {0x04DE: {values: [0x01B8, 0x1284]}}
"""
FRAMERS: dict[str, Callable[[], Any]] = {
    "": MbapFramer,
    "rtu": lambda: RtuFramer(response_length),
    "ascii": AsciiFramer,
    "binary": BinaryFramer,
}


class Stage:
    """A plant whose sockets are real and whose reactor is turned by hand."""

    def __init__(self, devices: str, profiles: str = BOX) -> None:
        self.reactor = MemoryReactorClock()
        self.plant = Plant(parse_plant(f"devices:\n{devices}{profiles}"), self.reactor)
        done: list[object] = []
        self.plant.open().addBoth(done.append)
        while not done:
            self.reactor.advance(0)
        assert done == [None]

    def turn(self) -> None:
        quiet = 0
        while quiet < 2:
            readers = {reader.fileno(): reader for reader in self.reactor.getReaders()}
            ready, _, _ = select.select(list(readers), [], [], 0.01)
            for number in ready:
                readers[number].doRead()
            self.reactor.advance(0.05 if not ready else 0)  # lets the silence after a frame pass
            quiet = 0 if ready else quiet + 1

    def port(self, listener: int = 0) -> int:
        return int(self.plant.endpoints[listener].rpartition(":")[2])

    def ask(self, request: str, *, listener: int = 0, unit: int = 1) -> str:
        """The PDU that answers a PDU, both in hex; "" for silence."""
        scheme = self.plant.endpoints[listener].partition("://")[0]
        framing, _, transport = scheme.rpartition("+")
        framer = FRAMERS[framing]()
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        host = "::1" if "[" in self.plant.endpoints[listener] else "127.0.0.1"
        with socket.socket(socket.AF_INET6 if host == "::1" else socket.AF_INET, kind) as client:
            client.settimeout(0.2)
            client.connect((host, self.port(listener)))
            client.send(framer.build(1, unit, bytes.fromhex(request)))
            self.turn()
            try:
                (frame,) = framer.receive(client.recv(4096))
            except TimeoutError:
                return ""
            return frame.pdu.hex(" ")


@pytest.fixture
def stage() -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(*words: str) -> Stage:
        made.append(Stage(*words))
        return made[-1]

    yield make
    for each in made:
        each.plant.hub.close()


ONE = '  - {name: "a-{n}", profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: 1-2}\n'


def test_c3_signed_values_by_default(stage: Callable[..., Stage]) -> None:
    plant = stage(ONE, "profiles:\n  box: {signed: true, points: {a: {table: hr, address: 0, value: -5}}}\n")
    assert plant.ask("03 0000 0001") == "03 02 ff fb"


def test_d5_identification_is_edited_while_the_plant_runs(stage: Callable[..., Stage]) -> None:
    plant = stage(ONE)
    assert bytes.fromhex(plant.ask("2B 0E 04 00"))[9:] == b"Acme"
    plant.plant.device_of(0, 0).set_identity(0x00, b"Another")
    plant.plant.device_of(0, 0).set_identity(0x81, b"\x00\x01")
    assert bytes.fromhex(plant.ask("2B 0E 04 00"))[9:] == b"Another"
    assert bytes.fromhex(plant.ask("2B 0E 04 81"))[9:] == b"\x00\x01"
    assert bytes.fromhex(plant.ask("2B 0E 04 00", unit=2))[9:] == b"Acme"
    for wrong in (0x07, 0x7F, 0x100):
        with pytest.raises(ValueError, match=r"^object id is "):
            plant.plant.device_of(0, 0).set_identity(wrong, b"")


@pytest.mark.parametrize(
    ("request_pdu", "answer"),
    [
        ("01 0000 0008", "01 01 00"),
        ("02 0000 0008", "02 01 00"),
        ("03 0000 0002", "03 04 00 01 ff fe"),
        ("04 FFFF 0001", "04 02 00 00"),
        ("05 0003 FF00", "05 00 03 ff 00"),
        ("06 0005 1234", "06 00 05 12 34"),
        ("07", "07 6d"),
        ("08 0000 A537", "08 00 00 a5 37"),
        ("08 000B 0000", "08 00 0b 00 01"),
        ("0B", "0b 00 00 00 00"),
        ("0C", "0c 07 00 00 00 00 00 01 80"),
        ("0F 0000 000A 02 CD01", "0f 00 00 00 0a"),
        ("10 0005 0002 04 000A 0102", "10 00 05 00 02"),
        ("11", "11 02 11 ff"),
        ("14 07 06 0004 0001 0002", "14 06 05 06 0d fe 00 20"),
        ("15 09 06 0004 0007 0001 06AF", "15 09 06 00 04 00 07 00 01 06 af"),
        ("16 0004 00F2 0025", "16 00 04 00 f2 00 25"),
        ("17 0000 0001 0005 0001 02 00FF", "17 02 00 01"),
        ("18 04DE", "18 00 06 00 02 01 b8 12 84"),
        ("2B 0E 04 01", "2b 0e 04 83 00 00 01 01 03 42 4f 58"),
        ("63 00", "e3 01"),
    ],
)  # fmt: skip
def test_e1_every_function_code(stage: Callable[..., Stage], request_pdu: str, answer: str) -> None:
    assert stage(ONE).ask(request_pdu) == answer


@pytest.mark.parametrize("framing", ["", "rtu+", "ascii+", "binary+"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_e2_e3_any_framing_over_any_transport(
    stage: Callable[..., Stage], framing: str, transport: str, host: str
) -> None:
    plant = stage(f'  - {{name: a, profile: box, endpoint: "{framing}{transport}://{host}:0", unit_id: 3}}\n')
    assert plant.ask("03 0000 0002", unit=3) == "03 04 00 01 ff fe"
    assert plant.ask("03 0010 0001", unit=3) == "83 02"


@pytest.mark.parametrize("framing", ["rtu", "ascii", "binary"])
def test_e2_e3_serial_lines(stage: Callable[..., Stage], framing: str, tmp_path: Path) -> None:
    plant = stage(
        f'  - {{name: "a-{{n}}", profile: box, endpoint: "{framing}:pty?link={tmp_path}/line", unit_id: 1-2}}\n'
    )
    framer = FRAMERS[framing]()
    client = os.open(f"{tmp_path}/line", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(client)
        os.write(client, framer.build(0, 2, bytes.fromhex("03 0000 0001")))
        plant.turn()
        (frame,) = framer.receive(os.read(client, 300))
        assert (frame.unit, frame.pdu) == (2, bytes.fromhex("03 02 0002"))
    finally:
        os.close(client)


def test_e5_a_function_code_of_ones_own(stage: Callable[..., Stage]) -> None:
    @dataclass(frozen=True, slots=True)
    class DoubleRequest(Request):
        function = 66
        layout = Struct(">H")
        number: int

    @dataclass(frozen=True, slots=True)
    class DoubleResponse(Response):
        function = 66
        layout = Struct(">H")
        number: int

    try:

        @custom_function(DoubleRequest, DoubleResponse)
        def double(device: Any, request: DoubleRequest) -> DoubleResponse:
            return DoubleResponse(2 * request.number)

        devices = (
            '  - {name: a, profile: box, endpoint: "tcp://127.0.0.1:0"}\n'
            '  - {name: b, profile: box, endpoint: "rtu+tcp://127.0.0.1:0"}\n'
        )
        plant = stage(devices)
        assert plant.ask("42 0015") == "42 00 2a"
        assert decode_response(bytes.fromhex(plant.ask("42 0015", listener=1))) == DoubleResponse(42)
        assert plant.ask("42 00") == "c2 03"
    finally:
        for registry in (table._functions, messages._requests, messages._responses):
            registry.pop(66, None)


def test_e6_gaps_sharing_units_and_broadcast(stage: Callable[..., Stage]) -> None:
    devices = (
        '  - {name: "a-{n}", profile: box, endpoint: "rtu+tcp://127.0.0.1:0", unit_id: 1-2}\n'
        '  - {name: b, profile: box, endpoint: "tcp://127.0.0.1:0", unit_id: any}\n'
        '  - {name: c, profile: box, endpoint: "tcp://127.0.0.1:0", unknown_unit: ignore}\n'
    )
    plant = stage(devices)
    assert plant.ask("03 0008 0004", listener=1, unit=77) == "83 02"  # a gap
    assert plant.ask("05 0001 FF00", listener=1) == "05 00 01 ff 00"
    assert plant.ask("02 0000 0004", listener=1) == "02 01 02"  # the block is that of the coils
    assert plant.ask("03 0000 0001", listener=2, unit=9) == ""
    assert plant.ask("06 0005 0042", unit=0) == ""  # broadcast: done by all, answered by none
    assert [plant.ask("03 0005 0001", unit=unit) for unit in (1, 2)] == ["03 02 00 42"] * 2
    assert plant.ask("03 0000 0001", unit=3) == ""  # a stranger on the line


def test_e12_state_is_held_by_each_device(stage: Callable[..., Stage]) -> None:
    plant = stage(ONE)
    assert plant.ask("03 0000 0000") == "83 03"
    assert plant.ask("08 000D 0000") == "08 00 0d 00 01"  # one exception, of this device
    assert plant.ask("08 000D 0000", unit=2) == "08 00 0d 00 00"
    assert plant.ask("08 0004 0000") == ""  # listens only from now on
    assert plant.ask("03 0000 0001") == ""
    assert plant.ask("03 0000 0001", unit=2) == "03 02 00 02"
    assert plant.ask("08 0001 FF00") == ""  # restarted, its log cleared
    assert plant.ask("03 0000 0001") == "03 02 00 01"


def test_e13_strangers_are_closed_at_once(stage: Callable[..., Stage]) -> None:
    plant = stage(ONE.replace("unit_id", "allow: [10.0.0.0/8], unit_id"))
    with socket.create_connection(("127.0.0.1", plant.port()), timeout=5) as client:
        plant.turn()
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
