"""Keep what every command writes, and find what a change of the code makes it write differently:

python scripts/golden_record.py record DIR [--all]
python scripts/golden_record.py compare DIR [--all] [--only 'rig-*']

Commands run from the source beside this script, on one core, because video encoders share out their work by cores.
`DIR/inputs` holds what went in, `DIR/CASE` what came out; `said.txt` is the command, its exit code and what it printed.
With COMMEDIA_SHARED or ../shared there are cases on clips, characters and photographs that cannot be shipped. `--all`
adds the slow ones.
"""

import argparse
import fnmatch
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from golden_files import file_difference
from golden_inputs import CLIPS, REPO, SHARED, ready

CHARACTERS = {
    "brunette": "shared/data/characters/brunette-t.glb",
    "vroid": "shared/data/characters/vroid-meshopt-webp.glb",
    "vrm": "shared/data/characters/VRMC_vrm_expressions_isBinary_Overrides.vrm",
    "valid": "shared/data/characters/valid/Asian_F_1_Default.glb",
}
FORMATS = "--formats glb csv bvh vrma usd pc2"
CASES: dict[str, str] = {
    "help": "--help",
    **{
        f"help-{verb}": f"{verb} --help" for verb in ("retarget", "demo", "rig", "evaluate", "label", "train", "export")
    },
    "photo": "retarget inputs/one.png -o OUT",
    "photo-formats": f"retarget inputs/two.jpg -o OUT {FORMATS} obj --json --no-preview",
    "video": "retarget inputs/pair.mp4 -o OUT",
    "video-formats": f"retarget inputs/pair.mp4 -o OUT {FORMATS} --no-preview",
    "video-calibrate": "retarget inputs/pair.mp4 -o OUT --calibrate inputs/one.png --no-preview",
    "video-mirror": "retarget inputs/pair.mp4 -o OUT --mirror --faces 1 --formats glb csv bvh vrma",
    "video-careful": "retarget inputs/pair.mp4 -o OUT --flip-average --no-preview --sfn sfn-mobile",
    "video-character": "retarget inputs/pair.mp4 -o OUT --character inputs/face.glb --formats glb csv vrma usd pc2",
    "folder": "retarget inputs/photos -o OUT",
    "motion-take": "retarget inputs/take.jsonl -o OUT --json",
    "motion-csv": f"retarget inputs/face.csv -o OUT --json --no-preview --rate 24 --mirror {FORMATS}",
    "motion-calibrate": "retarget inputs/take.jsonl -o OUT --calibrate inputs/take.jsonl --no-preview",
    "rig-inspect": "rig inspect inputs/face.glb",
    "rig-inspect-json": "rig inspect inputs/face.glb --json",
    "rig-inspect-bare": "rig inspect inputs/bare.obj",
    "rig-map": "rig map inputs/face.glb -o OUT/face.toml --no-names",
    "rig-make": "rig make inputs/bare.obj -o OUT/made.glb",
    "evaluate-table-5": "evaluate paper-table-5 --root inputs/expressions -o OUT",
    "wrong-verb": "retrget",
    "wrong-input": "retarget nowhere/nothing.mp4 -o OUT",
    "wrong-format": "retarget inputs/one.png -o OUT --formats fbx",
    "wrong-character": "retarget inputs/one.png -o OUT --character inputs/bare.obj",
    "wrong-faces": "retarget inputs/take.jsonl -o OUT --faces 2",
    **{f"shared-clip-{name}": f"retarget inputs/{name}.mp4 -o OUT --no-preview" for name in CLIPS},
    **{f"shared-inspect-{name}": f"rig inspect {file}" for name, file in CHARACTERS.items()},
    **{f"shared-map-{name}": f"rig map {file} -o OUT/{name}.toml" for name, file in CHARACTERS.items()},
    **{
        f"shared-play-{name}": f"retarget inputs/take.jsonl -o OUT --no-preview --character {file}"
        for name, file in CHARACTERS.items()
    },
    "shared-play-mapped": "retarget inputs/take.jsonl -o OUT --no-preview --character inputs/valid.glb"
    " --mapping inputs/valid.toml",
    "shared-evaluate-nme": "evaluate sfn-nme --limit 2 --data shared/data -o OUT",
    "shared-evaluate-groups": "evaluate mfn-groups --limit 2 --data shared/data -o OUT",
    "demo": "demo -o OUT",
}
"""What to run; OUT is a folder of the case. Inputs that are results come from cases above."""
SLOW = ("demo",)
ALLOWED: tuple[tuple[str, str, str], ...] = (
    ("*", "*preview.*", "the actor is shown as filmed, and the mask over a second picture"),
    ("photo-formats", "said.txt", "the summary names each person's character"),
    ("motion-*", "said.txt", "the summary names each person's character"),
    ("help", "said.txt", "it says what exit codes mean"),
    ("help-retarget", "said.txt", "--cast"),
)
"""Differences that are meant: pattern of the case, pattern of the file, reason."""


