"""The file by which clients on this machine find a running plant.

One file for each plant, in a folder of the user's own: ``$XDG_RUNTIME_DIR/modsim``, or ``modsim-UID`` in the
folder for temporary files.  The one rule: the token in it is for this user only, so a folder that others may
look into, or that is not ours, is not used.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Running(NamedTuple):
    """A plant that runs."""

    url: str
    name: str
    pid: int
    token: str | None


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the files are."""
    own = environ.get("XDG_RUNTIME_DIR")
    return Path(own) / "modsim" if own else Path(tempfile.gettempdir()) / f"modsim-{os.getuid()}"


def leave(running: Running, environ: Mapping[str, str] = os.environ) -> Path:
    """Write the file of a plant.  Raises OSError."""
    place = folder(environ)
    with suppress(FileExistsError):
        place.mkdir(mode=0o700)
    _check(place)
    file, draft = place / f"{running.pid}.json", place / f".{running.pid}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        json.dump(running._asdict(), stream)
    os.replace(draft, file)
    return file


def running(environ: Mapping[str, str] = os.environ) -> list[Running]:
    """The plants that run; what plants left that have ended is taken away."""
    place, found = folder(environ), []
    try:
        _check(place)
        files = sorted(place.glob("*.json"))
    except OSError:
        return []
    for file in files:
        with suppress(OSError, ValueError, KeyError, TypeError):
            facts = json.loads(file.read_text(encoding="utf-8"))
            one = Running(**facts)
            if _lives(one.pid):
                found.append(one)
            else:
                file.unlink()
    return found


def _check(place: Path) -> None:
    """Raises PermissionError for a folder that is not ours alone."""
    facts = place.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise PermissionError(1, "not a folder of this user alone, expected mode 0700", str(place))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
