"""What this machine is, for the head of the report, and how it is shared between server and load."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path

PRIORITY = -15
QUIET = 0.5  # load average of a machine with nothing to do but this


def cores() -> tuple[int, int]:
    """The server's core and the other one (the same where there is only one)."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], usable[0]


def raise_descriptors() -> int:
    """Lift the soft limit of open files to the hard one, for us and all we start; return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def versions(python: Path, packages: Sequence[str]) -> list[str]:
    """``name version`` of each package the interpreter knows; none when it is not there."""
    if not python.exists():
        return []
    code = (
        "import importlib.metadata as m, sys\n"
        "for name in sys.argv[1:]:\n"
        "    try: print(name, m.version(name))\n"
        "    except m.PackageNotFoundError: pass\n"
    )
    done = subprocess.run([python, "-c", code, *packages], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def take_precedence() -> bool:
    """Put us, and all we start, before the other programs of the machine; False without the right to."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    except OSError:
        return False
    return True


def busy() -> str:
    """A warning when other programs are at work; empty when the machine is quiet."""
    load = os.getloadavg()[0]
    if load < QUIET:
        return ""
    return f"load average {load:.2f} at the start, expected below {QUIET}: other programs disturbed the run"


def describe(descriptors: int) -> list[str]:
    server, load = cores()
    return [
        f"Processor: {processor()}, {os.cpu_count()} cores, {memory_gb():.0f} GB of memory",
        f"System: {platform.system()} {platform.release()}, {descriptors} descriptors a process",
        f"Python {platform.python_version()}; server on core {server}, load on the same or on core {load}",
    ]
