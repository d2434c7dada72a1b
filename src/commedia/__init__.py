"""Watch everyone in a picture, a video or a camera, and let each of them wear a 3D character.

    Frame --detect--> Face --regress--> FaceParams --track--> TrackedFace --retarget--> RigPose --send--> Sink

Each arrow is one folder and each noun one frozen dataclass of :mod:`commedia.structures`. Importing this package
imports neither torch nor a viewer.
"""

from commedia.errors import CommediaError as CommediaError
from commedia.structures import Box as Box
from commedia.structures import Face as Face
from commedia.structures import FaceParams as FaceParams
from commedia.structures import Frame as Frame
from commedia.structures import HeadPose as HeadPose
from commedia.structures import RigPose as RigPose
from commedia.structures import TrackedFace as TrackedFace
from commedia.structures import TrackedFrame as TrackedFrame

__version__ = "0.1.0"
