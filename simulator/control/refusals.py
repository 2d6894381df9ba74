"""Why an operation is not carried out, with the status that HTTP has for it.

The one rule: whatever is refused has changed nothing, and the text says what to do.
"""

from __future__ import annotations

from http import HTTPStatus


class Refusal(Exception):
    """An operation is refused; ``status`` is that of HTTP."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}

    def problem(self) -> dict[str, object]:
        """RFC 9457 members."""
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        }


class Unauthorized(Refusal):
    """No token, or a wrong one."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(Refusal):
    """A page of another origin, or a Host that is no address of ours."""

    status = HTTPStatus.FORBIDDEN


class NotFound(Refusal):
    """No such device, point, fault, path."""

    status = HTTPStatus.NOT_FOUND


class NotAllowed(Refusal):
    """The path knows other methods."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class Conflict(Refusal):
    """Not in the state the plant is in."""

    status = HTTPStatus.CONFLICT


class TooLarge(Refusal):
    """The body is too large."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class NoJson(Refusal):
    """The body is of another kind."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Unfit(Refusal):
    """A value does not fit."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooMany(Refusal):
    """Too many requests."""

    status = HTTPStatus.TOO_MANY_REQUESTS
