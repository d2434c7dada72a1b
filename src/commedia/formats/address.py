"""The address of a stream as text, such as `vmc://127.0.0.1:39539`, to its protocol, host and port."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from commedia.errors import BadAddress, nearest

PORTS: dict[str, int] = {
    "vmc": 39539,
    "osc": 9000,
    "livelink": 11111,
    "ifacialmocap": 49983,
    "openseeface": 11573,
    "ws": 8765,
}
"""The protocols, and the port of each where an address names none."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True)
class Address:
    """Where a stream goes, or where one is waited for."""

    protocol: str
    host: str
    """A name or a number; empty means all of this machine's, which only receivers may."""
    port: int
    options: tuple[tuple[str, str], ...] = ()
    """What follows `?`, in its order."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}://{host}:{self.port}"

    def option(self, name: str, otherwise: str) -> str:
        """The value of an option, or another where the address does not say."""
        return dict(self.options).get(name, otherwise)


def is_address(text: str) -> bool:
    """Say whether a text is meant as an address, and not as a file's name."""
    return bool(_ADDRESS.match(text))


def read_address(text: str, options: dict[str, tuple[str, ...]] | None = None) -> Address:
    """Read an address, or raise `BadAddress`. `options` are the names that each protocol allows after `?`."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadAddress(f"'{text}' is no address; {_FORM}") from None
    if not is_address(text):
        raise BadAddress(f"'{text}' is no address; {_FORM}")
    if parts.scheme not in PORTS:
        known = ", ".join(PORTS)
        raise BadAddress(f"'{text}': unknown protocol; {nearest(parts.scheme, PORTS)}known: {known}")
    if parts.username is not None or parts.path.strip("/") or parts.fragment:
        raise BadAddress(f"'{text}' has more than a host and a port; {_FORM}")
    given = tuple(parse_qsl(parts.query, keep_blank_values=True))
    allowed = (options or {}).get(parts.scheme, ())
    for name, _ in given:
        if name not in allowed:
            known = f"known: {', '.join(allowed)}" if allowed else "there are none"
            raise BadAddress(f"'{text}': unknown option '{name}' of {parts.scheme}; {nearest(name, allowed)}{known}")
    return Address(parts.scheme, parts.hostname or "", PORTS[parts.scheme] if port is None else port, given)


_FORM = "it takes the form PROTOCOL://HOST:PORT, such as vmc://127.0.0.1:39539"
