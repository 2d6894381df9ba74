"""The table of verbs.

A verb is a module with ``add_arguments(parser)`` and ``run(arguments) -> int``, named here once with
the line the front page shows.  Modules are imported when their verb is asked for, and import what
is heavy (twisted, pydantic, numpy) inside ``run`` only, so that help and completion stay instant.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import NamedTuple, Protocol, cast


class VerbModule(Protocol):
    """What a verb's module offers."""

    DESCRIPTION: str
    EPILOG: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Carry the verb out; return the exit code."""


class Verb(NamedTuple):
    """A word after ``modsim``, its line in the front page's list and the module that carries it out."""

    name: str
    summary: str
    module: str
    serves: bool = False  # until it is stopped; its options may stand in the environment

    def load(self) -> VerbModule:
        """The verb's module, imported now."""
        return cast(VerbModule, import_module(self.module))


VERBS = {
    verb.name: verb
    for verb in (
        Verb("run", "start a plant and serve it until stopped", "simulator.cli.run", True),
        Verb("serve", "serve one device with every address, without a file", "simulator.cli.serve", True),
        Verb("check", "validate a plant file and preflight it on this machine", "simulator.cli.check"),
        Verb("explain", "a point down to its frame, or all of a device", "simulator.cli.explain"),
        Verb("profiles", "list the profiles, or show one", "simulator.cli.profiles"),
        Verb("ctl", "operate a running plant over its API", "simulator.cli.ctl"),
        Verb("import", "make a profile of a register map: CSV, JSON, XML", "simulator.cli.importing"),
        Verb("schema", "print the JSON Schema of the plant file or the profile", "simulator.cli.schema"),
        Verb("init", "write a commented plant file to start from", "simulator.cli.init"),
        Verb("certs", "make certificates for tests of Modbus/TCP Security", "simulator.cli.certs"),
        Verb("read", "read values of any device", "simulator.cli.read"),
        Verb("write", "write values to any device", "simulator.cli.write"),
        Verb("watch", "read values of any device again and again", "simulator.cli.watch"),
        Verb("identify", "ask a device what it is", "simulator.cli.identify"),
        Verb("diagnose", "ask a device how it is doing, and time the way to it", "simulator.cli.diagnose"),
        Verb("health", "does a running plant answer? for health checks", "simulator.cli.health"),
        Verb("scan", "find unit ids and address ranges", "simulator.cli.scan"),
        Verb("export", "write the values of a device as a register map", "simulator.cli.exporting"),
        Verb("scrape", "make a profile of a live device", "simulator.cli.scrape"),
        Verb("repl", "talk to a device, interactively or from a script", "simulator.cli.repl"),
        Verb(
            "forward",
            "forward requests to another device: TCP to serial, any pair",
            "simulator.cli.forward",
            True,
        ),
        Verb("load", "load any server with a swarm of pollers", "simulator.cli.load"),
        Verb("decode", "explain frames from hexadecimal or a capture", "simulator.cli.decode"),
        Verb("frames", "print an example of every message in every framing", "simulator.cli.frames"),
        Verb("completion", "print a completion script for your shell", "simulator.cli.completion"),
    )
}
