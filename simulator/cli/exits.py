"""Exit codes, and the one place where an exception becomes one.

The codes above 2 are those of ``sysexits.h``, which service managers know.  Nothing here is
imported before something went wrong, except the numbers.
"""

from __future__ import annotations

import errno

OK = 0
RUNTIME = 1
USAGE = 2  # what argparse uses
CANNOT_BIND = 69  # EX_UNAVAILABLE
PERMISSION = 77  # EX_NOPERM
CONFIGURATION = 78  # EX_CONFIG
NOT_MET = 99  # modsim ctl verify

MEANINGS = {
    OK: "done, or stopped by SIGTERM or SIGINT with open requests answered",
    RUNTIME: "something failed while running; a device refused or did not answer",
    USAGE: "the command line is wrong",
    CANNOT_BIND: "an address cannot be bound: taken, or not of this machine",
    PERMISSION: "no permission: a port below 1024, a file that may not be written",
    CONFIGURATION: "the plant file or a profile is wrong; every problem is on stderr",
    NOT_MET: "modsim ctl verify: what was expected of clients did not come",
}


def explain(error: BaseException) -> tuple[int, str]:
    """The exit code of an exception and the text for stderr."""
    from simulator.errors import BindError, ConfigError

    if isinstance(error, ConfigError):
        count = len(error.problems)
        return CONFIGURATION, f"{error}\n{count} problem{'' if count == 1 else 's'}"
    if isinstance(error, BindError):
        from simulator.cli.sockets import bind_advice

        return of_bind(error.errno), f"cannot listen on {error}{bind_advice(error.endpoint, error.errno)}"
    if isinstance(error, PermissionError):
        return PERMISSION, _of_the_system(error)
    if isinstance(error, OSError):
        return RUNTIME, _of_the_system(error)
    return RUNTIME, f"{type(error).__name__}: {error}"


def of_bind(number: int) -> int:
    """The exit code for an endpoint that could not be opened for reason ``number`` (errno)."""
    return PERMISSION if number in (errno.EACCES, errno.EPERM) else CANNOT_BIND


def _of_the_system(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
