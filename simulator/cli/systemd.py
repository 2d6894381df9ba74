"""What systemd is told of a service of ``Type=notify``: that it is ready, stops, lives (sd_notify(3)).

Rule: a notice is a datagram that is sent at once or not at all; nothing here raises or waits, and without
``NOTIFY_SOCKET`` nothing happens.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notices:
    """The socket that ``environ`` names.  A sign of life is wanted every ``watchdog_s``, 0 for never."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address  # an abstract socket
        self.watchdog_s = 0.0
        meant = environ.get("WATCHDOG_PID", str(os.getpid()))
        if address and meant == str(os.getpid()) and environ.get("WATCHDOG_USEC", "").isdigit():
            self.watchdog_s = int(environ["WATCHDOG_USEC"]) / 1e6

    def __bool__(self) -> bool:
        return bool(self._address)

    def send(self, **fields: object) -> bool:
        """Send fields such as ``READY=1``; False when nobody took them."""
        if not self._address:
            return False
        text = "\n".join(f"{name}={str(value).replace(chr(10), ' ')}" for name, value in fields.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.connect(self._address)
                sender.send(text.encode())
        except OSError:
            return False
        return True
