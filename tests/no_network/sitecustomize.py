"""Python imports this before anything else: no process of the tests speaks to another machine.

An audit hook, since it also sees what C code asks of python's own sockets, and cannot be taken off.
Unix sockets and this machine's own addresses are left alone: processes of one run meet there.
"""

import os
import socket
import sys

LOG = "FERDET_CONNECTIONS"
"""Environment variable: a file that each attempt is noted in."""

_OWN = ("127.", "::1", "localhost", "0.0.0.0", "::")
_ASKS = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
}


class SpeaksToOthersError(RuntimeError):
    """A test, or what it started, wanted to speak to another machine."""


def _hook(event: str, arguments: tuple) -> None:
    if event not in _ASKS:
        return
    asked = arguments[_ASKS[event]]
    host = asked[0] if isinstance(asked, tuple) else asked
    if event in ("socket.connect", "socket.sendto") and not isinstance(asked, tuple):
        return  # A unix socket's path.
    name = os.fsdecode(host) if isinstance(host, (str, bytes)) else ""
    if not name or name.startswith(_OWN) or name == socket.gethostname():
        return
    if os.environ.get(LOG):
        with open(os.environ[LOG], "a", encoding="utf-8") as file:  # noqa: PTH123  (before pathlib)
            file.write(f"{event} {asked!r} by {sys.argv[:1]}\n")
    raise SpeaksToOthersError(f"{event} {asked!r}")


sys.addaudithook(_hook)
