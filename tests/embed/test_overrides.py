"""Functions of a program in front of a device: requests, routes, engines, what is told of writes."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import struct
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from twisted.internet.defer import Deferred, succeed

from simulator.embed import Provider, in_thread, threads
from simulator.errors import (
    STANDARD,
    GatewayPathUnavailable,
    GatewayTargetFailed,
    IllegalDataAddress,
    IllegalFunction,
    ModbusException,
    ServerDeviceBusy,
    ServerDeviceFailure,
    TimedOut,
)
from simulator.protocol.codes import Table


def adu(pdu: str, transaction: int = 1, unit: int = 1) -> bytes:
    data = bytes.fromhex(pdu)
    return struct.pack(">HHHB", transaction, 0, len(data) + 1, unit) + data


def read_adus(connection: socket.socket, count: int) -> list[tuple[int, str]]:
    """Transaction id and PDU of the next answers."""
    with connection.makefile("rb") as stream:
        found = []
        for _ in range(count):
            transaction, _, length, _ = struct.unpack(">HHHB", stream.read(7))
            found.append((transaction, stream.read(length - 1).hex(" ")))
        return found


# what is told of writes


def test_d3_changes_tell_old_and_new_values_and_who_wrote(serve, client, wait_until):
    server = serve()
    told = []
    server.on_change("holding_register", range(10, 20))(told.append)
    server.on_change("coil")(told.append)
    server.set_holding_registers(8, [1, 2, 3, 4])
    found = client(server, unit=7)
    found.write_multiple_registers(8, [1, 9, 3, 5])
    found.write_multiple_registers(8, [1, 9, 3, 5])  # changes nothing
    found.write_single_coil(70, True)
    found.mask_write_register(19, 0, 6)
    found.read_write_multiple_registers(0, 1, 11, [4])
    shown = [(change.table, change.address, change.old, change.new) for change in told]
    assert shown == [
        (Table.HOLDING_REGISTER, 10, (3, 4), (3, 5)),
        (Table.COIL, 70, (0,), (1,)),
        (Table.HOLDING_REGISTER, 19, (0,), (6,)),
        (Table.HOLDING_REGISTER, 11, (5,), (4,)),
    ]
    who = told[0].client
    assert (who.host, who.unit, who.transaction) == ("127.0.0.1", 7, 1)
    with socket.create_connection(("127.0.0.1", server.port)) as own:
        own.sendall(adu("06 000A 0001", transaction=0x4711, unit=3))
        read_adus(own, 1)
        who = told[-1].client
        assert (who.host, who.port) == own.getsockname()
        assert (who.unit, who.transaction) == (3, 0x4711)


def test_e10_each_write_is_told_and_one_who_fails_harms_nobody(serve, client, caplog):
    server = serve("127.0.0.1", 0, log_level="error")
    told = []

    @server.on_write("coil", 5)
    def fail(change):
        raise RuntimeError("on purpose")

    server.on_write("coil", 5)(told.append)
    found = client(server)
    for _ in range(3):
        found.write_single_coil(5, True)
    found.write_single_coil(6, True)
    assert [change.new for change in told] == [(1,)] * 3
    assert "on purpose" in caplog.text


def _double(work, done) -> None:
    for address, value in iter(work.get, None):
        done.put((address, 2 * value))


def test_e10_a_queue_to_another_process(serve, client):
    context = multiprocessing.get_context("spawn")
    work, done = context.Queue(), context.Queue()
    process = context.Process(target=_double, args=(work, done))
    process.start()
    try:
        server = serve()

        @server.on_write("holding_register")
        def hand_over(change):
            for place, value in enumerate(change.new, change.address):
                work.put((place, value))

        client(server).write_multiple_registers(3, [21, 4])
        assert [done.get(timeout=60) for _ in range(2)] == [(3, 42), (4, 8)]
    finally:
        work.put(None)
        process.join(60)
        for queue in (work, done):
            queue.close()
            queue.join_thread()
        process.close()


# requests


def test_d4_see_the_client_refuse_or_defer(serve, client):
    server = serve()
    seen = []

    @server.on_request(3, 4)
    def look(request):
        seen.append((request.function, request.unit, request.client.host, request.touches))
        if request.touches[0].address == 100:
            request.refuse(0x02)
        if request.touches[0].address == 101:
            raise ServerDeviceBusy("later, please")
        if request.touches[0].address == 102:
            raise ModbusException(code=0x42)
        if request.touches[0].address == 103:
            return bytes.fromhex("03 02 1234")
        return None

    found = client(server)
    for address, code in ((100, 0x02), (101, 0x06), (102, 0x42)):
        with pytest.raises(ModbusException) as refused:
            found.read_holding_registers(address, 1)
        assert refused.value.code == code
    assert found.read_holding_registers(103, 1) == [0x1234]
    assert found.read_holding_registers(104, 1) == [0]
    assert found.read_coils(0, 1) == [False]
    assert len(seen) == 5
    assert seen[0] == (3, 1, "127.0.0.1", ((Table.HOLDING_REGISTER, 100, 1),))


@pytest.mark.parametrize("code", sorted({*STANDARD, 0x42, 0xFF}))
def test_b3_every_standard_exception_and_codes_of_ones_own(serve, client, code):
    server = serve()
    server.on_request()(lambda request: request.refuse(code))
    with pytest.raises(ModbusException) as refused:
        client(server).read_coils(0, 1)
    assert refused.value.code == code
    assert type(refused.value) is STANDARD.get(code, ModbusException)


def test_d4_functions_in_a_row_and_what_comes_behind(serve, client):
    server = serve("127.0.0.1", 0, units=[1, 2])
    server.unit(1).set_holding_register(0, 5)

    @server.on_request(3)
    async def outer(request):
        answer = request.default()
        answer = await answer if isinstance(answer, Deferred) else answer
        return answer[:-1] + bytes((answer[-1] + 1,))

    @server.unit(1).on_request(3, units=1)
    def inner(request):
        answer = request.default()
        return answer[:-1] + bytes((answer[-1] * 2,))

    found = client(server)
    assert found.read_holding_registers(0, 1, unit=1) == [11]
    assert found.read_holding_registers(0, 1, unit=2) == [1]
    server.unit(1).unregister(inner)
    assert found.read_holding_registers(0, 1, unit=1) == [6]


def test_a_function_that_fails_is_logged_and_answered(serve, client, caplog):
    server = serve("127.0.0.1", 0, log_level="error")
    wrong = iter([lambda: 1 / 0, lambda: "text", lambda: b"x" * 300, lambda: succeed(7)])

    @server.on_request(1)
    def fail(request):
        return next(wrong)()

    found = client(server)
    for _ in range(4):
        with pytest.raises(ServerDeviceFailure):
            found.read_coils(0, 1)
    assert found.read_discrete_inputs(0, 1) == [False]
    assert "ZeroDivisionError" in caplog.text
    assert "expected up to 253 bytes or None" in caplog.text


def test_silence(serve, client):
    server = serve()
    server.on_request(1)(lambda request: b"")
    with pytest.raises(TimedOut):
        client(server, timeout=0.2).read_coils(0, 1)


# routes


def test_c1_routes_by_unit_function_and_address(serve, client):
    server = serve("127.0.0.1", 0, virtual=True)
    kept: dict[int, int] = {}

    @server.route_read(range(10, 20), functions=[3, 23], units=[1, 2])
    def read(request, address):
        return kept.get(address, 100 * request.unit + address)

    @server.route_write(range(10, 20), functions=[6, 16, 22, 23], units=1)
    def write(request, address, value):
        if value > 0x7FFF:
            raise IllegalDataAddress
        kept[address] = value

    @server.route_read(5, functions=1)
    def coil(request, address):
        return True

    found = client(server)
    assert found.read_holding_registers(10, 3, unit=1) == [110, 111, 112]
    assert found.read_holding_registers(10, 1, unit=2) == [210]
    found.write_single_register(10, 1)
    found.write_multiple_registers(11, [2, 3])
    assert found.read_write_multiple_registers(10, 4, 13, [4]) == [1, 2, 3, 4]
    assert found.read_coils(5, 1) == [True]
    for refused in (
        lambda: found.read_holding_registers(9, 2),  # no route for one of the addresses
        lambda: found.read_holding_registers(10, 1, unit=3),
        lambda: found.read_input_registers(10, 1),
        lambda: found.write_single_register(10, 1, unit=2),
        lambda: found.write_single_register(10, 0x8000),
        lambda: found.mask_write_register(10, 0xFFFF, 0),  # 22 is routed for writing only
    ):
        with pytest.raises(IllegalDataAddress):
            refused()
    assert kept == {10: 1, 11: 2, 12: 3, 13: 4}


def test_c1_routes_beside_values_and_signed_ones(serve, client):
    server = serve()
    server.set_holding_registers(0, range(10))
    server.route_read([2, 3])(lambda request, address: -address)
    found = client(server)
    assert found.read_holding_registers(0, 6) == [0, 1, 0xFFFE, 0xFFFD, 4, 5]
    written = []
    server.route_write(5)(lambda request, address, value: written.append(value))
    found.write_multiple_registers(4, [44, 55, 66])
    assert server.get_holding_registers(4, 3) == [44, 5, 66]
    assert written == [55]
    server.route_read(range(2, 3))(lambda request, address: 9)  # the newest counts
    assert found.read_holding_registers(2, 2) == [9, 0xFFFD]


def test_c1_routes_that_answer_later_are_called_once(serve, client):
    server = serve()
    called = []

    @server.route_read(range(3))
    @in_thread
    def read(request, address):
        called.append(("read", address))
        return address + 1

    @server.route_write(range(3))
    @in_thread
    def write(request, address, value):
        called.append(("write", address, value))

    found = client(server)
    assert found.read_holding_registers(0, 5) == [1, 2, 3, 0, 0]
    called.clear()
    found.mask_write_register(1, 0x00FF, 0x0100)
    assert called == [("read", 1), ("write", 1, 0x102)]
    called.clear()
    told = []
    server.on_write("holding_register")(told.append)
    found.write_multiple_registers(2, [7, 8])
    assert called == [("write", 2, 7)]
    assert [(change.address, change.new) for change in told] == [(3, (8,))]  # what is kept here


# providers


class Remembering(Provider):
    """Keeps what is written, and refuses in all ways."""

    def __init__(self):
        self.kept = {}
        self.asked = []

    def read(self, request, table, address, quantity):
        self.asked.append((table.label, address, quantity))
        if address == 1000:
            raise GatewayPathUnavailable("no way")
        if address == 1001:
            raise GatewayTargetFailed("silent")
        if address == 1002:
            raise ModbusException(code=0x50)
        if address == 1003:
            return [1]  # too few
        return [self.kept.get((table, place), 0) for place in range(address, address + quantity)]

    def write(self, request, table, address, values):
        self.kept.update(((table, place), value) for place, value in enumerate(values, address))


def test_b2_b3_a_provider(serve, client):
    provider = Remembering()
    server = serve("127.0.0.1", 0, provider=provider)
    found = client(server)
    found.write_multiple_registers(3, [1, 2, 3])
    found.write_multiple_coils(3, [True, False, True])
    assert found.read_holding_registers(2, 5) == [0, 1, 2, 3, 0]
    assert found.read_coils(3, 3) == [True, False, True]
    assert found.read_input_registers(0, 2) == [0, 0]
    assert ("input_register", 0, 2) in provider.asked
    for address, code in ((1000, 0x0A), (1001, 0x0B), (1002, 0x50), (1003, 0x04)):
        with pytest.raises(ModbusException) as refused:
            found.read_holding_registers(address, 2)
        assert refused.value.code == code


def test_b2_what_a_provider_does_not_override_is_refused(serve, client):
    server = serve("127.0.0.1", 0, provider=Provider())
    found = client(server)
    for refused in (lambda: found.read_coils(0, 1), lambda: found.write_single_register(0, 1)):
        with pytest.raises(IllegalFunction):
            refused()


def _ways():
    def deferred(value):
        later = Deferred()
        threads.the_reactor().callLater(0.01, later.callback, value)
        return later

    async def coroutine(value):
        await deferred(None)
        return value

    def future(value):
        made = Future()
        threading.Timer(0.01, made.set_result, (value,)).start()
        return made

    return {
        "deferred": deferred,
        "coroutine": coroutine,
        "future": future,
        "thread": in_thread(lambda value: value),
    }


@pytest.mark.parametrize("way", ["deferred", "coroutine", "future", "thread"])
@pytest.mark.parametrize(
    "endpoint", ["tcp://127.0.0.1:0", "udp://127.0.0.1:0", "rtu+tcp://127.0.0.1:0", "pty"]
)
def test_b2_answers_that_come_later_on_every_transport(serve, client, tmp_path, way, endpoint):
    later = _ways()[way]

    class Slow(Provider):
        def read(self, request, table, address, quantity):
            if address > 5:
                raise IllegalDataAddress
            return later([address] * quantity)

        def write(self, request, table, address, values):
            return later(None)

    place = f"rtu:pty?link={tmp_path}/line&baudrate=115200" if endpoint == "pty" else endpoint
    server = serve(endpoint=place, provider=Slow(), units=[1])
    found = client(f"rtu:{tmp_path}/line?baudrate=115200" if endpoint == "pty" else server)
    for _ in range(3):
        assert found.read_holding_registers(4, 3) == [4, 4, 4]
        found.write_single_coil(1, True)
        assert found.mask_write_register(2, 0xFFFF, 0) is None
        with pytest.raises(IllegalDataAddress):
            found.read_coils(6, 1)


def test_b2_a_slow_provider_holds_nobody_up(serve, client):
    waiting: list[Deferred] = []

    class Slow(Provider):
        def read(self, request, table, address, quantity):
            if address:
                return [7] * quantity
            waiting.append(Deferred())
            return waiting[-1]

    server = serve("127.0.0.1", 0, provider=Slow())
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        one.sendall(adu("03 0000 0001", 1) + adu("03 0001 0001", 2))
        assert read_adus(one, 1) == [(2, "03 02 00 07")]  # transaction ids tell answers apart
        assert client(server).read_holding_registers(1, 1) == [7]
        server.call(lambda: waiting[0].callback([9]))
        assert read_adus(one, 1) == [(1, "03 02 00 09")]


def test_b2_the_order_is_kept_where_the_framing_has_no_ids(serve, client):
    from simulator.protocol.rtu import RtuFramer

    waiting: list[Deferred] = []

    class Slow(Provider):
        def read(self, request, table, address, quantity):
            if address:
                return [address]
            waiting.append(Deferred())
            return waiting[-1]

    server = serve(endpoint="rtu+tcp://127.0.0.1:0", provider=Slow(), units=[1])
    build = RtuFramer().build
    asked = [build(0, 1, bytes.fromhex(f"03 {address:04x} 0001")) for address in (1, 0, 2, 3)]
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        one.sendall(b"".join(asked))
        assert one.recv(100) == build(0, 1, bytes.fromhex("03 02 0001"))
        assert client(server).read_holding_registers(5, 1) == [5]  # nobody else waits
        one.sendall(build(0, 1, bytes.fromhex("03 0004 0001")))
        one.settimeout(0.05)
        with pytest.raises(TimeoutError):
            one.recv(1)
        one.settimeout(30)
        server.call(lambda: waiting[0].callback([9]))
        expected = b"".join(build(0, 1, bytes.fromhex(f"03 02 {value:04x}")) for value in (9, 2, 3, 4))
        received = b""
        while len(received) < len(expected):
            received += one.recv(100)
        assert received == expected


def test_a_client_that_goes_while_it_waits_and_a_server_that_stops(serve):
    waiting: list[Deferred] = []

    class Slow(Provider):
        def read(self, request, table, address, quantity):
            waiting.append(Deferred())
            return waiting[-1]

    server = serve("127.0.0.1", 0, provider=Slow())
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
            one.sendall(adu("03 0000 0001"))
            while not waiting:
                time.sleep(0.001)
        server.call(lambda: waiting.pop().callback([9]))
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        one.sendall(adu("03 0000 0001"))
        while not waiting:
            time.sleep(0.001)
        server.stop()
        assert one.recv(100) == b""
        threads.run(waiting.pop().callback, [9])


def test_a_flood_of_slow_requests_is_told_to_come_later(serve):
    waiting: list[Deferred] = []

    def never(request):
        waiting.append(Deferred())
        return waiting[-1]

    server = serve()
    server.on_request(3)(never)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        one.sendall(b"".join(adu("03 0000 0001", number) for number in range(66)))
        assert read_adus(one, 2) == [(64, "83 06"), (65, "83 06")]


# engines


def test_d6_an_engine_of_pdus(serve, client):
    def engine(pdu: bytes) -> bytes:
        return bytes.fromhex("03 02") + pdu[1:3] if pdu[0] == 3 else bytes((pdu[0] | 0x80, 0x07))

    server = serve("127.0.0.1", 0, engine=engine)
    found = client(server)
    assert found.read_holding_registers(0x1234, 1) == [0x1234]
    with pytest.raises(ModbusException, match="0x07"):
        found.read_coils(0, 1)


def test_d6_an_engine_that_answers_later(serve, client):
    pool = ThreadPoolExecutor(1)
    server = serve("127.0.0.1", 0, units=[1, 2])
    server.unit(2).use_engine(lambda pdu: pool.submit(bytes.fromhex, "03 02 0007"))
    found = client(server)
    assert found.read_holding_registers(0, 1, unit=2) == [7]
    assert found.read_holding_registers(0, 1, unit=1) == [0]
    server.unit(2).use_engine(None)
    assert found.read_holding_registers(0, 1, unit=2) == [0]
    pool.shutdown()


def test_d2_virtual_tables_take_no_memory(serve, client):
    server = serve("127.0.0.1", 0, virtual=True)
    assert server.call(lambda: server.plant.fleets[0].tables) == {}
    server.route_read()(lambda request, address: address & 1)
    found = client(server)
    assert found.read_holding_registers(65530, 4) == [0, 1, 0, 1]
    assert found.read_coils(0, 3) == [False, True, False]


# identification


def test_d5_identification_is_edited_while_the_server_runs(serve, client):
    server = serve("127.0.0.1", 0, identity={"vendor_name": "Acme", "product_code": "A", "revision": "1"})
    found = client(server)
    named = {
        "vendor_name": "Acme & Sons",
        "product_code": "B",
        "revision": "2",
        "vendor_url": "https://example.com",
        "product_name": "Box",
        "model_name": "Big",
        "user_application_name": "mine",
    }
    server.identity.update(named)
    server.identity[0x80] = b"\xff\x00"
    server.identity[0xFF] = "last"
    assert dict(server.identity) == {**named, 0x80: b"\xff\x00", 0xFF: "last"}
    told = found.read_device_identification(3)
    assert told == {**{n: v.encode() for n, v in enumerate(named.values())}, 0x80: b"\xff\x00", 0xFF: b"last"}
    del server.identity[0x80]
    assert 0x80 not in found.read_device_identification(3)
    assert len(server.identity) == 8
    for wrong, told in [
        (lambda: server.identity.__setitem__(0x10, "x"), ValueError),
        (lambda: server.identity.__setitem__("vendor", "x"), KeyError),
        (lambda: server.identity.__delitem__(0x99), KeyError),
    ]:
        with pytest.raises(told):
            wrong()


# asyncio


def test_a1_b2_from_asyncio():
    from simulator.client import AsyncClient
    from simulator.embed import ModbusServer

    async def main():
        server = ModbusServer("127.0.0.1", 0)

        @server.on_request(4)
        async def slow(request):
            await asyncio.sleep(0.01)  # in this event loop
            return bytes.fromhex("04 02 0042")

        @server.route_read(5)
        def read(request, address):
            return asyncio.run_coroutine_threadsafe(asyncio.sleep(0, 55), loop)

        loop = asyncio.get_running_loop()
        async with server, AsyncClient(server.url) as client:
            server.set_holding_register(1, 6)
            assert await client.read_holding_registers(1, 1) == [6]
            assert (
                await asyncio.gather(*(client.read_input_registers(0, 1) for _ in range(20))) == [[0x42]] * 20
            )
            assert await client.read_holding_registers(5, 1) == [55]
            assert await server.call_async(server.get_holding_register, 1) == 6
            taken = ModbusServer("127.0.0.1", server.port)
            with pytest.raises(Exception, match="Address already in use"):
                await taken.start_async()
        assert not server.is_running
        async with server:
            assert server.is_running

    asyncio.run(main())


def test_a1_in_twisteds_asyncio_reactor(program):
    text = """
