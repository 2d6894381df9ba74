"""A pseudo-terminal as the source of a line: clients open its other end as they would a serial port.

Both ends stay open as long as the line does, so clients may come and go without the line noticing.  A link
names the end that clients open; it replaces nothing but a link that leads nowhere, and goes with the line.
"""

from __future__ import annotations

import errno
import os
import tty
from contextlib import suppress
from typing import TYPE_CHECKING

from simulator.errors import BindError

if TYPE_CHECKING:
    from simulator.config.serial_line import SerialLine


class PtySource:
    """A pseudo-terminal made for one line."""

    def __init__(self, scheme: str, line: SerialLine) -> None:
        self.line = line
        self.path = ""  # of the clients' end
        self._scheme = scheme
        self._ends: tuple[int, int] | None = None

    @property
    def endpoint(self) -> str:
        """``rtu:/dev/pts/7``, or with the link in its place."""
        return f"{self._scheme}:{self.line.text(self.line.link or self.path)}"

    def open(self) -> int:
        """The descriptor of our end; raises BindError."""
        link = self.line.link
        try:
            if link:
                _clear(link)
            self._ends = os.openpty()
            ours, theirs = self._ends
            tty.setraw(theirs)
            os.set_blocking(ours, False)
            self.path = os.ttyname(theirs)
            if link:
                os.symlink(self.path, link)
        except OSError as error:
            endpoint = self.endpoint
            self.close()
            reason = os.strerror(error.errno or errno.EIO).lower()
            raise BindError(endpoint, error.errno or 0, f"{link or 'pseudo-terminal'}: {reason}") from None
        return ours

    def close(self) -> None:
        """Remove the link, if it is still ours, and the pseudo-terminal."""
        link = self.line.link
        if link and self.path:
            with suppress(OSError):
                if os.readlink(link) == self.path:
                    os.unlink(link)
        ends, self._ends, self.path = self._ends, None, ""
        for end in ends or ():
            os.close(end)


def _clear(link: str) -> None:
    """Remove a link that leads nowhere; anything else in its place is an error."""
    if os.path.lexists(link):
        if not os.path.islink(link) or os.path.exists(link):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), link)
        os.unlink(link)
