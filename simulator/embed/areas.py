"""Which addresses of a table exist; a plant from the arguments of a server.

The one rule: a server is a plant, so what its arguments mean is what a plant file would mean.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from simulator.config.endpoint import format_host
from simulator.config.loader import load_plant, parse_plant
from simulator.config.plant import PlantConfig
from simulator.protocol.codes import ADDRESSES, Table

DEVICE = "device"  # the name of the only one, and the beginning of the others'
_TABLES = ("coil", "discrete_input", "input_register", "holding_register")


@dataclass(frozen=True, slots=True)
class Area:
    """The addresses of a table: ``count`` from ``address`` on, or those of ``ranges``: ``["0-9", "20-29"]``.

    ``fill`` is what stands there first, ``share`` another table whose values this one shows.  ``signed`` says
    whether registers are signed where no encoding does; by default as the server has it.
    """

    count: int = ADDRESSES
    fill: int = 0
    address: int = 0
    ranges: str | Iterable[str | int] | None = None
    share: str | None = None
    signed: bool | None = None

    def described(self) -> dict[str, Any]:
        """The table as a profile has it."""
        if self.share is not None:
            return {"share": self.share}
        if self.ranges is not None:
            ranges = self.ranges if isinstance(self.ranges, str) else list(self.ranges)
            return {"block": "sparse", "ranges": ranges, "fill": self.fill}
        return {"block": "sequential", "address": self.address, "count": self.count, "fill": self.fill}


def endpoint_of(host: str, port: int) -> str:
    """The endpoint of a host and port, of a name its first address.  Raises OSError for an unknown name."""
    if not 0 <= port <= 0xFFFF:
        raise ValueError(f"port is {port!r}, expected 0 to 65535")
    bare = host.strip("[]")
    try:
        ip = ip_address(bare)
    except ValueError:
        found = socket.getaddrinfo(bare, None, type=socket.SOCK_STREAM)
        ip = ip_address(found[0][4][0])
    return f"tcp://{format_host(int(ip), ip.version == 6, bracket=True)}:{port}"


def plant_of_arguments(
    endpoint: str,
    *,
    units: int | str | Iterable[int],
    tables: Mapping[str, Area | int],
    profile: str | Mapping[str, Any] | None,
    signed: bool,
    identity: Mapping[str, Any],
    settings: Mapping[str, Any],
    limits: Mapping[str, Any],
) -> PlantConfig:
    """The plant of one group of devices.  Raises ConfigError with all that is wrong."""
    chosen = units if isinstance(units, int | str) else list(units)
    name = DEVICE if units == "any" or isinstance(chosen, int) else f"{DEVICE}-{{n}}"
    document: dict[str, Any] = {"name": "embedded"}
    if profile is None:
        profile = _profile(tables, signed, identity)
    if not isinstance(profile, str):
        document["profiles"] = {"embedded": dict(profile)}
        profile = "embedded"
    group = {"name": name, "profile": profile, "endpoint": endpoint, "unit_id": chosen}
    document["devices"] = [group | {key: value for key, value in settings.items() if value is not None}]
    document["limits"] = {key: value for key, value in limits.items() if value is not None}
    return parse_plant(json.dumps(document, default=str), file="ModbusServer")


def plant_of(source: str | os.PathLike[str] | Mapping[str, Any] | PlantConfig) -> PlantConfig:
    """The plant of a file, of a YAML text, or of a mapping as a file has it."""
    if isinstance(source, PlantConfig):
        return source
    if isinstance(source, Mapping):
        return parse_plant(json.dumps(source, default=str), file="ModbusServer.from_plant")
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith(("{", "devices:"))):
        return parse_plant(source, file="ModbusServer.from_plant")
    return load_plant(source)


def signed_tables(tables: Mapping[str, Area | int], signed: bool) -> frozenset[Table]:
    """The tables whose registers are signed."""
    areas = {name: area if isinstance(area, Area) else Area(area) for name, area in tables.items()}
    return frozenset(
        table
        for table in (Table.INPUT_REGISTER, Table.HOLDING_REGISTER)
        if (signed if (own := areas[table.label].signed) is None else own)
    )


def _profile(tables: Mapping[str, Area | int], signed: bool, identity: Mapping[str, Any]) -> dict[str, Any]:
    areas = {name: area if isinstance(area, Area) else Area(area) for name, area in tables.items()}
    return {
        "signed": signed,
        "identity": dict(identity),
        "tables": {name: areas[name].described() for name in _TABLES if name in areas and areas[name].count},
    }
