"""Will a valid plant run on this machine?  Descriptors, memory, ports, addresses.

Rule: nothing is changed.  Each port is bound for a moment and given back, local addresses are read
from the kernel's tables; what is wrong becomes a ``Finding`` with the advice that mends it.
"""

from __future__ import annotations

import errno
import os
import resource
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from simulator.cli import addresses, exits, sockets
from simulator.config.endpoint import format_host
from simulator.config.placement import ListenerPlan
from simulator.config.plant import PlantConfig
from simulator.profiles.profile import Profile

OWN_DESCRIPTORS = 16  # standard streams, epoll, wake-up pipe, files
PROGRAM_BYTES = 70_000_000  # interpreter and libraries, measured
LISTENER_BYTES = 2_500  # measured
MOVING_BYTES = 40  # a device with generators: random keys, places of walks, phases; measured
NOT_BUILT = "not built: that needs gcc and Python.h"
SHOWN = 5  # findings of one kind before the rest are only counted


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that will keep the plant from running: the exit code it would end with, and the advice."""

    code: int
    message: str
    advice: str = ""

    def __str__(self) -> str:
        return self.message + self.advice


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a plant needs and what stands in its way."""

    devices: int
    listeners: int
    descriptors: int  # without connections
    descriptor_limit: int
    memory: int  # bytes
    compiled: bool  # plain requests are answered by compiled code
    why_not: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """The code that ``run`` would end with."""
        return self.findings[0].code if self.findings else exits.OK


def inspect(config: PlantConfig) -> Preflight:
    """Look at the machine with the eyes of a plant.

    Raises ConfigError for certificates, and for a state, that cannot be used.
    """
    from simulator.server import lanes

    if config.state is not None:
        check_state(config.state.file)
    if any(group.tls is not None for group in config.groups):
        from simulator.server.tls import contexts

        contexts(config.groups)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    findings = [*descriptor_findings(config.listeners, limit), *memory_findings(needed := memory_of(config))]
    if not findings:
        findings += [
            *state_findings(config),
            *address_findings(config.listeners),
            *port_findings(config.listeners),
        ]
    return Preflight(
        devices=config.device_count,
        listeners=len(config.listeners),
        descriptors=descriptors(config.listeners),
        descriptor_limit=limit,
        memory=needed,
        compiled=lanes.COMPILED,
        why_not="" if lanes.COMPILED else "MODSIM_PURE is 1" if lanes.BUILT else NOT_BUILT,
        findings=tuple(findings),
    )


def descriptors(listeners: Sequence[ListenerPlan]) -> int:
    """What a plant has open without connections; both ends of a pseudo-terminal are held."""
    return OWN_DESCRIPTORS + sum(1 + (plan.line is not None and plan.line.is_pty) for plan in listeners)


def descriptor_findings(listeners: Sequence[ListenerPlan], limit: int) -> Iterator[Finding]:
    """More listeners than the process may have open."""
    needed = descriptors(listeners)
    if limit != resource.RLIM_INFINITY and needed > limit:
        yield Finding(
            exits.CANNOT_BIND,
            f"{len(listeners)} listeners need {needed} descriptors, this process may open {limit}",
            f"\nraise the limit (ulimit -n {needed + 1000}), or put devices behind one port: "
            "unit ids or many addresses on one port need one descriptor",
        )


def check_state(file: str) -> None:
    """Raise ConfigError for a state that a plant would not start with."""
    from simulator.state import locks, records

    locks.check(file)
    records.read(file)


def state_findings(config: PlantConfig) -> Iterator[Finding]:
    """A state that cannot be written."""
    if config.state is None:
        return
    folder = os.path.dirname(config.state.file) or "."
    if not os.path.isdir(folder):
        yield Finding(exits.CONFIGURATION, f"{config.state.file}: its folder does not exist")
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(exits.CONFIGURATION, f"{config.state.file}: its folder cannot be written to")


def memory_of(config: PlantConfig) -> int:
    """An estimate: the program, its listeners, the tables of every device and what moves them."""
    stores = sum(group.count * bytes_per_device(group.profile) for group in config.groups)
    return PROGRAM_BYTES + LISTENER_BYTES * len(config.listeners) + stores


