"""How the world learns that a plant answers: the ready line and the ready file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress

SHOWN = 3  # endpoints in the ready line


def ready_line(devices: int, endpoints: Sequence[str], seconds: float, api: str | None = None) -> str:
    """``ready: 8 devices on 2 listeners in 0.31 s: tcp://127.0.0.1:5020, tcp://127.0.0.1:5021``.

    ``; API at http://127.0.0.1:8080`` follows where there is one.
    """
    shown = ", ".join(endpoints[:SHOWN])
    if len(endpoints) > SHOWN:
        shown += f", and {len(endpoints) - SHOWN} more"
    return (
        f"ready: {_counted(devices, 'device')} on {_counted(len(endpoints), 'listener')} "
        f"in {seconds:.2f} s: {shown}" + (f"; API at {api}\n" if api else "\n")
    )


def write_ready_file(
    path: str, devices: int, endpoints: Sequence[str], seconds: float, api: str | None = None
) -> None:
    """Write the facts as JSON, all at once: a reader sees the whole file or none."""
    facts = {
        "pid": os.getpid(),
        "devices": devices,
        "listeners": len(endpoints),
        "seconds": round(seconds, 3),
        "endpoints": list(endpoints),
        **({"api": api} if api else {}),
    }
    draft = f"{path}.{os.getpid()}"
    try:
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(facts, file)
            file.write("\n")
        os.replace(draft, path)
    except OSError as error:
        remove_ready_file(draft)
        raise OSError(error.errno, error.strerror, path) from error  # not the name of the draft


def remove_ready_file(path: str) -> None:
    """The plant no longer answers."""
    with suppress(OSError):
        os.unlink(path)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
