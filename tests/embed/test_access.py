"""Setters and getters of the four tables, from any thread."""

from __future__ import annotations

import math
import threading

import pytest

from simulator.datatypes import data_type
from simulator.embed import Area
from simulator.errors import IllegalDataAddress


def test_a2_setters_and_getters_of_the_four_tables(serve, client):
    server = serve()
    found = client(server)
    server.set_coil(0, True)
    server.set_coils(3, [True, False, True])
    server.set_discrete_input(1, 1)
    server.set_discrete_inputs(9, [1, 1])
    server.set_input_register(2, 0xFFFF)
    server.set_input_registers(4, range(3))
    server.set_holding_register(5, 6)
    server.set_holding_registers(7, [8, 9])
    assert found.read_coils(0, 6) == [True, False, False, True, False, True]
    assert found.read_discrete_inputs(0, 12) == [i in (1, 9, 10) for i in range(12)]
    assert found.read_input_registers(2, 5) == [0xFFFF, 0, 0, 1, 2]
    assert found.read_holding_registers(5, 4) == [6, 0, 8, 9]
    assert server.get_coil(0) is True
    assert server.get_coils(3, 3) == [True, False, True]
    assert server.get_discrete_input(1) is True
    assert server.get_discrete_inputs(8, 3) == [False, True, True]
    assert server.get_input_register(2) == 0xFFFF
    assert server.get_input_registers(4, 3) == [0, 1, 2]
    assert server.get_holding_register(5) == 6
    assert server.get_holding_registers(7, 2) == [8, 9]
    found.write_multiple_coils(0, [False, True])
    assert server.get_coils(0, 2) == [False, True]


@pytest.mark.parametrize("order", ["ABCD", "CDAB", "BADC", "DCBA"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("float32", 1.5),
        ("float64", math.pi),
        ("int32", -70000),
        ("uint64", 2**63),
        ("int16", -2),
        ("bcd32", 1234),
    ],
)
def test_a2_encodings(serve, client, order, name, value):
    server = serve()
    found = client(server)
    server.set_input_register(10, value, name, byte_order=order)
    server.set_holding_registers(10, [value, value], name, byte_order=order)
    assert found.read(name, 10, table="input_register", byte_order=order) == value
    assert found.read(name, 10, count=2, byte_order=order) == [value, value]
    found.write(name, 50, value, byte_order=order)
    assert server.get_holding_register(50, name, byte_order=order) == value
    assert server.get_holding_registers(10, 2, data_type(name, order=order)) == [value, value]


def test_a2_texts(serve, client):
    server = serve()
    server.set_holding_register(0, "Ærø", "string", length=4)
    assert client(server).read("string", 0, length=4) == "Ærø"
    assert server.get_holding_register(0, "string", length=4) == "Ærø"
    with pytest.raises(ValueError, match="text is too long"):
        server.set_holding_register(0, "too long a text", "string", length=2)


def test_c3_signed_and_unsigned_values(serve, client):
    signed, unsigned = serve("127.0.0.1", 0, signed=True, input_registers=Area(signed=False)), serve()
    signed.set_input_register(0, 40000)
    one = serve("127.0.0.1", 0, holding_registers=Area(10, signed=True), units=[4]).unit(4)
    one.set_holding_register(0, -1)
    assert one.get_holding_register(0) == -1
    signed.set_holding_register(0, -5)
    assert signed.get_holding_register(0) == -5
    assert signed.get_holding_register(0, "uint16") == 0xFFFB
    assert client(signed).read_holding_registers(0, 1) == [0xFFFB]
    with pytest.raises(ValueError, match="does not fit uint16, got -5"):
        unsigned.set_holding_register(0, -5)
    with pytest.raises(ValueError, match="does not fit int16, got 40000"):
        signed.set_holding_register(0, 40000)


