"""What a program that serves owes whoever runs it: signals that tell, notices to systemd, an end in time.

Rule: none of it ends the program by accident.  SIGUSR1 logs how it is doing, SIGUSR2 opens the log file
anew, SIGHUP only says that a plant is not reloaded, unless the terminal it was started from has gone.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from simulator.cli.streams import LogFile, Stream
from simulator.cli.systemd import Notices

if TYPE_CHECKING:
    from simulator.cli.status import Status

SIGNALS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
BEAT_S = 10.0  # between two notices of how it is doing, unless systemd wants signs of life more often
NOTICE_S = 1.0  # between two notices of a start under way
EXTENSION_US = 30_000_000  # how long systemd may wait for the next of them
BEATS_PER_WATCHDOG = 3


def spare() -> None:
    """Let none of the signals end the program while it is not ready to answer them.

    One that is ignored from the start, as nohup(1) has it, stays so.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _not_yet)


def _not_yet(number: int, frame: FrameType | None) -> None:
    """Nothing."""


class Service:
    """The habits of one life of a program.

    ``stop`` is called with the reason when the time of ``--duration`` is up, ``status`` tells how it is
    doing, ``line`` the same for ``systemctl status``.
    """

    def __init__(
        self,
        reactor: Any,
        log_stream: Stream,
        *,
        stop: Callable[[str], None],
        status: Callable[[], Status],
        line: Callable[[], str],
        duration: float | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        from twisted.logger import Logger

        self._log = Logger("simulator.service")
        self._reactor = reactor
        self._stream = log_stream
        self._stop = stop
        self._status = status
        self._line = line
        self._duration = duration
        self._notices = Notices(environ)
        self._next_notice = 0.0
        self._had_terminal = has_terminal()
        self._calls = {
            signal.SIGHUP: self._hung_up,
            signal.SIGUSR1: self._tell_status,
            signal.SIGUSR2: self._reopen_log,
        }

    def begin(self) -> None:
        """Answer signals from now on; the reactor runs."""
        for number in self._calls:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._received)

    def opening(self, done: int, total: int) -> None:
        """A long start is under way."""
        if self._notices and self._reactor.seconds() >= self._next_notice:
            self._next_notice = self._reactor.seconds() + NOTICE_S
            self._notices.send(
                STATUS=f"opening listeners, {done} of {total}", EXTEND_TIMEOUT_USEC=EXTENSION_US
            )

    def ready(self) -> None:
        """Everything answers: tell systemd, and let the time run."""
        self._notices.send(READY=1, MAINPID=os.getpid(), STATUS=self._line())
        if self._duration is not None:
            self._reactor.callLater(self._duration, self._time_is_up)
        if self._notices:
            wanted = self._notices.watchdog_s / BEATS_PER_WATCHDOG or BEAT_S
            self._reactor.callLater(min(BEAT_S, wanted), self._beat, min(BEAT_S, wanted))

    def stopping(self) -> None:
        """It is about to end."""
        self._notices.send(STOPPING=1, STATUS="stopping, open requests are answered first")

    def _beat(self, interval: float) -> None:
        self._notices.send(WATCHDOG=1, STATUS=self._line())
        self._reactor.callLater(interval, self._beat, interval)

    def _time_is_up(self) -> None:
        self._stop(f"--duration: {self._duration:g} s are over")

    def _received(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self._calls[signal.Signals(number)])

    def _hung_up(self) -> None:
        if self._had_terminal and not has_terminal():
            self._stop("SIGHUP: the terminal has gone")
            return
        self._log.warn("SIGHUP: this version does not reload a plant file; restart to read it again")

    def _tell_status(self) -> None:
        from simulator.cli.status import as_line

        status = self._status()
        self._log.info("status: {line}", line=as_line(status), **status)

    def _reopen_log(self) -> None:
        if not isinstance(self._stream, LogFile):
            self._log.warn("SIGUSR2: the log goes to stderr, there is no file to open anew")
            return
        try:
            self._stream.reopen()
        except OSError as error:
            self._log.error("SIGUSR2: the log file cannot be opened anew: {reason}", reason=str(error))
        else:
            self._log.info("SIGUSR2: {file} was opened anew", file=self._stream.path)


def has_terminal() -> bool:
    """Whether the process has a controlling terminal, and somebody is at its other end."""
    with suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        return True
    return False
