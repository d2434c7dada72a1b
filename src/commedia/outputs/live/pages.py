"""The connected pages, and the sink that gives them moments.

Nobody makes it wait: each page gets the newest moment when it has shown the last, and never those between.
"""

import asyncio
import contextlib
import json
import threading
import time
from fractions import Fraction
from typing import Any

from commedia.errors import CommediaError
from commedia.outputs.live.messages import NewestMoment
from commedia.outputs.live.show import Show
from commedia.outputs.sink import StreamInfo
from commedia.outputs.streams.people import StreamedPeople
from commedia.structures import Frame, Moment, TrackedFrame

MOST_PAGES = 16
MOST_UNSHOWN = 2
"""Moments that are on their way to a page at once: more would only wait in buffers, and come late."""
MEASURES_S = 0.5
"""Pages hear of latency so often."""
LONGEST_REQUEST = 1 << 14
"""Characters of a page's request."""


class Pages:
    """A sink, and what it tells each page. Everything but the sink's methods belongs to the server's loop."""

    name = "the page"

    def __init__(self, show: Show):
        self.show = show
        self._newest: NewestMoment | None = None
        self._people = StreamedPeople()
        self._pages: set[_Page] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = threading.Event()

    def open(self, info: StreamInfo) -> None:
        self.show.set_phase("running")

    def send(self, moment: Moment) -> None:
        self.show.frame_done(moment.tracked)
        self._post(moment.frame, moment.acted)

    def close(self) -> None:
        """End: characters come to rest rather than stay as they happened to be."""
        self.show.set_phase("over")
        newest = self._newest
        if newest is not None:
            self._people_at_rest(newest)
        self.discard()

    def discard(self) -> None:
        self._wake()

    def serve_from(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say which loop serves the pages."""
        self._loop = loop

    def _post(self, frame: Frame | None, acted: TrackedFrame) -> None:
        people, number = self._people.update(acted), 1 if self._newest is None else self._newest.number + 1
        image = None if frame is None else frame.image
        persons = self._people.persons()
        self._newest = NewestMoment(number, acted.time_s, image, people, persons, self.show.cast, self.show.characters)
        self._wake()

    def _people_at_rest(self, last: NewestMoment) -> None:
        time_s = last.time_s + Fraction(1, 30)
        people, persons = self._people.at_rest(), self._people.persons()
        self._newest = NewestMoment(
            last.number + 1, time_s, last.image, people, persons, self.show.cast, self.show.characters
        )

    def _wake(self) -> None:
        # A loop that is late has the newest moment to send all the same.
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake_pages)

    def _wake_pages(self) -> None:
        for page in self._pages:
            page.ready.set()

    async def serve(self, socket: Any, *, pictures: bool) -> None:
        """Talk with one page until it is gone; `socket` is an accepted `starlette.websockets.WebSocket`."""
        if len(self._pages) >= MOST_PAGES:
            await socket.close(1013, f"{MOST_PAGES} pages are open already")
            return
        page = _Page(socket, pictures)
        self._pages.add(page)
        hearing = asyncio.ensure_future(self._hear(page))
        try:
            while not page.is_gone:
                await self._tell(page)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(page.ready.wait(), MEASURES_S)
                page.ready.clear()
        finally:
            hearing.cancel()
            self._pages.discard(page)

    async def _tell(self, page: "_Page") -> None:
        """Whatever is new to a page, the state before the moment that needs it."""
        newest = self._newest
        fresh = newest is not None and newest.number != page.sent and len(page.unshown) < MOST_UNSHOWN
        message = b""
        if newest is not None and fresh:
            message = newest.with_picture if page.pictures else newest.without_picture
            # Encoding may have met a character for the first time.
            if len(self.show.characters.all()) != page.characters:
                page.version = 0
        if page.version != self.show.version:
            page.version, page.characters = self.show.version, len(self.show.characters.all())
            await page.socket.send_text(json.dumps(self.show.to_json()))
        if newest is not None and fresh:
            page.sent = newest.number
            page.unshown[newest.number % 2**32] = time.monotonic()
            await page.socket.send_bytes(message)
        if time.monotonic() - page.measured_s >= MEASURES_S:
            page.measured_s = time.monotonic()
            measures = {
                "type": "measures",
                "page_ms": page.shown_ms if page.shown_ms == page.shown_ms else None,
                **self.show.controls.measure(),
            }
            await page.socket.send_text(json.dumps(measures))

    async def _hear(self, page: "_Page") -> None:
        try:
            while True:
                received = await page.socket.receive()
                if received["type"] != "websocket.receive":
                    return
                if received.get("text"):
                    await self._answer(page, received["text"])
        finally:
            page.is_gone = True
            page.ready.set()

    async def _answer(self, page: "_Page", text: str) -> None:
        try:
            asked = json.loads(text) if len(text) <= LONGEST_REQUEST else None
            if not isinstance(asked, dict):
                raise CommediaError("a request is an object of JSON")
            if "shown" in asked:
                page.note_shown(asked["shown"])
            else:
                # Reading a character or a file may take a moment, which no other page waits for.
                await asyncio.to_thread(self.show.do, asked)
        except (CommediaError, ValueError, RecursionError, OSError) as error:
            sentence = str(error) if isinstance(error, CommediaError) else "that request cannot be read"
            with contextlib.suppress(Exception):
                await page.socket.send_text(json.dumps({"type": "refused", "sentence": sentence}))
        self._wake_pages()


class _Page:
    """One connection, and what it has been told."""

    def __init__(self, socket: Any, pictures: bool):
        self.socket, self.pictures, self.ready = socket, pictures, asyncio.Event()
        self.sent = self.version = self.characters = 0
        self.unshown: dict[int, float] = {}
        """When each moment left that the page has not shown yet."""
        self.shown_ms, self.measured_s, self.is_gone = float("nan"), 0.0, False

    def note_shown(self, number: object) -> None:
        """The page has drawn this moment."""
        sent_s = self.unshown.pop(number, None) if isinstance(number, int) else None
        if sent_s is not None:
            age_ms = (time.monotonic() - sent_s) * 1000
            self.shown_ms = age_ms if self.shown_ms != self.shown_ms else 0.9 * self.shown_ms + 0.1 * age_ms
