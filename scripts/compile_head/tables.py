"""Write landmark tables as TOML that a person can read and correct."""

from pathlib import Path

from surface import SurfacePoint

HEADERS = {
    "ibug68": (
        "The 68 points of the iBUG / 300-W scheme on the default head (assets/head.npz). Licence: CC0.",
        "Each is a mixture of three vertices; a vertex itself repeats its number. Left and right are the subject's.",
        "Written by `python scripts/compile_head/embed.py`: lids and lips lie on edge rings of the mesh; jaw line,",
        "nose and brows follow MediaPipe's sightings, which see the jaw's edge from the front and from the side.",
    ),
    "mediapipe478": (
        "MediaPipe's 468 face and 10 iris points on the default head (assets/head.npz). Licence: CC0.",
        "Written by `python scripts/compile_head/embed.py`: detected on renders of many heads from many sides, traced",
        "back to the surface, averaged, made symmetric; points of lids, lips and irises moved onto their rings.",
    ),
}

IBUG_LABELS = (
    *(f"jaw line {n}: {where}" for n, where in enumerate(
        ("right, before the ear at eye height", "right cheek, upper", "right cheek, middle", "right cheek, lower",
         "right angle of the jaw", "right jaw, behind", "right jaw, middle", "right of the chin", "chin tip",
         "left of the chin", "left jaw, middle", "left jaw, behind", "left angle of the jaw", "left cheek, lower",
         "left cheek, middle", "left cheek, upper", "left, before the ear at eye height"))),
    "right brow, outer end", "right brow, outer quarter", "right brow, middle", "right brow, inner quarter",
    "right brow, inner end",
    "left brow, inner end", "left brow, inner quarter", "left brow, middle", "left brow, outer quarter",
    "left brow, outer end",
    "nasal bridge, root between the eyes", "nasal bridge, upper third", "nasal bridge, lower third", "nose tip",
    "right wing of the nose, foot", "right nostril, lower edge", "subnasale", "left nostril, lower edge",
    "left wing of the nose, foot",
    "right eye, outer corner", "right upper lid, outer third", "right upper lid, inner third",
    "right eye, inner corner",
    "right lower lid, inner third", "right lower lid, outer third",
    "left eye, inner corner", "left upper lid, inner third", "left upper lid, outer third", "left eye, outer corner",
    "left lower lid, outer third", "left lower lid, inner third",
    "mouth, right corner", "upper lip border, right half", "upper lip border, right peak of the bow",
    "upper lip border, middle of the bow", "upper lip border, left peak of the bow", "upper lip border, left half",
    "mouth, left corner", "lower lip border, left half", "lower lip border, left of the middle",
    "lower lip border, middle", "lower lip border, right of the middle", "lower lip border, right half",
    "lips' rim, right corner", "upper lip rim, right half", "upper lip rim, middle", "upper lip rim, left half",
    "lips' rim, left corner", "lower lip rim, left half", "lower lip rim, middle", "lower lip rim, right half",
)  # fmt: skip


def write_table(path: Path, points: list[SurfacePoint], labels: list[str]) -> None:
    """Write one scheme; the file's name is the scheme's."""
    lines = [f"# {line}" for line in HEADERS[path.stem]]
    for number, (point, label) in enumerate(zip(points, labels, strict=True)):
        weights = ", ".join(f"{weight:.4f}" for weight in point.barycentric)
        lines += ["", "[[point]]", f"number = {number}", f"vertices = {list(point.vertices)}"]
        lines += [f"barycentric = [{weights}]", f'label = "{label}"']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
