"""The scratch folder: the C programs and the peers' virtual environments are made here, once.

A program is compiled again when its source is newer.  What cannot be made is reported with the
command that would help and never silently left out.  Nothing outside the folder is written.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = Path(__file__).resolve().parent
PEERS = {  # name -> (what pip installs, server script)
    "pymodbus": ("pymodbus>=3,<4", "pymodbus_server.py"),
    "pyModbusTCP": ("pyModbusTCP", "pymodbustcp_server.py"),
    "uModbus": ("uModbus", "umodbus_server.py"),
}


class UnavailableError(Exception):
    """Something a scenario needs is not there; the message says what would help."""


def default_folder() -> Path:
    return Path(os.environ.get("MODSIM_BENCH_DIR") or ROOT / "build" / "bench")


class Workshop:
    """Makes programs and environments on demand; every method returns a command or a path."""

    def __init__(self, folder: Path, modsim: list[str] | None = None) -> None:
        self.folder = folder
        self._modsim = modsim
        for name in ("plants", "logs", "venvs"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def load(self) -> Path:
        """The load generator."""
        return self._compile("load", [])

    def floor(self) -> Path:
        """The server that does the least a core must do for a request."""
        return self._compile("floor_server", [])

    def libmodbus(self) -> Path:
        """The server on libmodbus."""
        if (
            shutil.which("pkg-config") is None
            or self._run(["pkg-config", "--exists", "libmodbus"]).returncode
        ):
            raise UnavailableError(
                "libmodbus is not installed, expected its headers: apt install libmodbus-dev pkg-config"
            )
        flags = self._run(["pkg-config", "--cflags", "--libs", "libmodbus"]).stdout.split()
        return self._compile("libmodbus_server", flags)

    def libmodbus_version(self) -> str:
        done = self._run(["pkg-config", "--modversion", "libmodbus"])
        return f"libmodbus {done.stdout.strip()}" if not done.returncode else "libmodbus absent"

    def peer(self, name: str) -> list[str]:
        """The command that runs a peer's server script in the environment made for it."""
        return [str(self.environment(name, PEERS[name][0])), str(SOURCES / "servers" / PEERS[name][1])]

    def modsim(self) -> list[str]:
        """The command that runs this project: as told, from the usual environment, or from one made here."""
        if self._modsim:
            return self._modsim
        for prefix in (os.environ.get("VIRTUAL_ENV"), ROOT / ".venv"):
            if prefix and (Path(prefix) / "bin" / "modsim").exists():
                return [str(Path(prefix) / "bin" / "modsim")]
        return [str(self.environment("modsim", str(ROOT)).parent / "modsim")]

    def certificates(self) -> Path:
        """A folder with certificates for a server and its clients, made by this project."""
        folder = self.folder / "certificates"
        if not (folder / "server.pem").exists():
            done = self._run([*self.modsim(), "certs", str(folder), "--days", "3650"])
            if done.returncode:
                raise UnavailableError(f"no certificates: {done.stderr.strip()[-400:]}")
        return folder

    def environment(self, name: str, requirement: str) -> Path:
        """The interpreter of a virtual environment that has this requirement."""
        folder = self.folder / "venvs" / name
        python, stamp = folder / "bin" / "python", folder / ".installed"
        if stamp.exists() and stamp.read_text() == requirement:
            return python
        print(f"making an environment for {name}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        done = self._run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement],
            timeout=600,
        )
        if done.returncode:
            raise UnavailableError(f"pip cannot install {requirement}: {done.stderr.strip()[-400:]}")
        stamp.write_text(requirement)
        return python

    def _compile(self, name: str, flags: list[str]) -> Path:
        program = self.folder / name
        newest = max(path.stat().st_mtime for path in SOURCES.glob("*.[ch]"))
        if program.exists() and program.stat().st_mtime > newest:
            return program
        compiler = next((found for found in map(shutil.which, ("cc", "gcc")) if found), None)
        if compiler is None:
            raise UnavailableError("there is no C compiler, expected cc or gcc: apt install gcc libc6-dev")
        source = str(SOURCES / f"{name}.c")
        done = self._run([compiler, "-O2", "-Wall", "-Wextra", "-o", str(program), source, *flags])
        if done.returncode:
            raise UnavailableError(f"{name}.c does not compile: {done.stderr.strip()[-2000:]}")
        return program

    @staticmethod
    def _run(command: list[str], timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
