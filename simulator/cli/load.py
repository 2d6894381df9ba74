"""``modsim load URL``: a swarm of pollers against any server."""

from __future__ import annotations

import argparse
import json
import re
import signal
import socket
import sys
from typing import TYPE_CHECKING

from simulator.cli import exits

if TYPE_CHECKING:
    from simulator.load.plan import Plan, Target
    from simulator.load.swarm import Outcome

DESCRIPTION = """\
Load any Modbus server with a swarm of pollers and report what it does: answers a second, latencies
with percentiles and a histogram, errors by kind (timeouts, refusals, exceptions by code, answers that
are wrong), and whether this load generator was itself the limit.

With --rate the load is open: requests are due by the clock, whether the server keeps up or not, and
latencies count from when a request was due, so that a pause of the server shows in every request it
delayed. Without it the load is closed: every client sends when an answer makes room, which finds the
most that the server can do; a pause then shows in one request for each client only.

URL is tcp://HOST:PORT (Modbus TCP), udp://, tls://, or a framing of serial lines over TCP or UDP:
rtu+tcp://, ascii+tcp://, binary+tcp://, rtu+udp:// and so on. Ports and addresses may be ranges;
client i takes the i-th of them: tcp://127.0.0.1:20001-21000, tcp://10.0.0.1-10.0.0.50:502. A host may
be a name."""

EPILOG = """\
examples:
  modsim load tcp://127.0.0.1:5020                            # 10 clients, as fast as they can
  modsim load tcp://127.0.0.1:5020 --clients 100 --rate 10    # 100 pollers, 10 requests/s each
  modsim load tcp://10.0.0.7 --mix 3x10=9,16x2=1 --unit 1-32 --addresses 0-999
  modsim load tcp://127.0.0.1:5020 --depth 8 --duration 1m --json > result.json
  modsim load tcp://127.0.0.1:5020 --rate 100 --max-p99 50 --max-errors 0.1   # in a pipeline

exit codes:
  0   done, errors and latency within --max-errors and --max-p99
  1   more errors or a higher latency than allowed, or nobody could connect
  2   the command line is wrong"""

_URL = re.compile(r"(?P<scheme>[a-z+]+)://(?P<host>\[[^\]]*\]|[^:/?]*)(?::(?P<port>[0-9,-]+))?/?")
_IP = re.compile(r"[0-9.,/-]+|\[.*\]")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
MAX_TARGETS = 1_000_000


def duration(text: str) -> float:
    """Seconds of ``10``, ``500ms``, ``10s``, ``1m``, ``1h``."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"duration is {text!r}, expected such as 500ms, 10s, 1m or 1h")
    return float(match[1]) * _UNITS[match[2]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, how much, of what, and what to expect."""
    parser.add_argument("url", metavar="URL", help="the server, such as tcp://127.0.0.1:5020")
    how = parser.add_argument_group("how much")
    how.add_argument("--clients", "-c", type=int, default=10, metavar="N", help="default: 10")
    pace = how.add_mutually_exclusive_group()
    pace.add_argument("--rate", "-r", type=float, metavar="R", help="requests a second of each client")
    pace.add_argument("--total-rate", type=float, metavar="R", help="requests a second of all together")
    how.add_argument(
        "--arrivals",
        choices=("even", "poisson"),
        default="even",
        help="with a rate: evenly spaced (default), or at random as many independent pollers are",
    )
    how.add_argument(
        "--depth", "-d", type=int, default=1, metavar="N", help="requests in flight, each client (default: 1)"
    )
    how.add_argument("--duration", "-t", type=duration, default=10.0, metavar="TIME", help="default: 10s")
    how.add_argument(
        "--ramp",
        type=duration,
        default=0.0,
        metavar="TIME",
        help="time over which clients begin, before measuring begins (default: 0s)",
    )
    how.add_argument("--timeout", type=duration, default=1.0, metavar="TIME", help="default: 1s")
    way = parser.add_argument_group("tls")
    way.add_argument("--ca", metavar="PATH", help="who signs the server's certificate")
    way.add_argument("--certificate", metavar="PATH", help="the certificate of the clients")
    way.add_argument("--key", metavar="PATH", help="its key")
    way.add_argument("--server-name", metavar="HOST", help="the name in the server's certificate")
    what = parser.add_argument_group("what")
    what.add_argument(
        "--mix",
        default="3x10",
        metavar="MIX",
        help="requests as FUNCTIONxQUANTITY=WEIGHT, with commas: 3x10=9,16x2=1; functions by number or name "
        "(default: 3x10)",
    )
    what.add_argument("--addresses", default="0-99", metavar="RANGES", help="default: 0-99")
    what.add_argument("--unit", "-u", default="1", metavar="RANGES", help="unit ids (default: 1)")
    what.add_argument(
        "--order", choices=("random", "sequential"), default="random", help="of addresses (default: random)"
    )
    what.add_argument("--seed", type=int, default=1, metavar="N", help="of all randomness (default: 1)")
    result = parser.add_argument_group("the result")
    result.add_argument("--json", action="store_true", help="one object, latencies in milliseconds")
    result.add_argument(
        "--max-errors", type=float, default=0.0, metavar="PERCENT", help="of requests (default: 0)"
    )
    result.add_argument("--max-p99", type=float, metavar="MS", help="highest 99th percentile allowed")
    result.add_argument("--quiet", "-q", action="store_true", help="no live line on the terminal")


