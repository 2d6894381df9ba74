"""One run of the load generator, and what it measured."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path


class LoadError(Exception):
    """The load generator could not run or did not end."""


@dataclass(frozen=True)
class Load:
    """What to put on a server."""

    connections: int = 1
    depth: int = 1
    mix: str = "fc3x10"
    data: str = "address"  # what the answers must hold: any, address, or a number
    options: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """``50 connections, 8 in flight``."""
        connections = f"{self.connections} connection{'s' if self.connections > 1 else ''}"
        return f"{connections}, {self.depth} in flight" if self.depth > 1 else connections

    def with_options(self, *options: str) -> Load:
        return replace(self, options=self.options + options)


@dataclass(frozen=True)
class Result:
    """What one run measured: times in µs, memory in KB, shares of one core."""

    requests: int
    requests_per_second: float
    errors: dict[str, int]
    p50: float
    p99: float
    worst: float
    cpu_us: float
    server_share: float
    load_share: float
    held: int
    open_at_end: int
    skipped: int
    connect_failures: int
    rss_before: int
    rss_connected: int
    rss_end: int

    def value(self, name: str) -> float:
        """One of the figures by its name."""
        return float(getattr(self, name))

    @property
    def wrong(self) -> str:
        """What went wrong, in words; empty when every answer was right."""
        faults = dict(self.errors)
        if self.connect_failures:
            faults["connect failures"] = self.connect_failures
        if not self.requests:
            faults["answers"] = 0
        return ", ".join(f"{count} {kind}" for kind, count in faults.items())


def run(
    program: Path,
    load: Load,
    targets: Sequence[str],
    pid: int,
    core: int,
    *,
    seconds: float,
    warmup: float = 0.3,
) -> Result:
    """Run the generator pinned to ``core`` against ``targets``, charging process ``pid``."""
    command = [
        str(program),
        "-c",
        str(load.connections),
        "-d",
        str(load.depth),
        "-m",
        load.mix,
        "-D",
        load.data,
    ]
    command += [
        "-C",
        str(core),
        "-p",
        str(pid),
        "-t",
        str(seconds),
        "-w",
        str(warmup),
        *load.options,
        *targets,
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds + warmup + 90, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"the load generator did not end: {' '.join(command)}") from error
    if done.returncode not in (0, 1):
        raise LoadError(f"the load generator ended with {done.returncode}: {done.stderr.strip()}")
    return parse(done.stdout)


def parse(text: str) -> Result:
    got = json.loads(text)
    return Result(
        requests=got["requests"],
        requests_per_second=got["requests_per_second"],
        errors=got["errors"],
        p50=got["latency_us"]["p50"],
        p99=got["latency_us"]["p99"],
        worst=got["latency_us"]["max"],
        cpu_us=got["server_cpu_us_per_request"],
        server_share=got["server_core_share"],
        load_share=got["load_core_share"],
        held=got["held"],
        open_at_end=got["open_at_end"],
        skipped=got["skipped"],
        connect_failures=got["connect_failures"],
        rss_before=got["rss_kb"]["before"],
        rss_connected=got["rss_kb"]["connected"],
        rss_end=got["rss_kb"]["end"],
    )
