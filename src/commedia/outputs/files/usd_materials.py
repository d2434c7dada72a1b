"""Materials of a character as UsdPreviewSurface, with their pictures as PNG files beside the USD.

Only what a preview needs: colour, transparency, and the base texture as the character holds it (at most 1,024 pixels a
side). Toon shading, normal maps and animated textures are left to the GLB.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from commedia.characters.character import Character, Material
from commedia.files import write_file
from commedia.outputs.files.usd_rig import identifier, load_usd, unused

ROUGHNESS = 0.6


class Textures:
    """The pictures of a character, each once, under names that begin with the USD's own."""

    def __init__(self, character: Character, path: Path):
        """Name the pictures; nothing is written yet."""
        self._folder = path.parent
        self._images: list[np.ndarray] = []
        self.of_material: dict[int, str] = {}
        """File names by index of the material."""
        for index, material in enumerate(character.materials):
            if material.image is not None:
                self.of_material[index] = f"{path.stem}-{self._number(material.image):04d}.png"

    def write(self) -> list[Path]:
        """Write the pictures; returns their paths."""
        paths = [self._folder / name for name in dict.fromkeys(self.of_material.values())]
        try:
            for path, image in zip(paths, self._images, strict=True):
                encoded = io.BytesIO()
                Image.fromarray(image).save(encoded, "PNG")
                write_file(path, encoded.getvalue())
        except BaseException:
            for path in paths:
                path.unlink(missing_ok=True)
            raise
        return paths

    def _number(self, image: np.ndarray) -> int:
        # Several materials of a head share one picture.
        for number, known in enumerate(self._images):
            if known is image or np.array_equal(known, image):
                return number
        self._images.append(image)
        return len(self._images) - 1


def define_materials(stage: Any, folder: str, character: Character, textures: dict[int, str]) -> list[Any]:
    """Define every material under the prim `folder`; `textures` are file names by index."""
    taken: set[str] = set()
    return [
        _define(stage, unused(f"{folder}/{identifier(material.name)}", taken), material, textures.get(index))
        for index, material in enumerate(character.materials)
    ]


def _define(stage: Any, path: str, material: Material, texture: str | None) -> Any:
    pxr = load_usd()
    kinds = pxr.Sdf.ValueTypeNames
    defined = pxr.UsdShade.Material.Define(stage, path)
    surface = pxr.UsdShade.Shader.Define(stage, f"{path}/Surface")
    surface.CreateIdAttr("UsdPreviewSurface")
    surface.CreateInput("roughness", kinds.Float).Set(ROUGHNESS)
    colour = surface.CreateInput("diffuseColor", kinds.Color3f)
    opacity = None if material.alpha_mode == "OPAQUE" else surface.CreateInput("opacity", kinds.Float)
    if material.alpha_mode == "MASK":
        surface.CreateInput("opacityThreshold", kinds.Float).Set(float(material.alpha_cutoff))
    factors = [float(value) for value in material.colour]
    if texture is None:
        colour.Set(pxr.Gf.Vec3f(*factors[:3]))
        if opacity is not None:
            opacity.Set(factors[3])
    else:
        picture = _define_picture(stage, path, texture, factors)
        colour.ConnectToSource(picture.CreateOutput("rgb", kinds.Float3))
        if opacity is not None:
            opacity.ConnectToSource(picture.CreateOutput("a", kinds.Float))
    defined.CreateSurfaceOutput().ConnectToSource(surface.CreateOutput("surface", kinds.Token))
    return defined


def _define_picture(stage: Any, path: str, texture: str, factors: list[float]) -> Any:
    pxr = load_usd()
    kinds = pxr.Sdf.ValueTypeNames
    reader = pxr.UsdShade.Shader.Define(stage, f"{path}/Coordinates")
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    reader.CreateInput("varname", kinds.String).Set("st")
    picture = pxr.UsdShade.Shader.Define(stage, f"{path}/Picture")
    picture.CreateIdAttr("UsdUVTexture")
    picture.CreateInput("file", kinds.Asset).Set(pxr.Sdf.AssetPath(f"./{texture}"))
    picture.CreateInput("st", kinds.Float2).ConnectToSource(reader.CreateOutput("result", kinds.Float2))
    picture.CreateInput("sourceColorSpace", kinds.Token).Set("sRGB")
    picture.CreateInput("scale", kinds.Float4).Set(pxr.Gf.Vec4f(*factors))
    for wrap in ("wrapS", "wrapT"):
        picture.CreateInput(wrap, kinds.Token).Set("repeat")
    return picture
