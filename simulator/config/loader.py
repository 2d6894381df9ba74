"""Load a plant file: ``load_plant(path) -> PlantConfig``, or every problem of plant and profiles at once.

Reads the file, imports its plugins, resolves the profile of every group, places the devices and
compares the groups with each other.  The one rule: a mistake in one place hides no mistake in
another; what depends on the mistake is skipped, the rest is checked.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from simulator.config.allow import allow_list
from simulator.config.clock import check_scale
from simulator.config.control import NO_TOKEN, ControlFile
from simulator.config.faults import Fault, FaultFile, plant_faults, read_fault_files
from simulator.config.gateway import gateway_line
from simulator.config.groups import Entry, Placed, check_parameters, check_values, read_entry, validate_most
from simulator.config.listening import Clash, Listening, Wanted, plan_listening
from simulator.config.names import duplicate_within, duplicates_between
from simulator.config.placement import Place
from simulator.config.plant import Group, Limits, PlantConfig
from simulator.config.scenarios import read_files, read_scenarios
from simulator.config.schema import LimitsFile, PlantFile, PlantHead
from simulator.config.schemes import default_unknown_unit
from simulator.config.scripts import load_scripts
from simulator.config.security import Security, TlsFile, TlsSettings
from simulator.config.sharing import differences
from simulator.config.signals import check_signals, read_signals
from simulator.config.steps import ScenarioPlan
from simulator.config.unsupported import CONTROL, PLANT, take_unsupported
from simulator.documents import modules
from simulator.documents.problems import show
from simulator.documents.yaml import Document, Path, read_file, read_text
from simulator.errors import ConfigError, Problem
from simulator.profiles.loader import ProfileLibrary
from simulator.profiles.profile import Profile


def load_plant(
    path: str | os.PathLike[str],
    *,
    environ: Mapping[str, str] | None = None,
    seed: int | None = None,
    time_scale: float | None = None,
) -> PlantConfig:
    """The plant of a file; ``seed`` and ``time_scale`` replace those of the file.

    Raises ConfigError with all problems, sorted by file and line.
    """
    with _garbage_left():
        config = _Loading(read_file(path, environ=environ), environ, seed).plant()
    return _at_scale(config, time_scale)


def parse_plant(
    text: str | bytes,
    *,
    file: str = "<text>",
    environ: Mapping[str, str] | None = None,
    seed: int | None = None,
    time_scale: float | None = None,
) -> PlantConfig:
    """The plant of a text; ``file`` is what problems call it, and folders are searched beside it."""
    with _garbage_left():
        config = _Loading(read_text(text, file=file, environ=environ), environ, seed).plant()
    return _at_scale(config, time_scale)


def _at_scale(config: PlantConfig, time_scale: float | None) -> PlantConfig:
    """The plant at another pace of virtual time, where one is given."""
    if time_scale is None:
        return config
    return replace(config, clock=replace(config.clock, time_scale=check_scale(time_scale)))


@contextmanager
def _garbage_left() -> Iterator[None]:
    """No garbage collection meanwhile: it would look through 100 000 fresh nodes again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Loading:
    """One file being loaded; collects problems."""

    def __init__(self, document: Document, environ: Mapping[str, str] | None, seed: int | None) -> None:
        self.document = document
        self.environ = environ
        self.seed = seed
        self.problems = list(document.problems)
        self._later: list[Problem] = []  # of faults and scenarios: nothing else depends on them
        self._fault_files: dict[int, FaultFile] = {}
        self._refused: set[str] = set()  # profiles whose problems are told
        self._tls_is_sound = True

    def plant(self) -> PlantConfig:
        """Raises ConfigError."""
        data = self._mapping()
        head = self._head(data)
        self._import_plugins(head.plugins)
        scripts = load_scripts(head.scripts, self.document, self.problems)
        library = self._library(head)
        entries = self._entries(data)
        profiles = [self._profile(library, entry) for entry in entries]
        signals = read_signals(self.document, self.problems)
        check_signals(self.document, profiles, self.problems)
        placed = [entry.placed for entry in entries if entry.placed is not None]
        listening = self._compare(placed)
        tls = self._security(head, entries, listening)
        self._give_up()
        groups = tuple(
            self._group(entry, profile, tls[entry.index])
            for entry, profile in zip(placed, filter(None, profiles), strict=True)
        )
        self._check_sharing(groups, listening)
        self._give_up()
        self.problems += self._later
        faults = self._faults(groups)
        scenarios = self._scenarios(head, groups, faults)
        limits = Limits(**{**dict(head.limits), "allow": allow_list(head.limits.allow)})
        seed = head.seed if self.seed is None else self.seed
        return PlantConfig(
            name=head.name,
            seed=seed,
            groups=groups,
            listeners=listening.listeners,
            limits=limits,
            clock=head.clock.clock(),
            signals=signals,
            faults=faults,
            scenarios=scenarios,
            scripts=scripts,
            control=None if head.control is None else head.control.settings(),
            source=self.document.file,
            state=None if head.state is None else head.state.state(self.document.file),
        )

    def _report(self, path: Path, message: str, *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, message, key=key))

    def _give_up(self) -> None:
        """Raises ConfigError when something is wrong on which more depends."""
        if self.problems:
            raise ConfigError(sorted([*self.problems, *self._later]))

    def _mapping(self) -> dict[Any, Any]:
        data = self.document.data
        if isinstance(data, dict):
            return data
        got = "is empty" if data is None else f"is {show(data)}"
        self._report((), f"file {got}, expected a plant: a mapping with devices")
        raise ConfigError(sorted(self.problems))

    def _head(self, data: dict[Any, Any]) -> PlantHead:
        """Everything but the devices; defaults where it is wrong."""
        data = take_unsupported(self.document, data, (), PLANT, self.problems)
        head = {key: value for key, value in data.items() if key != "devices"}
        if isinstance(limits := head.get("limits"), dict):
            checked, _ = validate_most(LimitsFile, limits, self.document, ("limits",), self.problems)
            head["limits"] = checked or LimitsFile()
        if "faults" in head:
            self._fault_files = read_fault_files(self.document, self._later)
            head["faults"] = list(self._fault_files.values())
        if "scenarios" in head:
            head["scenarios"] = read_files(self.document, self._later)
        if isinstance(control := head.get("control"), dict):
            head["control"] = self._control(control)
        if isinstance(tls := head.get("tls"), dict):
            head["tls"], self._tls_is_sound = validate_most(
                TlsFile, tls, self.document, ("tls",), self.problems
            )
        found, _ = validate_most(PlantHead, head, self.document, (), self.problems, PlantFile)
        return found or PlantHead()

    def _control(self, data: dict[Any, Any]) -> ControlFile | None:
        """Where operators reach the plant; None when that is wrong."""
        data = take_unsupported(self.document, data, ("control",), CONTROL, self.problems)
        found, _ = validate_most(ControlFile, data, self.document, ("control",), self.problems)
        if found is not None and found.settings().is_open:
            self._report(("control", "http"), NO_TOKEN.format(host=found.http[0]))
        return found

    def _faults(self, groups: Sequence[Group]) -> tuple[Fault, ...]:
        """The rules of the plant and of its profiles."""
        faults, wrong = plant_faults(self._fault_files, groups)
        self.problems += [self.document.problem(("faults", *path), message) for path, message in wrong]
        return faults

    def _scenarios(
        self, head: PlantHead, groups: Sequence[Group], faults: Sequence[Fault]
    ) -> dict[str, ScenarioPlan]:
        """Raises ConfigError for steps about what does not exist."""
        signals = self.document.data.get("signals")
        written = self.document.data.get("faults")  # those that have a problem, too
        entries = [entry for entry in written if isinstance(entry, dict)] if isinstance(written, list) else []
        names = [
            *(str(entry["name"]) for entry in entries if "name" in entry),
            *(fault.name for fault in faults),
        ]
        known = list(dict.fromkeys(names)), signals if isinstance(signals, dict) else ()
        plans, problems = read_scenarios(self.document, head.scenarios, groups, *known)
        if problems or self.problems:
            raise ConfigError(sorted([*self.problems, *problems]))
        return plans

    def _security(
        self, head: PlantHead, entries: list[Entry], listening: Listening
    ) -> dict[int, TlsSettings | None]:
        """The TLS settings by group, checked."""
        security = Security(self.document, head.tls, self.problems, is_sound=self._tls_is_sound)
        settings: dict[int, TlsSettings | None] = {}
        for entry in entries:
            if entry.file is not None and (entry.file.tls is not None or "tls" not in entry.data):
                settings[entry.index] = security.settings(entry.file.tls, entry.file.endpoint, entry.path)
        if not self.problems:
            security.disagreements(listening.listeners, settings)
        return settings

    def _import_plugins(self, names: list[str]) -> None:
        for index, name in enumerate(names):
            try:
                modules.by_name(name, os.path.dirname(self.document.file))
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                self._report(("plugins", index), f"plugin {name!r} cannot be imported ({reason})")

    def _library(self, head: PlantHead) -> ProfileLibrary:
        document, environ = self.document, self.environ
        if isinstance(head.profiles, dict):
            return ProfileLibrary(inline=head.profiles, document=document, environ=environ)
        beside = FilePath(document.file).parent
        folders = [beside / folder for folder in head.profiles]
        try:
            return ProfileLibrary(folders, document=document, environ=environ)
        except ConfigError as error:
            self.problems.extend(error.problems)
            existing = [folder for folder in folders if folder.is_dir()]
            return ProfileLibrary(existing, document=document, environ=environ)

    def _entries(self, data: dict[Any, Any]) -> list[Entry]:
        devices = data.get("devices")
        if isinstance(devices, list) and devices:
            return [read_entry(self.document, index, self.problems) for index in range(len(devices))]
        if "devices" not in data:
            self._report(("devices",), "devices is missing, expected a list of devices")
        elif ("devices",) not in self.document.broken:
            self._report(("devices",), f"devices is {show(devices)}, expected a list of devices")
        return []

    def _profile(self, library: ProfileLibrary, entry: Entry) -> Profile | None:
        """The profile of the entry with its overrides; its values and parameters checked against it."""
        name = entry.file.profile if entry.file else entry.data.get("profile")
        if not isinstance(name, str) or not name:
            return None
        profile = self._resolve(library, name, _overrides(entry), entry.path)
        if profile is not None and entry.file is not None:
            check_parameters(self.document, entry, profile, self.problems)
            check_values(self.document, entry, profile, self.problems)
        return profile

    def _resolve(
        self, library: ProfileLibrary, name: str, overrides: Mapping[str, Any], at: Path
    ) -> Profile | None:
        if name in self._refused and not overrides:
            return None
        try:
            return library.resolve(name, overrides, document=self.document, at=at)
        except ConfigError as error:
            self.problems.extend(error.problems)
            if not overrides and name in library:  # the problems are those of the profile: told once
                self._refused.add(name)
            return None

    def _compare(self, entries: list[Placed]) -> Listening:
        """Report names and places that two devices have; the listeners of all."""
        names = [(entry.file.name, entry.places.count) for entry in entries]
        for entry, (template, count) in zip(entries, names, strict=True):
            if (twice := duplicate_within(template, count)) is not None:
                message = (
                    f"{count} devices are named {show(template.text)}, devices {twice[1]} and {twice[0]} "
                    f"both {show(entry.name(twice[0]))}, expected {{i}} or {{n}} to tell them apart"
                )
                self._report(("devices", entry.index, "name"), message)
        for same in duplicates_between(names):
            self._report_name(entries[same.group], same.device, entries[same.other], same.other_device)
        listening = plan_listening(
            [Wanted(entry.places, entry.file.bind == "each", entry.file.unknown_unit) for entry in entries]
        )
        for hit in listening.collisions:
            self._report_place(
                entries[hit.group], hit.device, entries[hit.other], hit.other_device, hit.place
            )
        for one in listening.disagreements:
            self._report_disagreement(entries[one.group], entries[one.other], one.endpoint)
        for clash in listening.clashes:
            self._report_clash(entries[clash.group], entries[clash.other], clash)
        return listening

    def _check_sharing(self, groups: Sequence[Group], listening: Listening) -> None:
        """Tell when groups differ about what they share."""
        for wrong in differences(groups, listening.listeners):
            whose = f"devices.{wrong.other} ({self._position(wrong.other)}), behind {wrong.endpoint} as well"
            what = "quirks of the connection differ" if wrong.key == "quirks" else f"{wrong.key} differs"
            path: Path = ("devices", wrong.group, wrong.key)
            if wrong.key not in self.document.data["devices"][wrong.group]:  # they are those of the profile
                path = ("devices", wrong.group, "profile")
            self._report(path, f"{what} from that of {whose}, expected the same")

    def _report_name(self, entry: Placed, i: int, other: Placed, j: int) -> None:
        whose = f"device {j} of devices.{other.index} ({self._position(other.index)})"
        message = f"device {i} is named {show(entry.name(i))}, the name of {whose}, expected another name"
        self._report(("devices", entry.index, "name"), message)

    def _report_place(self, entry: Placed, i: int, other: Placed, j: int, place: Place) -> None:
        whose = f"the place of {show(other.name(j))} ({self._position(other.index)})"
        message = f"{show(entry.name(i))} is at {place}, {whose}, expected a place of its own"
        self._report(("devices", entry.index, "endpoint"), message)

    def _report_clash(self, entry: Placed, other: Placed, clash: Clash) -> None:
        whose = f"{clash.other_endpoint} of devices.{other.index} ({self._position(other.index)})"
        message = f"endpoint is {clash.endpoint} beside {whose}, expected the same scheme and settings"
        self._report(("devices", entry.index, "endpoint"), message)

    def _report_disagreement(self, entry: Placed, other: Placed, endpoint: str) -> None:
        whose = (
            f"on the listener {endpoint} it shares with devices.{other.index} ({self._position(other.index)})"
        )
        message = f"unknown_unit is {entry.file.unknown_unit} {whose}, expected {other.file.unknown_unit} too"
        self._report(("devices", entry.index, "unknown_unit"), message)

    def _group(self, entry: Placed, profile: Profile, tls: TlsSettings | None) -> Group:
        file = entry.file
        return Group(
            index=entry.index,
            name=file.name,
            profile=profile,
            places=entry.places,
            tags=tuple(file.tags),
            parameters=file.parameters,
            values=file.values,
            bind_each=file.bind == "each",
            unknown_unit=file.unknown_unit or default_unknown_unit(file.endpoint.scheme),
            position=self._position(entry.index),
            tls=tls,
            allow=allow_list(file.allow),
            gateway=gateway_line(file.gateway),
        )

    def _position(self, index: int) -> str:
        line, column = self.document.place(("devices", index))
        return f"{self.document.file}:{line}:{column}"


def _overrides(entry: Entry) -> dict[str, Any]:
    """What a group lays over its profile."""
    if entry.file is None:
        return {}
    over = {"generators": entry.file.generators, "quirks": entry.file.quirks, "faults": entry.file.faults}
    return {key: value for key, value in over.items() if value}
