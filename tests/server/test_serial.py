"""Serial lines as users have them: pseudo-terminals, cables made by socat, and clients written by others."""

from __future__ import annotations

import os
import select
import shutil
import stat
import subprocess
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import minimalmodbus
import pytest
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient

from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.checksums import with_crc

PATIENCE_S = 10
SILENCE_S = 0.3  # long enough for an answer that must not come to come
READ = bytes.fromhex("03 0000 0001")

needs_mbpoll = pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll is not installed")
needs_socat = pytest.mark.skipif(shutil.which("socat") is None, reason="socat is not installed")


class End:
    """The clients' end of a line, as bytes."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def send(self, data: bytes) -> None:
        os.write(self.fd, data)

    def receive(self, size: int, timeout: float = PATIENCE_S) -> bytes:
        """This many bytes, fewer when they do not come in time."""
        received = b""
        deadline = time.monotonic() + timeout
        while len(received) < size:
            if not select.select([self.fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                break
            received += os.read(self.fd, size - len(received))
        return received

    def ask(self, data: bytes, size: int) -> bytes:
        self.send(data)
        return self.receive(size)

    def close(self) -> None:
        os.close(self.fd)


@pytest.fixture(scope="module")
def lines(serve_for_all: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, str]]:
    """A plant of lines, and the path of each."""
    folder = tmp_path_factory.mktemp("lines")
    server = serve_for_all(
        f"""devices:
  - {{name: "slow-{{n}}", profile: box, endpoint: "rtu:pty?link={folder}/slow&baudrate=9600&parity=N", unit_id: 1-3}}
  - {{name: "fast-{{n}}", profile: box, endpoint: "rtu:pty?link={folder}/fast&baudrate=115200", unit_id: 1-3}}
  - {{name: "ascii-{{n}}", profile: box, endpoint: "ascii:pty?link={folder}/ascii&baudrate=9600", unit_id: 1-3}}
  - {{name: "binary-{{n}}", profile: box, endpoint: "binary:pty?link={folder}/binary", unit_id: 1-3}}
  - {{name: "nameless-{{n}}", profile: box, endpoint: "rtu:pty", unit_id: 5, count: 2}}
  - {{name: "talkative", profile: box, endpoint: "rtu:pty?link={folder}/talkative", unknown_unit: gateway_target_failed}}
