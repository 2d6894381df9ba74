"""The scripts of a plant, started with it and stopped with it.

A script runs ``setup(plant)`` first, if it has one, then ``async def main(plant)``; when both have returned
it lives on in what it subscribed to.  The one rule: an exception in a script is logged with its traceback
and ends that script; the plant and the other scripts go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from simulator.scripting.handle import Plant, ScriptPlant

if TYPE_CHECKING:
    from simulator.config.scripts import Script

log = Logger()

State = Literal["waiting", "running", "done", "failed", "stopped"]


class Scripts(Mapping[str, "ScriptRun"]):
    """All scripts by name."""

    def __init__(self, plant: Plant, scripts: Sequence[Script]) -> None:
        self._runs = {script.name: ScriptRun(plant, script) for script in scripts}

    def __getitem__(self, name: str) -> ScriptRun:
        return self._runs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def start(self) -> None:
        """Start all, in the order of the file."""
        for run in self._runs.values():
            run.start()

    def stop(self) -> None:
        """Stop all."""
        for run in self._runs.values():
            run.stop()


class ScriptRun:
    """One script and what it has begun; ``error`` is what ended it, if anything did."""

    def __init__(self, plant: Plant, script: Script) -> None:
        self.name = script.name
        self.script = script
        self.state: State = "waiting"
        self.error: BaseException | None = None
        self._plant = plant
        self._ends: dict[object, Callable[[], object]] = {}
        self._main: Deferred[Any] | None = None

    @property
    def is_over(self) -> bool:
        """True when nothing of the script may run any more."""
        return self.state not in ("running", "done")

    def start(self) -> None:
        """Begin; again, when it had ended."""
        if self.state == "running":
            return
        self.state, self.error = "running", None
        logger = Logger(f"simulator.scripts.{self.name}")
        plant = ScriptPlant(self._plant, self, logger, self.script.options)
        try:
            if self.script.setup is not None:
                self.script.setup(plant)
            if self.script.main is not None and self.state == "running":
                self._main = Deferred.fromCoroutine(self.script.main(plant))
                self._main.addCallbacks(self._returned, lambda failure: self.fails(failure.value))
        except Exception as error:
            self.fails(error)
            return
        if self.script.main is None:
            self._returned()

    def stop(self) -> None:
        """End it, with whatever it has begun."""
        if not self.is_over:
            self._end("stopped")

    def fails(self, error: BaseException | None) -> None:
        """Something of the script has raised."""
        if self.is_over:  # that is what was raised
            return
        self.error = error
        log.failure("script {name} fails and is stopped", Failure(error), name=self.name)
        self._end("failed")

    def keep(self, ends: Callable[[], object]) -> Callable[[], None]:
        """Call ``ends`` when the script ends; returns what calls it before, once."""
        key = object()
        self._ends[key] = ends

        def end() -> None:
            if self._ends.pop(key, None) is not None:
                ends()

        if self.is_over:  # begun by what still ran when the script ended
            end()
        return end

    def _returned(self, _: object = None) -> None:
        if self.state == "running":
            self.state = "done"

    def _end(self, state: State) -> None:
        self.state = state
        ends, self._ends = self._ends, {}
        for each in ends.values():
            try:
                each()
            except Exception:
                log.failure("script {name}: what it has begun cannot be ended", name=self.name)
        main, self._main = self._main, None
        if main is not None and not main.called:
            main.cancel()
