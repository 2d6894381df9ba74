"""What clients write goes through a queue to another process, whose answers come back as values."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from multiprocessing.managers import BaseManager
from pathlib import Path
from queue import Queue
from threading import Thread

PLANT = """
devices: [{name: tank, profile: tank, endpoint: "tcp://127.0.0.1:0"}]
scripts: [{file: queues.py, options: {port: PORT}}]
profiles:
  tank:
    points:
      pump: {table: coil, address: 0, data_type: bool}
      flow: {table: hr, address: 0, data_type: uint16}
"""
SCRIPT = """
from multiprocessing.managers import BaseManager
from threading import Thread


class Queues(BaseManager):
    pass


Queues.register("writes")
Queues.register("values")


def setup(plant):
    queues = Queues(("127.0.0.1", plant.options["port"]), authkey=b"secret")
    queues.connect()
    writes, values = queues.writes(), queues.values()

    def receive():
        while True:
            plant.from_thread(plant.write, *values.get())

    def told(device, point, old, new, origin):
        plant.run_in_thread(writes.put, (device, point, new, origin.kind, origin.transaction))

    plant.on_write("*", "pump", told)
    Thread(target=receive, daemon=True).start()
"""


class Queues(BaseManager):
    pass


def test_e10_a_write_has_side_effects_in_another_process(tmp_path: Path) -> None:
    writes: Queue[tuple[object, ...]] = Queue()
    values: Queue[tuple[object, ...]] = Queue()
    Queues.register("writes", lambda: writes)
    Queues.register("values", lambda: values)
    server = Queues(("127.0.0.1", 0), authkey=b"secret").get_server()
    Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "queues.py").write_text(SCRIPT)
    (tmp_path / "plant.yaml").write_text(PLANT.replace("PORT", str(server.address[1])))
    program = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--config", "plant.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        port = int(program.stdout.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(bytes.fromhex("0007 0000 0006 01 05 0000 ff00"))
            assert client.recv(100)
            assert writes.get(timeout=30) == ("tank", "pump", True, "client", 7)
            values.put(("tank", "flow", 125))
            for _ in range(1000):
                client.sendall(bytes.fromhex("0008 0000 0006 01 03 0000 0001"))
                if (answer := client.recv(100)[-2:]) == b"\0\x7d":
                    break
            assert answer == b"\0\x7d"
        program.send_signal(signal.SIGINT)
        assert program.wait(30) == 0
    finally:
        program.kill()
        program.communicate()
