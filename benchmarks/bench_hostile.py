"""What refusing a hostile character costs: seconds, and memory beyond what the imports took.

    python benchmarks/bench_hostile.py [--large] [--only TEXT] [--repeats 1]

Each file of `tests/characters/hostile.py` is opened by a fresh process, as `--character FILE` does; `--large` adds the
files that take long to make. Exits with 1 where a bar is missed. Other programs on the machine lengthen the seconds,
not the busy ones, which are the process's own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from commedia.evaluation.report import Goal, Table, origin_of, show, write_report

TESTS = Path(__file__).resolve().parents[1] / "tests"
# The files are made where their test is, of the small rigs that tests share.
sys.path[:0] = [str(TESTS), str(TESTS / "characters")]
SECONDS, MEGABYTES = 1.0, 200.0
CHILD = """
import json, resource, sys, time
from pathlib import Path
from commedia.characters.open import open_character
from commedia.errors import CommediaError

def peak_bytes():
    # What the system says of a process includes its parent before the start; this line is of this program alone.
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

before, start, busy = peak_bytes(), time.perf_counter(), time.process_time()
try:
    open_character(Path(sys.argv[1]))
    said = ""
except CommediaError as error:
    said = str(error)
seconds, busy = time.perf_counter() - start, time.process_time() - busy
print(json.dumps({"seconds": seconds, "busy": busy, "megabytes": (peak_bytes() - before) / 1e6, "said": said}))
"""


def main() -> int:
    """Measure and print; returns 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--only", default="", help="kinds whose name has this")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each; the quickest counts")
    parser.add_argument("--output", type=Path, help="folder for the table as Markdown, CSV and JSON")
    options = parser.parse_args()
    from hostile import HOSTILE, LARGE

    kinds = {name: kind for name, kind in (HOSTILE | (LARGE if options.large else {})).items() if options.only in name}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in kinds.items():
            path = Path(folder) / f"hostile{kind.suffix}"
            path.write_bytes(kind.data())
            runs = [opened(path) for _ in range(options.repeats)]
            best = min(runs, key=lambda run: run["seconds"])
            outcome = best["said"].replace(folder, "")[:70] or "read"
            rows.append((name, best["seconds"], best["busy"], max(run["megabytes"] for run in runs), outcome))
            path.unlink()
    table = table_of(rows)
    console, origin = Console(), origin_of([], seed=0)
    show(table, console)
    console.print(f"{origin.machine}; commit {origin.commit}; {origin.date}")
    if options.output:
        write_report(options.output, [table], origin)
    return 0 if all(goal.is_met for goal in table.goals) else 1


def opened(path: Path) -> dict:
    """Open one file in a process of its own."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {"seconds": float("inf"), "busy": float("inf"), "megabytes": float("inf"), "said": done.stderr[-70:]}
    return json.loads(done.stdout)


def table_of(rows: list[tuple]) -> Table:
    """Rows from dear to cheap, and the dearest against the bars."""
    rows = sorted(rows, key=lambda row: -row[1])
    goals = (
        Goal("longest answer, seconds", max(row[1] for row in rows), SECONDS, at_most=True),
        Goal("longest answer, busy seconds", max(row[2] for row in rows), SECONDS, at_most=True),
        Goal("most memory beyond the imports, MB", max(row[3] for row in rows), MEGABYTES, at_most=True),
    )
    notes = ("Of files that say they are large, and are small; with --large, of large ones too.",)
    columns = ("file", "seconds", "busy", "peak MB", "what is said")
    return Table("hostile", "Characters made to hurt", columns, tuple(rows), notes, goals)


if __name__ == "__main__":
    sys.exit(main())
