"""``modsim certs DIR``: a test authority, server and client certificates with roles, and bad ones."""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from simulator.cli import exits
from simulator.cli.texts import exit_codes

if TYPE_CHECKING:
    from simulator.certificates import Authority, Pair

HOSTS = ("localhost", "127.0.0.1", "::1")
ROLES = ("operator", "engineer")
YEAR = 365  # days
LONG_AGO, LATER = 30, 3650  # days: how far what is expired or not yet valid lies off

DESCRIPTION = """\
Make everything that Modbus/TCP Security needs for tests: a certificate authority, a server certificate, a
client certificate for every role; and in DIR/bad certificates that must be refused: of clients (expired, not
yet valid, of another authority, without a role, with two roles) to test a server with, and of servers
(expired, not yet valid, of another authority, for another host) to test a client with. The bad server
certificates belong to DIR/server.key. Nothing that exists is replaced. The keys are not protected: they are
for tests only.

Needs the package cryptography: pip install modsim[tls]"""

EPILOG = f"""\
examples:
  modsim certs certs
  modsim certs certs --role viewer --role operator --host plant.example
  modsim certs certs --key-type rsa --days 30

{exit_codes()}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the files go, and what is in the certificates."""
    parser.add_argument("dir", metavar="DIR", help="the folder to write to; made when it does not exist")
    parser.add_argument(
        "--role",
        action="append",
        metavar="ROLE",
        help="a role to make a client certificate for; may be given several times "
        f"(default: {' and '.join(ROLES)})",
    )
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="HOST",
        help=f"a name or address of the server beside {', '.join(HOSTS)}; may be given several times",
    )
    parser.add_argument(
        "--days", type=int, default=YEAR, metavar="N", help=f"how long they are valid (default: {YEAR})"
    )
    parser.add_argument(
        "--key-type",
        choices=("ec", "rsa"),
        default="ec",
        help="ec: P-256, quick; rsa: 2048 bits, for old clients (default: ec)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the certificates, write them, say how to use them."""
    roles = list(dict.fromkeys(arguments.role or ROLES))
    problem = _problem(roles, arguments)
    if problem:
        print(f"modsim certs: {problem}", file=sys.stderr)
        return exits.USAGE
    try:
        files = list(_files(roles, arguments))
    except ImportError:
        print("modsim: certs needs the package cryptography: pip install modsim[tls]", file=sys.stderr)
        return exits.RUNTIME
    there = [path for name, _, _ in files if os.path.lexists(path := os.path.join(arguments.dir, name))]
    if there:
        print(f"modsim: {there[0]} exists and is kept; name another folder", file=sys.stderr)
        return exits.RUNTIME
    os.makedirs(os.path.join(arguments.dir, "bad"), exist_ok=True)
    for name, content, mode in files:
        path = os.path.join(arguments.dir, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    print(_usage(arguments.dir, roles, [name for name, _, _ in files]), end="")
    return exits.OK


def _problem(roles: Sequence[str], arguments: argparse.Namespace) -> str:
    """What is wrong with the arguments, "" for nothing."""
    for role in roles:
        if not re.fullmatch(r"[\w.-]{1,64}", role):
            return (
                f"role is {role!r}, expected letters, digits, '.', '-' and '_': it is part of a file's name"
            )
    for host in arguments.host:
        if not _is_host(host):
            return f"host is {host!r}, expected a name such as plant.example, or an address"
    if not 1 <= arguments.days <= LATER:
        return f"days is {arguments.days}, expected 1 to {LATER}"
    return ""


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return re.fullmatch(r"(?!-)[A-Za-z0-9*-]{1,63}(\.[A-Za-z0-9-]{1,63})*", host) is not None
    return True


def _files(roles: Sequence[str], arguments: argparse.Namespace) -> Iterator[tuple[str, bytes, int]]:
    """Name, content and mode of every file."""
    from datetime import UTC, datetime

    from simulator.certificates import Authority

    options: dict[str, Any] = {
        "now": datetime.now(UTC).replace(microsecond=0),
        "days": arguments.days,
        "key_type": arguments.key_type,
    }
    authority = Authority.make("modsim test authority", **options)
    stranger = Authority.make("another authority", **options)
    hosts = list(dict.fromkeys([*HOSTS, *arguments.host]))
    server = authority.server("modsim server", hosts)
    yield from _pair("ca", authority.pair)
    yield from _pair("server", server)
    for role in roles:
        yield from _pair(f"client-{role}", authority.client(f"client {role}", [role]))
    for name, pair in _bad_clients(authority, stranger, roles):
        yield from _pair(f"bad/client-{name}", pair)
    for name, pair in _bad_servers(authority, stranger, hosts, server.key):
        yield f"bad/server-{name}.pem", pair.certificate_pem(), 0o644
    yield "bad/another-ca.pem", stranger.pair.certificate_pem(), 0o644


def _bad_clients(
    authority: Authority, stranger: Authority, roles: Sequence[str]
) -> Iterator[tuple[str, Pair]]:
    first, second = roles[0], roles[1] if len(roles) > 1 else f"not-{roles[0]}"
    yield "expired", authority.client("expired client", [first], first_day=-2 * LONG_AGO, last_day=-LONG_AGO)
    yield "not-yet-valid", authority.client("early client", [first], first_day=LATER, last_day=LATER + YEAR)
    yield "wrong-ca", stranger.client("client of another authority", [first])
    yield "no-role", authority.client("client without a role")
    yield "two-roles", authority.client("client with two roles", [first, second])


def _bad_servers(
    authority: Authority, stranger: Authority, hosts: Sequence[str], key: Any
) -> Iterator[tuple[str, Pair]]:
    early = {"first_day": LATER, "last_day": LATER + YEAR}
    late = {"first_day": -2 * LONG_AGO, "last_day": -LONG_AGO}
    yield "expired", authority.server("expired server", hosts, key=key, **late)
    yield "not-yet-valid", authority.server("early server", hosts, key=key, **early)
    yield "wrong-ca", stranger.server("server of another authority", hosts, key=key)
    yield "wrong-host", authority.server("server elsewhere", ["elsewhere.invalid"], key=key)


def _pair(name: str, pair: Pair) -> Iterator[tuple[str, bytes, int]]:
    yield f"{name}.pem", pair.certificate_pem(), 0o644
    yield f"{name}.key", pair.key_pem(), 0o600


def _usage(folder: str, roles: Sequence[str], names: Sequence[str]) -> str:
    """What was made, and how to use it."""
    rules = [f"    {role}: {{{'functions: 1-4' if place == 0 else ''}}}" for place, role in enumerate(roles)]
    lines = [
        f"wrote {len(names)} files to {folder}",
        "",
        "in the plant file (paths are relative to it; change what the roles may do):",
        "",
        "tls:",
        f"  certificate: {folder}/server.pem",
        f"  key: {folder}/server.key",
        f"  ca: {folder}/ca.pem",
        "  roles:",
        *rules,
        "devices:",
        "  - {name: meter, profile: energy-meter, endpoint: 'tls://127.0.0.1:8802'}",
        "",
        "a server to test clients with has one of the bad certificates, for a group or for the plant:",
        "",
        f"    tls: {{certificate: {folder}/bad/server-expired.pem}}",
        "",
        "look at the handshake:",
        "",
        f"  openssl s_client -connect 127.0.0.1:8802 -CAfile {folder}/ca.pem \\",
        f"      -cert {folder}/client-{roles[0]}.pem -key {folder}/client-{roles[0]}.key",
        "",
        "ask with pymodbus:",
        "",
        "  import ssl",
        "  from pymodbus.client import ModbusTlsClient",
        f"  context = ssl.create_default_context(cafile='{folder}/ca.pem')",
        "  context.check_hostname = False  # pymodbus does not tell TLS the name of the server",
        f"  context.load_cert_chain('{folder}/client-{roles[0]}.pem', '{folder}/client-{roles[0]}.key')",
        "  with ModbusTlsClient('127.0.0.1', port=8802, sslctx=context) as client:",
        "      print(client.read_input_registers(0, count=2).registers)",
    ]
    return "\n".join(lines) + "\n"
