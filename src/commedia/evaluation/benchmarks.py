"""The tables `commedia evaluate` can make, by name."""

from collections.abc import Callable

from commedia.errors import MissingExtra, UnknownName
from commedia.evaluation.report import Table
from commedia.evaluation.settings import Benchmark, EvaluationSettings, Progress


def benchmark(name: str) -> Benchmark:
    """Look a table up; its modules are imported only now."""
    from commedia.evaluation import (
        clips,
        crowds,
        groups,
        identity,
        ids,
        landmarks,
        live,
        looks,
        neutral,
        paper3_constraints,
        paper3_expressions,
        paper3_scans,
        paper_detection,
        paper_expressions,
        paper_poses,
        paper_runtime,
        paper_tracking,
        parser,
        points,
        rolls,
        synthetic,
        takes,
        verification,
        winks,
    )

    known: dict[str, Benchmark] = {
        "sfn-nme": landmarks.sfn_nme,
        "mfn-groups": groups.mfn_groups,
        "mfn-crowds": crowds.mfn_crowds,
        "clips": clips.clips,
        "synthetic": synthetic.synthetic,
        "avatars": _drawing("avatars", "characters", _avatars),
        "identity": identity.identity,
        "ids": ids.ids,
        "embedding": verification.embedding,
        "live": live.live,
        "looks": looks.looks,
        "neutral": neutral.neutral,
        "parser": parser.parser,
        "points": points.points,
        "rolls": rolls.rolls,
        "takes": takes.takes,
        "winks": winks.winks,
        "paper-table-2": paper_detection.paper_table_2,
        "paper-table-3": paper_poses.paper_table_3,
        "paper-table-4": paper_tracking.paper_table_4,
        "paper-table-5": paper_expressions.paper_table_5,
        "paper-runtime": paper_runtime.paper_runtime,
        "paper2-personal": _drawing("paper2-personal", "faces", _paper2_personal),
        "paper2-personal-ablation": _drawing("paper2-personal-ablation", "faces", _paper2_ablation),
        "paper2-table-1": _drawing("paper2-table-1", "people", _paper2_table_1),
        "paper2-table-2": paper_poses.paper2_table_2,
        "paper2-table-3": _drawing("paper2-table-3", "people", _paper2_table_3),
        "paper3-constraints": paper3_constraints.paper3_constraints,
        "paper3-table-1": paper3_expressions.paper3_table_1,
        "paper3-table-3": paper3_scans.paper3_table_3,
        "paper3-table-2": paper_poses.paper3_table_2,
        "paper3-still": _drawing("paper3-still", "people", _paper3_still),
    }
    if name not in known:
        raise UnknownName("table", name, known)
    return known[name]


def _drawing(table: str, drawn: str, load: Callable[[], Benchmark]) -> Benchmark:
    """A table that draws, which takes torch."""

    def made(settings: EvaluationSettings, progress: Progress) -> list[Table]:
        try:
            measure = load()
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise MissingExtra(f"the table '{table}' draws {drawn}, which", "torch", "train") from error
        return measure(settings, progress)

    return made


def _avatars() -> Benchmark:
    from commedia.evaluation.avatars import avatars

    return avatars


def _paper3_still() -> Benchmark:
    from commedia.evaluation.paper3_still import paper3_still

    return paper3_still


def _paper2_table_1() -> Benchmark:
    from commedia.evaluation.paper2_reconstruction import paper2_table_1

    return paper2_table_1


def _paper2_table_3() -> Benchmark:
    from commedia.evaluation.paper2_expressions import paper2_table_3

    return paper2_table_3


def _paper2_personal() -> Benchmark:
    from commedia.evaluation.paper2_personal import paper2_personal

    return paper2_personal


def _paper2_ablation() -> Benchmark:
    from commedia.evaluation.paper2_ablation import paper2_ablation

    return paper2_ablation
