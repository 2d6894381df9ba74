"""Modbus/TCP Security: contexts made from the plant's settings, and what the connections of a listener share.

A client is let in by its certificate; what it may do is said by the role in it.  Every handshake that comes
to nothing is counted by its reason and logged, a few a minute.  The one rule: a client that is not let in
costs little; limits of connections hold before the handshake, half-open ones are few and end, and what
handshakes compute is spread over the reactor's turns.
"""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from simulator.certificates import role_of
from simulator.errors import ConfigError, Problem
from simulator.roles import NOBODY
from simulator.server.authorization import Authority, GuardedStation
from simulator.server.tls_connection import TlsConnection

if TYPE_CHECKING:
    from simulator.config.placement import ListenerPlan
    from simulator.config.plant import Group
    from simulator.config.security import TlsSettings
    from simulator.server.hub import Hub

log = Logger()

MAX_HALF_OPEN = 1024  # handshakes under way at one listener; one more ends the oldest
TURN_STEPS = 4  # steps of handshakes in one turn of the reactor: about 4 ms
LOGGED = 10  # refusals for one reason that are logged in one LOG_WINDOW_S
LOG_WINDOW_S = 60.0
MAX_REASONS = 100  # that are counted one by one

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_NOT_A_PAIR = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH")
_REASONS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "client sent no certificate",
    "UNSUPPORTED_PROTOCOL": "client speaks no TLS version that is allowed here",
    "VERSION_TOO_LOW": "client speaks no TLS version that is allowed here",
    "NO_SHARED_CIPHER": "client has no cipher suite in common",
}


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """What makes the server's side of connections.  Raises ConfigError for files that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.minimum_version]
    context.maximum_version = _VERSIONS[settings.maximum_version]
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    problems = []
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=lambda: b"")
    except (OSError, ValueError) as error:
        problems.append(_unusable(settings, error))
    try:
        context.load_verify_locations(settings.ca)
    except (OSError, ValueError) as error:
        problems.append(settings.problem("ca", f"file {settings.ca!r} cannot be used: {_words(error)}"))
    if problems:
        raise ConfigError(problems)
    return context


def _unusable(settings: TlsSettings, error: Exception) -> Problem:
    if getattr(error, "reason", None) in _NOT_A_PAIR:
        fact = f"key {settings.key!r} does not belong to the certificate {settings.certificate!r}"
        return settings.problem("key", f"{fact}, expected the one it was made with")
    files = f"certificate {settings.certificate!r} with key {settings.key!r}"
    return settings.problem("certificate", f"{files} cannot be used: {_words(error)}")


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return str(reason).lower().replace("_", " ")


def contexts(groups: Iterable[Group]) -> dict[int, ssl.SSLContext]:
    """The context of every group that has TLS; groups with the same files share one.

    Raises ConfigError with every problem of all of them.
    """
    made: dict[tuple[str, ...], ssl.SSLContext] = {}
    found: dict[int, ssl.SSLContext] = {}
    problems: list[Problem] = []
    for group in groups:
        if (settings := group.tls) is None:
            continue
        versions = settings.minimum_version, settings.maximum_version
        key = (settings.certificate, settings.key, settings.ca, *versions)
        try:
            found[group.index] = made[key] = made.get(key) or tls_context(settings)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(sorted(problems))
    return found


class Budget:
    """How many steps of handshakes may still be done in this turn of the reactor."""

    def __init__(self) -> None:
        self._turn = -1.0
        self._left = 0

    def take(self, now: float) -> bool:
        """True when there is one left in the turn that began at ``now``."""
        if now != self._turn:
            self._turn, self._left = now, TURN_STEPS
        self._left -= 1
        return self._left >= 0


class TlsListeners:
    """The TLS listeners of a plant."""

    def __init__(self, groups: tuple[Group, ...], clock: Any) -> None:
        self._groups = groups
        self._contexts = contexts(groups)
        self._clock = clock
        self._budget = Budget()

    def of(self, plan: ListenerPlan) -> TlsListener | None:
        """What the connections of a listener share; None for a listener without TLS."""
        group = plan.spans[0].group
        settings = self._groups[group].tls
        if settings is None:
            return None
        return TlsListener(settings, self._contexts[group], self._clock, self._budget)


class TlsListener:
    """What the connections of one listener share.

    ``handshakes`` came to something, ``refused`` did not, by reason.  ``authorities`` are those of the roles;
    they count the requests they did not allow.
    """

    def __init__(
        self, settings: TlsSettings, context: ssl.SSLContext, clock: Any, budget: Budget | None = None
    ) -> None:
        self.context = context
        self.handshakes = 0
        self.refused: Counter[str] = Counter()
        self.authorities = {name: Authority(name, role) for name, role in (settings.roles or {}).items()}
        self.budget = budget or Budget()
        self._no_role = Authority("none", settings.no_role)
        self._unknown_role = Authority("unknown", NOBODY)
        self._settings = settings
        self._clock = clock
        self._half_open: dict[TlsConnection, float] = {}  # and when their time is over, the oldest first
        self._timer: Any = None
        self._window = clock.seconds()
        self._logged: Counter[str] = Counter()
        self._unlogged: Counter[str] = Counter()

    def connection(self, hub: Hub, fd: int, now: float) -> TlsConnection:
        """The transport of a client that has connected."""
        made = TlsConnection(self, hub, fd, now)
        self._half_open[made] = self._clock.seconds() + self._settings.handshake_timeout
        if self._timer is None:
            self._timer = self._clock.callLater(self._settings.handshake_timeout, self._look)
        if len(self._half_open) > MAX_HALF_OPEN:
            next(iter(self._half_open)).refuse("too many handshakes at once", at_once=True)
        return made

    def settled(self, connection: TlsConnection) -> None:
        """A connection is half-open no longer."""
        self._half_open.pop(connection, None)
        if not self._half_open and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def admit(self, connection: TlsConnection, certificate: bytes | None) -> None:
        """Let a client in as its role says; raises RoleError."""
        if self._settings.roles is not None:
            exchange = connection.protocol.exchange
            exchange.station = GuardedStation(exchange.station, self._authority(role_of(certificate or b"")))
        self.handshakes += 1

    def count(self, connection: TlsConnection, reason: str) -> None:
        """Count a handshake that came to nothing, and log it unless many were."""
        if reason not in self.refused and len(self.refused) >= MAX_REASONS:
            reason = "another reason"  # some say what was in a certificate
        self.refused[reason] += 1
        connection.protocol.factory.refused += 1
        now = self._clock.seconds()
        if now - self._window >= LOG_WINDOW_S:
            self._window = now
            self._logged.clear()
        if self._logged[reason] >= LOGGED:
            self._unlogged[reason] += 1
            return
        self._logged[reason] += 1
        more = self._unlogged.pop(reason, 0)
        port = connection.protocol.factory.port
        log.warn(
            "TLS handshake refused at {endpoint}: {reason} (client {client}){more}",
            endpoint="" if port is None else port.endpoint,
            reason=reason,
            client=connection.client(),
            more=f"; {more} more for this reason were not logged" if more else "",
        )

    @staticmethod
    def reason(error: ssl.SSLError) -> str:
        """What went wrong, in a few words; there are not many of them."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"client certificate: {error.verify_message}"
        reason = error.reason or "broken TLS"
        if "ALERT_" in reason:
            alert = reason.rpartition("ALERT_")[2].lower().replace("_", " ")
            return f"client refused: alert {alert}"
        return _REASONS.get(reason) or reason.lower().replace("_", " ")

    def _authority(self, role: str | None) -> Authority:
        return self._no_role if role is None else self.authorities.get(role, self._unknown_role)

    def _look(self) -> None:
        """End what has taken too long."""
        self._timer = None
        now = self._clock.seconds()
        for connection, deadline in list(self._half_open.items()):
            if deadline > now:
                self._timer = self._clock.callLater(deadline - now, self._look)
                return
            connection.refuse("handshake took too long", at_once=True)
