"""Keeps the state of a running plant in its file: read at the start, written every so often and at the end.

The one rule: the reactor is never held.  What has changed is found in slices and written in a thread.
A file that cannot be read keeps the plant from starting; one that cannot be written is complained about, and
tried again when it is due.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from simulator.errors import ConfigError, Problem
from simulator.slices import Slices
from simulator.state import records
from simulator.state.differences import Beginnings
from simulator.state.locks import Lock
from simulator.state.restoring import Homes, Restoring

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from simulator.config.plant import PlantConfig
    from simulator.config.state import State
    from simulator.fleet import Fleet

log = Logger()


class Keeper:
    """The state of a plant.  ``saved`` counts files written, ``failed`` those that could not be."""

    def __init__(
        self,
        settings: State,
        config: PlantConfig,
        homes: Homes,
        fleets: Sequence[Fleet],
        reactor: Any,
        now: Callable[[], float],
    ) -> None:
        self.saved = self.failed = 0
        self._settings = settings
        self._config = config
        self._homes = homes
        self._reactor = reactor
        self._now = now
        self._beginnings = [Beginnings(fleet) for fleet in fleets]
        self._lock = Lock(settings.file)
        self._restoring: Restoring | None = None
        self._slices = Slices(reactor)
        self._loop = LoopingCall(self.save)
        self._loop.clock = reactor
        self._last = ""  # what is in the file
        self._saving: Deferred[None] | None = None
        self._is_open = False

    def begin(self) -> Iterator[None]:
        """Take the file and put back what was written.

        Raises :class:`~simulator.errors.ConfigError` for a file that another plant has, that is corrupt, of a
        newer version, or that cannot be written.
        """
        file = self._settings.file
        try:
            self._lock.take()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError([Problem(file, 0, 0, "", f"state cannot be written: {reason}")]) from None
        found = records.read(file)
        self._is_open = True
        if found is not None:
            self._last = records.digest(record.line() for record in found)
            self._restoring = Restoring(found, self._config, self._homes)
            yield from self._restoring.values()

    def go_on(self) -> Iterator[None]:
        """The second half, when all generators had their first turn."""
        restoring = self._restoring
        if restoring is None:
            return
        yield from restoring.motion()
        self._restoring = None
        file = self._settings.file
        log.info("{file}: {count} values go on from where they were", file=file, count=restoring.restored)
        if restoring.left_out:
            shutil.copyfile(file, f"{file}.old")
            log.warn(
                "{file}: {count} values have no place in this plant and are left out, first {example}; "
                "the file is kept as {file}.old",
                file=file,
                count=restoring.left_out,
                example=restoring.example,
            )

    def start(self) -> None:
        """Write every so often from now on."""
        self._loop.start(self._settings.every, now=False)

    def stop(self) -> Deferred[None]:
        """Write a last time, and let go of the file."""
        if self._loop.running:
            self._loop.stop()
        if not self._is_open:
            self.close()
            return succeed(None)
        before = succeed(None) if self._saving is None else self._after(self._saving)
        return before.addCallback(lambda _: self.save()).addCallback(lambda _: self.close())

    def close(self) -> None:
        """Let go of the file as it is."""
        self._is_open = False
        self._slices.stop()
        self._lock.drop()

    def save(self) -> Deferred[None]:
        """Write the file, unless nothing has changed; after the one that is being written."""
        if self._saving is not None:
            return self._after(self._saving)
        done = self._saving = self._save()
        done.addBoth(self._saved)
        return self._after(done)

    def _after(self, saving: Deferred[None]) -> Deferred[None]:
        """Fires when ``saving`` has, and is nobody else's."""
        waiting: Deferred[None] = Deferred()
        saving.addBoth(lambda _: waiting.callback(None))
        return waiting

    def _saved(self, _: object) -> None:
        self._saving = None

    def _save(self) -> Deferred[None]:
        found: list[records.Record] = []

        def collect() -> Iterator[None]:
            now = self._now()
            for beginnings in self._beginnings:
                for record in beginnings.changes(now):
                    if record is not None:
                        found.append(record)
                    yield

        done: Deferred[Any] = self._slices.do(collect())
        done.addCallback(lambda _: self._elsewhere(self._write, found))
        return done.addCallbacks(self._written, self._complain)

    def _elsewhere(self, function: Callable[..., Any], *args: object) -> Any:
        """Call it in a thread; at once where there are none, as with the reactors of tests."""
        threads = getattr(self._reactor, "getThreadPool", None)
        if threads is None:
            return function(*args)
        return deferToThreadPool(self._reactor, threads(), function, *args)

    def _write(self, found: list[records.Record]) -> str | None:
        """In a thread; what is in the file now, None when that has not changed."""
        lines = [record.line() for record in found]
        digest = records.digest(lines)
        if digest == self._last and os.path.exists(self._settings.file):
            return None
        saved = datetime.now(UTC).isoformat(timespec="seconds")
        records.write(self._settings.file, lines, {"plant": self._config.name, "saved": saved})
        return digest

    def _written(self, digest: str | None) -> None:
        if digest is not None:
            self._last = digest
            self.saved += 1

    def _complain(self, failure: Failure) -> None:
        self.failed += 1
        log.failure("{file}: the state could not be written", failure, file=self._settings.file)
