"""The routes of `commedia live`: the page, its characters, its sockets. What comes is hostile, and small or refused."""

import asyncio
import contextlib
import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from commedia.characters.open import open_character
from commedia.errors import CommediaError
from commedia.outputs.live.access import Access
from commedia.outputs.live.pages import Pages
from commedia.sources.live.browser_camera import BrowserCamera

PAGE = Path(__file__).resolve().parents[2] / "assets" / "live" / "page.html"
MOST_UPLOAD = 128 << 20
"""Bytes of a character that a page sends."""
MOST_CHARACTERS, LONGEST_NAME = 24, 60
SUFFIXES = (".glb", ".vrm")
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class App:
    """Answers requests about one show. `camera` takes the pictures of a page's camera, where those are watched."""

    def __init__(self, pages: Pages, access: Access, camera: BrowserCamera | None):
        self._pages, self._access, self._camera = pages, access, camera
        self._reading = asyncio.Lock()
        self._lender: WebSocket | None = None
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/characters/{number:int}.glb", self._character),
                Route("/characters", self._take_character, methods=["POST"]),
                WebSocketRoute("/moments", self._moments),
                WebSocketRoute("/camera", self._pictures),
            ]
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The one door: whoever may not ask is told so before anything is read."""
        headers = Headers(scope=scope)
        refusal = self._access.refusal(headers, QueryParams(scope.get("query_string", b"")))
        if refusal and scope["type"] == "http":
            await PlainTextResponse(refusal, 403, HEADERS)(scope, receive, send)
        elif refusal:
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[:120]})
        else:
            await self.app(scope, receive, send)

    async def _page(self, request: Request) -> Response:
        host = request.headers.get("host", "")
        # Whatever a character's file says, the browser itself sends nothing anywhere else.
        policy = (
            "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; "
            f"img-src 'self' blob: data:; media-src blob:; connect-src 'self' ws://{host} wss://{host} blob: data:; "
            "worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        if not PAGE.is_file():
            return PlainTextResponse("the page is missing from this installation", 500, HEADERS)
        return HTMLResponse(PAGE.read_bytes(), headers=HEADERS | {"Content-Security-Policy": policy})

    async def _character(self, request: Request) -> Response:
        shown = self._pages.show.characters.find(request.path_params["number"])
        if shown is None:
            return PlainTextResponse("there is no such character", 404, HEADERS)
        return Response(await asyncio.to_thread(shown.glb), media_type="model/gltf-binary", headers=HEADERS)

    async def _take_character(self, request: Request) -> Response:
        """A file that was dropped on somebody: `POST /characters?person=2&name=hero.vrm`."""
        try:
            person, name = _person_and_name(request)
            async with self._reading:
                await self._give(person, name, request)
            return JSONResponse({}, headers=HEADERS)
        except _TooLarge as error:
            # Whoever still sends is not listened to.
            return PlainTextResponse(str(error), 413, HEADERS | {"Connection": "close"})
        except CommediaError as error:
            return PlainTextResponse(str(error), 422, HEADERS | {"Connection": "close"})

    async def _give(self, person: int, name: str, request: Request) -> None:
        show = self._pages.show
        if len(show.characters.all()) >= MOST_CHARACTERS:
            raise CommediaError(f"there are {MOST_CHARACTERS} characters already; start again to take others")
        with tempfile.TemporaryDirectory(prefix="commedia-") as folder:
            # The user may have called it anything; what is left of that is the character's name.
            stem = re.sub(r"[^\w -]", "_", Path(name).stem)[:LONGEST_NAME].strip() or "character"
            path = Path(folder) / f"{stem}{Path(name).suffix.lower()}"
            with path.open("wb") as file:
                async for piece in _limited(request):
                    file.write(piece)
            try:
                character = await asyncio.to_thread(open_character, path)
            except CommediaError as error:
                raise CommediaError(str(error).replace(str(path), name)) from None
        await asyncio.to_thread(show.give, person, character)

    async def _moments(self, socket: WebSocket) -> None:
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            await self._pages.serve(socket, pictures=socket.query_params.get("pictures") != "0")

    async def _pictures(self, socket: WebSocket) -> None:
        """A page's camera: each binary message is a JPEG, and each is answered, so that none waits in a buffer."""
        await socket.accept()
        if self._camera is None:
            await socket.close(1008, "no page's camera is watched; start with browser://")
            return
        # Of two pages that lend their cameras the later one is watched.
        self._lender = socket
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError, KeyError):
            while True:
                picture = await socket.receive_bytes()
                if self._lender is not socket:
                    await socket.close(1008, "another page lends its camera now")
                    return
                self._camera.take(picture)
                await socket.send_text("taken")


class _TooLarge(CommediaError):
    """More than is taken."""

    def __init__(self) -> None:
        super().__init__(f"a character may have at most {MOST_UPLOAD >> 20} MiB")


async def _limited(request: Request) -> AsyncIterator[bytes]:
    """A request's body piece by piece; refused as soon as it is known to be too large."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:20]) > MOST_UPLOAD:
        raise _TooLarge
    taken = 0
    async for piece in request.stream():
        taken += len(piece)
        if taken > MOST_UPLOAD:
            raise _TooLarge
        yield piece


def _person_and_name(request: Request) -> tuple[int, str]:
    person, name = request.query_params.get("person", ""), request.query_params.get("name", "")
    name = "".join(filter(str.isprintable, name))[-80:]
    if not (person.isdecimal() and 0 < int(person[:10]) < 1 << 31):
        raise CommediaError("drop a character on somebody: a person is a whole number from 1 up")
    if Path(name).suffix.lower() not in SUFFIXES:
        raise CommediaError(f"'{name}' is no character; drop a .glb or a .vrm")
    return int(person), name
