"""AFW in iBUG's annotation: 337 faces of 205 pictures, 68 points; scipy reads no MATLAB 7.3, so no `anno.mat`."""

from commedia.data.datasets.pts import marked_pictures
from commedia.data.datasets.spec import DatasetSpec

SPEC = DatasetSpec(
    name="afw",
    title="AFW with iBUG's points",
    read=marked_pictures,
    needs=("*.pts", "*/*.pts"),
    tree="""\
afw/
  134212_1.jpg
  134212_1.pts
  4492032921.jpg
  4492032921_1.pts      a face each, where a picture has several
  4492032921_2.pts""",
    licence="research use only",
    truth="68 points that people marked (.pts, centres from one); not every face of a picture",
)
