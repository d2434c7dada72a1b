"""Everything that can be set about tracking, with the values that were found to work."""

from dataclasses import dataclass, field, replace

from commedia.tracking.associate import Matching
from commedia.tracking.smooth import Smoothing


@dataclass(frozen=True)
class TrackLifecycle:
    """How long a person is kept who is not seen, and how soon one is believed."""

    hold_s: float = 0.3
    """The last motion stands still so long."""
    fade_s: float = 0.5
    """Then the face turns neutral and looks ahead within this time."""
    keep_s: float = 2.0
    """After this time unseen the track ends; who comes back later is known by their looks, or somebody new."""
    confirm_frames: int = 2
    """Detections before a new face gets an id and appears; 1 shows every detection at once. `follow` fills the frames
    before the confirmation in afterwards."""
    confirm_doubtful_frames: int = 6
    """The same of whom the detector is not sure of (`birth_confidence`)."""
    confirm_looks: float = 0.9
    """Share of the looks from near that must be sure of somebody (`SOMEBODY`) until then. In five clips the two things
    that were taken for faces have .6 and .2 after ten looks, the eight people 1."""
    birth_confidence: float = 0.64
    """A detection less sure than this can go on with somebody known, but not by itself begin somebody new: a face that
    turns or is half covered scores low exactly when it must not be lost."""
    follow_confidence: float = 0.2
    """Less sure detections do not count."""
    doubtful_confidence: float = 0.3
    """From here on it begins somebody new if the regressor, which sees the crop in full resolution, agrees."""
    birth_presence: float = 0.9
    """The regressor agrees; where it does not, nobody is born, however sure the detector is. `evaluate
    mfn-groups` found 96 % of the faces at 91 % precision with 0.3, and 95 % at 98 % with 0.9 and later weights."""
    follow_presence: float = 0.9
    """Somebody known with less than this in the crop where they were expected is looked for at once, and read where
    they are found: eyes read in a crop that lies beside the face are shut. In 12 clips 12 of 3,072 frames have less,
    all of one whose head jerks up and down."""
    keep_presence: float = 0.1
    """Less than this in a crop that no sure detection stands behind: whoever was there is gone."""
    confirm_confidence: float = 0.9
    """A first detection at least this sure is confirmed at once."""


@dataclass(frozen=True)
class Recognising:
    """How alike looks must be, as cosines."""

    remember_s: float = 65.0
    """Who has been away for longer, a minute and a little, is somebody new."""
    most_remembered: int = 64
    same_person: float = 0.7
    """Least likeness at which who is new after a cut, or has an old place, is somebody who was there before it. Of 45
    people of YouTube Faces that nobody trained on, four looks known: three more of the same person together lie above,
    all of 57, as do 0.4 % of another's; of single looks 19 % lie below, so a second and third are waited for."""
    returning: float = 0.6
    """The same of who left or was hidden, without a cut: that it is somebody known is likely then. Of the same people's
    single looks 5 % lie below, and 1.2 % of another's above."""
    stranger: float = 0.4
    """Below this one that has the place of somebody lost, or moved through a small cut, is: the same is likely."""
    swap_margin: float = 0.2
    """Two who have crossed change names when that makes both more alike by so much."""


@dataclass(frozen=True)
class TrackerSettings:
    """What a `Tracker` is made with."""

    detect_every: int = 1
    """Run the detector on every n-th frame only; between, faces are followed through their crops. Ignored, frame by
    frame, while a face is new, lost or looks unlike the frame before, or while there are more faces than
    `refine_budget`. Who enters is found at most n - 1 frames late; who leaves without a change of the picture that
    `pattern_change` notices is shown at most n - 1 frames too long."""
    pattern_change: float = 0.5
    """Change of a followed face's grey pattern from frame to frame, 0 to 2, that calls the detector: SFN reads a face
    into every crop, also where nobody is (982 of 982 stayed plausible when a background was laid over the head in 15
    clips). This limit saw all of those, and 1.7 % of the frames in which the person stayed."""
    tiled_every: int = 24
    """Frames from one tiled detection, which finds small faces too, to the next; `detect_every` while somebody's face
    is smaller than `small_face` of the picture. Who is small and not found between goes on as they moved."""
    small_face: float = 0.05
    refine_budget: int = 4
    """Faces per frame read again from full-resolution crops, the largest first. The others keep the detector's
    prediction: taking turns would make them flicker between two predictions."""
    turned_budget: int = 1
    """New faces per frame that are looked for at every roll, the largest first: each costs eight to sixteen readings,
    and what is no face asks for them in every frame that it is detected in."""
    turned_pictures: bool = False
    """Look for people in the picture turned by quarters when nobody is found in it, for three more looks."""
    smoothing: Smoothing | None = field(default_factory=Smoothing)
    """None shows every prediction as it is, with its own identity."""
    learn_neutral: bool = False
    """Learn the face at rest of everyone as it shows, and take it away. For streams: who has a whole take finds it
    better afterwards (`WholeTake`), and who has a `Calibration` need not."""
    settled_identity: float | None = None
    """Weight (`identity.SURE`) at which who somebody is changes no more; None goes on averaging. A whole take that is
    read twice knows it from all frames anyway."""
    lifecycle: TrackLifecycle = field(default_factory=TrackLifecycle)
    matching: Matching = field(default_factory=Matching)
    recognising: Recognising | None = field(default_factory=Recognising)
    """None tells people apart by place and coarse appearance only, and knows nobody who comes back."""


VIDEO_SETTINGS = TrackerSettings(detect_every=3)
"""The detector looks at every third frame: `docs/evaluation/frame.md` says what a frame costs so."""
TAKE_SETTINGS = replace(
    VIDEO_SETTINGS, refine_budget=16, lifecycle=TrackLifecycle(confirm_doubtful_frames=2, confirm_looks=0.0)
)
"""For a recording that is read as a whole, which need not be on time: MFN alone leaves a face almost at rest (of six
who grin and shout, two did not move); and who is nobody all looks say in the end."""
PHOTO_SETTINGS = TrackerSettings(
    refine_budget=64,
    turned_budget=64,
    turned_pictures=True,
    smoothing=None,
    lifecycle=TrackLifecycle(
        confirm_frames=1,
        confirm_doubtful_frames=1,
        confirm_looks=0.0,
        follow_confidence=0.1,
        doubtful_confidence=0.1,
    ),
    recognising=None,
)
"""For pictures without a common time: call `Tracker.reset` before each. There is one look only, so that fainter finds
are read too: of 72 between .1 and .3 in 75 pictures without people the regressor takes none for a face."""
