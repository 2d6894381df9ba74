"""The pytest plugin: plants as fixtures.

``modsim`` makes plants, ``modsim_plant`` is the one that the marker ``modsim`` describes, ``modsim_session``
makes plants for fixtures of wider scope.  Plants that tests share are put back after each test, and what a
test leaves behind is told.  The one rule: nothing of modsim is imported before a fixture is used.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from simulator.testing import PlantHandle
    from simulator.testing.restoring import Baseline

Kind = Literal["thread", "memory", "process"]
Scope = Literal["function", "class", "module", "package", "session"]

FIXTURES = frozenset(("modsim", "modsim_plant", "modsim_session"))
SHOWN = 10  # requests in the report of a test that fails

MARKER = (
    "modsim(plant, *, profile, count, kind, scope, ...): the plant of the fixture modsim_plant: "
    "YAML text, a file or a mapping, or so many devices of a profile"
)


class ModsimLeak(pytest.PytestWarning):
    """A test has left something behind in a plant that it shares with others."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings of plants."""
    parser.addini("modsim_kind", "where plants run: thread, memory or process", default="thread")
    parser.addini("modsim_seed", "the seed of every plant; without it that of its file", default="")
    parser.addini("modsim_free_ports", "whether the kernel picks the ports", type="bool", default=True)
    parser.addini("modsim_journal", "whether requests are recorded, for verify", type="bool", default=True)
    parser.addini("modsim_leaks", "what is left behind is told: warn, error or ignore", default="warn")


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line("markers", MARKER)


class Plants:
    """The plants of a session: ``shared`` by several tests, with how they were, and those of the test."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.shared: dict[PlantHandle, Baseline | None] = {}
        self.own: list[PlantHandle] = []
        self._made: dict[tuple[str, str], PlantHandle] = {}
        self._trial: bool | None = None

    def of_test(self, request: pytest.FixtureRequest) -> PlantFactory:
        """What makes plants for a test."""

        def make(plant: Any = None, *, scope: Scope = "function", **keys: Any) -> PlantHandle:
            if scope == "function":
                handle = self._start(request, plant, keys)
                self.own.append(handle)
                request.addfinalizer(lambda: self._close(handle))
                return handle
            return self.of_node(_node(request, scope), request, plant, keys)

        return make

    def of_node(
        self, node: Any, request: pytest.FixtureRequest, plant: Any, keys: dict[str, Any]
    ) -> PlantHandle:
        """The plant that the tests below a node share, started when there is none."""
        key = node.nodeid, json.dumps([plant, keys], sort_keys=True, default=str)
        found = self._made.get(key)
        if found is None:
            handle = found = self._made[key] = self._start(request, plant, keys)
            self.shared[handle] = None if _kind(self.config, keys) == "process" else handle.baseline()

            def end() -> None:
                del self._made[key]
                self._close(handle)

            node.addfinalizer(end)
        return found

    def restore(self, item: pytest.Item) -> None:
        """Put shared plants back after a test, and tell what it has left."""
        for handle, baseline in list(self.shared.items()):
            if baseline is None:
                handle.close_clients()
            elif left := handle.restore(baseline):
                self._tell(item, f"{item.name} has left connections open: {', '.join(left)}")

    def _tell(self, item: pytest.Item, text: str) -> None:
        how = _choice(self.config, "modsim_leaks", ("warn", "error", "ignore"))
        if how == "error":
            pytest.fail(text, pytrace=False)
        elif how == "warn":
            item.warn(ModsimLeak(text))

    def _close(self, handle: PlantHandle) -> None:
        self.shared.pop(handle, None)
        if handle in self.own:
            self.own.remove(handle)
        handle.close()

    def _start(self, request: pytest.FixtureRequest, plant: Any, keys: dict[str, Any]) -> PlantHandle:
        from simulator import testing

        config = self.config
        kind = _kind(config, keys)
        keys = {key: value for key, value in keys.items() if key != "kind"}
        if seed := config.getini("modsim_seed"):
            keys.setdefault("seed", int(seed))
        keys.setdefault("folder", _folder(request, plant))
        if kind == "memory":
            return testing.InMemoryPlant.of(plant, **keys)
        keys.setdefault("free_ports", config.getini("modsim_free_ports"))
        keys.setdefault("journal", config.getini("modsim_journal"))
        if kind == "process":
            return testing.PlantProcess.of(plant, **keys)
        self._refuse_trial(request)
        return testing.RunningPlant.of(plant, **keys)

    def _refuse_trial(self, request: pytest.FixtureRequest) -> None:
        """Trial runs the reactor itself, and there is only one in a process."""
        if self._trial is None:
            trial: Any = sys.modules.get("twisted.trial.unittest")
            cases = [getattr(item, "cls", None) for item in request.session.items]
            self._trial = trial is not None and any(
                isinstance(case, type) and issubclass(case, trial.TestCase) for case in cases
            )
        if self._trial:
            raise RuntimeError(
                "this session has test cases of twisted.trial, which runs the reactor itself, and kind is "
                "'thread', expected 'memory' or 'process'"
            )


PlantFactory = Callable[..., "PlantHandle"]

_PLANTS = pytest.StashKey[Plants]()


@pytest.fixture(scope="session")
def _modsim_plants(pytestconfig: pytest.Config) -> Plants:
    return _plants(pytestconfig)


@pytest.fixture
def modsim(request: pytest.FixtureRequest, _modsim_plants: Plants) -> PlantFactory:
    """Make plants: ``modsim("plant.yaml")``, ``modsim(text)``, ``modsim(profile="energy-meter", count=3)``.

    ``kind`` is thread, memory or process; ``scope`` shares the plant with the tests of a class, module,
    package or session that ask for the same.
    """
    return _modsim_plants.of_test(request)


@pytest.fixture(scope="session")
def modsim_session(request: pytest.FixtureRequest, _modsim_plants: Plants) -> PlantFactory:
    """Make plants that live as long as the session, for fixtures of any scope; tests find them put back."""

    def make(plant: Any = None, **keys: Any) -> PlantHandle:
        return _modsim_plants.of_node(request.session, request, plant, keys)

    return make


@pytest.fixture
def modsim_plant(request: pytest.FixtureRequest, modsim: PlantFactory) -> PlantHandle:
    """The plant that the nearest marker ``modsim`` describes; one generic device without any."""
    marker = request.node.get_closest_marker("modsim")
    if marker is None:
        return modsim(profile="generic")
    return modsim(*marker.args, **marker.kwargs)


@pytest.fixture(autouse=True)
def _modsim_put_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """Put shared plants back when the test and its own fixtures are over."""
    yield
    if _uses_plants(request.node) and _PLANTS in request.config.stash:
        request.config.stash[_PLANTS].restore(request.node)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Show what clients asked last when a test has failed."""
    report = yield
    if call.when == "call" and report.failed and _uses_plants(item) and _PLANTS in item.config.stash:
        plants = item.config.stash[_PLANTS]
        from simulator.testing import PlantProcess

        for handle in [*plants.own, *plants.shared]:
            if not isinstance(handle, PlantProcess) and (entries := handle.journal(last=SHOWN)):
                name = ", ".join(group.name.text for group in handle.config.groups[:3])
                report.sections.append((f"modsim journal of {name}", "\n".join(map(str, entries))))
    return report


