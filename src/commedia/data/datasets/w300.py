"""300W: the training pictures of four sets as iBUG annotated them, and 600 test pictures indoors and outdoors."""

from commedia.data.datasets.pts import marked_pictures
from commedia.data.datasets.spec import DatasetSpec

SPEC = DatasetSpec(
    name="300w",
    title="300W",
    read=marked_pictures,
    needs=("*/*.pts", "*/*/*.pts"),
    tree="""\
300W/
  afw/                  any of these folders; the folder is the split
    134212_1.jpg
    134212_1.pts
  helen/trainset/  helen/testset/  lfpw/trainset/  lfpw/testset/  ibug/
  01_Indoor/  02_Outdoor/""",
    licence="research use only",
    truth="68 points that people marked (.pts, centres from one); not every face of a picture",
)
