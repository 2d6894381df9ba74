"""The API over HTTP, with Twisted's channel and nothing else of its web.

The one rule: a client that is slow, large or many is bounded: a request has ``PATIENCE_S`` seconds to be
there, an answer to be taken, ``MAX_BODY`` bytes, and is one of ``MAX_CLIENTS`` connections.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast
from urllib.parse import parse_qs, unquote

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.error import ConnectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, HTTPFactory, Request

from simulator.control import openapi
from simulator.control.context import Control
from simulator.control.guards import Guard
from simulator.control.operations import OPERATIONS, Operation
from simulator.control.refusals import NoJson, NotAllowed, NotFound, Refusal, TooLarge, Unfit
from simulator.control.requests import arguments, body_of
from simulator.control.verbs import PREFIX

MAX_BODY = 1 << 20
MAX_CLIENTS = 64
PATIENCE_S = 15.0
JSON, PROBLEM = "application/json", "application/problem+json"
log = Logger("simulator.control")
_CLOSED = Failure(ConnectionDone())


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(PREFIX + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


ROUTES = [(_pattern(each.verb.path), each) for each in OPERATIONS.values()]


class ApiRequest(Request):
    """One request."""

    _is_large = False
    _working: Deferred[Any] | None = None

    def gotLength(self, length: int | None) -> None:
        """A body that is too large is not kept."""
        self._is_large = length is not None and length > MAX_BODY
        super().gotLength(0 if self._is_large or length is None else length)  # type: ignore[no-untyped-call]

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body."""
        assert self.content is not None
        self._is_large = self._is_large or self.content.tell() + len(data) > MAX_BODY
        if not self._is_large:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All of it is there."""
        assert self.content is not None
        self.content.seek(0)
        self.method, self.uri, self.clientproto, self.args = command, path, version, {}
        self.client, self.host = self.channel.getPeer(), self.channel.getHost()
        self._working = maybeDeferred(self._carry_out)
        self._working.addCallbacks(self._done, self._refused)
        self._working.addErrback(self._gone)

    def connectionLost(self, reason: Any) -> None:
        """Nobody waits any more: what waits for virtual time need not."""
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        if self._working is not None:
            self._working.cancel()

    def _carry_out(self) -> Any:
        site: ApiSite = self.channel.factory
        raw, _, query = self.uri.partition(b"?")
        path = _text(raw)
        site.guard.count(str(getattr(self.client, "host", "")))
        if self._is_large:
            self.responseHeaders.setRawHeaders("connection", ["close"])
            raise TooLarge(f"the body is larger than {MAX_BODY} bytes, expected less: ask several times")
        if path in ("/healthz", "/readyz"):
            self._only("GET", path)
            return site.health(self, is_ready=path == "/readyz")
        site.guard.check(self.getHeader)
        if path == "/openapi.json":
            self._only("GET", path)
            return openapi.document()
        operation, places = self._operation(path)
        given = {name: _decoded(text) for name, text in places.items()}
        found = arguments(operation.verb, given, _query(query), self._body())
        return operation.function(site.control, **found)

    def _only(self, method: str, path: str) -> None:
        if self.method != method.encode():
            got = self.method.decode("ascii", "replace")
            raise NotAllowed(f"{path} is asked with {got}, expected {method}", headers={"Allow": method})

    def _operation(self, path: str) -> tuple[Operation, dict[str, str]]:
        """The operation of a path, and the texts in it; raises NotFound, NotAllowed."""
        fitting = [(match, found) for pattern, found in ROUTES if (match := pattern.fullmatch(path))]
        if not fitting:
            raise NotFound(f"nothing is at {path[:200]!r}, expected a path of /openapi.json")
        method = self.method.decode("ascii", "replace")
        for match, found in fitting:
            if found.verb.method == method:
                return found, match.groupdict()
        allowed = ", ".join(dict.fromkeys(found.verb.method for _, found in fitting))
        raise NotAllowed(f"{path} is asked with {method}, expected {allowed}", headers={"Allow": allowed})

    def _body(self) -> Any:
        assert self.content is not None
        content = self.content.read()
        kind = (self.getHeader("content-type") or "").partition(";")[0].strip().lower()
        if content and kind != JSON:
            raise NoJson(f"Content-Type is {kind or 'missing'}, expected {JSON}")
        return body_of(content)

    def _done(self, result: Any) -> None:
        text = json.dumps(result, allow_nan=False)
        self._answer(200, JSON, text.encode())

    def _refused(self, failure: Failure) -> None:
        if failure.check(CancelledError) and self._disconnected:
            return
        if failure.check(Refusal) is None:
            log.failure("{method} {uri} fails", failure, method=self.method, uri=self.uri)
            problem = {"type": "about:blank", "title": "Internal Server Error", "status": 500}
            problem["detail"] = "the program failed at this; its log says how"
            self._answer(500, PROBLEM, json.dumps(problem).encode())
            return
        refusal: Any = failure.value
        for name, value in refusal.headers.items():
            self.setHeader(name, value)  # type: ignore[no-untyped-call]
        self._answer(int(refusal.status), PROBLEM, json.dumps(refusal.problem()).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        if self._disconnected:
            return
        self.setResponseCode(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.setHeader(name, value)  # type: ignore[no-untyped-call]
        if self.method != b"HEAD":
            self.write(body)  # type: ignore[no-untyped-call]
        self.finish()  # type: ignore[no-untyped-call]

    def _gone(self, failure: Failure) -> None:
        """Answering failed."""
        log.failure("{method} {uri} cannot be answered", failure, method=self.method, uri=self.uri)
        if not self._disconnected and self.channel is not None:
            self.channel.forceAbortClient()


class Channel(HTTPChannel):
    """One connection: each request has its time, and so has taking an answer."""

    requestFactory = ApiRequest  # noqa: N815 - the name is Twisted's
    _deadline: Any = None

    def connectionMade(self) -> None:
        """The time of the first request begins."""
        self.factory.clients += 1
        super().connectionMade()  # type: ignore[no-untyped-call]
        self._wait()

    def allContentReceived(self) -> None:
        """A request is there."""
        self._rest()
        super().allContentReceived()  # type: ignore[no-untyped-call]

    def requestDone(self, request: Any) -> None:
        """It is answered: the time of the next one begins."""
        super().requestDone(request)  # type: ignore[no-untyped-call]
        if self.transport is not None and self.factory is not None:
            self._wait()

    def connectionLost(self, reason: Failure = _CLOSED) -> None:
        """It is over."""
        self._rest()
        if self.factory is not None:
            self.factory.clients -= 1
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def _wait(self) -> None:
        self._rest()
        self._deadline = self.callLater(PATIENCE_S, self._too_late)  # type: ignore[no-untyped-call]

    def _rest(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        self.factory.dropped += 1
        cast(Any, self.transport).abortConnection()


class ApiSite(HTTPFactory):
    """The API of a plant.  ``dropped`` counts clients that were too slow or too many."""

    protocol = Channel  # type: ignore[assignment]  # Twisted means one that may speak HTTP/2
    noisy = False

    def __init__(self, control: Control, guard: Guard, reactor: Any) -> None:
        super().__init__(timeout=cast(Any, None), reactor=reactor)  # ``Channel`` has its own
        self.control = control
        self.guard = guard
        self.clients = self.dropped = 0

    def startFactory(self) -> None:
        """Nothing is done while nobody asks."""

    def stopFactory(self) -> None:
        """Nothing is left."""

    def log(self, request: Any) -> None:
        """Requests are not logged."""

    def buildProtocol(self, addr: Any) -> Any:
        """None for one client too many."""
        if self.clients >= MAX_CLIENTS:
            self.dropped += 1
            return None
        return super().buildProtocol(addr)

    def health(self, request: ApiRequest, *, is_ready: bool) -> dict[str, object]:
        """Whether the program lives; whether the plant answers."""
        if is_ready and not self.control.plant.running:
            raise _NotReady("the plant is not open yet, expected to ask again in a moment")
        return {"status": "ready" if is_ready else "ok"}


class _NotReady(Refusal):
    from http import HTTPStatus

    status = HTTPStatus.SERVICE_UNAVAILABLE


def _text(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise Refusal("the path has bytes beyond ASCII, expected them as %XX") from None


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise Refusal(f"{text[:200]!r} is no UTF-8 behind its %XX, expected UTF-8") from None


def _query(data: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(data.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError:
        raise Unfit("the query cannot be read, expected name=value&name=value in UTF-8") from None
