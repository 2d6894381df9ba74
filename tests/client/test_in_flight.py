"""Many requests at once: matched by transaction id over one connection, one at a time where there is none."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from simulator.client import AsyncClient, Client, ClientPool
from simulator.errors import ConnectionClosed
from simulator.protocol.mbap import MbapFramer

Make = Callable[..., Any]


def answering_backwards(count: int, most: list[int]) -> Callable[[socket.socket], None]:
    """Wait for ``count`` requests, then answer them from the last to the first."""

    def work(connection: socket.socket) -> None:
        framer, frames = MbapFramer(), []
        while len(frames) < count:
            frames += framer.receive(connection.recv(65536))
        most.append(len(frames))
        for frame in reversed(frames):
            address = frame.pdu[1:3]
            connection.sendall(framer.build(frame.transaction, frame.unit, b"\x03\x02" + address))

    return work


@pytest.mark.parametrize("face", ["asyncio", "twisted"], indirect=True)
def test_e4_answers_are_matched_by_transaction_id(make: Make, bad_server: Make) -> None:
    most: list[int] = []
    server = bad_server(answering_backwards(16, most))
    ask = make(f"tcp://127.0.0.1:{server.port}", in_flight=16)
    promises = [ask.begin("read_holding_registers", address) for address in range(16)]
    assert [ask.face.wait(promise) for promise in promises] == [[address] for address in range(16)]
    assert most == [16]


@pytest.mark.parametrize("face", ["asyncio", "twisted"], indirect=True)
def test_no_more_are_in_flight_than_wanted(make: Make, bad_server: Make) -> None:
    most: list[int] = []

    def work(connection: socket.socket) -> None:
        framer = MbapFramer()
        for _ in range(4):
            frames = framer.receive(connection.recv(65536))
            while len(frames) < 3:
                frames += framer.receive(connection.recv(65536))
            most.append(len(frames))
            for frame in frames:
                connection.sendall(framer.build(frame.transaction, frame.unit, b"\x03\x02\x00\x05"))

    server = bad_server(work)
    ask = make(f"tcp://127.0.0.1:{server.port}", in_flight=3)
    promises = [ask.begin("read_holding_registers", address) for address in range(12)]
    assert [ask.face.wait(promise) for promise in promises] == [[5]] * 12
    assert max(most) == 3


@pytest.mark.parametrize("face", ["asyncio", "twisted", "pool"], indirect=True)
@pytest.mark.parametrize("scheme", ["rtu+tcp", "rtu", "udp", "ascii+udp"], indirect=True)
def test_requests_on_a_line_wait_for_each_other(ask: Any) -> None:
    promises = [ask.begin("read_holding_registers", 0, unit=1 + number % 2) for number in range(20)]
    assert [ask.face.wait(promise) for promise in promises] == [[1 + number % 2] for number in range(20)]


@pytest.mark.parametrize("face", ["asyncio", "twisted"], indirect=True)
def test_a_request_that_is_called_off_harms_no_other(make: Make, bad_server: Make) -> None:
    most: list[int] = []
    server = bad_server(answering_backwards(3, most))
    ask = make(f"tcp://127.0.0.1:{server.port}", in_flight=3)
    ask.connect()
    promises = [ask.begin("read_holding_registers", address) for address in range(3)]
    promises[1].cancel()
    if isinstance(promises[1], Deferred):
        promises[1].addErrback(lambda _: None)
    assert ask.face.wait(promises[0]) == [0]
    assert ask.face.wait(promises[2]) == [2]


@pytest.mark.parametrize("face", ["asyncio", "twisted"], indirect=True)
def test_closing_ends_what_is_under_way(make: Make, bad_server: Make) -> None:
    server = bad_server(lambda connection: None)
    ask = make(f"tcp://127.0.0.1:{server.port}", in_flight=1)
    promises = [ask.begin("read_holding_registers", address) for address in range(3)]
    for _ in range(20):
        ask.face.breathe()
    ask.close()
    for promise in promises:
        with pytest.raises(ConnectionClosed, match=r": this client closed the connection$"):
            ask.face.wait(promise)


def test_e4_a_pool_returns_concurrent_futures(listening: Any) -> None:
    with ClientPool(listening.url("tcp"), size=3, unit=2) as pool:
        futures = [pool.read_holding_registers(0) for _ in range(30)]
        assert all(isinstance(future, Future) for future in futures)
        assert [future.result(30) for future in futures] == [[2]] * 30
        device = pool.device("energy-meter")
        assert len(device.names) > 10
    with pytest.raises(ValueError, match=r"^pool is closed, expected an open one$"):
        pool.read_coils(0)
    assert [thread for thread in threading.enumerate() if thread.name.startswith("modsim-client")] == []


def test_a_pool_works_on_as_many_requests_as_it_has_connections(bad_server: Make) -> None:
    together = threading.Barrier(3, timeout=20)
    answered = []

    def work(connection: socket.socket) -> None:
        threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        framer = MbapFramer()
        (frame,) = framer.receive(connection.recv(600))
        together.wait()  # nobody is answered before all three have asked
        answered.append(frame.unit)
        connection.sendall(framer.build(frame.transaction, frame.unit, b"\x03\x02\x00\x05"))

    server = bad_server(work)
    with ClientPool(f"tcp://127.0.0.1:{server.port}", size=3, timeout=20) as pool:
        futures = [pool.read_holding_registers(0, unit=unit) for unit in (1, 2, 3)]
        assert [future.result(30) for future in futures] == [[5]] * 3
    assert sorted(answered) == [1, 2, 3]


def test_closing_a_pool_cancels_what_has_not_begun(bad_server: Make) -> None:
    server = bad_server(lambda connection: None)
    pool = ClientPool(f"tcp://127.0.0.1:{server.port}", size=1, timeout=0.3)
    futures = [pool.read_coils(0) for _ in range(5)]
    pool.close()
    assert futures[-1].cancelled()
    with pytest.raises(CancelledError):
        futures[-1].result()


def test_threads_take_turns_with_one_client(listening: Any) -> None:
    wrong: list[object] = []
    with Client(listening.url("tcp")) as client:

        def poll(unit: int) -> None:
            for _ in range(50):
                if client.read_holding_registers(0, unit=unit) != [unit]:
                    wrong.append(unit)

        threads = [threading.Thread(target=poll, args=(unit,)) for unit in (1, 2, 1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert wrong == []


def test_e4_a_tornado_program_uses_the_client_for_asyncio(listening: Any) -> None:
    ioloop = pytest.importorskip("tornado.ioloop")

    async def poll() -> list[list[int]]:
        async with AsyncClient(listening.url("tcp")) as client:
            await client.write_single_register(600, 66)
            return list(await asyncio.gather(*(client.read_holding_registers(600) for _ in range(5))))

    loop = ioloop.IOLoop(make_current=False)
    assert loop.run_sync(poll, timeout=30) == [[66]] * 5
    loop.close()


def test_the_source_address_is_bound(bad_server: Make) -> None:
    peers: list[Any] = []

    def work(connection: socket.socket) -> None:
        peers.append(connection.getpeername())
        answering_backwards(1, [])(connection)

    server = bad_server(work)
    with Client(f"tcp://127.0.0.1:{server.port}", source="127.0.0.9") as client:
        assert client.read_holding_registers(3) == [3]
    assert peers[0][0] == "127.0.0.9"


@pytest.mark.parametrize("face", ["asyncio", "twisted"], indirect=True)
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_e4_the_source_address_is_bound_by_the_others(make: Make, bad_server: Make, kind: int) -> None:
    peers: list[Any] = []

    def work(connection: socket.socket) -> None:
        if kind == socket.SOCK_DGRAM:
            data, peer = connection.recvfrom(600)
            peers.append(peer)
            connection.sendto(data[:5] + b"\x05" + data[6:7] + b"\x03\x02\x00\x03", peer)
            return
        peers.append(connection.getpeername())
        answering_backwards(1, [])(connection)

    server = bad_server(work, kind)
    scheme = "tcp" if kind == socket.SOCK_STREAM else "udp"
    ask = make(f"{scheme}://127.0.0.1:{server.port}", source="127.0.0.9")
    assert ask.read_holding_registers(3) == [3]
    assert peers[0][0] == "127.0.0.9"
