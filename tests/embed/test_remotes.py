"""Devices whose data is another device, over any way there."""

from __future__ import annotations

import socket
import threading

import pytest
from twisted.internet.defer import Deferred

from simulator.embed import ModbusServer, Remote
from simulator.errors import (
    GatewayPathUnavailable,
    GatewayTargetFailed,
    IllegalDataAddress,
    ModbusException,
    ServerDeviceBusy,
)


@pytest.fixture
def target(serve):
    """Three units: each has its unit id in the first holding register."""
    server = serve("127.0.0.1", 0, units=[1, 2, 17], holding_registers=100)
    for unit in (1, 2, 17):
        server.unit(unit).set_holding_register(0, unit)
    return server


def test_e8_every_unit_of_another_device(serve, client, target):
    found = client(serve("127.0.0.1", 0, remote=target.url))
    assert [found.read_holding_registers(0, 1, unit=unit) for unit in (1, 2, 17)] == [[1], [2], [17]]
    found.write_multiple_registers(5, [7, 8], unit=2)
    assert target.unit(2).get_holding_registers(5, 2) == [7, 8]
    assert found.read_device_identification(unit=1)[0] == b"modsim"
    with pytest.raises(IllegalDataAddress):  # passed on
        found.read_holding_registers(99, 2)
    with pytest.raises(GatewayTargetFailed):
        found.read_holding_registers(0, 1, unit=9)


def test_e8_many_units_behind_one_client_with_ids_of_their_own(serve, client, target):
    server = serve("127.0.0.1", 0, units=[5, 6, 7])
    remote = Remote(target.url, timeout=5)
    server.unit(5).forward_to(remote, unit=17)
    server.unit(6).forward_to(remote, unit=2)
    server.unit(7).set_holding_register(0, 777)  # one of its own beside them
    found = client(server)
    assert [found.read_holding_registers(0, 1, unit=unit) for unit in (5, 6, 7)] == [[17], [2], [777]]
    assert remote.upstream.sent == 2
    server.unit(5).forward_to(None)
    assert found.read_holding_registers(0, 1, unit=5) == [0]


def test_e8_with_functions_of_ones_own_in_front(serve, client, target):
    server = serve("127.0.0.1", 0, remote=target.url)

    @server.on_request(3)
    async def scaled(request):
        answer = await request.default()
        return answer[:-1] + bytes((answer[-1] * 10,))

    assert client(server).read_holding_registers(0, 1, unit=17) == [170]


def test_e8_nobody_there_is_0x0a_and_comes_back(serve, client):
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    found = client(serve("127.0.0.1", 0, remote=f"tcp://127.0.0.1:{port}"))
    with pytest.raises(GatewayPathUnavailable):
        found.read_coils(0, 1)
    serve("127.0.0.1", port).set_coil(0, True)
    assert found.read_coils(0, 1) == [True]


def test_e8_a_silent_target_is_0x0b_and_holds_nobody_up(serve, client):
    asked = threading.Event()

    def silent(request):
        asked.set()
        return Deferred() if request.unit == 1 else request.default()

    target = serve()
    target.on_request()(silent)
    server = serve("127.0.0.1", 0, remote=Remote(target.url, timeout=3.0, in_flight=16))
    told = []

    def wait() -> None:
        with pytest.raises(GatewayTargetFailed):
            client(server).read_coils(0, 1, unit=1)
        told.append("failed")

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert asked.wait(30)
    assert client(server).read_coils(0, 1, unit=2) == [False]
    assert told == []
    waiting.join(30)
    assert told == ["failed"]


def test_e8_tcp_in_front_of_a_serial_line(serve, client, tmp_path):
    line = serve(endpoint=f"rtu:pty?link={tmp_path}/line&baudrate=115200", units=[1, 2])
    for unit in (1, 2):
        line.unit(unit).set_input_register(0, unit * 1.5, "float32")
    server = serve("127.0.0.1", 0, remote=Remote(f"rtu:{tmp_path}/line?baudrate=115200", timeout=0.5))
    wrong = []

    def poll(unit: int) -> None:
        found = client(server)
        for _ in range(10):
            value = found.read("float32", 0, table="input_register", unit=unit)
            if value != unit * 1.5:
                wrong.append(value)

    pollers = [threading.Thread(target=poll, args=(unit,)) for unit in (1, 2)]
    for poller in pollers:
        poller.start()
    for poller in pollers:
        poller.join(60)
    assert wrong == []
    with pytest.raises(GatewayTargetFailed):
        client(server).read_coils(0, 1, unit=3)
    server.stop()  # before the line goes


def test_e8_over_a_line_in_front_of_tcp(serve, client, tmp_path, target):
    serve(endpoint=f"rtu:pty?link={tmp_path}/front&baudrate=115200", units=[1, 2], remote=target.url)
    found = client(f"rtu:{tmp_path}/front?baudrate=115200")
    assert [found.read_holding_registers(0, 1, unit=unit) for unit in (1, 2)] == [[1], [2]]
    found.write_single_register(3, 5, unit=0)  # a broadcast
    with pytest.raises(IllegalDataAddress):
        found.read_holding_registers(100, 1)


def test_e8_a_flood_is_told_to_come_later(serve):
    target = serve()
    target.on_request()(lambda request: Deferred())
    server = serve("127.0.0.1", 0, remote=Remote(target.url, timeout=0.5))
    ask = bytes.fromhex("0001 0000 0006 01 06 0000 0001")
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        one.sendall(ask * 65)
        assert one.recv(9)[7:] == bytes((0x86, ServerDeviceBusy.code))


def test_what_makes_no_sense_is_refused_at_once():
    server = ModbusServer("127.0.0.1", 0)
    for wrong, told in [
        (lambda: server.forward_to("tpc://127.0.0.1"), "unknown scheme 'tpc'"),
        (lambda: server.forward_to("tcp://127.0.0.1", unit=300), "unit id is 300"),
        (lambda: Remote("tcp://127.0.0.1", colour=3), "unknown option 'colour'"),
        (lambda: server.on_request(0), "function code is 0, expected 1 to 127"),
        (lambda: server.route_read(70000), "address is 70000, expected 0 to 65535"),
        (lambda: server.on_change("input_register"), "unknown table 'input_register'"),
        (lambda: server.on_change("coil", [1, 3]), "expected one or a run of them"),
        (lambda: server.every(0, print), "seconds is 0, expected more than 0"),
    ]:
        with pytest.raises(ValueError, match=told):
            wrong()


def test_an_exception_of_ones_own_is_passed_on(serve, client):
    target = serve()
    target.on_request()(lambda request: request.refuse(0x77))
    with pytest.raises(ModbusException) as refused:
        client(serve("127.0.0.1", 0, remote=target.url)).read_coils(0, 1)
    assert refused.value.code == 0x77
