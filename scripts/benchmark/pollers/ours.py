"""Poll with this project's clients: FACE PORT SECONDS; prints requests, seconds and CPU seconds."""

import asyncio
import sys
import time

from simulator.client import AsyncClient, Client

TASKS = 50


def blocking(port, seconds):
    count, until = 0, time.monotonic() + seconds
    with Client(f"tcp://127.0.0.1:{port}") as client:
        while time.monotonic() < until:
            for _ in range(50):
                assert len(client.read_holding_registers(0, 10)) == 10
            count += 50
    return count


async def tasks(port, seconds):
    async with AsyncClient(f"tcp://127.0.0.1:{port}", in_flight=TASKS) as client:
        until = time.monotonic() + seconds

        async def poll():
            count = 0
            while time.monotonic() < until:
                assert len(await client.read_holding_registers(0, 10)) == 10
                count += 1
            return count

        return sum(await asyncio.gather(*(poll() for _ in range(TASKS))))


if __name__ == "__main__":
    face, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    began, cpu = time.perf_counter(), time.process_time()
    done = blocking(port, seconds) if face == "blocking" else asyncio.run(tasks(port, seconds))
    print(done, time.perf_counter() - began, time.process_time() - cpu)
