"""Materials and their base colour pictures, small enough for previews."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from commedia.characters.accessors import Accessors
from commedia.characters.character import Document, Material
from commedia.characters.container import entries, read_uri
from commedia.characters.wrinkles import read_wrinkles
from commedia.errors import BadCharacter

PREVIEW_SIDE_PX = 1024
MAX_PIXELS = 1 << 26
"""8,192 x 8,192: a picture that claims more is refused before it is decoded."""
TEXTURES = ("EXT_texture_webp", "EXT_texture_avif")
"""Extensions whose picture is read instead of the plain one."""
KTX2 = b"\xabKTX 20\xbb"
COMMAND = "npx @gltf-transform/cli ktxdecompress IN.glb OUT.glb"
LARGE_PIXELS, PIXELS_PER_BYTE = 1 << 24, 256
"""Above 4,096 x 4,096 a picture must have bytes for its pixels: a bomb has a thousand pixels in each."""


def read_materials(document: Document, accessors: Accessors) -> tuple[tuple[Material, ...], list[str]]:
    """Read every material, and after them glTF's default one for primitives without; and say which picture is missing.

    A picture that cannot be read leaves its surface in its plain colour; the file keeps it as it is.
    """
    reader = _Reader(document, accessors, {}, [])
    listed = entries(document.json, "materials", document.name)
    return tuple(reader.material(entry) for entry in [*listed, {"name": "default"}]), reader.notes


@dataclass(frozen=True)
class _Reader:
    document: Document
    accessors: Accessors
    pictures: dict[int, np.ndarray | None]
    notes: list[str]

    def material(self, entry: dict) -> Material:
        colour, texture = _surface(entry)
        if len(colour) != 4:
            raise BadCharacter(
                f"{self.document.name}: the material '{entry.get('name')}' has a colour of {len(colour)} numbers"
            )
        name = str(entry.get("name", ""))
        image = None if texture is None else self._image(texture.get("index"), name)
        return Material(
            name,
            (colour[0], colour[1], colour[2], colour[3]),
            image,
            str(entry.get("alphaMode", "OPAQUE")),
            float(entry.get("alphaCutoff", 0.5)),
            bool(entry.get("doubleSided", False)),
            () if image is None else read_wrinkles(entry, lambda index: self._image(index, name), self.notes),
        )

    def _image(self, texture: object, material: str) -> np.ndarray | None:
        textures = entries(self.document.json, "textures", self.document.name)
        entry = textures[self.accessors.entry_index(texture, len(textures), "textures")]
        extensions = entry.get("extensions") or {}
        sources = [(extensions.get(name) or {}).get("source") for name in TEXTURES]
        images = entries(self.document.json, "images", self.document.name)
        number = next((source for source in (*sources, entry.get("source")) if source is not None), None)
        if number is None:
            basis = "KHR_texture_basisu" in extensions
            why = f"is a KTX2 picture; to see it here convert it with: {COMMAND}" if basis else "has no picture"
            self.notes.append(f"the texture of the material '{material}' {why}")
            return None
        number = self.accessors.entry_index(number, len(images), "images")
        if number not in self.pictures:
            try:
                self.pictures[number] = _picture(number, self.document, self.accessors)
            except UnreadablePicture as error:
                self.notes.append(f"{error}, so the material '{material}' is drawn in its plain colour")
                self.pictures[number] = None
        return self.pictures[number]


def _surface(entry: dict) -> tuple[list[float], dict | None]:
    """Base colour and its texture, of a material that has them in the older way too."""
    surface = entry.get("pbrMetallicRoughness") or {}
    colour, texture = surface.get("baseColorFactor", (1, 1, 1, 1)), surface.get("baseColorTexture")
    older = (entry.get("extensions") or {}).get("KHR_materials_pbrSpecularGlossiness")
    if isinstance(older, dict) and texture is None:
        colour, texture = older.get("diffuseFactor", (1, 1, 1, 1)), older.get("diffuseTexture")
    return [float(value) for value in colour], texture


class UnreadablePicture(BadCharacter):
    """One picture that cannot be read, of a character that can."""


def _picture(number: int, document: Document, accessors: Accessors) -> UInt8[np.ndarray, "h w 4"] | None:
    entry = entries(document.json, "images", document.name)[number]
    if "bufferView" in entry:
        data = bytes(accessors.view_bytes(entry["bufferView"]))
    else:
        uri = str(entry.get("uri", ""))
        try:
            data = read_uri(uri, None if uri.startswith("data:") else document.folder, document.name)
        except BadCharacter as error:
            raise UnreadablePicture(str(error)) from None
    if data.startswith(KTX2):
        raise UnreadablePicture(f"image {number} is a KTX2 picture; to see it here convert it with: {COMMAND}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP")) as picture:
                pixels = picture.width * picture.height
                if pixels > MAX_PIXELS or pixels > max(LARGE_PIXELS, PIXELS_PER_BYTE * len(data)):
                    raise BadCharacter(f"{document.name}: image {number} has {picture.width} x {picture.height} pixels")
                picture.draft("RGB", (PREVIEW_SIDE_PX, PREVIEW_SIDE_PX))
                small = _shrunk(picture).convert("RGBA")
    except Image.DecompressionBombError as error:
        raise BadCharacter(f"{document.name}: image {number} has too many pixels: {error}") from None
    except (OSError, ValueError, SyntaxError, IndexError, EOFError) as error:
        raise UnreadablePicture(f"image {number} cannot be decoded: {error}") from None
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
