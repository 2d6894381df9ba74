"""``modsim watch URL PLACE …``: values of a device, again and again."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.cli import asking, exits, places

if TYPE_CHECKING:
    from simulator.cli.places import Place, Reading
    from simulator.client import Client

DESCRIPTION = f"""\
Read values of any Modbus device at an interval, until Ctrl-C: a line for each value that changed. What
the device refuses or does not answer is a line, too, and watching goes on.

{places.HELP}

{asking.URLS}"""

EPILOG = f"""\
examples:
  modsim watch tcp://127.0.0.1:5020 40001 40002
  modsim watch tcp://127.0.0.1:15021 --profile energy-meter voltage_l1 --interval 500ms
  modsim watch tcp://127.0.0.1:5020 30001 --type float32 --all --json | jq .value
  modsim watch tcp://127.0.0.1:5020 hr:0 --rounds 10

{asking.EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where, what, how often."""
    asking.add_connection(parser)
    places.add_places(parser)
    parser.add_argument("--count", "-c", type=int, default=1, metavar="N", help="values at each place")
    parser.add_argument(
        "--interval", "-i", type=asking.seconds, default=1.0, metavar="TIME", help="default: 1s"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="end after so many rounds")
    parser.add_argument("--all", "-a", action="store_true", help="every value of every round")


def run(arguments: argparse.Namespace) -> int:
    """Read and print until it is enough."""

    def work() -> int:
        wanted = places.places_of(arguments, arguments.places, arguments.count)
        client = asking.client_of(arguments)
        try:
            return Watching(client, wanted, arguments).run()
        except KeyboardInterrupt:
            return exits.OK
        finally:
            client.close()

    return asking.told("watch", work)


class Watching:
    """Rounds at fixed times; one that takes too long is followed by the next one due."""

    def __init__(self, client: Client, wanted: list[Place], arguments: argparse.Namespace) -> None:
        self._client = client
        self._wanted = wanted
        self._arguments = arguments
        self._seen: dict[int, Any] = {}
        self._width = max(len(place.written) for place in wanted)

    def run(self) -> int:
        """The exit code: 1 when the last round failed."""
        began, rounds, beat = time.monotonic(), 0, 0
        while True:
            failed = False
            for index, place in enumerate(self._wanted):
                failed = not self._look(index, place) or failed
            sys.stdout.flush()
            rounds += 1
            if self._arguments.rounds is not None and rounds >= self._arguments.rounds:
                return exits.RUNTIME if failed else exits.OK
            passed = time.monotonic() - began
            beat = max(beat + 1, int(passed / max(self._arguments.interval, 1e-3)))
            time.sleep(max(0.0, beat * self._arguments.interval - passed))

    def _look(self, index: int, place: Place) -> bool:
        """Read one place and print it when it has changed; False when it could not be read."""
        from simulator.errors import ModbusException, NetworkError, ProtocolError

        reading: Reading | None = None
        try:
            reading = places.read(self._client, place)
            now = reading.value
        except ModbusException as error:
            now = asking.refusal(error)
        except (NetworkError, ProtocolError) as error:
            now = str(error)
        if self._arguments.all or index not in self._seen or self._seen[index] != (reading is None, now):
            self._print(place, reading, now)
        self._seen[index] = (reading is None, now)
        return reading is not None

    def _print(self, place: Place, reading: Reading | None, now: Any) -> None:
        at = datetime.now().astimezone()
        if self._arguments.json:
            data = {"time": at.isoformat(timespec="milliseconds"), "place": place.written}
            print(json.dumps(data | ({"error": now} if reading is None else places.as_data(reading))))
            return
        unit = place.point.unit_of_measurement if place.point is not None else ""
        text = f"! {now}" if reading is None else places.shown(now, unit)
        print(f"{at:%H:%M:%S}.{at.microsecond // 1000:03}  {place.written:<{self._width}}  {text}")
