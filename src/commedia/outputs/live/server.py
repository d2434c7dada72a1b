"""The thread that serves the pages of `commedia live`, from its start to its stop."""

import asyncio
import ipaddress
import secrets
import socket
import threading

import uvicorn

from commedia.errors import BadAddress
from commedia.outputs.live.access import Access
from commedia.outputs.live.app import App
from commedia.outputs.live.pages import Pages
from commedia.sources.live.browser_camera import LARGEST_PICTURE, BrowserCamera

DEFAULT_PORT = 8790
MOST_CONNECTIONS = 64
STOP_S = 3.0


class LiveServer:
    """Listens from the moment it is made; serves from `start` to `stop`."""

    def __init__(self, pages: Pages, host: str, port: int, camera: BrowserCamera | None = None):
        """Raises `BadAddress` where it cannot listen. A host beyond this machine gets a token."""
        self._socket = _listening(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.is_open_to_others = not _is_loopback(host)
        self.token = secrets.token_urlsafe(18) if self.is_open_to_others else ""
        self._host, self._pages = host, pages
        app = App(pages, Access(self.token), camera)
        config = uvicorn.Config(
            app,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=LARGEST_PICTURE,
            ws_per_message_deflate=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="commedia live", daemon=True)

    @property
    def links(self) -> list[str]:
        """Where the page is, the first for this machine."""
        query = f"/?token={self.token}" if self.token else "/"
        hosts = ["127.0.0.1"] if self._host in ("", "0.0.0.0", "localhost", "127.0.0.1") else [_bracketed(self._host)]
        hosts = ["[::1]"] if self._host == "::" else hosts
        if self._host in ("0.0.0.0", "", "::"):
            hosts += [_own_address() or socket.gethostname()]
        return [f"http://{host}:{self.port}{query}" for host in hosts]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._socket.close()

    def _run(self) -> None:
        async def serve() -> None:
            self._pages.serve_from(asyncio.get_running_loop())
            await self._server.serve(sockets=[self._socket])

        asyncio.run(serve())


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port < 1 << 16:
        raise BadAddress(f"the page cannot be served at port {port}; give a number from 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        hint = "; --port 0 takes any that is free" if port else ""
        raise BadAddress(
            f"the page cannot be served at {host or 'all addresses'}, port {port}: {reason}{hint}"
        ) from None


def _own_address() -> str:
    """This machine's address on its network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(one.getsockname()[0])


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
