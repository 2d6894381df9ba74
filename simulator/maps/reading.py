"""A register map as a profile.

One rule: a map is used as a whole or refused with everything that is wrong with it, each problem with its
line and column.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulator.profiles.loader import profile_in
from simulator.profiles.maps.addresses import Base
from simulator.profiles.maps.document import MapDocument, read_map
from simulator.profiles.profile import Profile


def load(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    columns: Sequence[str] | None = None,
    address_base: Base | None = None,
    device: str | None = None,
    encoding: str = "utf-8",
) -> Profile:
    """The profile that a register map describes; its name is that of the file unless another is given.

    ``columns`` names the columns of a CSV file that has no header (``"-"`` for one to pass over);
    ``address_base`` is 0, 1 or ``"modicon"`` where addresses should not be guessed; ``device`` picks one of
    several in a file.  Raises :class:`~simulator.errors.ConfigError` with every problem of the file.
    """
    document = read_map(path, columns=columns, address_base=address_base, device=device, encoding=encoding)
    return profile_of(document, name)


def read(path: str | os.PathLike[str], *, name: str | None = None, **options: Any) -> dict[str, Any]:
    """The same as the mapping that a profile file would hold, checked: for plant files made by programs.

    ``options`` are those of :func:`load`.  Raises :class:`~simulator.errors.ConfigError`.
    """
    document = read_map(path, **options)
    profile = profile_of(document, name)
    return {"name": profile.name, **{key: value for key, value in document.data.items() if key != "name"}}


def profile_of(document: MapDocument, name: str | None = None) -> Profile:
    """The profile of a map that has been read.  Raises ConfigError."""
    if name is not None:
        document.data["name"] = name
    return profile_in(document, Path(document.file).stem)
