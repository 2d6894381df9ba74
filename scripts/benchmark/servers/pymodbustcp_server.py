"""pyModbusTCP as a benchmark peer: its threading server, one thread a connection.

Usage: pymodbustcp_server.py HOST PORT.  Registers hold their address and odd bits are set, so that
answers can be checked.  Prints one line that begins with ``ready``.
"""

import socketserver
import sys

from pyModbusTCP.server import DataBank, ModbusServer

SIZE = 4096


def main(host: str, port: int) -> None:
    socketserver.TCPServer.request_queue_size = 1024  # 5 of its own would lose connects
    bank = DataBank()
    bits, registers = [bool(i & 1) for i in range(SIZE)], list(range(SIZE))
    bank.set_coils(0, bits)
    bank.set_discrete_inputs(0, bits)
    bank.set_holding_registers(0, registers)
    bank.set_input_registers(0, registers)
    server = ModbusServer(host, port, no_block=True, data_bank=bank)
    server.start()
    print(f"ready {host}:{port}", flush=True)
    server._serve_th.join()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
