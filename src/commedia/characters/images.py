"""Materials and their base colour pictures, small enough for previews."""

import io
import warnings

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from commedia.characters.accessors import Accessors
from commedia.characters.character import Document, Material
from commedia.characters.container import entries, read_uri
from commedia.errors import BadCharacter

PREVIEW_SIDE_PX = 1024
MAX_PIXELS = 1 << 26
"""8,192 x 8,192: a picture that claims more is refused before it is decoded."""
LARGE_PIXELS, PIXELS_PER_BYTE = 1 << 24, 256
"""Above 4,096 x 4,096 a picture must have bytes for its pixels: a bomb has a thousand pixels in each."""


def read_materials(document: Document, accessors: Accessors) -> tuple[Material, ...]:
    """Read every material, and after them glTF's default one for primitives without."""
    pictures: dict[int, np.ndarray | None] = {}
    listed = entries(document.json, "materials", document.name)
    return tuple(_material(entry, document, accessors, pictures) for entry in [*listed, {"name": "default"}])


def _material(entry: dict, document: Document, accessors: Accessors, pictures: dict) -> Material:
    surface = entry.get("pbrMetallicRoughness") or {}
    colour = tuple(float(value) for value in surface.get("baseColorFactor", (1, 1, 1, 1)))
    if len(colour) != 4:
        raise BadCharacter(f"{document.name}: the material '{entry.get('name')}' has a colour of {len(colour)} numbers")
    image = None
    if "baseColorTexture" in surface:
        number = _image_index(surface["baseColorTexture"].get("index"), document, accessors)
        if number is not None:
            if number not in pictures:
                pictures[number] = _picture(number, document, accessors)
            image = pictures[number]
    return Material(
        str(entry.get("name", "")),
        colour,
        image,
        str(entry.get("alphaMode", "OPAQUE")),
        float(entry.get("alphaCutoff", 0.5)),
        bool(entry.get("doubleSided", False)),
    )


def _image_index(texture: object, document: Document, accessors: Accessors) -> int | None:
    textures = entries(document.json, "textures", document.name)
    entry = textures[accessors.entry_index(texture, len(textures), "textures")]
    webp = (entry.get("extensions") or {}).get("EXT_texture_webp") or {}
    source = webp.get("source", entry.get("source"))
    images = entries(document.json, "images", document.name)
    return None if source is None else accessors.entry_index(source, len(images), "images")


def _picture(number: int, document: Document, accessors: Accessors) -> UInt8[np.ndarray, "h w 4"] | None:
    entry = entries(document.json, "images", document.name)[number]
    if "bufferView" in entry:
        data = bytes(accessors.view_bytes(entry["bufferView"]))
    elif str(entry.get("uri", "")).startswith("data:"):
        data = read_uri(entry["uri"], None, document.name)
    else:
        data = read_uri(str(entry.get("uri", "")), document.folder, document.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
                pixels = picture.width * picture.height
                if pixels > MAX_PIXELS or pixels > max(LARGE_PIXELS, PIXELS_PER_BYTE * len(data)):
                    raise BadCharacter(f"{document.name}: image {number} has {picture.width} x {picture.height} pixels")
                picture.draft("RGB", (PREVIEW_SIDE_PX, PREVIEW_SIDE_PX))
                small = _shrunk(picture).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadCharacter(f"{document.name}: image {number} cannot be decoded: {error}") from None
    return np.array(small)


def _shrunk(picture: Image.Image) -> Image.Image:
    """Make it small before it has four channels, which of a large picture would be as much memory again."""
    longer = max(picture.size)
    if longer <= PREVIEW_SIDE_PX:
        return picture
    if picture.mode not in ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr"):
        # Numbers of colours cannot be averaged: leave out most, and average the rest.
        step = max(1, longer // (2 * PREVIEW_SIDE_PX))
        few = picture.resize((max(1, picture.width // step), max(1, picture.height // step)), Image.Resampling.NEAREST)
        picture = few.convert("RGBA")
    share = PREVIEW_SIDE_PX / longer
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    return picture.resize(size, Image.Resampling.BOX)
