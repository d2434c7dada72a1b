"""What another thread makes in advance: the same items in order, errors in their place, and nothing left behind."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from commedia.errors import UnreadableMedia
from commedia.sources.ahead import ahead


def threads() -> int:
    return sum(thread.name == "commedia-ahead" for thread in threading.enumerate())


def counted(made: list[int], until: int) -> Iterator[int]:
    try:
        for number in range(until):
            made.append(number)
            yield number
    finally:
        made.append(-1)


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("until", [0, 1, 3, 500])
def test_the_same_items_come_in_order_and_the_thread_ends(count: int, until: int) -> None:
    assert list(ahead(counted([], until), count)) == list(range(until))
    assert threads() == 0


def test_another_thread_makes_them_while_nobody_asks_and_only_so_many() -> None:
    made: list[int] = []
    with closing(ahead(counted(made, 1000), 3)) as items:
        assert next(items) == 0
        deadline = time.monotonic() + 10
        while len(made) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        # One was taken, three wait, and one is in the hand that cannot put it down.
        assert made == [0, 1, 2, 3, 4]
    assert made[-1] == -1, "whoever makes them is closed, too"
    assert len(made) < 10
    assert threads() == 0


def test_an_error_comes_where_the_item_would_have_come() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise UnreadableMedia("the third is torn")

    items, seen = ahead(broken()), []
    with pytest.raises(UnreadableMedia, match="the third is torn") as caught:
        seen.extend(items)
    assert seen == [1, 2]
    assert any(entry.name == "broken" for entry in caught.traceback), "and says where it happened"
    assert threads() == 0


def test_one_thread_may_read_from_another_and_both_end_when_somebody_stops() -> None:
    made: list[int] = []

    def doubled() -> Iterator[int]:
        for number in ahead(counted(made, 10_000)):
            yield 2 * number

    def stopping() -> None:
        with closing(ahead(doubled())) as items:
            for number in items:
                if number == 6:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopping()
    assert threads() == 0
    assert made[-1] == -1
    assert len(made) < 30
