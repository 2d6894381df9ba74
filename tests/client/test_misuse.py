"""Clients where their authors did not think of them: other event loops, other threads, child processes."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from simulator.client import AsyncClient, Client, ClientPool


async def number(client: AsyncClient, unit: int = 1) -> Any:
    return (await client.read_holding_registers(0, 1, unit=unit))[0]


def test_a_client_outlives_the_event_loop_it_was_first_used_in(listening: Any) -> None:
    client = AsyncClient(listening.url("tcp"), timeout=10)

    async def once() -> Any:
        try:
            return await number(client)
        finally:
            await client.close()

    assert [asyncio.run(once()) for _ in range(3)] == [1, 1, 1]


def test_a_client_that_was_not_closed_outlives_its_event_loop_too(listening: Any) -> None:
    client = AsyncClient(listening.url("udp"), timeout=10)
    assert [asyncio.run(number(client)) for _ in range(2)] == [1, 1]


def test_two_event_loops_cannot_share_a_client(listening: Any) -> None:
    async def first() -> None:
        async with AsyncClient(listening.url("tcp"), timeout=10) as client:
            told: list[str] = []

            def work() -> None:
                for wrong in (lambda: client.read_coils(0), lambda: asyncio.run(number(client))):
                    with pytest.raises(RuntimeError) as caught:
                        wrong()
                    told.append(str(caught.value))

            await asyncio.to_thread(work)
            assert told[0] == "no running event loop"
            assert told[1].endswith("client belongs to another event loop, expected one for each loop")
            assert await number(client) == 1

    asyncio.run(first())


def in_a_child(work: Any) -> str:
    """What ``work`` returns in a child process, as text."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        said = "nothing"
        try:
            said = str(work())
        except BaseException as error:
            said = repr(error)
        finally:
            os.write(into, said.encode())
            os._exit(0)
    os.close(into)
    with os.fdopen(out) as told:
        text = told.read()
    os.waitpid(child, 0)
    return text


@pytest.mark.parametrize("scheme", ["tcp", "tls", "udp", "rtu+tcp"])
def test_a_child_process_has_a_connection_of_its_own(listening: Any, scheme: str) -> None:
    with Client(listening.url(scheme), timeout=10, **listening.options(scheme)) as client:
        assert client.read_holding_registers(0, 1) == [1]
        with client._lock:  # as if another thread were asking
            said = in_a_child(lambda: (client.connected, client.read_holding_registers(0, 1, unit=2)))
        assert said == "(False, [2])"
        assert client.connected
        assert client.read_holding_registers(0, 1) == [1]


def test_a_child_process_does_not_take_the_serial_port_of_its_parent(listening: Any) -> None:
    with Client(listening.url("rtu"), timeout=10) as client:
        assert client.read_holding_registers(0, 1) == [1]
        said = in_a_child(lambda: client.read_holding_registers(0, 1))
        assert "another process has the serial port" in said
        assert client.read_holding_registers(0, 1, unit=2) == [2]


def test_a_pool_works_on_in_a_child_process(listening: Any) -> None:
    with ClientPool(listening.url("tcp"), size=2, timeout=10) as pool:
        assert pool.read_holding_registers(0, 1).result(10) == [1]
        assert in_a_child(lambda: pool.read_holding_registers(0, 1, unit=2).result(10)) == "[2]"
        assert pool.read_holding_registers(0, 1).result(10) == [1]


def test_connecting_while_the_connection_is_being_closed(listening: Any) -> None:
    async def both() -> None:
        client = await AsyncClient(listening.url("tcp"), timeout=10).connect()
        closing = asyncio.ensure_future(client.close())
        await asyncio.sleep(0)
        assert not client.connected
        await asyncio.wait_for(client.connect(), 10)
        await closing
        assert client.connected
        assert await number(client) == 1
        await client.close()

    asyncio.run(both())