"""
    )
    paths = {name: f"{folder}/{name}" for name in ("slow", "fast", "ascii", "binary", "talkative")}
    paths |= {f"nameless-{n}": server.endpoints[3 + n].partition(":")[2] for n in (1, 2)}
    return server, paths


@pytest.fixture
def end(lines: Any) -> Iterator[Callable[[str], End]]:
    ends: list[End] = []

    def open_end(name: str) -> End:
        ends.append(End(lines[1][name]))
        return ends[-1]

    yield open_end
    for one in ends:
        one.close()


def rtu(pdu: bytes | str, unit: int = 1) -> bytes:
    return with_crc(bytes((unit,)) + (bytes.fromhex(pdu) if isinstance(pdu, str) else pdu))


def test_the_ready_line_names_what_clients_open(lines: Any) -> None:
    server, paths = lines
    assert server.endpoints[0] == f"rtu:{paths['slow']}?baudrate=9600&parity=N"
    assert server.endpoints[2] == f"ascii:{paths['ascii']}?baudrate=9600"
    for n in (1, 2):
        assert stat.S_ISCHR(os.stat(paths[f"nameless-{n}"]).st_mode)


@pytest.mark.parametrize("name", ["slow", "fast"])
def test_rtu(end: Any, name: str) -> None:
    one = end(name)
    for unit in (1, 3, 2):
        assert one.ask(rtu(READ, unit), 7) == rtu(bytes((3, 2, 0, unit)), unit)


@pytest.mark.parametrize(("name", "framer"), [("ascii", AsciiFramer), ("binary", BinaryFramer)])
def test_ascii_and_binary(end: Any, name: str, framer: Any) -> None:
    one = end(name)
    build = framer().build
    for unit in (1, 3):
        expected = build(0, unit, bytes((3, 2, 0, unit)))
        assert one.ask(build(0, unit, READ), len(expected)) == expected


def test_every_nameless_pseudo_terminal_is_a_line_of_its_own(end: Any) -> None:
    for n in (1, 2):
        assert end(f"nameless-{n}").ask(rtu(READ, 5), 7) == rtu(bytes((3, 2, 0, n)), 5)


def test_clients_come_and_go(lines: Any) -> None:
    for _ in range(5):
        one = End(lines[1]["fast"])
        assert one.ask(rtu(READ), 7) == rtu("03 02 0001")
        one.close()


def test_a_broadcast_is_executed_by_all_and_answered_by_none(end: Any) -> None:
    one = end("slow")
    one.send(rtu("06 0020 1234", 0))
    assert one.receive(1, SILENCE_S) == b""
    for unit in (1, 2, 3):
        assert one.ask(rtu("03 0020 0001", unit), 7) == rtu("03 02 1234", unit)


def test_frames_for_strangers_and_their_answers_stay_without_answer(end: Any) -> None:
    one = end("slow")
    for frame in (rtu(READ, 9), rtu("03 02 0007", 9), rtu("06 0001 0002", 9), rtu("83 02", 9)):
        one.send(frame)
        assert one.receive(1, 0.05) == b""
    assert one.ask(rtu(READ, 1), 7) == rtu("03 02 0001")


def test_even_where_unknown_units_are_answered_for_their_answers_are_not(end: Any) -> None:
    one = end("talkative")
    assert one.ask(rtu(READ, 9), 5) == rtu("83 0b", 9)
    one.send(rtu("03 02 0007", 9))
    assert one.receive(1, SILENCE_S) == b""


def test_a_byte_count_that_lies_is_answered_with_exception_3(end: Any) -> None:
    assert end("slow").ask(rtu("10 0000 0001 09 1234"), 5) == rtu("90 03")


def test_noise_is_recovered_from_and_counted(end: Any) -> None:
    one = end("fast")
    one.send(rtu("08 000A 0000", 3))  # clear the counters
    assert one.receive(8) == rtu("08 000A 0000", 3)
    for noise in (b"\x00", bytes(range(100)), rtu(READ)[:-1] + b"\x00"):
        one.send(noise)
        assert one.receive(1, 0.05) == b""
    assert one.ask(rtu(READ), 7) == rtu("03 02 0001")
    assert one.ask(rtu("08 000C 0000", 3), 8) == rtu("08 000C 0003", 3)


@needs_mbpoll
@pytest.mark.parametrize(("name", "settings"), [("slow", ["-b", "9600", "-P", "none"]),
                                                ("fast", ["-b", "115200", "-P", "even"])])  # fmt: skip
def test_mbpoll_reads_and_writes(lines: Any, name: str, settings: list[str]) -> None:
    words = ["mbpoll", "-m", "rtu", "-a", "2", *settings, "-t", "4", "-q"]
    written = subprocess.run(
        [*words, "-r", "40", lines[1][name], "1234"], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert "Written 1 references" in written.stdout, written
    read = subprocess.run(
        [*words, "-r", "40", "-c", "2", "-1", lines[1][name]],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert "[40]: \t1234\n[41]: \t0\n" in read.stdout, read


@pytest.mark.parametrize(
    ("name", "framer", "baudrate"),
    [("slow", FramerType.RTU, 9600), ("fast", FramerType.RTU, 115200), ("ascii", FramerType.ASCII, 9600)],
)
def test_pymodbus_reads_and_writes(lines: Any, name: str, framer: Any, baudrate: int) -> None:
    with ModbusSerialClient(
        lines[1][name], framer=framer, baudrate=baudrate, timeout=PATIENCE_S, retries=0
    ) as client:
        client.write_registers(50, list(range(100)), device_id=3)
        assert client.read_holding_registers(50, count=100, device_id=3).registers == list(range(100))
        client.write_coils(4, [True, False, True], device_id=3)
        assert client.read_coils(3, count=5, device_id=3).bits[:5] == [True, True, False, True, False]
        assert client.read_holding_registers(9000, device_id=3).exception_code == 2
        client.write_register(60, 4711, device_id=0, no_response_expected=True)
        time.sleep(0.05)  # a client gives the line time to carry a broadcast out, V1.02 §2.4.1
        for unit in (1, 2, 3):
            assert client.read_holding_registers(60, device_id=unit).registers == [4711]


@pytest.mark.parametrize(("name", "mode"), [("slow", "rtu"), ("fast", "rtu"), ("ascii", "ascii")])
def test_minimalmodbus_reads_and_writes(lines: Any, name: str, mode: str) -> None:
    instrument = minimalmodbus.Instrument(lines[1][name], 2, mode)
    instrument.serial.timeout = 1
    instrument.write_register(70, 321)
    assert instrument.read_registers(69, 3) == [0, 321, 0]
    instrument.write_float(72, 1.5)
    assert instrument.read_float(72) == 1.5
    instrument.write_bit(9, 1)
    assert instrument.read_bit(9, functioncode=1) == 1
    with pytest.raises(minimalmodbus.IllegalRequestError):
        instrument.read_register(9000)
    instrument.serial.close()


def test_many_lines_in_one_process(serve: Any) -> None:
    server = serve(
        'devices: [{name: "box-{n}", profile: box, endpoint: "rtu:pty?baudrate=115200", count: 100}]\n'
    )
    ends = [End(endpoint.partition(":")[2].partition("?")[0]) for endpoint in server.endpoints]
    assert len(ends) == 100
    for one in ends:
        one.send(rtu(READ))
    for number, one in enumerate(ends, 1):
        assert one.receive(7) == rtu(bytes((3, 2, 0, number)))
        one.close()
    assert server.stop() == 0


@contextmanager
def cable(port: Path, other: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Two serial ports joined by a cable, for as long as the program runs."""
    process = subprocess.Popen(["socat", f"pty,rawer,link={port}", f"pty,rawer,link={other}"])
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not (port.exists() and other.exists()):
            assert time.monotonic() < deadline, "socat made no ports"
            time.sleep(0.005)
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@needs_socat
@pytest.mark.parametrize("settings", ["", "?baudrate=9600&parity=N", "?baudrate=115200&parity=O&stopbits=2"])
def test_a_serial_port(serve: Any, tmp_path: Path, settings: str) -> None:
    port, other = tmp_path / "port", tmp_path / "other"
    with cable(port, other):
        server = serve(
            f'devices: [{{name: box, profile: box, endpoint: "rtu:{port}{settings}", unit_id: 1}}]\n'
        )
        assert server.endpoints == [f"rtu:{port}{settings}"]
        one = End(str(other))
        assert one.ask(rtu(READ), 7) == rtu("03 02 0001")
        one.close()
        assert server.stop() == 0