def test_what_does_not_fit_is_refused_and_nothing_is_set(serve):
    server = serve("127.0.0.1", 0, holding_registers=10)
    for wrong, told in [
        (lambda: server.set_holding_registers(0, [1, 70000]), "does not fit uint16, got 70000"),
        (lambda: server.set_holding_register(0, 1, "flaot32"), "did you mean float32"),
        (lambda: server.set_holding_register(0, 1, "float32", byte_order="ABBA"), "unknown byte_order"),
        (lambda: server.set_holding_register(0, 1, "float32", order="ABCD"), "unknown keyword 'order'"),
        (lambda: server.set_coil(0, 2), "coil is 2, expected true or false"),
        (lambda: server.set_coil(-1, True), "address is -1, expected 0 to 65535"),
        (lambda: server.get_coils(0, 0), "count is 0, expected 1 or more"),
        (lambda: server.get_holding_register(0, "bool"), "data type is bool in registers"),
    ]:
        with pytest.raises(ValueError, match=told):
            wrong()
    with pytest.raises(IllegalDataAddress):
        server.set_holding_registers(9, [1, 2])
    assert server.get_holding_registers(0, 10) == [0] * 10


def test_e9_threads_and_clients_at_once(serve, client):
    server = serve("127.0.0.1", 0, units=[1, 2])
    rounds, wrong = 150, []

    def program(number: int) -> None:
        unit = server.unit(1 + number % 2)
        for value in range(rounds):
            words = [value, number] * 5
            unit.set_holding_registers(number * 10, words)
            if unit.get_holding_registers(number * 10, 10) != words:
                wrong.append(number)

    def poll(number: int) -> None:
        found = client(server)
        for _ in range(rounds):
            words = found.read_holding_registers(number * 10, 10, unit=1 + number % 2)
            if len(set(words[::2])) != 1:  # half of a write
                wrong.append(words)
            found.write_single_register(1000 + number, words[0], unit=1)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(4) for work in (program, poll)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert wrong == []
    assert server.unit(2).get_holding_registers(10, 2) == [rounds - 1, 1]


def test_e9_several_steps_in_one(serve):
    server = serve()

    def add() -> None:
        for _ in range(100):
            server.call(lambda: server.set_holding_register(0, server.get_holding_register(0) + 1))

    workers = [threading.Thread(target=add) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert server.get_holding_register(0) == 400


def test_e17_values_are_moved_in_the_background(serve, client, wait_until):
    server = serve()
    again = server.every(0.01, lambda: server.set_input_register(0, server.get_input_register(0) + 1))
    found = client(server)
    wait_until(lambda: found.read_input_registers(0, 1)[0] >= 3)
    server.stop()
    stood = server.get_input_register(0)
    server.start()  # goes on with the server
    found = client(server)
    wait_until(lambda: found.read_input_registers(0, 1)[0] > stood)
    again.cancel()
    again.cancel()
    stood = server.get_input_register(0)
    server.call(lambda: None)
    assert server.get_input_register(0) == stood


def test_e17_work_that_fails_is_done_again(serve, wait_until, caplog):
    server = serve("127.0.0.1", 0, log_level="error")
    calls = []

    def fail() -> None:
        calls.append(1)
        raise RuntimeError("on purpose")

    server.every(0.01, fail)
    wait_until(lambda: len(calls) > 2)
    server.stop()
    assert "on purpose" in caplog.text


def test_e17_from_a_thread_of_the_program(serve, client):
    server = serve()
    stop = threading.Event()

    def update() -> None:
        value = 0
        while not stop.is_set():
            value += 1
            server.set_input_register(5, value / 2, "float32")

    thread = threading.Thread(target=update)
    thread.start()
    found = client(server)
    first = found.read("float32", 5, table="input_register")
    while found.read("float32", 5, table="input_register") <= first:
        pass
    stop.set()
    thread.join(30)


def test_e9_another_reactor_in_the_thread_of_the_program_confuses_nobody(serve):
    from twisted.internet.selectreactor import SelectReactor

    server = serve()
    other = SelectReactor()
    other.startRunning(installSignalHandlers=False)
    try:
        assert server.call(lambda: threading.current_thread().name) == "modsim reactor"
        server.set_coil(0, True)
    finally:
        other.fireSystemEvent("shutdown")
        other.iterate(0)
        other.disconnectAll()
        for reader in tuple(other._internalReaders):
            reader.connectionLost(None)