def run_case(root: Path, name: str) -> None:
    """A folder and a case in; runs the command there and writes what it says beside what it writes."""
    out = root / name / "out"
    out.mkdir(parents=True)
    words = CASES[name].replace("OUT", f"{name}/out").split()
    for word in words:
        if word.startswith("inputs/"):
            ready(root, word.removeprefix("inputs/"))
    scripts = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, _, function = scripts["commedia"].partition(":")
    program = f"import sys, {module} as m; sys.argv[0] = 'commedia'; sys.exit(m.{function}())"
    settings = {"PYTHONPATH": str(REPO / "src"), "COLUMNS": "120", "TERM": "dumb", "PYTHONHASHSEED": "0"}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=root,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    said = f"$ commedia {' '.join(words)}\nexit code {done.returncode}\n{done.stdout}\n-- errors\n{done.stderr}"
    for path, word in ((root, "ROOT"), (REPO, "REPO"), (SHARED, "SHARED")):
        said = said.replace(str(path), word)
    (root / name / "said.txt").write_text(said, encoding="utf-8")
    print(f"{name}: exit code {done.returncode}, {time.monotonic() - began:.1f} s", flush=True)


def run_cases(root: Path, names: list[str]) -> None:
    """A folder and cases in; runs them all, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if SHARED.is_dir():
        (root / "shared").symlink_to(SHARED)
    for name in names:
        run_case(root, name)


def chosen(everything: bool, only: str) -> list[str]:
    """Whether slow cases count and a pattern in; names of cases out, without those whose material is missing."""
    names = [name for name in CASES if (everything or name not in SLOW) and fnmatch.fnmatch(name, only)]
    if SHARED.is_dir():
        return names
    print("no shared material: the cases on it are left out")
    return [name for name in names if not name.startswith("shared-")]


def compare(old_root: Path, names: list[str]) -> int:
    """A record and cases in; runs them again, prints every difference, and the exit code out."""
    with tempfile.TemporaryDirectory() as folder:
        new_root = Path(folder).resolve()
        (new_root / "inputs").symlink_to(old_root / "inputs")
        run_cases(new_root, names)
        found = [line for name in names for line in case_differences(name, old_root / name, new_root / name)]
    print(*found, f"{len(found)} differences in {len(names)} cases", sep="\n")
    return 1 if found else 0


def case_differences(name: str, old: Path, new: Path) -> Iterator[str]:
    """A case and its old and new folder in; one line per file that differs, is missing or is new out."""
    files = {path.relative_to(top).as_posix() for top in (old, new) for path in top.rglob("*") if path.is_file()}
    for file in sorted(files):
        if not (new / file).is_file() or not (old / file).is_file():
            said = "missing" if (old / file).is_file() else "new"
        else:
            said = file_difference(old / file, new / file)
        reasons = [
            why for case, pattern, why in ALLOWED if fnmatch.fnmatch(name, case) and fnmatch.fnmatch(file, pattern)
        ]
        if said and reasons:
            print(f"allowed: {name}/{file}: {said} ({reasons[0]})")
        elif said:
            yield f"{name}/{file}: {said}"


def main() -> int:
    """The command line in; the exit code out: 1 when something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="the slow cases too")
    parser.add_argument("--only", default="*", help="pattern of the cases to run")
    options = parser.parse_args()
    names, folder = chosen(options.all, options.only), options.folder.resolve()
    if options.action == "compare":
        return compare(folder, [name for name in names if (folder / name).is_dir()])
    if folder.exists() and any(folder.iterdir()):
        parser.error(f"{folder} holds something already; a record begins in a folder of its own")
    (folder / "inputs").mkdir(parents=True)
    run_cases(folder, names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
