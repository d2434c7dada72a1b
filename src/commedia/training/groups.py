"""Groups of pictures: rows that show one person or come from one clip, drawn together."""

import numpy as np
from jaxtyping import Float, Int

from commedia.errors import BadShard


class Groups:
    """Rows by the name of their group; those without a name are in none."""

    def __init__(self, names: np.ndarray, chances: Float[np.ndarray, "n"], kind: str):
        """Group the rows that may be drawn at all; raises BadShard where no two of them belong together."""
        usable = np.flatnonzero((names != "") & (chances > 0))
        _, group, count = np.unique(names[usable], return_inverse=True, return_counts=True)
        rows = np.split(usable[np.argsort(group, kind="stable")], np.cumsum(count)[:-1])
        self.rows = [members for members in rows if len(members) > 1]
        if not self.rows:
            raise BadShard(f"no two pictures of the shards belong to one {kind}")
        weights = np.array([chances[members].sum() for members in self.rows])
        self.chances = weights / weights.sum()

    def draw(self, rng: np.random.Generator, count: int, size: int) -> Int[np.ndarray, "count size"]:
        """Draw groups as often as their rows would be, and `size` rows of each, different ones if there are enough."""
        chosen = rng.choice(len(self.rows), count, p=self.chances)
        return np.stack([rng.choice(self.rows[group], size, replace=len(self.rows[group]) < size) for group in chosen])
