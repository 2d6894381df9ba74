"""The documentation is true: its files load, its commands print what it shows, and it leaves nothing out.

Fenced blocks, by what follows the fence:

* ``yaml NAME.yaml``   a plant file or profile: written to the document's folder, and loaded
* ``yaml``             a plant file (it has ``devices``) or a profile: loaded
* ``yaml plant-part``, ``yaml profile-part``, ``yaml point``, ``yaml generator``: a piece of one, loaded
                       inside the smallest whole it fits into
* ``python NAME.py``   written to the document's folder, for a command to run or a generator to import
* ``csv NAME.csv``     written to the document's folder, for a generator to play
* ``console``          ``$ commands`` and what they print, where ``…`` stands for anything; a plant that is
                       started runs until ``^C`` or the end of the document
* ``sh``               commands that change the machine: not run

Documents run in a folder of their own, side by side with others: 127.0.0.1 becomes an address nobody else
uses, and the port of ``configs/plant.yaml`` that is bound on all addresses becomes a free one.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from simulator.cli import exits
from simulator.cli.completion import commands
from simulator.config import clock as plant_clock
from simulator.config import control as plant_control
from simulator.config import faults as plant_faults
from simulator.config import gateway, serial_line
from simulator.config import schema as plant_schema
from simulator.config import scripts as plant_scripts
from simulator.config import security as plant_security
from simulator.config import selection as plant_selection
from simulator.config import state as plant_state
from simulator.config import timelines as plant_timelines
from simulator.config import unsupported as plant_refusals
from simulator.config.loader import parse_plant
from simulator.config.schemes import SCHEMES
from simulator.control.verbs import TABLE as OPERATIONS
from simulator.datatypes import DATA_TYPES
from simulator.documents.models import FileModel
from simulator.documents.yaml import read_text
from simulator.faults import files as fault_files
from simulator.generators.registry import make, types
from simulator.profiles import quirks as profile_quirks
from simulator.profiles import reaction_files
from simulator.profiles import schema as profile_schema
from simulator.profiles import unsupported as profile_refusals
from simulator.profiles.loader import ProfileLibrary
from simulator.protocol.diagnostics import Diagnostic

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
DOCUMENTS = [ROOT / "README.md", *sorted(path for path in DOCS.rglob("*.md") if path.name != "benchmarks.md")]
PATIENCE_S = 60
WILDCARD_PORT = ":15070"
LINE = "/tmp/modsim-line"
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.M | re.S)
addresses = (f"127.{os.getpid() // 200 % 100 + 100}.{os.getpid() % 200 + 1}.{n}" for n in itertools.count(1))


class Block:
    """A fenced block: its language, the word behind it, its text, the line it begins at."""

    def __init__(self, document: Path, match: re.Match[str]) -> None:
        self.language, _, self.word = match["info"].strip().partition(" ")
        self.text = match["body"]
        line = document.read_text().count("\n", 0, match.start()) + 1
        self.place = f"{document.relative_to(ROOT)}:{line}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return int(probe.getsockname()[1])


def blocks(document: Path) -> list[Block]:
    return [Block(document, match) for match in FENCE.finditer(document.read_text())]


class Session:
    """One document being worked through in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = next(addresses)
        self.port = free_port()
        self.code = 0
        self.running: list[subprocess.Popen[str]] = []
        for name in ("configs",):
            shutil.copytree(ROOT / name, folder / name)
        for file in (folder / "configs").glob("*.yaml"):
            file.write_text(self.inward(file.read_text()))
        binaries = folder / ".bin"
        binaries.mkdir()
        self._script(binaries / "modsim", f'exec "{sys.executable}" -m simulator "$@"')
        self._script(binaries / "python", f'exec "{sys.executable}" "$@"')
        path = f"{binaries}:{os.environ['PATH']}"
        self.environment = {
            **os.environ,
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "100",
            "XDG_RUNTIME_DIR": str(folder),
        }
        self.environment |= {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "simulator.pytest_plugin",
        }

    def _script(self, path: Path, line: str) -> None:
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def inward(self, text: str) -> str:
        text = text.replace("127.0.0.1", self.address).replace(WILDCARD_PORT, f":{self.port}")
        return text.replace(LINE, str(self.folder / "line"))

    def outward(self, text: str) -> str:
        text = text.replace(self.address, "127.0.0.1").replace(str(self.folder / "line"), LINE)
        return text.replace(str(ROOT), "…").replace(str(self.folder), "…")

    def write(self, block: Block) -> None:
        (self.folder / block.word).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / block.word).write_text(self.inward(block.text))

    def console(self, block: Block) -> None:
        """Run the commands of a block one after the other and compare what they print."""
        for step in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
            command, _, expected = step.partition("\n")
            interrupt = expected.rstrip().endswith("^C")
            expected = expected.rstrip().removesuffix("^C").rstrip()
            if shutil.which(command.split()[0], path=self.environment["PATH"]) is None:
                continue  # a foreign client that is not installed here
            printed = self.outward(self.run(command)).rstrip()
            assert matches(expected, printed), (
                f"{block.place}: $ {command}\n--- shown\n{expected}\n--- printed\n{printed}"
            )
            if interrupt:
                assert self.stop(self.running.pop()) == 0, f"{block.place}: {command} did not end well"

    def run(self, command: str) -> str:
        if command == "echo $?":
            return str(self.code)
        process = subprocess.Popen(
            ["bash", "-c", f"exec {self.inward(command)}" if serves(command) else self.inward(command)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        if serves(command):
            readable, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
            line = process.stdout.readline() if readable else ""
            if line.startswith("ready"):
                self.running.append(process)
                return line
            return line + self._ended(process)
        return self._ended(process)

    def _ended(self, process: subprocess.Popen[str]) -> str:
        printed, _ = process.communicate(timeout=PATIENCE_S)
        self.code = process.returncode
        return printed

    def stop(self, process: subprocess.Popen[str]) -> int:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        return process.returncode


def serves(command: str) -> bool:
    return re.match(r"modsim (--config|-c|run|serve|forward)\b(?!.*--help)", command) is not None


def matches(expected: str, printed: str) -> bool:
    """Compare as a whole; a line of ``…`` stands for any lines, elsewhere ``…`` stands for any text."""
    pattern = ""
    for line in expected.split("\n"):
        if line.strip() == "…":
            pattern += r"(?:.*\n)*"
        else:
            pattern += ".*".join(
                re.escape(part.rstrip() if part == line else part) for part in line.split("…")
            )
            pattern += r" *\n"
    return re.fullmatch(pattern, printed + "\n") is not None


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    running = Session(tmp_path)
    yield running
    for process in running.running:
        process.kill()
        process.communicate()


def load(block: Block, folder: Path) -> None:
    """Load a YAML block as what it is; whatever is wrong with it is raised."""
    data = read_text(block.text, file=block.place).data
    file = str(folder / "example.yaml")
    if block.word == "plant-part":
        if "devices" not in data:
            block.text += 'devices: [{name: d, profile: generic, endpoint: "tcp://127.0.0.1:5020"}]\n'
        parse_plant(block.text, file=file)
    elif block.word == "generator":
        make(data, {"rated_power": 1.0}, str(folder))
    elif block.word == "point":
        ProfileLibrary(inline={"example": {"points": data}}).get("example")
    elif block.word == "profile-part":
        whole = {"points": {"p": {"table": "holding_register", "address": 0}}, **data}
        ProfileLibrary(inline={"example": whole}).get("example")
    elif "devices" in data:
        parse_plant(block.text, file=file)
    else:
        assert "points" in data or "extends" in data, f"{block.place}: neither plant file nor profile"
        ProfileLibrary(inline={"example": data}).get("example")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_shows_is_what_happens(document: Path, session: Session) -> None:
    for block in blocks(document):
        assert block.language in ("yaml", "python", "csv", "console", "sh", "text", "json"), block.place
        if block.language in ("yaml", "python", "csv") and "." in block.word:
            session.write(block)
        if block.language == "yaml":
            load(block, session.folder)
        if block.language == "console":
            session.console(block)
    assert [session.stop(process) for process in session.running] == [0] * len(session.running)
    session.running.clear()


def section(document: Path, heading: str) -> str:
    """The text below a heading, up to the next of its level or above; "" when there is none."""
    text = document.read_text()
    match = re.search(rf"^(#+) {re.escape(heading)}$", text, re.M)
    if match is None:
        return ""
    rest = text[match.end() :]
    following = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.M)
    return rest[: following.start()] if following else rest


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_every_verb_and_flag_is_in_the_reference(command) -> None:
    text = section(REFERENCE / "cli.md", f"modsim {command.name}")
    assert text, f"docs/reference/cli.md has no heading 'modsim {command.name}'"
    missing = [
        option for option in command.options if option not in ("-h", "--help") and f"`{option}" not in text
    ]
    assert missing == []


def test_every_exit_code_is_in_the_reference() -> None:
    text = section(REFERENCE / "cli.md", "Exit codes")
    assert [code for code in exits.MEANINGS if f"| {code} |" not in text] == []


@pytest.mark.parametrize("name", types())
def test_every_generator_and_key_is_in_the_reference(name: str) -> None:
    text = section(REFERENCE / "generators.md", name)
    assert text, f"docs/reference/generators.md has no heading '{name}'"
    common = {"interval", "noise"}
    keys = [field.name.rstrip("_") for field in dataclasses.fields(types()[name]) if field.name not in common]
    assert [key for key in keys if f"`{key}`" not in text] == []


FAULT_MODELS = (fault_files.RuleFile, fault_files.CorruptFile, fault_files.SplitFile, fault_files.FlapFile)


def models(module: ModuleType) -> list[type[FileModel]]:
    found = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, FileModel)]
    return [each for each in found if each.__module__ == module.__name__]


