"""A serial port as the source of a line.

A path that is missing, taken or no serial port is a ``BindError`` with the reason of the operating system.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import BindError
from simulator.serial_ports import close_port, open_port

if TYPE_CHECKING:
    import serial

    from simulator.config.serial_line import SerialLine


class SerialSource:
    """The port of a path and its settings."""

    def __init__(self, scheme: str, line: SerialLine) -> None:
        self.line = line
        self.endpoint = f"{scheme}:{line.text()}"
        self._port: serial.Serial | None = None

    def open(self) -> int:
        """The descriptor of the port; raises BindError."""
        try:
            self._port = open_port(self.line)
        except OSError as error:
            raise BindError(self.endpoint, error.errno or 0, error.strerror or str(error)) from None
        fd: int = self._port.fileno()
        return fd

    def close(self) -> None:
        """Close the port; the kernel still sends what was written."""
        port, self._port = self._port, None
        if port is not None:
            close_port(port)
