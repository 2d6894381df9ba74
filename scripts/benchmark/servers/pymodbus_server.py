"""pymodbus 3 as a benchmark peer: its asyncio TCP server, one per port, each with its own device.

Usage: pymodbus_server.py HOST PORT [LAST_PORT [REGISTERS]].  Registers hold their address and odd
bits are set, so that answers can be checked.  Prints one line that begins with ``ready``.
"""

import asyncio
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def device(size: int) -> SimDevice:
    bits = [SimData(0, values=[bool(i & 1) for i in range(size)], datatype=DataType.BITS)]
    registers = [SimData(0, values=list(range(size)), datatype=DataType.REGISTERS)]
    return SimDevice(1, simdata=(bits, bits, registers, registers))


async def main(host: str, first: int, last: int, size: int) -> None:
    servers = []
    for port in range(first, last + 1):
        server = ModbusTcpServer(device(size), address=(host, port))
        await server.serve_forever(background=True)
        servers.append(server)
    print(f"ready {host}:{first}-{last}", flush=True)
    await servers[0].serving


if __name__ == "__main__":
    host, first, last, size, *_ = [*sys.argv[1:], *["", sys.argv[2], "4096"][len(sys.argv) - 2 :]]
    asyncio.run(main(host, int(first), int(last), int(size)))