import asyncio
from twisted.internet import asyncioreactor
loop = asyncio.new_event_loop()
asyncioreactor.install(loop)
from twisted.internet import reactor
from simulator.client import AsyncClient
from simulator.embed import ModbusServer

async def main():
    server = ModbusServer("127.0.0.1", 0)
    @server.on_request(3)
    async def slow(request):
        await asyncio.sleep(0.01)
        return bytes.fromhex("03 02 0042")
    async with server, AsyncClient(server.url) as client:
        print(await client.read_holding_registers(0, 1))
    reactor.stop()

reactor.callWhenRunning(lambda: loop.create_task(main()))
reactor.run()
loop.close()
"""
    assert program(text) == "[66]\n"


def test_routes_in_front_of_a_provider_that_answers_later(serve, client):
    called = []

    class Slow(Provider):
        async def read(self, request, table, address, quantity):
            called.append((address, quantity))
            return list(range(address, address + quantity))

        @in_thread
        def write(self, request, table, address, values):
            called.append((address, values))

    server = serve("127.0.0.1", 0, provider=Slow())

    @server.route_read(range(12, 14), functions=3)
    async def quick(request, address):
        called.append(address)
        return -1

    @server.route_write(13)
    def written(request, address, value):
        called.append((address, value))

    found = client(server)
    assert found.read_holding_registers(10, 6) == [10, 11, 0xFFFF, 0xFFFF, 14, 15]
    assert called == [(10, 2), 12, 13, (14, 2)]
    called.clear()
    found.write_multiple_registers(12, [1, 2, 3])
    assert called == [(12, (1,)), (13, 2), (14, (3,))]


def test_a_quirk_of_one_request_at_a_time_sees_answers_that_come_later(serve):
    waiting: list[Deferred] = []

    def later(request):
        waiting.append(Deferred())
        return waiting[-1]

    server = serve("127.0.0.1", 0, quirks={"one_request_in_flight": "busy", "close_after": 2})
    server.on_request(3)(later)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        one.sendall(adu("03 0000 0001", 1) + adu("04 0000 0001", 2))
        assert read_adus(one, 1) == [(2, "84 06")]
        server.call(lambda: waiting[0].callback(bytes.fromhex("03 02 0007")))
        assert read_adus(one, 1) == [(1, "03 02 00 07")]
        one.sendall(adu("03 0000 0001", 3) + adu("03 0000 0001", 4))
        while len(waiting) < 2:
            time.sleep(0.001)
        server.call(lambda: waiting[1].callback(bytes.fromhex("03 02 0008")))
        assert b"\x00\x08" in b"".join(iter(lambda: one.recv(100), b""))  # and that was the last


def test_faults_and_answers_that_come_later(serve, client):
    server = serve()
    server.call(
        lambda: server.plant.faults.add({"name": "wrong", "when": {"function": 3}, "then": {"exception": 6}})
    )

    @server.on_request(3, 4)
    @in_thread
    def later(request):
        return bytes((request.function, 2, 0, 7))

    found = client(server)
    with pytest.raises(ServerDeviceBusy):
        found.read_holding_registers(0, 1)
    assert found.read_input_registers(0, 1) == [7]
    server.call(server.plant.faults.clear)
    assert found.read_holding_registers(0, 1) == [7]


def test_behind_a_gateway_nothing_comes_later(serve, client, caplog):
    server = serve("127.0.0.1", 0, units=[1], gateway={"baudrate": 115200}, log_level="error")
    server.on_request(3)(in_thread(lambda request: b"\x03\x02\x00\x07"))
    found = client(server)
    with pytest.raises(ServerDeviceFailure):
        found.read_holding_registers(0, 1)
    assert found.read_input_registers(0, 1) == [0]
    assert "a device behind `gateway` answers later" in caplog.text
