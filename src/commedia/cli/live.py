"""`commedia live [INPUT]`: everyone before a camera as a character on a page, now; and to other programs."""

import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import tyro

from commedia.characters.bundled import EVERYONE
from commedia.cli.inputs import Playing, ended_by_interrupt, in_real_time, open_input, say
from commedia.cli.options import Faces, Mfn, Minutes, Seconds, Sfn, Strength, require_somebody, whole_seconds
from commedia.cli.screen import Screen
from commedia.demo.clip import write_clip
from commedia.demo.portraits import FRAME_RATE, portrait_frames
from commedia.errors import CommediaError, UnreadableMedia
from commedia.faces.weights import DEFAULT_MFN, DEFAULT_SFN
from commedia.outputs.attendance import Attendance
from commedia.outputs.live.pages import Pages
from commedia.outputs.live.profiles import Profiles, profiles_path
from commedia.outputs.live.recorder import Recorder
from commedia.outputs.live.server import DEFAULT_PORT, LiveServer
from commedia.outputs.live.show import Controls, Show
from commedia.outputs.people import DEFAULT_FORMATS, check_formats
from commedia.outputs.sink import Sinks
from commedia.outputs.streams.latency import LatencyMeter
from commedia.outputs.streams.open import open_stream
from commedia.pipeline import run as run_pipeline
from commedia.retarget.cast import OWN, Cast, people_and_default
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.live.browser_camera import ADDRESS as BROWSER
from commedia.sources.live.browser_camera import SILENT_S, BrowserCamera
from commedia.sources.live.camera import CameraSource
from commedia.sources.live.network_camera import shown_address
from commedia.sources.live.newest import NewestSource
from commedia.sources.source import Source
from commedia.tracking.models import open_models
from commedia.tracking.settings import VIDEO_SETTINGS, TrackerSettings
from commedia.tracking.tracker import Tracker

FIRST_CAMERA = "camera://0"


def run(
    input: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="INPUT")] = "",
    to: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ADDRESS [ADDRESS ...]")] = (),
    cast: tuple[str, ...] = (),
    look: Literal["own", "painted", "mask"] | None = None,
    record: Path | None = None,
    formats: tuple[str, ...] = DEFAULT_FORMATS,
    port: int = DEFAULT_PORT,
    host: str = "127.0.0.1",
    browser: bool = True,
    seconds: Seconds = None,
    minutes: Minutes = None,
    bench: tyro.conf.FlagCreatePairsOff[bool] = False,
    demo: tyro.conf.FlagCreatePairsOff[bool] = False,
    faces: Faces = None,
    mapping: str | None = None,
    mirror: tyro.conf.FlagCreatePairsOff[bool] = False,
    strength: Strength = None,
    mfn: Mfn = DEFAULT_MFN,
    sfn: Sfn = DEFAULT_SFN,
) -> int:
    """Open a page that shows a camera's picture, everyone in it, and a character for each of them, moving now.

    For OBS take the page's address with ?view=stage: characters only, on a transparent background. Only this machine is
    served, and no picture leaves it, unless --host says otherwise.

    Args:
        input: What is watched: camera://0 or camera://NAME of this machine, rtsp://..., http://..., - for a video on
            standard input, browser:// for the camera of a page, a video file, which is played again and again as a
            camera would show it, or what a phone sends: livelink://:11111, ifacialmocap://:49983, vmc://:39539. Without
            one it is the first camera, or where there is none that of a page.
        to: Where else faces are sent, as in `commedia stream`: vmc://127.0.0.1:39539, livelink://HOST:11111, ...
        cast: Who plays whom, as in `commedia retarget`: 1=hero.glb default=other.vrm; by default everybody another
            bundled character. The page changes it.
        look: Instead of bundled characters everybody gets the default head. own: with their face's shape, skin and hair
            as the camera shows them, which is a likeness; painted: with its shape alone; mask: nobody's face.
        record: Record from the beginning, to this folder, what `commedia retarget` writes. The page's button begins and
            ends recordings too.
        formats: What each person is recorded as.
        port: Where the page is; 0 takes any port that is free.
        host: Another address than this machine's own is served only when it is named here (0.0.0.0 is all); a link with
            a token is printed, and nobody is served without it.
        browser: Open the page in a browser.
        bench: Play a file once as a camera (or for so many --minutes, again and again), and print latency from capture
            to the last receiver by number of people, the share of the processor and the memory.
        demo: Play two public-domain portraits in motion, which commedia[demo] brings, as a camera.
        mapping: Which blendshape moves which morph of the characters, as in `commedia retarget`.
        mirror: Begin as a mirror.
    """
    seconds = whole_seconds(seconds, minutes)
    _require_sense(input, bench, demo, faces, formats)
    screen, people = Screen(), people_and_default(cast)
    tell = _Telling(screen)
    roles = _roles(people, look, mapping, PerformanceEdit(mirror=mirror, strength=strength))
    recorder = Recorder(record, tell, formats=formats)
    recorder.require_room()
    streams = [open_stream(text, tell) for text in to]
    with ExitStack() as stack:
        source, camera = _opened(stack, _drawn_clip(stack) if demo else input, seconds, tell)
        tracker = _Adjustable(mfn, sfn, faces) if source is None or source.info.pictures else None
        name = (
            BROWSER if source is None else "two portraits in motion" if demo else shown_address(input or FIRST_CAMERA)
        )
        smooth = None if tracker is None else tracker.set_smoothing
        controls = Controls(name, to, camera is not None, smooth, screen.measures)
        pages = Pages(tell.to(Show(roles, controls, recorder, Profiles(profiles_path()))))
        _serve(stack, pages, host, port, camera, browser and not bench)
        source = source or stack.enter_context(_page_camera(camera, seconds, tell))
        playing = in_real_time(source, not source.info.is_live and not (bench and seconds is None), seconds)
        seen = _play(playing, tracker, roles, Sinks([*streams, recorder, pages], tell), screen)
    screen.say(f"{seen.frames} frames of {len(seen.people)} people shown")
    passed_over, assumed = [] if camera is None else camera.notes, roles.notes if seen.people else []
    for note in (screen.state(), *(f"note: {note}" for note in (*playing.notes, *passed_over, *assumed))):
        screen.say(note)
    if bench:
        screen.print_bench(seen)
    return 0


