"""The API of a plant being served: listening, and the file by which clients find it.

The one rule: the API never keeps a plant from running; only an address that cannot be bound does, before the
plant is ready.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from simulator.control import runtime
from simulator.control.context import Control
from simulator.control.guards import Guard
from simulator.control.web import ApiSite
from simulator.errors import BindError

if TYPE_CHECKING:
    from simulator.config.control import ControlSettings
    from simulator.plant import Plant

log = Logger("simulator.control")


class ControlService:
    """The API of one plant.  ``stop`` ends the program."""

    def __init__(
        self, plant: Plant, settings: ControlSettings, stop: Callable[[], object] | None = None
    ) -> None:
        self.control = Control(plant, stop)
        self._settings = settings
        self._port: Any = None
        self._file: Path | None = None

    @property
    def url(self) -> str:
        """``http://127.0.0.1:8080``, with the port that the system picked."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        port = self._settings.port if self._port is None else self._port.getHost().port
        return f"http://{host}:{port}"

    def open(self) -> None:
        """Listen.  Raises :class:`~simulator.errors.BindError`."""
        reactor = self.control.plant.reactor
        site = ApiSite(self.control, Guard(self._settings.token, reactor.seconds), reactor)
        try:
            self._port = reactor.listenTCP(self._settings.port, site, interface=self._settings.host)
        except CannotListenError as error:
            number = error.socketError.errno or 0
            raise BindError(self.url, number, os.strerror(number)) from None

    def announce(self) -> None:
        """Leave the file by which clients on this machine find the plant."""
        name = self.control.plant.config.name
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._settings.host)
        url = self.url if host is None else self.url.replace(self._settings.host, host, 1)
        try:
            self._file = runtime.leave(runtime.Running(url, name, os.getpid(), self._settings.token))
        except OSError as error:
            log.warn("modsim ctl will need --url {url}: {reason}", url=url, reason=str(error))

    def close(self) -> Deferred[Any]:
        """Listen no more; fires when the port is closed."""
        self.withdraw()
        self.control.slices.stop()
        port, self._port = self._port, None
        return maybeDeferred(port.stopListening) if port is not None else maybeDeferred(lambda: None)

    def withdraw(self) -> None:
        """Take the file away."""
        if self._file is not None:
            with suppress(OSError):
                self._file.unlink()
