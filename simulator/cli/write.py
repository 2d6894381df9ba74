"""``modsim write URL PLACE VALUE …``: set a value of a device."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from simulator.cli import asking, exits, places

if TYPE_CHECKING:
    from simulator.cli.places import Place
    from simulator.client import Client

DESCRIPTION = f"""\
Write one value or several, one behind the other, to any Modbus device. A value is a number, a text,
on or off; it must fit the data type. With --profile it is scaled, and labels of the point are understood.

{places.HELP}

{asking.URLS}"""

EPILOG = f"""\
examples:
  modsim write tcp://127.0.0.1:5020 40001 1234
  modsim write tcp://127.0.0.1:5020 40010 21.5 --type float32 --verify
  modsim write tcp://127.0.0.1:5020 00001 on off on
  modsim write tcp://127.0.0.1:15030 --profile temperature-loop setpoint 180

{asking.EXIT_CODES}"""

TRUTH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where, what."""
    asking.add_connection(parser)
    places.add_places(parser, several=False)
    parser.add_argument("values", metavar="VALUE", nargs="+", help="a number, a text, on or off")
    parser.add_argument("--verify", action="store_true", help="read back, and fail when it is not the same")


def run(arguments: argparse.Namespace) -> int:
    """Write, print what stands there."""

    def work() -> int:
        (place,) = places.places_of(arguments, [arguments.place], len(arguments.values))
        values = [value_of(place, text) for text in arguments.values]
        _check(place, values)
        with asking.client_of(arguments) as client:
            _write(client, arguments, place, values)
            found = places.read(client, place) if arguments.verify else None
        return _report(arguments, place, values, found)

    return asking.told("write", work)


def value_of(place: Place, text: str) -> Any:
    """The value that a text means to a data type; ValueError when it means none."""
    if place.point is not None:
        return _number(text) if _is_number(text) else TRUTH.get(text.lower(), text)
    if place.kind.family == "bool":
        if text.lower() not in TRUTH:
            raise ValueError(f"value is {text!r}, expected on or off")
        return TRUTH[text.lower()]
    if place.kind.family in ("string", "raw", "bits") or not place.kind.is_numeric:
        return _number(text) if place.kind.family != "string" and _is_number(text) else text
    if not _is_number(text):
        raise ValueError(f"value is {text!r}, expected a number for {place.kind.name}")
    return _number(text)


def _check(place: Place, values: list[Any]) -> None:
    """Raise ValueError for what cannot be written, before anybody is asked."""
    if not place.table.is_writable:
        raise ValueError(f"{place.table.label} cannot be written, expected coil or holding_register")
    if place.point is None:
        for value in values:
            place.kind.encode_fitting(value)


def _write(client: Client, arguments: argparse.Namespace, place: Place, values: list[Any]) -> None:
    if place.point is not None:
        from simulator.client.devices import Device
        from simulator.profiles.loader import ProfileLibrary

        profile = ProfileLibrary(arguments.folder).get(arguments.profile)
        Device(client, profile).write(place.point.name, values if len(values) > 1 else values[0])
        return
    kind = place.kind
    length = kind.registers if kind.family in ("string", "raw", "bits") else None
    client.write(
        kind.name,
        place.address,
        values if len(values) > 1 else values[0],
        table=place.table.label,
        byte_order=arguments.byte_order.upper(),
        length=length,
    )


def _report(
    arguments: argparse.Namespace, place: Place, values: list[Any], found: places.Reading | None
) -> int:
    wanted = values if len(values) > 1 else values[0]
    if arguments.json:
        data = {"written": places.plain(wanted), "place": place.written}
        print(
            json.dumps(data | ({} if found is None else {"read": places.as_data(found)}), ensure_ascii=False)
        )
    elif found is None:
        print(f"wrote {places.shown(wanted)} to {place.written}")
    else:
        print(places.table_of([found]), end="")
    if found is not None and not _same(expected := places.held(place, values), found.value):
        text = f"{place.written} is {places.shown(found.value)}, expected {places.shown(expected)}"
        print(f"modsim write: {text}", file=sys.stderr)
        return exits.RUNTIME
    return exits.OK


def _same(wanted: Any, found: Any) -> bool:
    """Equal; what is not a number is the same as another that is not."""
    if isinstance(wanted, list) or isinstance(found, list):
        pairs = zip(_listed(wanted), _listed(found), strict=False)
        return len(_listed(wanted)) == len(_listed(found)) and all(_same(*pair) for pair in pairs)
    return bool(wanted == found or (wanted != wanted and found != found))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_number(text: str) -> bool:
    try:
        _number(text)
    except ValueError:
        return False
    return True


def _number(text: str) -> int | float:
    try:
        return int(text, 0)
    except ValueError:
        return float(text)