def _roles(
    people: tuple[dict[int, Path], Path | None], look: str | None, mapping: str | None, edit: PerformanceEdit
) -> Cast:
    """Who plays whom; with a `look` the others wear the default head."""
    given, default = people
    if look and default:
        raise CommediaError(f"--look {look} is for the default head, and --cast default={default} gives another one")
    if look == OWN:
        say("heads will look like their people: a likeness, which a recording keeps")
    others = None if look else default or Path(EVERYONE)
    return Cast(others, given, mapping=mapping, edit=edit, look=look or OWN)


class _Telling:
    """Says sentences on the terminal and, once there is one, on the page; from any thread."""

    def __init__(self, screen: Screen):
        self._screen = screen
        self._show: Show | None = None

    def to(self, show: Show) -> Show:
        self._show = show
        return show

    def __call__(self, sentence: str) -> None:
        self._screen.say(sentence)
        if self._show is not None:
            self._show.say(sentence)


class _Adjustable:
    """A tracker whose smoothing is set while it runs, or before."""

    def __init__(self, mfn: str, sfn: str, faces: int | None):
        self._mfn, self._sfn, self._faces, self._factor = mfn, sfn, faces, 1.0
        self._tracker: Tracker | None = None

    def open(self) -> Tracker:
        """Load the networks."""
        models = open_models(self._mfn, self._sfn)
        self._tracker = Tracker(models if self._faces is None else models.largest(self._faces), self._settings())
        return self._tracker

    def set_smoothing(self, factor: float) -> None:
        """Filters' cut-offs times a factor; called from another thread."""
        self._factor = factor
        if self._tracker is not None:
            self._tracker.settings = self._settings()

    def _settings(self) -> TrackerSettings:
        assert VIDEO_SETTINGS.smoothing is not None
        return replace(VIDEO_SETTINGS, smoothing=VIDEO_SETTINGS.smoothing.scaled(self._factor))


def _play(playing: Playing, tracker: _Adjustable | None, cast: Cast, sinks: Sinks, screen: Screen) -> Attendance:
    """Load the networks, if any, and go until the source ends."""
    given_s = (lambda: playing.given_s) if isinstance(playing, NewestSource) else None
    meter = LatencyMeter(sinks, playing.now_s, given_s=given_s)
    following = Tracker() if tracker is None else tracker.open()
    screen.source, screen.meter = playing, meter
    with ended_by_interrupt(playing):
        return run_pipeline(playing, following, cast, meter, screen.frame_done)


def _require_sense(input: str, bench: bool, demo: bool, faces: int | None, formats: tuple[str, ...]) -> None:
    require_somebody(faces)
    if input and demo:
        raise CommediaError(f"--demo plays a clip of its own, in place of '{input}'")
    if bench and not (input or demo):
        raise CommediaError("--bench plays a file as a camera; name one")
    check_formats(formats, is_still=False)


def _drawn_clip(stack: ExitStack) -> str:
    path = Path(stack.enter_context(TemporaryDirectory(prefix="commedia-"))) / "portraits.mp4"
    say("drawing the clip")
    write_clip(path, portrait_frames(), FRAME_RATE)
    return str(path)


def _opened(
    stack: ExitStack, input: str, seconds: float | None, tell: Callable[[str], object]
) -> tuple[Source | None, BrowserCamera | None]:
    """What is watched; of a page's camera, which there is only when the page is there, what takes its pictures."""
    if input == BROWSER:
        return None, BrowserCamera()
    try:
        source = stack.enter_context(open_input(input or FIRST_CAMERA, seconds=seconds, report=tell))
    except UnreadableMedia as error:
        if input:
            raise
        say(f"{error}. The page asks for a camera of its browser instead")
        return None, BrowserCamera()
    if source.info.is_still:
        raise CommediaError(f"'{input}' does not move; a page shows a camera, a video or what a phone sends")
    return source, None


def _serve(
    stack: ExitStack, pages: Pages, host: str, port: int, camera: BrowserCamera | None, open_browser: bool
) -> None:
    server = LiveServer(pages, host, port, camera)
    stack.callback(server.stop)
    server.start()
    for link in server.links:
        say(f"the page is at {link}")
    say(f"for OBS: {server.links[0]}{'&' if server.token else '?'}view=stage")
    if server.is_open_to_others:
        say("whoever has the link sees the camera; it is not encrypted")
    if open_browser:
        webbrowser.open(server.links[0])


def _page_camera(camera: BrowserCamera | None, seconds: float | None, tell: Callable[[str], object]) -> NewestSource:
    """Wait for a page's first picture."""
    assert camera is not None
    say("waiting for the page's camera; Ctrl-C ends it")
    camera.wait_for_page()
    # A page comes back by itself, and what comes over a network may halt for longer than a cable does.
    lent = CameraSource(BROWSER, lambda: camera, tell, pauses_s=(0.1,))
    source = NewestSource(lent, seconds=seconds, blanks=True, blank_after_s=SILENT_S)
    source.start()
    return source
