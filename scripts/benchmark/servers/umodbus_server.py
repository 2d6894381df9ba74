"""uModbus as a benchmark peer: its routes on the standard library's threading TCP server.

Usage: umodbus_server.py HOST PORT.  Registers hold their address and odd bits are set, so that
answers can be checked.  Prints one line that begins with ``ready``.
"""

import sys
from socketserver import ThreadingTCPServer

from umodbus.server.tcp import RequestHandler, get_server

SIZE = 4096


class Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024  # 5 of its own would lose connects


def main(host: str, port: int) -> None:
    server = get_server(Server, (host, port), RequestHandler)
    bits, registers = [i & 1 for i in range(SIZE)], list(range(SIZE))
    addresses = range(SIZE)

    @server.route(slave_ids=[1], function_codes=[1, 2], addresses=addresses)
    def read_bit(slave_id: int, function_code: int, address: int) -> int:
        return bits[address]

    @server.route(slave_ids=[1], function_codes=[3, 4], addresses=addresses)
    def read_register(slave_id: int, function_code: int, address: int) -> int:
        return registers[address]

    @server.route(slave_ids=[1], function_codes=[6, 16], addresses=addresses)
    def write_register(slave_id: int, function_code: int, address: int, value: int) -> None:
        registers[address] = value

    print(f"ready {host}:{port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
