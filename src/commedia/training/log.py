"""What a run tells about itself: a progress bar with an estimate, `log.csv`, `curves.png`, `predictions.png`."""

import csv
import io
import math
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from torch import nn

from commedia.files import write_file
from commedia.losses.faces import Loss
from commedia.training.checkpoints import Progress
from commedia.training.config import Budget, Recipe
from commedia.training.sheets import write_curves, write_picture
from commedia.training.tasks import Task

PICTURE_S = 60.0
"""Pictures are drawn no more often than this, except at the end: drawing takes seconds that training wants."""


class TrainingLog:
    """Averages what the steps of a stage say, a row per epoch, in files of its own; a resumed run continues them."""

    def __init__(self, out: Path, budget: Budget, recipe: Recipe, progress: Progress, *, quiet: bool):
        stage = recipe.stages[progress.stage]
        self.out, self.budget, self.batch_size = out, budget, stage.optimisation.batch_size
        self.suffix, title = ("", recipe.name) if len(recipe.stages) == 1 else (f"-{stage.name}", stage.name)
        columns = (
            TextColumn(title),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        self.bar = Bar(*columns, disable=quiet)
        self.line = self.bar.add_task("", total=1.0)
        self.sums: dict[str, float] = {}
        self.steps = 0
        self.since = budget.clock()
        self.drawn = -PICTURE_S
        self.begun: tuple[float, float] | None = None
        """Share of the budget and the clock on the wall at the first epoch seen."""

    def __enter__(self) -> "TrainingLog":
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def step(self, loss: Loss, progress: Progress) -> None:
        """Add one step's loss; a loss that is no number ends the run here rather than in ruined weights."""
        total = float(loss.total.detach())
        if not math.isfinite(total):
            raise FloatingPointError(f"the loss is {total} at step {progress.step}")
        self.steps += 1
        for name, value in (("loss", total), *((name, float(value.detach())) for name, value in loss.parts)):
            self.sums[name] = self.sums.get(name, 0.0) + value
        text = f"step {progress.step}  loss {self.sums['loss'] / self.steps:.3f}  {self.speed():.0f} pictures/s"
        self.bar.update(self.line, completed=self.budget.share(progress.step, progress.elapsed_s), description=text)

    def speed(self) -> float:
        """Pictures per second since the last epoch."""
        return self.steps * self.batch_size / max(self.budget.clock() - self.since, 1e-9)

    def epoch(
        self,
        task: Task,
        network: nn.Module,
        progress: Progress,
        validation: Any,
        *,
        rate: float,
        tau: float,
        last: bool,
    ) -> None:
        """Write the row, the curves and the picture of one epoch, with what `Task.validate` said."""
        row = {"step": progress.step, "minutes": progress.elapsed_s / 60, "pictures_per_s": self.speed()}
        row |= {"rate": rate, "tau": tau}
        row |= {name: total / max(self.steps, 1) for name, total in self.sums.items()}
        row |= {f"val_{name}": value for name, value in validation._asdict().items()}
        path = self.out / f"log{self.suffix}.csv"
        write_rows(path, [*read_rows(path), {name: f"{value:.6g}" for name, value in row.items()}])
        if last or time.monotonic() - self.drawn > PICTURE_S:
            self._draw(path, task, network)
        known = "  ".join(f"{name} {value:.3g}" for name, value in validation._asdict().items())
        self.bar.console.print(
            f"epoch {progress.epoch}  step {progress.step}  {row['minutes']:.1f} min  {self._left(progress)}  {known}",
            highlight=False,
        )
        self.sums, self.steps, self.since = {}, 0, self.budget.clock()

    def _left(self, progress: Progress) -> str:
        """Estimate the minutes on the wall to the end of the run, from the pace since this log began."""
        share = self.budget.share(progress.step, progress.elapsed_s)
        self.begun = self.begun or (share, time.monotonic())
        done, seconds = share - self.begun[0], time.monotonic() - self.begun[1]
        return f"about {(1 - share) * seconds / done / 60:.0f} min left" if done > 0 else "no estimate yet"

    def _draw(self, log: Path, task: Task, network: nn.Module) -> None:
        rows = read_rows(log)
        curves = [[float(value or "nan") for value in row.values()] for row in rows]
        write_curves(self.out / f"curves{self.suffix}.png", list(rows[0]), curves)
        write_picture(self.out / f"predictions{self.suffix}.png", task.contact_sheet(network))
        self.drawn = time.monotonic()


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a log's epochs, all with the same columns; none where there is no log yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """Write a log anew; a term that is only asked for later has no value before."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_file(path, text.getvalue().encode())
