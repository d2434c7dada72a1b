"""HELEN in iBUG's annotation: 2,330 large pictures, 68 points each. Its own 194 points are not read."""

from commedia.data.datasets.pts import marked_pictures
from commedia.data.datasets.spec import DatasetSpec

SPEC = DatasetSpec(
    name="helen",
    title="HELEN with iBUG's points",
    read=marked_pictures,
    needs=("*.pts", "*/*.pts", "*/*/*.pts"),
    tree="""\
helen/
  trainset/
    100032540_1.jpg
    100032540_1.pts
  testset/""",
    licence="research use only; pictures from Flickr",
    truth="68 points that people marked (.pts, centres from one); not every face of a picture",
)