def _plants(config: pytest.Config) -> Plants:
    if _PLANTS not in config.stash:
        config.stash[_PLANTS] = Plants(config)
    return config.stash[_PLANTS]


def _uses_plants(item: pytest.Item) -> bool:
    return not FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def _kind(config: pytest.Config, keys: dict[str, Any]) -> str:
    kinds = ("thread", "memory", "process")
    if "kind" not in keys:
        return _choice(config, "modsim_kind", kinds)
    if keys["kind"] not in kinds:
        raise ValueError(f"kind is {keys['kind']!r}, expected {', '.join(kinds)}")
    return str(keys["kind"])


def _choice(config: pytest.Config, name: str, legal: tuple[str, ...]) -> str:
    chosen = str(config.getini(name))
    if chosen not in legal:
        raise pytest.UsageError(f"{name} is {chosen!r}, expected {', '.join(legal)}")
    return chosen


def _folder(request: pytest.FixtureRequest, plant: Any) -> Path:
    """Where the files of a test are: beside it, else in the root of the project."""
    beside = getattr(request, "path", request.config.rootpath)
    folder = beside if beside.is_dir() else beside.parent
    is_there = not isinstance(plant, str) or "\n" in plant or (folder / plant).exists()
    return folder if is_there else request.config.rootpath


def _node(request: pytest.FixtureRequest, scope: str) -> Any:
    """The node whose tests share a plant."""
    kinds: dict[str, Any] = {"class": pytest.Class, "module": pytest.Module, "package": pytest.Package}
    if scope == "session":
        return request.session
    if scope not in kinds:
        raise ValueError(f"scope is {scope!r}, expected function, class, module, package or session")
    return request.node.getparent(kinds[scope]) or request.node.getparent(pytest.Module) or request.session
