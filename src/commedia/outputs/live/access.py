"""Who may ask the server of `commedia live`: this machine's own page, or who knows the token.

A page of another site that is open in the same browser can reach this machine too. It is refused by its Origin, and by
the Host that it asked for, where a name of its own was made to point here.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")


@dataclass(frozen=True)
class Access:
    """What is let in."""

    token: str = ""
    """What a request has to know; none is asked for where only this machine is served."""

    def refusal(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """A request's headers, in lower case, and its query to why it is refused, in a sentence; empty where it is not.

        The token is compared in a time that does not depend on it.
        """
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self.token and not LOOPBACK.fullmatch(host):
            return f"this page is served as http://127.0.0.1, not as '{host[:80]}'"
        if self.token and not hmac.compare_digest(query.get("token", "").encode(), self.token.encode()):
            return "the link needs its token: take the one that commedia printed"
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return f"pages of '{origin[:80]}' may not ask here"
        return ""
