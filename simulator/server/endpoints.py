"""From the plan of a listener to what listens: ``open_listener`` and its table of transports.

What is opened has ``endpoint``, ``stopListening``, ``pause`` and ``resume``.  A new transport is an opener in
``OPENERS``.  The framing is none of their business: the factory brings it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.binary import BinaryFramer
from simulator.protocol.line import RtuLine, StreamLine, Traffic
from simulator.protocol.mbap import MbapFramer
from simulator.protocol.rtu import RtuFramer
from simulator.server.datagram import DatagramPort
from simulator.server.line import LinePort, Source
from simulator.server.pty import PtySource
from simulator.server.serial import SerialSource
from simulator.server.stations import UnitsOf

if TYPE_CHECKING:
    from simulator.config.placement import ListenerPlan
    from simulator.server.factory import ModbusServerFactory
    from simulator.server.hub import Hub

FRAMERS: dict[str, Any] = {
    "mbap": MbapFramer,
    "rtu": RtuFramer,
    "ascii": AsciiFramer,
    "binary": BinaryFramer,
}


def open_listener(hub: Hub, plan: ListenerPlan, factory: ModbusServerFactory) -> Any:
    """Open what a plan wants; raises :class:`~simulator.errors.BindError` with everything released."""
    factory.clock = hub.reactor
    return OPENERS[plan.kind.transport](hub, plan, factory)


def _open_tcp(hub: Hub, plan: ListenerPlan, factory: ModbusServerFactory) -> Any:
    return hub.listen(plan.host, plan.port, factory, scheme=plan.scheme)


def _open_tls(hub: Hub, plan: ListenerPlan, factory: ModbusServerFactory) -> Any:
    assert factory.tls is not None
    return hub.listen(plan.host, plan.port, factory, scheme=plan.scheme, connection=factory.tls.connection)


def _open_udp(hub: Hub, plan: ListenerPlan, factory: ModbusServerFactory) -> Any:
    port = DatagramPort(hub, plan.scheme, plan.host, plan.port, factory)
    port.startListening()
    return port


def _open_serial(hub: Hub, plan: ListenerPlan, factory: ModbusServerFactory) -> Any:
    assert plan.line is not None
    source: Source = (PtySource if plan.line.is_pty else SerialSource)(plan.scheme, plan.line)
    port = LinePort(hub, source, _line_framer(plan, factory), factory)
    port.startListening()
    return port


def _line_framer(plan: ListenerPlan, factory: ModbusServerFactory) -> Any:
    assert plan.line is not None and factory.station is not None
    if plan.kind.framing == "rtu":
        others = Traffic(UnitsOf(factory.station))
        line = plan.line
        return RtuLine(line.baudrate, line.character_bits, strict_gap=line.strict_gap, traffic=others)
    return StreamLine(FRAMERS[plan.kind.framing](noise_limit=None))


OPENERS: dict[str, Callable[[Hub, ListenerPlan, ModbusServerFactory], Any]] = {
    "tcp": _open_tcp,
    "tls": _open_tls,
    "udp": _open_udp,
    "serial": _open_serial,
}
