"""The life of a server in a program: started, stopped, blocking or not, on every transport."""

from __future__ import annotations

import socket
import threading

import pytest
from pymodbus.client import ModbusTcpClient

from simulator.embed import Area, ModbusServer, threads
from simulator.errors import BindError, ConfigError, ConnectionRefused, IllegalDataAddress

PROGRAM_S = 60
LEVEL = {
    "tables": {"hr": {"block": "sequential", "count": 10}},
    "points": {"level": {"table": "hr", "address": 4, "value": 1}},
}


def test_a1_five_lines_and_the_process_ends(program):
    text = """
from simulator.embed import ModbusServer
server = ModbusServer("127.0.0.1", 0)
server.start()
server.set_coil(1, True)
server.stop()
print(server.get_coil(1))
"""
    assert program(text) == "True\n"


def test_a1_a_program_that_forgets_to_stop_ends_all_the_same(program):
    text = """
from simulator.embed import ModbusServer
server = ModbusServer("127.0.0.1", 0, autostart=True)
import socket
kept = socket.create_connection(("127.0.0.1", server.port))
print(server.is_running)
kept.close()
"""
    assert program(text) == "True\n"


def test_a1_d1_started_and_stopped_again_and_again(serve, client):
    server = serve(log_level="warning")
    server.set_coil(1, True)
    server.set_holding_register(7, 42)
    server.identity["vendor_name"] = "Acme"
    for _ in range(5):
        url = server.url
        assert client(server).read_coils(0, 2) == [False, True]
        server.stop()
        assert not server.is_running
        assert server.endpoints == []
        with pytest.raises(ConnectionRefused):
            client(url).read_coils(0, 1)
        assert server.get_holding_register(7) == 42  # a stopped server can be looked into
        server.start()
    assert client(server).read_holding_registers(7, 1) == [42]
    assert server.identity["vendor_name"] == "Acme"
    assert server.start() is server  # twice is once
    server.stop()
    server.stop()


def test_d1_a_taken_port_is_told(serve):
    first = serve()
    second = ModbusServer("127.0.0.1", first.port)
    with pytest.raises(BindError, match=rf"^tcp://127.0.0.1:{first.port}: Address already in use$"):
        second.start()
    assert not second.is_running
    first.stop()
    second.start()  # the port is free now
    assert second.is_running
    second.stop()


def test_d1_e3_ipv6_names_and_other_transports(serve, client, tmp_path):
    assert client(serve("::1", 0)).read_coils(0, 1) == [False]
    assert client(serve("localhost", 0)).read_coils(0, 1) == [False]
    for endpoint in ("udp://127.0.0.1:0", "rtu+tcp://127.0.0.1:0", "ascii+udp://[::1]:0"):
        server = serve(endpoint=endpoint)
        server.set_input_register(3, 77)
        assert client(server).read_input_registers(3, 1) == [77]
    line = serve(endpoint=f"rtu:pty?link={tmp_path}/line&baudrate=115200", units=[1, 9])
    line.unit(9).set_coil(4, True)
    assert client(f"rtu:{tmp_path}/line?baudrate=115200").read_coils(4, 1, unit=9) == [True]


def test_e3_tls(serve, client, tmp_path):
    from simulator.cli.app import main

    assert main(["certs", str(tmp_path)]) == 0
    files = {
        "certificate": f"{tmp_path}/server.pem",
        "key": f"{tmp_path}/server.key",
        "ca": f"{tmp_path}/ca.pem",
    }
    server = serve(endpoint="tls://127.0.0.1:0", tls=files)

    @server.on_request(1)
    async def answered_later(request):
        return bytes.fromhex("01 01 01")

    found = client(
        server,
        ca=files["ca"],
        certificate=f"{tmp_path}/client-operator.pem",
        key=f"{tmp_path}/client-operator.key",
    )
    assert found.read_coils(0, 1) == [True]
    assert found.read_holding_registers(0, 1) == [0]


def test_d1_serve_forever_blocks_until_stop():
    server = ModbusServer("127.0.0.1", 0)
    blocked = threading.Thread(target=server.serve_forever)
    blocked.start()
    while not server.is_running:
        pass
    with ModbusTcpClient("127.0.0.1", port=server.port) as other:
        assert other.read_coils(0, count=1).bits[0] is False
    server.stop()
    blocked.join(PROGRAM_S)
    assert not blocked.is_alive()


def test_d1_serve_forever_ends_with_an_interrupt(program):
    text = """
import os, signal, threading, time
from simulator.embed import ModbusServer
server = ModbusServer("127.0.0.1", 0)
def interrupt():
    while not server.is_running:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
server.serve_forever()
print(server.is_running)
"""
    assert program(text) == "False\n"