def run(arguments: argparse.Namespace) -> int:
    """Load the server, print the result."""
    from simulator.cli import process
    from simulator.errors import NetworkError
    from simulator.load.swarm import Swarm

    try:
        plan = plan_of(arguments)
        limit = process.raise_descriptor_limit()
        if plan.clients + 16 > limit:
            raise ValueError(
                f"{plan.clients} clients need {plan.clients + 16} descriptors, expected at most {limit}"
            )
        live = _Live(arguments.quiet)
        swarm = Swarm(plan, live=live if live.visible else None)
    except (ValueError, NetworkError) as error:
        print(f"modsim load: {error}", file=sys.stderr)
        return exits.USAGE if isinstance(error, ValueError) else exits.RUNTIME
    before = [(number, signal.signal(number, lambda *_: swarm.stop())) for number in process.STOP_SIGNALS]
    try:
        outcome = swarm.run()
    finally:
        for number, handler in before:
            signal.signal(number, handler)
        live.close()
    return _report(outcome, arguments)


def _report(outcome: Outcome, arguments: argparse.Namespace) -> int:
    from simulator.load import report, verdict

    if outcome.failure:
        print(f"modsim load: {outcome.plan.targets[0]}: {outcome.failure}", file=sys.stderr)
        return exits.RUNTIME
    wrong = verdict.exceeded(outcome, arguments.max_errors, arguments.max_p99)
    if arguments.json:
        print(json.dumps({**report.as_data(outcome), "exceeded": wrong}, indent=2, ensure_ascii=False))
    else:
        print(report.text(outcome), end="")
    for each in wrong:
        print(f"modsim load: {each}", file=sys.stderr)
    return exits.RUNTIME if wrong else exits.OK


def plan_of(arguments: argparse.Namespace) -> Plan:
    """The plan that the command line asks for; ValueError when there is none."""
    from simulator.documents.ranges import parse_ranges
    from simulator.load.plan import Plan, parse_mix

    rate = arguments.rate
    if arguments.total_rate is not None:
        rate = arguments.total_rate / max(arguments.clients, 1)
    return Plan(
        targets=tuple(targets_of(arguments.url)),
        clients=arguments.clients,
        rate=rate,
        arrivals=arguments.arrivals,
        depth=arguments.depth,
        duration_s=arguments.duration,
        ramp_s=arguments.ramp,
        timeout_s=arguments.timeout,
        mix=parse_mix(arguments.mix),
        addresses=parse_ranges(arguments.addresses, name="address", maximum=0xFFFF),
        units=parse_ranges(arguments.unit, name="unit id", maximum=0xFF),
        order=arguments.order,
        seed=arguments.seed,
        ca=arguments.ca,
        certificate=arguments.certificate,
        key=arguments.key,
        server_name=arguments.server_name,
    )


def targets_of(url: str) -> list[Target]:
    """Every address and port of a URL; ValueError when it is none that can be loaded, or HostUnknown."""
    from simulator.config.endpoint import format_host, parse_endpoint
    from simulator.config.schemes import SCHEMES
    from simulator.load.plan import Target

    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError(f"URL is {url!r}, expected such as tcp://127.0.0.1:5020")
    scheme = match["scheme"]
    if scheme in SCHEMES and SCHEMES[scheme].transport == "serial":
        raise ValueError(f"scheme is {scheme!r}, expected tcp, udp, tls, or a framing such as rtu+tcp")
    host = match["host"]
    if not _IP.fullmatch(host):
        host = _resolved(host)
    endpoint = parse_endpoint(f"{scheme}://{host}" + (f":{match['port']}" if match["port"] else ""))
    if endpoint.free_port or endpoint.everywhere:
        raise ValueError(f"URL is {url!r}, expected the address and port of a server")
    if endpoint.addresses * endpoint.port_count > MAX_TARGETS:
        raise ValueError(
            f"{url} has {endpoint.addresses * endpoint.port_count} places, expected {MAX_TARGETS} or less"
        )
    kind = SCHEMES[endpoint.scheme]
    ports = [port for first, last in endpoint.ports for port in range(first, last + 1)]
    return [
        Target(format_host(ip, endpoint.ipv6), port, kind.transport, kind.framing, endpoint.ipv6)
        for ip in range(endpoint.first_ip, endpoint.last_ip + 1)
        for port in ports
    ]


def _resolved(name: str) -> str:
    """The first address of a host name; HostUnknown when it has none."""
    from simulator.errors import HostUnknown

    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise HostUnknown(name, f"host is unknown: {reason}") from None
    address = str(found[0][4][0])
    return f"[{address}]" if found[0][0] == socket.AF_INET6 else address


class _Live:
    """The line that changes once a second, on a terminal only."""

    def __init__(self, quiet: bool) -> None:
        from simulator.cli.streams import STDERR

        self._stream = STDERR
        self.visible = not quiet and STDERR.is_terminal()
        self._drawn = False

    def __call__(self, snapshot: object) -> None:
        from simulator.cli.progress import CLEAR_LINE

        self._drawn = True
        self._stream.write(f"{CLEAR_LINE}{snapshot}")

    def close(self) -> None:
        """Wipe the line."""
        from simulator.cli.progress import CLEAR_LINE

        if self._drawn:
            self._stream.write(CLEAR_LINE)