@pytest.mark.parametrize(
    ("document", "model"),
    [
        ("plant-file.md", model)
        for model in [*models(plant_schema), *models(plant_clock), *models(plant_security)]
    ]
    + [
        ("plant-file.md", model)
        for model in [*models(plant_scripts), *models(plant_state), *models(plant_control)]
    ]
    + [("profile.md", model) for model in models(profile_schema)]
    + [("reactions.md", model) for model in models(reaction_files)]
    + [("faults.md", model) for model in FAULT_MODELS]
    + [("scenarios.md", model) for model in [plant_selection.SelectionFile, *models(plant_timelines)]]
    + [("quirks.md", model) for model in [*models(gateway), *models(profile_quirks)]],
)
def test_every_key_of_a_file_is_in_the_reference(document: str, model: type[FileModel]) -> None:
    text = (REFERENCE / document).read_text().partition("## Reserved keys")[0]
    assert [key for key in model.model_fields if f"`{key.rstrip('_')}`" not in text] == []


@pytest.mark.parametrize(
    ("document", "refused"),
    [
        ("plant-file.md", plant_refusals.PLANT | plant_refusals.GROUP),
        ("profile.md", profile_refusals.UNSUPPORTED),
    ],
)
def test_the_reserved_keys_are_those_that_are_refused(document: str, refused: set[str]) -> None:
    text = section(REFERENCE / document, "Reserved keys")
    assert set(re.findall(r"`([a-z_]+)`", text)) == refused


