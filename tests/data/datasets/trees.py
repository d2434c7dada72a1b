"""A tiny tree of every data set in its published format, written by hand, with what a reader has to find in it."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import scipy.io

from commedia.data.datasets.aflw2000 import REANNOTATED
from commedia.demo.clip import write_clip

FILE_POINTS = np.array([[1.0 + k % 10, 1.0 + k // 10] for k in range(68)])
"""As a file has them: the first at (1, 1), the last at (8, 7)."""
AU_LINE = " ".join(f"{k / 100:.2f}" for k in range(24))


def picture(path: Path, width: int = 40, height: int = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2] = (10, 20, 200)  # BGR: the left half is red
    assert cv2.imwrite(str(path), image)


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def mat(path: Path, **arrays: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, arrays)


def rows(points: np.ndarray) -> str:
    return "".join(f"{x:.3f} {y:.3f}\n" for x, y in points)


def pts(path: Path, *, header: bool = True, points: np.ndarray = FILE_POINTS) -> None:
    body = rows(points)
    text(path, f"version: 1\nn_points:  {len(points)}\n{{\n{body}}}\n" if header else body)


def video(path: Path, frames: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_clip(path, [np.full((16, 32, 3), 60 * k, np.uint8) for k in range(frames)], 25)


def w300_lp(root: Path) -> None:
    pose = np.array([[0.1, 0.5, -0.2, 0.0, 0.0, 0.0, 1e-3]])
    for folder, name in (("AFW", "AFW_7_1_0"), ("AFW", "AFW_7_1_1"), ("AFW_Flip", "AFW_7_1_0")):
        picture(root / folder / f"{name}.jpg")
        mat(root / folder / f"{name}.mat", pt2d=FILE_POINTS.T, Pose_Para=pose, roi=np.array([[1, 2, 3, 4]]))
        mat(root / "landmarks" / folder / f"{name}_pts.mat", pts_2d=FILE_POINTS, pts_3d=FILE_POINTS + 2)


def aflw2000(root: Path) -> None:
    points = np.concatenate([FILE_POINTS.T, np.ones((1, 68))])
    for number in (2, 4):
        picture(root / f"image{number:05d}.jpg")
        pose = np.array([[0.0, number / 10, 0.0, 0.0, 0.0, 0.0, 1e-3]])
        mat(root / f"image{number:05d}.mat", pt3d_68=points + number, Pose_Para=pose)
    np.save(root / REANNOTATED, np.stack([FILE_POINTS.T + 10, FILE_POINTS.T + 20]))


def lfw(root: Path) -> None:
    for name in ("Ann_Lee", "Bo_Ek"):
        picture(root / name / f"{name}_0001.jpg")
    text(root / "landmarks.txt", "Bo_Ek/Bo_Ek_0001.jpg\t3 4 5 6 7 8 9 10 11 12\n")


def w300_vw(root: Path) -> None:
    for clip in ("001", "410"):
        video(root / clip / "vid.avi")
        for frame in (1, 3):
            pts(root / clip / "annot" / f"{frame:06d}.pts", points=FILE_POINTS + frame)


def afw(root: Path) -> None:
    for name in ("134212_1", "4492"):
        picture(root / f"{name}.jpg")
    pts(root / "134212_1.pts")
    pts(root / "4492_1.pts", header=False)
    pts(root / "4492_2.pts", points=FILE_POINTS + 4)


def w300(root: Path) -> None:
    picture(root / "01_Indoor" / "indoor_001.png")
    pts(root / "01_Indoor" / "indoor_001.pts")
    picture(root / "lfpw" / "testset" / "image_0001.png")
    pts(root / "lfpw" / "testset" / "image_0001.pts", header=False)


def helen(root: Path) -> None:
    picture(root / "trainset" / "100_1.jpg")
    pts(root / "trainset" / "100_1.pts")


def fddb(root: Path) -> None:
    picture(root / "originalPics" / "2002/08/11/big/img_591.jpg")
    picture(root / "originalPics" / "2002/08/11/big/img_600.jpg")
    content = "2002/08/11/big/img_591\n2\n8.0 5.0 1.5707963267948966 20 15  1\n6 6 0.3 10.5 10.5 1\n"
    text(root / "FDDB-folds/FDDB-fold-01-ellipseList.txt", content)
    text(root / "FDDB-folds/FDDB-fold-02-ellipseList.txt", "2002/08/11/big/img_600\n1\n8 5 0 20 15 1\n")


def wider_face(root: Path) -> None:
    for name in ("train/images/0--Parade/a", "train/images/0--Parade/b", "val/images/1/c"):
        picture(root / f"WIDER_{name}.jpg")
    train = "0--Parade/a.jpg\n2\n4 5 10 12 2 1 0 0 1 0 \n0 0 3 3 0 0 1 1 2 1 \n"
    train += "0--Parade/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n"
    text(root / "wider_face_split/wider_face_train_bbx_gt.txt", train)
    text(root / "wider_face_split/wider_face_val_bbx_gt.txt", "1/c.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n")


def voxceleb2(root: Path) -> None:
    video(root / "dev/mp4/id00012/21Ux/00001.mp4", frames=2)
    picture(root / "dev/mp4/id00013/abcd/00001/000007.jpg")


def cpem(root: Path) -> None:
    for frame in ("00001", "00002"):
        picture(root / f"data/id1/clip/{frame}.jpg")
        picture(root / f"face_mask/id1/clip/{frame}.jpg")
        text(root / f"landmarks/id1/clip/{frame}.txt", rows(FILE_POINTS))
        text(root / f"landmarks2d/id1/clip/{frame}.txt", rows(FILE_POINTS + 5))
    flags = "id1,clip,00001,1\nid1,clip,00002,0\n"
    text(root / "front_face_flag.csv", f"person_id,video_id,frame_name,front_face_flag\n{flags}")


def feafa(root: Path) -> None:
    video(root / "s1/clip01.avi", frames=2)
    text(root / "s1/clip01.auw", f"{AU_LINE}\n{AU_LINE}\n")
    for frame in (1, 2, 10):
        picture(root / f"s1/clip02/{frame}.png")
    text(root / "s1/clip02.txt", f"{AU_LINE}\n" * 3)
    picture(root / "s2/000001.png")
    text(root / "s2/000001.csv", AU_LINE.replace(" ", ","))


def music_videos(root: Path) -> None:
    video(root / "TARA.mp4", frames=2)
    picture(root / "Westlife" / "000001.jpg")


WRL = """#VRML V2.0 utf8
Shape { geometry IndexedFaceSet {
  texCoord TextureCoordinate { point [ 0 0, 1 0, 1 1, 0 1 ] }
  coord Coordinate { point [ 0 0 0, 10.5 0 0, # a comment, with ] in it
    10.5 20 0, 0 20 1e-1 ] }
  coordIndex [ 0, 1, 2, 3, -1, 0, 2, 3, -1 ]
  texCoordIndex [ 0 1 2 3 -1 ]
} }
"""


def bu_3dfe(root: Path) -> None:
    for person, name in (("F0001", "AN01WH"), ("F0001", "NE00WH"), ("M0044", "SU04BL")):
        picture(root / person / f"{person}_{name}_F2D.bmp")
        picture(root / person / f"{person}_{name}_F3D.bmp")
        text(root / person / f"{person}_{name}_F3D.wrl", WRL)
        text(root / person / f"{person}_{name}_RAW.wrl", WRL)


def face_warehouse(root: Path) -> None:
    for person, pose in (("part1/Tester_1", 0), ("part1/Tester_1", 10), ("part2/Tester_150", 2)):
        folder = root / person / "TrainingPose"
        picture(folder / f"pose_{pose}.{'jpg' if pose == 2 else 'png'}")
        text(folder / f"pose_{pose}.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3 4\n")
        text(folder.parent / "Blendshape" / "shape_0.obj", "v 0 0 0\n")


def celeba(root: Path) -> None:
    heading = (
        "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
    )
    for number in (1, 2):
        picture(root / "Img/img_celeba" / f"{number:06d}.jpg")
    text(root / "Anno/identity_CelebA.txt", "000001.jpg 2880\n000002.jpg 7\n")
    text(
        root / "Anno/list_bbox_celeba.txt",
        "2\nimage_id x_1 y_1 width height\n000001.jpg    5  6 20 21\n000002.jpg 1 2 3 4\n",
    )
    points = "000001.jpg 9  8  16  8   12  12   9  15  15  15\n000002.jpg 1 1 2 1 1 2 1 3 2 3\n"
    text(root / "Anno/list_landmarks_celeba.txt", f"2\n{heading}\n{points}")
    text(root / "Eval/list_eval_partition.txt", "000001.jpg 0\n000002.jpg 2\n")


def celeba_aligned(root: Path) -> None:
    picture(root / "img_align_celeba/000001.jpg")
    picture(root / "img_align_celeba/000002.png")
    text(root / "identity_CelebA.txt", "000001.jpg 2880\n000002.jpg 7\n")
    points = "000001.jpg 9 8 16 8 12 12 9 15 15 15\n000002.jpg 1 1 2 1 1 2 1 3 2 3\n"
    text(root / "list_landmarks_align_celeba.txt", f"2\nlefteye_x ...\n{points}")


TREES: dict[str, tuple[Callable[[Path], None], list[tuple[str, int]]]] = {
    "300w-lp": (w300_lp, [("AFW/AFW_7_1_0.jpg", 1), ("AFW/AFW_7_1_1.jpg", 1), ("AFW_Flip/AFW_7_1_0.jpg", 1)]),
    "300w-lp-3d": (w300_lp, [("AFW/AFW_7_1_0.jpg", 1), ("AFW/AFW_7_1_1.jpg", 1), ("AFW_Flip/AFW_7_1_0.jpg", 1)]),
    "aflw2000-3d": (aflw2000, [("image00002.jpg", 1), ("image00004.jpg", 1)]),
    "aflw2000-3d-reannotated": (aflw2000, [("image00002.jpg", 1), ("image00004.jpg", 1)]),
    "lfw": (lfw, [("Ann_Lee/Ann_Lee_0001.jpg", 1), ("Bo_Ek/Bo_Ek_0001.jpg", 1)]),
    "300vw": (w300_vw, [("001/vid.avi#0", 1), ("001/vid.avi#2", 1), ("410/vid.avi#0", 1), ("410/vid.avi#2", 1)]),
    "afw": (afw, [("4492.jpg", 2), ("134212_1.jpg", 1)]),
    "300w": (w300, [("01_Indoor/indoor_001.png", 1), ("lfpw/testset/image_0001.png", 1)]),
    "helen": (helen, [("trainset/100_1.jpg", 1)]),
    "fddb": (
        fddb,
        [("originalPics/2002/08/11/big/img_591.jpg", 2), ("originalPics/2002/08/11/big/img_600.jpg", 1)],
    ),
    "wider-face": (
        wider_face,
        [
            ("WIDER_train/images/0--Parade/a.jpg", 2),
            ("WIDER_train/images/0--Parade/b.jpg", 0),
            ("WIDER_val/images/1/c.jpg", 1),
        ],
    ),
    "voxceleb2": (
        voxceleb2,
        [
            ("dev/mp4/id00012/21Ux/00001.mp4#0", 1),
            ("dev/mp4/id00012/21Ux/00001.mp4#1", 1),
            ("dev/mp4/id00013/abcd/00001/000007.jpg", 1),
        ],
    ),
    "celeba": (celeba, [("Img/img_celeba/000001.jpg", 1), ("Img/img_celeba/000002.jpg", 1)]),
    "celeba-aligned": (celeba_aligned, [("img_align_celeba/000001.jpg", 1), ("img_align_celeba/000002.png", 1)]),
    "bu-3dfe": (
        bu_3dfe,
        [(f"{name[:5]}/{name}_F2D.bmp", 1) for name in ("F0001_AN01WH", "F0001_NE00WH", "M0044_SU04BL")],
    ),
    "facewarehouse": (
        face_warehouse,
        [
            ("part1/Tester_1/TrainingPose/pose_0.png", 1),
            ("part1/Tester_1/TrainingPose/pose_10.png", 1),
            ("part2/Tester_150/TrainingPose/pose_2.jpg", 1),
        ],
    ),
    "cpem": (cpem, [("data/id1/clip/00001.jpg", 1), ("data/id1/clip/00002.jpg", 1)]),
    "feafa": (
        feafa,
        [
            ("s1/clip01.avi#0", 1),
            ("s1/clip01.avi#1", 1),
            ("s1/clip02/1.png", 1),
            ("s1/clip02/2.png", 1),
            ("s1/clip02/10.png", 1),
            ("s2/000001.png", 1),
        ],
    ),
    "music-videos": (music_videos, [("TARA.mp4#0", 0), ("TARA.mp4#1", 0), ("Westlife/000001.jpg", 0)]),
}
"""For each data set: who writes it, and key and number of faces of every item in order."""
