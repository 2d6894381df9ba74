"""Poll with pymodbus's clients: FACE PORT SECONDS; prints requests, seconds and CPU seconds.

Connecting and the first requests are not counted.
"""

import asyncio
import sys
import time

from pymodbus.client import AsyncModbusTcpClient, ModbusTcpClient

TASKS = 50
WARM_UP = 200


def blocking(port, seconds):
    with ModbusTcpClient("127.0.0.1", port=port) as client:
        for _ in range(WARM_UP):
            client.read_holding_registers(0, count=10)
        began, cpu, count = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() < began + seconds:
            for _ in range(50):
                assert len(client.read_holding_registers(0, count=10).registers) == 10
            count += 50
        return count, time.perf_counter() - began, time.process_time() - cpu


async def tasks(port, seconds):
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    found = await polled(client, seconds)
    client.close()
    return found


async def polled(client, seconds):
    async def poll(until):
        count = 0
        while time.perf_counter() < until:
            assert len((await client.read_holding_registers(0, count=10)).registers) == 10
            count += 1
        return count

    await asyncio.gather(*(client.read_holding_registers(0, count=10) for _ in range(WARM_UP)))
    began, cpu = time.perf_counter(), time.process_time()
    counts = await asyncio.gather(*(poll(began + seconds) for _ in range(TASKS)))
    return sum(counts), time.perf_counter() - began, time.process_time() - cpu


if __name__ == "__main__":
    face, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    print(*(blocking(port, seconds) if face == "blocking" else asyncio.run(tasks(port, seconds))))