def test_e3_inside_a_reactor_that_runs(program):
    text = """
from twisted.internet import defer, task
from simulator.client import TwistedClient
from simulator.embed import ModbusServer

async def main(reactor):
    server = ModbusServer("127.0.0.1", 0, reactor=reactor)
    started = server.start()
    assert isinstance(started, defer.Deferred)
    assert await started is server
    server.set_holding_register(1, 5)
    async with TwistedClient(server.url) as client:
        print(await client.read_holding_registers(1, 1))
    taken = ModbusServer("127.0.0.1", server.port)
    try:
        await taken.start()
    except Exception as error:
        print(type(error).__name__)
    try:
        server.serve_forever()
    except RuntimeError as error:
        print(error)
    await server.stop()
    import threading
    print([thread.name for thread in threading.enumerate() if "modsim" in thread.name])

task.react(lambda reactor: defer.ensureDeferred(main(reactor)))
"""
    told = program(text).splitlines()
    assert told == [
        "[5]",
        "BindError",
        "serve_forever is called in the reactor's own thread, expected start() there",
        "[]",
    ]


def test_a_reactor_that_has_ended_is_told(program):
    text = """
from twisted.internet import reactor
from simulator.embed import ModbusServer
reactor.callWhenRunning(reactor.stop)
reactor.run()
try:
    ModbusServer("127.0.0.1", 0).start()
except RuntimeError as error:
    print(error)
"""
    assert program(text) == "the reactor of this process has been stopped, expected one that runs\n"


def test_who_waits_for_a_reactor_that_ends_is_told(program):
    text = """
import threading
from twisted.internet import reactor, defer
from simulator.embed import ModbusServer
server = ModbusServer("127.0.0.1", 0)
told = []
def other():
    server.start()
    reactor.callFromThread(reactor.callLater, 0.1, reactor.stop)
    try:
        server.call(lambda: defer.Deferred())
    except RuntimeError as error:
        told.append(str(error))
thread = threading.Thread(target=other)
reactor.callWhenRunning(thread.start)
reactor.run()
thread.join()
print(told)
"""
    assert program(text) == "['the reactor has been stopped, expected it to answer']\n"


def test_many_servers_side_by_side(serve, client):
    servers = [serve() for _ in range(20)]
    for number, server in enumerate(servers):
        server.set_holding_register(0, number)
    assert [client(server).read_holding_registers(0, 1)[0] for server in servers] == list(range(20))
    assert len([thread for thread in threading.enumerate() if thread.name == "modsim reactor"]) == 1


def test_b4_idle_connections_are_ended(serve):
    server = serve("127.0.0.1", 0, idle_timeout=0.2)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as idle:
        assert idle.recv(1) == b""


def test_e6_several_units_and_unknown_ones(serve, client):
    server = serve("127.0.0.1", 0, units=[1, 2, 17], unknown_unit="gateway_path_unavailable")
    for unit in (1, 2, 17):
        server.unit(unit).set_holding_register(0, unit)
    found = client(server)
    assert [found.read_holding_registers(0, 1, unit=unit) for unit in (1, 2, 17)] == [[1], [2], [17]]
    with pytest.raises(Exception, match="0x0a"):
        found.read_coils(0, 1, unit=3)
    with pytest.raises(ValueError, match=r"^unit id is 3, expected one that a device has$"):
        server.unit(3)
    with pytest.raises(ValueError, match=r"^server has 3 devices, expected unit\(ID\) or device\(NAME\)"):
        server.set_coil(0, True)


def test_d2_e6_sizes_defaults_gaps_and_shared_tables(serve, client):
    server = serve(
        "127.0.0.1",
        0,
        coils=Area(16, fill=1),
        discrete_inputs=Area(share="coil"),
        input_registers=0,
        holding_registers=Area(ranges=["0-9", "20-29"], fill=7),
    )
    found = client(server)
    assert found.read_coils(14, 2) == [True, True]
    found.write_single_coil(3, False)
    assert found.read_discrete_inputs(2, 3) == [True, False, True]
    assert found.read_holding_registers(20, 2) == [7, 7]
    for ask in (lambda: found.read_coils(15, 2), lambda: found.read_holding_registers(8, 4)):
        with pytest.raises(IllegalDataAddress):
            ask()
    with pytest.raises(IllegalDataAddress):
        found.read_input_registers(0, 1)
    with pytest.raises(IllegalDataAddress, match=r"^addresses 10 to 10 do not all exist$"):
        server.get_holding_register(10)


