"""A plant in a process of its own: ``modsim run``, as users start it.

For code that must not share a process with anything, and for what only a whole process shows.  The one rule:
it is ready when its ready line is there, and gone when ``close`` returns.  Values, faults, time and the
journal are reached over its API; refused, with a clear error, is what would need the plant itself.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

from simulator.client.blocking import Client
from simulator.remote import Remote
from simulator.testing.distant import DistantHandle
from simulator.testing.sources import find_source, free_in_data

if TYPE_CHECKING:
    from simulator.plant import Plant
    from simulator.testing.places import Found
    from simulator.testing.sources import PlantSource, Source

PATIENCE_S = 60.0  # until it is ready, and until it has ended


class PlantProcess(DistantHandle):
    """``with PlantProcess.of("plant.yaml") as plant: my_driver.connect(plant.url())``.

    It has the verbs of every plant but ``call``, ``plant``, ``baseline`` and ``restore``; ``remote`` is
    its API.
    With ``journal`` every device is recorded from the beginning.  ``arguments`` are further ones of
    ``modsim``.  Raises RuntimeError, with what the process has said, when it does not become ready.
    """

    def __init__(
        self,
        source: PlantSource,
        *,
        free_ports: bool = True,
        journal: bool = True,
        arguments: tuple[str, ...] = (),
    ) -> None:
        super().__init__(source.config)
        self._made: list[Path] = []
        self._process: subprocess.Popen[str] | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - its standard error, closed in close
        with tempfile.NamedTemporaryFile(prefix="modsim-ready-", suffix=".json", delete=False) as file:
            self._ready = Path(file.name)
        self._made.append(self._ready)
        try:
            ready = self._start(self._file(source, free_ports), source.config.seed, arguments)
            self._endpoints: list[str] = ready["endpoints"]
            control = source.config.control
            self.remote = Remote(ready["api"], control.token if control is not None else None)
            if journal:
                self.record()
        except BaseException:
            self.close()
            raise

    @classmethod
    def of(
        cls,
        source: Source | None = None,
        *,
        free_ports: bool = True,
        journal: bool = True,
        arguments: tuple[str, ...] = (),
        **keys: Any,
    ) -> Self:
        """The plant of anything that :func:`~simulator.testing.sources.find_source` takes."""
        return cls(find_source(source, **keys), free_ports=free_ports, journal=journal, arguments=arguments)

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def plant(self) -> Plant:
        """Out of reach."""
        self._refuse()

    @property
    def endpoints(self) -> list[str]:
        """What is listened on, with the ports the kernel picked."""
        return self._endpoints

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Out of reach."""
        self._refuse()

    def baseline(self) -> NoReturn:
        """Out of reach."""
        self._refuse()

    def close(self) -> None:
        """End the process and wait for its end; a second time does nothing."""
        self.close_clients()
        if "remote" in self.__dict__:
            self.remote.close()
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        self._said.close()
        while self._made:
            with suppress(FileNotFoundError):
                self._made.pop().unlink()

    def _client(self, found: Found, options: dict[str, Any]) -> Client:
        return Client(found.url(self.endpoints[found.listener]), **options)

    def _file(self, source: PlantSource, free_ports: bool) -> Path:
        """The file to run; one of our own beside it where ports have to be changed."""
        data = free_in_data(source.config, source.data) if free_ports else source.data
        if source.path is not None and data == source.data:
            return source.path
        number, name = tempfile.mkstemp(prefix=".modsim-", suffix=".json", dir=source.folder)
        self._made.append(Path(name))
        with open(number, "w", encoding="utf-8") as file:
            json.dump(data, file)
        return Path(name)

    def _start(self, file: Path, seed: int, arguments: tuple[str, ...]) -> dict[str, Any]:
        """Start it and wait for its ready line; what its ready file says."""
        words = ["--config", str(file), "--ready-file", str(self._ready), "--seed", str(seed)]
        words += ["--http", "127.0.0.1:0", *arguments]
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "run", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        line = process.stdout.readline() if readable else ""
        if not line.startswith("ready"):
            self._process = None
            process.kill()
            process.communicate()
            self._said.seek(0)
            said = self._said.read().decode(errors="replace")
            raise RuntimeError(
                f"the plant is not ready, it said: {said.strip() or line.strip() or 'nothing'}"
            )
        ready: dict[str, Any] = json.loads(self._ready.read_text())
        return ready

    def _refuse(self) -> NoReturn:
        raise RuntimeError(
            "the plant runs in a process of its own, expected a plant in memory or in a thread for its "
            "objects and for putting it back; its verbs and its API (remote) work"
        )