@pytest.mark.parametrize(
    ("above", "name"),
    [("When", field.alias or name) for name, field in plant_faults.PlantWhenFile.model_fields.items()]
    + [("Then", name) for name in fault_files.ThenFile.model_fields],
)
def test_every_key_and_kind_of_fault_has_a_heading(above: str, name: str) -> None:
    assert f"\n### {name}\n" in section(REFERENCE / "faults.md", above)


def test_every_scheme_and_option_of_an_endpoint_is_in_the_reference() -> None:
    text = section(REFERENCE / "plant-file.md", "Endpoints")
    written = [
        f"`{name}:`" if kind.transport == "serial" else f"`{name}://`" for name, kind in SCHEMES.items()
    ]
    options = [f"| `{name}` |" for name in (*serial_line.OPTIONS, "link")]
    assert [each for each in written + options if each not in text] == []


def test_every_sub_function_is_in_the_reference() -> None:
    text = section(REFERENCE / "diagnostics.md", "Function 8")
    assert [sub.name for sub in Diagnostic if f"| {sub.value} |" not in text] == []


def test_every_data_type_is_in_the_reference() -> None:
    text = section(REFERENCE / "profile.md", "Data types")
    assert [name for name in DATA_TYPES if f"`{name}`" not in text] == []


def test_every_shipped_profile_is_in_the_reference() -> None:
    library = ProfileLibrary()
    found = [library.get(name) for name in library.names()]
    rows = [f"| `{each.name}` | {len(each.points) or 'none'} | {each.description} |" for each in found]
    shown = (REFERENCE / "library.md").read_text().splitlines()
    assert [row for row in rows if row not in shown] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_document_is_reachable_from_the_map() -> None:
    text = (DOCS / "index.md").read_text()
    found = [path for path in DOCS.rglob("*.md") if path.name != "index.md"]
    assert [path.name for path in found if str(path.relative_to(DOCS)) not in text] == []


@pytest.mark.parametrize("action", plant_timelines.ACTIONS)
def test_every_step_of_a_scenario_has_a_heading(action: str) -> None:
    assert section(REFERENCE / "scenarios.md", action)


@pytest.mark.parametrize("verb", OPERATIONS, ids=lambda verb: verb.name)
def test_every_operation_and_argument_is_in_the_reference(verb) -> None:
    text = section(REFERENCE / "http-api.md", "Operations")
    (row,) = re.findall(rf"^\| `{verb.name}` \|.*$", text, re.M)
    assert f"| `{verb.method} {verb.path}` |" in row
    assert [each.name for each in verb.parameters if f"`{each.name}`" not in row] == []