def test_a_whole_plant_from_yaml_a_file_or_a_mapping(client, tmp_path):
    text = """
devices:
  - {name: "meter-{n}", profile: energy-meter, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3}
  - {name: box, profile: box, endpoint: "udp://127.0.0.1:0"}
profiles:
  box: {points: {level: {table: hr, address: 4, data_type: float32, value: 1.5}}}
"""
    path = tmp_path / "plant.yaml"
    path.write_text(text)
    for source in (
        text,
        path,
        str(path),
        {"devices": [{"name": "a", "profile": "generic", "endpoint": "tcp://127.0.0.1:0"}]},
    ):
        with ModbusServer.from_plant(source) as server:
            assert client(server).read_input_registers(0, 2) is not None
    with ModbusServer.from_plant(text) as server:
        box = server.device("box")
        assert box.read("level") == 1.5
        box.write("level", 2.5)
        assert client(server.endpoints[1]).read("float32", 4) == 2.5
        box.set_holding_register(4, 9.5, "float32")
        assert box.read("level") == 9.5
        assert server.unit(3).name == "meter-3"


def test_a_raw_value_is_told_to_those_who_watch_the_point(serve):
    server = serve("127.0.0.1", 0, profile=LEVEL)
    told = []
    server.call(
        server.plant.on_write, "device", "level", lambda *heard: told.append((*heard[1:4], heard[4].kind))
    )
    server.set_holding_registers(3, [7, 8])
    server.set_holding_registers(3, [9, 8])
    assert told == [("level", 1, 8, "program")]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"port": 70000}, "port is 70000, expected 0 to 65535"),
        ({"log_level": "loud"}, "unknown log_level 'loud', expected debug, info, warning or error"),
        ({"units": [1, 300]}, "unit_id"),
        ({"coils": 70000}, "count"),
        ({"colour": 3}, "unknown key 'colour'"),
        ({"endpoint": "tpc://127.0.0.1:0"}, "did you mean"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(wrong, told):
    with pytest.raises((ValueError, ConfigError), match=told):
        ModbusServer("127.0.0.1", **{"port": 0, **wrong})


def test_an_unknown_host_is_told():
    with pytest.raises(OSError, match=r"(?i)name"):
        ModbusServer("no-such-host.invalid", 0)


def test_url_of_a_server_that_does_not_run():
    with pytest.raises(RuntimeError, match=r"^the server does not run, expected start\(\) first$"):
        _ = ModbusServer("127.0.0.1", 0).url


def test_plain_servers_are_answered_by_compiled_code(serve, client):
    from simulator.server.lanes import COMPILED

    server = serve()
    found = client(server)
    for _ in range(10):
        found.read_holding_registers(0, 10)
    shared = threads.run(lambda: server.plant.factories[0]._shared)
    if COMPILED:
        assert shared.answered >= 9  # the first one lets Python look the device up

    @server.on_request(3)
    def look(request):
        return None

    before = threads.run(lambda: shared and shared.answered)
    for _ in range(10):
        found.read_holding_registers(0, 10)
    assert threads.run(lambda: shared and shared.answered) == before
    server.unregister(look)
    for _ in range(10):
        found.read_holding_registers(0, 10)
    if COMPILED:
        assert threads.run(lambda: shared.answered) >= before + 9


def test_e9_threads_that_start_and_stop_the_same_server(client):
    server = ModbusServer("127.0.0.1", 0, units=[1])
    wrong: list[Exception] = []

    def turn() -> None:
        for _ in range(15):
            try:
                server.start()
                server.set_coil(0, True)
                server.stop()
            except Exception as error:
                wrong.append(error)

    turning = [threading.Thread(target=turn) for _ in range(4)]
    for each in turning:
        each.start()
    for each in turning:
        each.join(60)
    assert wrong == []
    assert not server.is_running
    server.start()
    assert client(server).read_coils(0, 1) == [True]
    server.stop()


def test_d1_a_failed_start_of_several_is_told_to_each(serve):
    taken = ModbusServer("127.0.0.1", serve().port)
    told: list[str] = []

    def start() -> None:
        with pytest.raises(BindError):
            taken.start()
        told.append("refused")

    starting = [threading.Thread(target=start) for _ in range(4)]
    for each in starting:
        each.start()
    for each in starting:
        each.join(60)
    assert told == ["refused"] * 4
    taken.stop()


def test_b1_a_server_from_the_command_line_with_nothing_but_an_address(start, client):
    running = start("serve", "127.0.0.1:0").wait_ready()
    found = client(f"tcp://127.0.0.1:{running.ports[0]}")
    assert found.read_coils(65535, 1, unit=200) == [False]
    assert found.read_input_registers(65411, 125) == [0] * 125
    found.write_single_register(65535, 7)
    assert found.read_holding_registers(65534, 2) == [0, 7]
    assert running.stop()[0] == 0
