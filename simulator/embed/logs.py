"""The log of embedded servers in the standard ``logging``, under the names of modsim's modules."""

from __future__ import annotations

import logging
from typing import Any

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import implementer

from simulator.documents.wording import unknown

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_OURS = "simulator"
_NUMBERS: dict[Any, int] = {
    LogLevel.debug: logging.DEBUG,
    LogLevel.info: logging.INFO,
    LogLevel.warn: logging.WARNING,
    LogLevel.error: logging.ERROR,
    LogLevel.critical: logging.CRITICAL,
}


@implementer(ILogObserver)
class ToLogging:
    """Hands on what modsim says, from a level on."""

    def __init__(self, level: str) -> None:
        if level not in LEVELS:
            raise ValueError(unknown("log_level", level, LEVELS))
        self._least = LEVELS[level]

    def __call__(self, event: LogEvent) -> None:
        namespace = str(event.get("log_namespace", ""))
        number = _NUMBERS.get(event.get("log_level"), logging.INFO)
        if number < self._least or not namespace.startswith(_OURS):
            return
        failure = event.get("log_failure")
        shown = (failure.type, failure.value, failure.getTracebackObject()) if failure is not None else None
        logging.getLogger(namespace).log(number, "%s", formatEvent(event), exc_info=shown)

    def begin(self) -> None:
        """Listen from now on."""
        globalLogPublisher.addObserver(self)

    def end(self) -> None:
        """Listen no more."""
        globalLogPublisher.removeObserver(self)
