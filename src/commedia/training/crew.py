"""One training by several processes of one machine: each draws its part of every batch, all take the same step.

For CPUs: the many small operations of our networks leave a second thread of one process idle (measured: `sfn-close` on
two cores, 32 to 40 pictures/s with two threads, 35 with one). Pictures are loaded once, because the processes are
forked after that; weights stay alike without being sent, because all apply the same mean gradient in the same order.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from torch import distributed, nn

from commedia.errors import TrainingFailed


@dataclass(frozen=True)
class Crew:
    """The processes of a training as one of them sees them; one alone needs to ask nobody."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process validates, writes and tells."""
        return self.rank == 0

    def agreed(self, value: float) -> float:
        """What the leader says; clocks differ, and all must stop after the same step."""
        if self.count == 1:
            return value
        said = torch.tensor(value, dtype=torch.float64)
        distributed.broadcast(said, src=0)
        return float(said)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its mean over the processes."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        every = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(every)
        parts = (every / self.count).split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))


def with_crew(count: int, work: Callable[[Crew], None]) -> None:
    """Do `work` in `count` processes at once, of which this one leads.

    Raises TrainingFailed when another one ends early.
    What `work` needs should be in memory before: the others are forks of this process, with one thread each.
    """
    if count == 1:
        work(Crew())
        return
    if sys.platform != "linux":
        raise TrainingFailed(f"{count} processes were asked for; they are forked, which works on Linux alone")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory(prefix="commedia-crew-") as folder:
        meeting = Path(folder) / "meeting"
        others = [
            fork.Process(target=_join, args=(meeting, Crew(rank, count), work), daemon=True) for rank in range(1, count)
        ]
        for other in others:
            other.start()
        try:
            _join(meeting, Crew(0, count), work)
        except RuntimeError as error:
            raise _explained(error, others) from error
        finally:
            for other in others:
                other.terminate()
                other.join()
            torch.set_num_threads(threads)


def _join(meeting: Path, crew: Crew, work: Callable[[Crew], None]) -> None:
    # All are on this machine; without a name for it, gloo looks for an address in the network.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=crew.rank, world_size=crew.count)
    try:
        work(crew)
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _explained(error: RuntimeError, others: list[BaseProcess]) -> Exception:
    """Losing the others shows as a broken connection here; everything else is what it says it is."""
    for rank, other in enumerate(others, start=1):
        other.join(timeout=1.0)
        if other.exitcode not in (None, 0):
            return TrainingFailed(
                f"process {rank} of {len(others) + 1} ended with code {other.exitcode}; what it said stands above"
            )
    return error