def bytes_per_device(profile: Profile) -> int:
    """Tables of one device, two bytes a register, a bit a bit, and what its generators remember."""
    moving = MOVING_BYTES if any(point.generator for point in profile.points.values()) else 0
    return moving + sum(
        (layout.size + 7) // 8 if table.is_bits else 2 * layout.size
        for table, layout in profile.tables.items()
        if layout.share is None
    )


def memory_findings(needed: int) -> Iterator[Finding]:
    """More memory than this machine has."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > total:
        yield Finding(
            exits.RUNTIME,
            f"the devices need about {needed >> 20} MiB of memory, this machine has {total >> 20}",
            "\nlower 'count', or give the profile fewer addresses under 'tables'",
        )


def address_findings(listeners: Iterable[ListenerPlan]) -> Iterator[Finding]:
    """Addresses that this machine does not answer for, with the commands that would change that."""
    wanted: dict[bool, list[tuple[int, int]]] = {False: [], True: []}
    for listener in listeners:
        if listener.line is not None:
            continue
        wanted[listener.ipv6] += [(span.first_ip, span.last_ip + 1) for span in listener.spans if span.step]
    for ipv6, ranges in wanted.items():
        for start, stop in addresses.not_local(ranges, ipv6=ipv6):
            shown = format_host(start, ipv6)
            if stop - start > 1:
                shown += f" to {format_host(stop - 1, ipv6)}"
            commands = [sockets.local_route(cidr) for cidr in addresses.networks(start, stop, ipv6=ipv6)]
            yield Finding(
                exits.CANNOT_BIND,
                f"{shown}: not {'an address' if stop - start == 1 else 'addresses'} of this machine",
                "\nto make it so, as root:\n  " + "\n  ".join(commands),
            )


def port_findings(listeners: Iterable[ListenerPlan]) -> Iterator[Finding]:
    """Ports that cannot be bound; the first few in full, the rest counted."""
    numbers = ((listener, _bind_error(listener)) for listener in listeners)
    failed = [(listener, number) for listener, number in numbers if number not in (0, errno.EADDRNOTAVAIL)]
    for listener, number in failed[:SHOWN]:  # of addresses that are not local the other findings tell
        advice = sockets.bind_advice(listener.endpoint, number)
        yield Finding(exits.of_bind(number), f"{listener.endpoint}: {os.strerror(number).lower()}", advice)
    if len(failed) > SHOWN:
        more = len(failed) - SHOWN
        yield Finding(exits.of_bind(failed[SHOWN][1]), f"and {more} more ports that cannot be bound")


def _bind_error(listener: ListenerPlan) -> int:
    """The errno of binding, 0 when it works.  The socket is closed again and never listens."""
    if listener.line is not None:
        line = listener.line
        return _link_error(line.link) if line.is_pty else _line_error(line.path)
    family = socket.AF_INET6 if listener.ipv6 else socket.AF_INET
    is_udp = listener.kind.transport == "udp"
    with socket.socket(family, socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM) as trial:
        if not is_udp:  # where it means more than a port that rests after use
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.ipv6:
            trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            trial.bind((listener.host, listener.port))
        except OSError as error:
            return error.errno or errno.EINVAL
    return 0


def _link_error(link: str) -> int:
    """The errno of making the link of a pseudo-terminal; one that leads nowhere is replaced."""
    if not link:
        return 0
    if os.path.lexists(link) and (os.path.exists(link) or not os.path.islink(link)):
        return errno.EEXIST
    folder = os.path.dirname(link)
    if not os.path.isdir(folder):
        return errno.ENOENT
    return 0 if os.access(folder, os.W_OK | os.X_OK) else errno.EACCES


def _line_error(path: str) -> int:
    """The errno of opening a serial port, which is not opened: that alone may reset what hangs on it."""
    if not os.path.exists(path):
        return errno.ENOENT
    return 0 if os.access(path, os.R_OK | os.W_OK) else errno.EACCES
