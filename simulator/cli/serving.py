"""Runs a plant in this process: open, announce, serve, stop gracefully.

Rule: one reactor run from start to exit code.  Whatever fails while opening stops the reactor and is
raised again from ``serve_plant``, so that ``exits`` alone decides about codes and texts.
"""

from __future__ import annotations

import argparse
import gc
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.cli import exits, logs, process, ready
from simulator.cli.preflight import descriptor_findings
from simulator.cli.progress import ProgressBar
from simulator.cli.service import Service
from simulator.cli.streams import STDERR, STDOUT, Stream
from simulator.errors import BindError

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred
    from twisted.python.failure import Failure

    from simulator.config.control import ControlSettings
    from simulator.config.plant import PlantConfig
    from simulator.control.service import ControlService
    from simulator.plant import Plant
    from simulator.watchdog import Watchdog


def serve_plant(config: PlantConfig, arguments: argparse.Namespace) -> int:
    """Serve the plant until a signal ends it; the exit code."""
    from simulator.cli.api import settings_of

    try:
        settings = settings_of(config, arguments.http)
    except ValueError as error:
        STDERR.write(f"modsim: {error}\n")
        return exits.USAGE
    reactor = process.install_reactor()
    from simulator.plant import Plant

    log_stream = logs.begin_as(arguments)
    for finding in descriptor_findings(config.listeners, process.raise_descriptor_limit()):
        STDERR.write(f"modsim: {finding}\n")
        return finding.code
    serving = Serving(Plant(config, reactor), reactor, arguments, log_stream)
    if settings is not None:
        serving.offer(settings)
    return serving.run()


class Serving:
    """One life of a plant."""

    def __init__(self, plant: Plant, reactor: Any, arguments: argparse.Namespace, log_stream: Stream) -> None:
        from twisted.logger import Logger

        from simulator.cli.status import line_of, status_of

        self._log = Logger("simulator.cli")
        self._plant = plant
        self._reactor = reactor
        self._ready_file = arguments.ready_file
        self._failure: Failure | None = None
        self._stopping = False
        self._watchdog: Watchdog | None = None
        self._bar = ProgressBar(STDERR, reactor.seconds, "listeners")
        self._service = Service(
            reactor,
            log_stream,
            stop=self._begin_stop,
            status=partial(status_of, plant),
            line=partial(line_of, plant),
            duration=arguments.duration,
        )
        self._api: ControlService | None = None

    def offer(self, settings: ControlSettings) -> None:
        """Serve the API, too."""
        from simulator.control.service import ControlService

        self._api = ControlService(self._plant, settings, partial(self._begin_stop, "stop over the API"))
        self._reactor.addSystemEventTrigger("before", "shutdown", self._api.close)

    def run(self) -> int:
        """Run the reactor; return the exit code or raise what kept the plant from opening."""
        self._reactor.callWhenRunning(self._open)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._plant.stopService)
        self._reactor.run()
        if self._ready_file:
            ready.remove_ready_file(self._ready_file)
        if self._failure is not None:
            self._failure.raiseException()
        return exits.OK

    def _open(self) -> None:
        process.on_stop_signal(self._stop, self._stop_at_once)
        self._service.begin()
        try:
            if self._api is not None:
                self._api.open()
        except BindError as error:
            from twisted.python.failure import Failure

            self._failed(Failure(error))
            return
        opened: Deferred[Any] = self._plant.open(progress=self._progress)
        opened.addCallback(self._opened)
        opened.addErrback(self._failed)

    def _opened(self, _: object) -> None:
        if self._stopping:
            return
        self._watch()
        self._plant.startService()
        self._bar.close()
        gc.freeze()  # what a plant is made of lives as long as the process
        gc.enable()
        seconds = process.age()
        endpoints = self._plant.endpoints
        api = None if self._api is None else self._api.url
        if self._api is not None:
            self._api.announce()
        if self._ready_file:
            ready.write_ready_file(self._ready_file, self._plant.devices, endpoints, seconds, api)
        if not STDOUT.write(ready.ready_line(self._plant.devices, endpoints, seconds, api)):
            self._log.warn("the ready line could not be written to stdout; the plant answers all the same")
        self._service.ready()

    def _progress(self, done: int, total: int) -> None:
        self._bar(done, total)
        self._service.opening(done, total)

    def _watch(self) -> None:
        """Let somebody see who holds the event loop too long."""
        from simulator.watchdog import Watchdog

        scripts = {script.file: script.name for script in self._plant.config.scripts}
        self._watchdog = Watchdog(self._reactor, scripts)
        self._watchdog.start()
        self._reactor.addSystemEventTrigger("before", "shutdown", self._watchdog.stop)

    def _failed(self, failure: Failure) -> None:
        self._bar.close()
        if not self._stopping:
            self._failure = failure
            self._reactor.stop()

    def _stop(self, signal_name: str) -> None:
        self._reactor.callFromThread(self._begin_stop, signal_name)

    def _begin_stop(self, reason: str) -> None:
        if self._failure is None and not self._stopping:
            self._log.info("{reason}: stopping, open requests are answered first", reason=reason)
            self._stopping = True
            self._service.stopping()
            self._reactor.stop()

    def _stop_at_once(self, signal_name: str) -> None:
        if self._api is not None:
            self._api.withdraw()
        if self._ready_file:
            ready.remove_ready_file(self._ready_file)
        os._exit(exits.RUNTIME)
