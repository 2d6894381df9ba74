"""A client of a running plant's API: blocking, standard library only.

``Remote(url, token)`` has a method for each operation, ``devices``, ``read``, ``write``, ``advance`` and so
on, with the parameters of ``simulator.control.verbs``; each returns what the API answers, as dictionaries.
The one rule: what is refused is a ``RemoteError`` that says why, what cannot be reached an ``OSError``.
"""

from __future__ import annotations

import http.client
import inspect
import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from simulator.control import runtime
from simulator.control.verbs import PREFIX, TABLE, Verb

PATIENCE_S = 60.0  # also for an ``advance``, which answers when virtual time is there


class RemoteError(Exception):
    """The plant refuses; ``status`` is that of HTTP, ``detail`` says what is wrong."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class NoPlant(Exception):
    """No URL is given, and not exactly one plant runs on this machine."""


class Remote:
    """A running plant at ``url``, such as ``http://127.0.0.1:8080``.

    ``token`` is that of ``control.token`` in its plant file.  The connection is made when it is needed and
    kept; one thread at a time may use it.  Raises ValueError for a url that is none.
    """

    def __init__(self, url: str, token: str | None = None, *, timeout: float = PATIENCE_S) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError(f"url is {url!r}, expected one such as http://127.0.0.1:8080")
        self.url = url.rstrip("/")
        self._token = token
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)

    @classmethod
    def find(
        cls,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = PATIENCE_S,
        environ: Mapping[str, str] = os.environ,
    ) -> Remote:
        """The plant of ``url``, else of ``MODSIM_URL``, else the only one of this user on this machine.

        The token is ``token``, else ``MODSIM_TOKEN``, else what a plant of this user left.  Raises NoPlant.
        """
        token = token or environ.get("MODSIM_TOKEN") or None
        url = url or environ.get("MODSIM_URL")
        running = runtime.running(environ)
        if url:
            left = next((each.token for each in running if each.url == url.rstrip("/")), None)
            return cls(url, token or left, timeout=timeout)
        if len(running) != 1:
            listed = ", ".join(f"{each.url} ({each.name})" for each in running)
            found = f"several plants run: {listed}" if running else "no plant with an API runs here"
            raise NoPlant(f"{found}; expected --url, MODSIM_URL, or one plant started with --http")
        return cls(running[0].url, token or running[0].token, timeout=timeout)

    def close(self) -> None:
        """Close the connection; the next call makes a new one."""
        self._connection.close()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<plant at {self.url}>"

    def call(self, verb: Verb, given: Mapping[str, Any]) -> Any:
        """Carry out an operation; what is None is not sent."""
        sent = {name: value for name, value in given.items() if value is not None}
        where = {each.name: each.where for each in verb.parameters}
        path = verb.path
        for name in [name for name in sent if where[name] == "path"]:
            path = path.replace(f"{{{name}}}", quote(str(sent.pop(name)), safe=""))
        query = urlencode({name: value for name, value in sent.items() if where[name] == "query"})
        body = {name: value for name, value in sent.items() if where[name] == "body"}
        return self._ask(verb.method, PREFIX + path + (f"?{query}" if query else ""), body)

    def _ask(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        headers = {"Accept": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        content = None
        if body:
            content, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        kept = self._connection.sock is not None
        try:
            status, data = self._exchange(method, path, content, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._connection.close()
            if not kept:  # a kept connection may have ended while nobody looked
                raise
            status, data = self._exchange(method, path, content, headers)
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        return _read(status, data)

    def _exchange(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        self._connection.request(method, path, content, dict(headers))
        response = self._connection.getresponse()
        return response.status, response.read()

    def __getattr__(self, name: str) -> Any:  # for type checkers: the methods come from the table
        raise AttributeError(f"{type(self).__name__} has no operation {name!r}")


def _read(status: int, data: bytes) -> Any:
    try:
        found = json.loads(data)
    except ValueError:
        raise RemoteError(
            status, f"the answer is no JSON (status {status}), expected a plant's API"
        ) from None
    if status >= 400:
        detail = found.get("detail") if isinstance(found, dict) else None
        raise RemoteError(status, str(detail or f"status {status}"))
    return found


def _method(verb: Verb) -> Any:
    parameters = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if each.required else None,
        )
        for each in sorted(verb.parameters, key=lambda each: not each.required)
    ]
    signature = inspect.Signature([inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY), *parameters])

    def method(*args: Any, **keywords: Any) -> Any:
        bound = signature.bind(*args, **keywords)
        given = dict(bound.arguments)
        remote: Remote = given.pop("self")
        return remote.call(verb, given)

    method.__name__ = verb.method_name
    method.__qualname__ = f"Remote.{verb.method_name}"
    told = [f"    {each.name}: {each.help}" for each in verb.parameters]
    method.__doc__ = "\n".join([verb.summary.capitalize() + ".", *([""] if told else []), *told])
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


for _verb in TABLE:
    setattr(Remote, _verb.method_name, _method(_verb))
