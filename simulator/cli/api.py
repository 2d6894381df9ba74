"""Where a serving verb offers the API: what ``--http`` says, else the plant file, else nowhere.

Rule: a token never stands on a command line, where others can read it; it comes from the file or from
``MODSIM_TOKEN``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.config.control import ControlSettings
    from simulator.config.plant import PlantConfig

VARIABLE = "MODSIM_TOKEN"


def settings_of(
    config: PlantConfig, http: tuple[str, int] | None, environ: Mapping[str, str] = os.environ
) -> ControlSettings | None:
    """The settings of the API, None for none.  Raises ValueError for an address that needs a token."""
    from simulator.config.control import NO_TOKEN, ControlSettings, parse_token

    if http is None:
        return config.control
    token = None if config.control is None else config.control.token
    try:
        settings = ControlSettings(*http, token or parse_token(environ.get(VARIABLE)))
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from None
    if settings.is_open:
        raise ValueError(f"--{NO_TOKEN.format(host=settings.host)}: control.token or {VARIABLE}")
    return settings