@needs_socat
def test_a_serial_port_that_vanishes_is_opened_again(serve: Any, tmp_path: Path, wait_until: Any) -> None:
    port, other = tmp_path / "port", tmp_path / "other"
    with cable(port, other):
        server = serve(
            f"""devices:
  - {{name: box, profile: box, endpoint: "rtu:{port}", unit_id: 1}}
  - {{name: else, profile: box, endpoint: "tcp://127.0.0.1:0"}}
"""
        )
        one = End(str(other))
        assert one.ask(rtu(READ), 7) == rtu("03 02 0001")
        one.close()
    wait_until(lambda: f"rtu:{port} has vanished" in server.log, "the end of the port in the log")
    before = server.cpu_s
    assert server.client(1).ask("03 0000 0001") == "03 02 00 01"
    time.sleep(0.3)
    assert server.cpu_s - before < 0.1, "a port that is gone costs nothing"
    with cable(port, other):
        wait_until(lambda: f"rtu:{port} is back" in server.log, "the return of the port in the log")
        one = End(str(other))
        assert one.ask(rtu(READ), 7) == rtu("03 02 0001")
        one.close()
        assert server.stop() == 0
    assert server.log.count("has vanished") == server.log.count("is back") == 1


@needs_socat
def test_a_port_that_another_process_has_is_told(serve: Any, modsim: Any, tmp_path: Path) -> None:
    port, other = tmp_path / "port", tmp_path / "other"
    with cable(port, other):
        plant = f'devices: [{{name: box, profile: box, endpoint: "rtu:{port}"}}]\n'
        serve(plant)
        (tmp_path / "plant.yaml").write_text(plant.replace("profile: box", "profile: generic"))
        ended = modsim("--config", "plant.yaml")
    assert ended.returncode == 69
    assert f"rtu:{port}: another process has the serial port" in ended.stderr


@pytest.mark.parametrize(
    ("what", "reason"),
    [("missing", "there is no such serial port"), ("file", "not usable as a serial port")],
)
def test_what_is_no_serial_port_is_told_at_the_start(
    modsim: Any, tmp_path: Path, what: str, reason: str
) -> None:
    if what == "file":
        (tmp_path / "file").write_text("")
    (tmp_path / "plant.yaml").write_text(
        f'devices: [{{name: box, profile: generic, endpoint: "rtu:{tmp_path}/{what}"}}]\n'
    )
    ended = modsim("--config", "plant.yaml")
    assert ended.returncode == 69
    assert f"cannot listen on rtu:{tmp_path}/{what}: {reason}" in ended.stderr
    if what == "missing":
        assert modsim("check", "plant.yaml").returncode == 69


def test_a_stop_removes_the_link_and_answers_what_has_come(serve: Any, tmp_path: Path) -> None:
    link = tmp_path / "line"
    server = serve(f'devices: [{{name: box, profile: box, endpoint: "ascii:pty?link={link}"}}]\n')
    master = End(str(link))
    tty.setraw(master.fd)
    build = AsciiFramer().build
    assert master.ask(build(0, 1, READ), 15) == build(0, 1, bytes.fromhex("03 02 0001"))
    assert server.stop() == 0
    assert not os.path.lexists(link)
    master.close()
