"""``modsim forward SOURCE TARGET``: a listener in front of another device."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from simulator.cli import arguments as shared
from simulator.cli import asking, exits, service
from simulator.cli.status import Status, as_line

if TYPE_CHECKING:
    from simulator.config.endpoint import Endpoint

DESCRIPTION = f"""\
Listen at SOURCE and forward every request to the device at TARGET: Modbus TCP to a serial line, a serial
line to TCP, UDP to TLS, any pair. Requests go on as they are, whatever their function code; the answer
has the unit id and the transaction id of the request. A serial line is asked one thing at a time; the
same read that several clients wait for is sent once. A target that does not answer is exception 0x0B,
one that cannot be reached 0x0A, as with any gateway.

SOURCE is an endpoint as in a plant file (one address and port, or a line), TARGET a URL.
{asking.URLS}"""

EPILOG = """\
examples:
  modsim forward tcp://0.0.0.0:502 'rtu:/dev/ttyUSB0?baudrate=19200'      # TCP to serial
  modsim forward rtu:/dev/ttyUSB1 tcp://10.0.0.7                        # serial to TCP
  modsim forward tcp://127.0.0.1:5020 udp://10.0.0.7 --unit 17
  modsim forward rtu:pty tls://10.0.0.7 --ca ca.pem

exit codes:
  0   stopped by SIGTERM or SIGINT
  2   the command line is wrong
  69  SOURCE cannot be opened: taken, or not of this machine
  77  no permission"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """From where, to where."""
    parser.add_argument("source", metavar="SOURCE", help="where to listen, such as tcp://127.0.0.1:5020")
    asking.add_connection(parser, unit=False, traced=False)
    for action in parser._actions:
        if action.dest == "url":
            action.metavar, action.help = "TARGET", "the device, such as rtu:/dev/ttyUSB0"
    parser.add_argument(
        "--unit",
        "-u",
        type=int,
        metavar="N",
        help="send everything to this unit id, whatever clients ask for",
    )
    shared.add_running(parser)


def run(arguments: argparse.Namespace) -> int:
    """Forward until a signal ends it."""
    service.spare()
    return asking.told("forward", lambda: _forward(arguments))


def _forward(arguments: argparse.Namespace) -> int:
    from simulator.client.target import parse_url
    from simulator.config.endpoint import parse_endpoint
    from simulator.forwarding import listening_plan

    if arguments.unit is not None and not 0 <= arguments.unit <= 0xFF:
        raise ValueError(f"unit id is {arguments.unit}, expected 0 to 255")
    endpoint = parse_endpoint(arguments.source)
    listening_plan(endpoint)
    parse_url(arguments.url)
    return Forwarding(endpoint, arguments).run()


class Forwarding:
    """One reactor run: open, announce, forward, stop."""

    def __init__(self, endpoint: Endpoint, arguments: argparse.Namespace) -> None:
        from simulator.cli import logs, process

        self._reactor = process.install_reactor()
        log_stream = logs.begin_as(arguments)
        process.raise_descriptor_limit()
        from simulator.client.tx import TwistedClient
        from simulator.forwarding import Upstream
        from simulator.server.hub import Hub

        self._endpoint = endpoint
        self._arguments = arguments
        self._hub = Hub(self._reactor, compiled=False)
        client = TwistedClient(
            arguments.url,
            reactor=self._reactor,
            timeout=arguments.timeout,
            retries=arguments.retries,
            ca=arguments.ca,
            certificate=arguments.certificate,
            key=arguments.key,
            server_name=arguments.server_name,
        )
        self._upstream = Upstream(client, arguments.unit)
        self._failure: Exception | None = None
        self._service = service.Service(
            self._reactor,
            log_stream,
            stop=lambda reason: self._end(),
            status=self._status,
            line=lambda: as_line(self._status()),
            duration=arguments.duration,
        )

    def run(self) -> int:
        """Until a signal; raises what kept the source from being opened."""
        self._reactor.callWhenRunning(self._open)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._close)
        self._reactor.run()
        if self._arguments.ready_file:
            from simulator.cli import ready

            ready.remove_ready_file(self._arguments.ready_file)
        if self._failure is not None:
            raise self._failure
        return exits.OK

    def _open(self) -> None:
        from simulator.cli import process, ready
        from simulator.cli.streams import STDOUT
        from simulator.errors import BindError
        from simulator.forwarding import forward

        process.on_stop_signal(self._stop, self._stop)
        self._service.begin()
        try:
            port = forward(self._hub, self._endpoint, self._upstream)
        except (BindError, OSError) as error:
            self._failure = error
            self._reactor.stop()
            return
        if self._arguments.ready_file:
            ready.write_ready_file(self._arguments.ready_file, 1, [port.endpoint], process.age())
        STDOUT.write(f"ready: forwarding to {self._arguments.url}: {port.endpoint}\n")
        self._service.ready()

    def _status(self) -> Status:
        hub = self._hub
        return {"connections": len(hub.connections), "accepted": hub.accepted, "refused": hub.refused}

    def _stop(self, signal_name: str) -> None:
        self._reactor.callFromThread(self._end)

    def _end(self) -> None:
        if self._reactor.running:
            self._service.stopping()
            self._reactor.stop()

    def _close(self) -> Any:
        stopped = self._hub.stop()
        stopped.addBoth(lambda _: self._upstream.close())
        return stopped
