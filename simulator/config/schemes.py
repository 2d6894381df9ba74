"""The schemes of endpoints: which framing over which transport.

``tcp``, ``udp`` and ``tls`` carry MBAP; ``rtu+tcp`` and its like carry a line framing over a network;
``rtu``, ``ascii`` and ``binary`` alone are serial lines.  The one rule: who needs to know looks it up here,
nobody takes a scheme apart.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from simulator.protocol.codes import TCP_PORT, TLS_PORT

Framing = Literal["mbap", "rtu", "ascii", "binary"]
Transport = Literal["tcp", "udp", "tls", "serial"]


class Scheme(NamedTuple):
    """What a scheme stands for."""

    framing: Framing
    transport: Transport

    @property
    def is_line(self) -> bool:
        """True for the framings of serial lines, over whatever transport: unit 0 is everybody."""
        return self.framing != "mbap"

    @property
    def default_port(self) -> int:
        """The port when an endpoint names none."""
        return TLS_PORT if self.transport == "tls" else TCP_PORT

    @property
    def socket(self) -> str:
        """What cannot be shared with another scheme on the same address: ``tcp`` for tls, too."""
        return "tcp" if self.transport == "tls" else self.transport


SCHEMES: dict[str, Scheme] = {
    "tcp": Scheme("mbap", "tcp"),
    "udp": Scheme("mbap", "udp"),
    "tls": Scheme("mbap", "tls"),
    "rtu+tcp": Scheme("rtu", "tcp"),
    "ascii+tcp": Scheme("ascii", "tcp"),
    "binary+tcp": Scheme("binary", "tcp"),
    "rtu+udp": Scheme("rtu", "udp"),
    "ascii+udp": Scheme("ascii", "udp"),
    "binary+udp": Scheme("binary", "udp"),
    "rtu": Scheme("rtu", "serial"),
    "ascii": Scheme("ascii", "serial"),
    "binary": Scheme("binary", "serial"),
}


def default_unknown_unit(scheme: str) -> str:
    """What answers a unit id that nobody has, unless a group says otherwise: on a line nobody does."""
    return "ignore" if SCHEMES[scheme].is_line else "gateway_target_failed"  # exception 0x0B, V1.1b3 §7
