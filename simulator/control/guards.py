"""Who may ask: the token, the addresses this program goes by, the origin of a page, how often.

A browser tells where a page comes from, and a page that was loaded from a name that now points at this
machine tells that name as Host.  The one rule: what is not plainly one of us is refused before anything is
looked at.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from simulator.control.refusals import Forbidden, Refusal, TooMany, Unauthorized

RATE, BURST = 500.0, 1000.0  # requests a second of one address, and how many at once
HOSTS = 1024  # addresses whose rate is remembered

Header = Callable[[str], str | None]


class Guard:
    """``token`` is what clients have to know; None lets everybody who can reach us in."""

    def __init__(
        self, token: str | None, seconds: Callable[[], float], *, rate: float = RATE, burst: float = BURST
    ) -> None:
        self._token = token
        self._seconds = seconds
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # left, when

    def count(self, host: str) -> None:
        """One more request of an address; raises TooMany."""
        now = self._seconds()
        left, then = self._buckets.pop(host, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._rate)
        self._buckets[host] = max(left - 1, 0.0), now
        if len(self._buckets) > HOSTS:
            self._buckets.popitem(last=False)
        if left < 1:
            raise TooMany(
                f"more than {self._rate:g} requests a second, expected fewer: read many points in one call",
                headers={"Retry-After": "1"},
            )

    def check(self, header: Header) -> None:
        """Raises Refusal for a request that is not to be carried out."""
        host = header("host")
        if not host:
            raise Refusal("the request has no Host, expected the address of this program")
        self._check_host(host)
        self._check_origin(header, host)
        if self._token is not None:
            self._check_token(header("authorization"))

    def _check_host(self, host: str) -> None:
        """A page may have a name point at this machine, but not a number; and it knows no token."""
        name = _host_of(host)
        if self._token is None and name != "localhost" and not _is_address(name):
            raise Forbidden(
                f"Host is {host!r}, expected an IP address or localhost (a name needs a token: control.token)"
            )

    def _check_origin(self, header: Header, host: str) -> None:
        origin, site = header("origin"), header("sec-fetch-site")
        if origin is not None and origin.lower() != f"http://{host.lower()}":
            raise Forbidden(f"Origin is {origin!r}, expected the page of this program, http://{host}")
        if site is not None and site not in ("same-origin", "none"):
            raise Forbidden(f"Sec-Fetch-Site is {site!r}, expected same-origin")

    def _check_token(self, given: str | None) -> None:
        assert self._token is not None
        kind, _, token = (given or "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token.encode()):
            what = "no token was given" if given is None else "the token is wrong"
            raise Unauthorized(
                f"{what}, expected the header Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": 'Bearer realm="modsim"'},
            )


def _host_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
