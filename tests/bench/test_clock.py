from contextlib import suppress
from types import SimpleNamespace
from unittest.mock import patch

from talkface.bench.clock import Stopwatch, quickest


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_what_is_timed_inside_of_another_thing_does_not_count_for_that() -> None:
    clock, watch = Clock(), Stopwatch()
    with patch("talkface.bench.clock.now", clock), watch("outer"):
        clock.time += 2
        for seconds in (3, 4):
            with watch("inner"):
                clock.time += seconds
        clock.time += 1
    assert watch.seconds == {"outer": 3, "inner": 7}


def test_methods_are_timed_under_the_name_of_the_moment_and_do_what_they_did() -> None:
    clock, watch, names = Clock(), Stopwatch(), iter(["first", "second"])

    def work(seconds: float, *, extra: float) -> float:
        clock.time += seconds + extra
        return clock.time

    owner = SimpleNamespace(work=work)
    watch.watch(owner, "work", lambda: next(names))
    with patch("talkface.bench.clock.now", clock):
        assert owner.work(1, extra=2) == 3
        assert owner.work(4, extra=0) == 7
    assert watch.seconds == {"first": 3, "second": 4}


def test_a_failure_does_not_stop_the_watch_within_another() -> None:
    clock, watch = Clock(), Stopwatch()
    with patch("talkface.bench.clock.now", clock), watch("outer"):
        with suppress(ValueError), watch("inner"):
            clock.time += 5
            raise ValueError
        clock.time += 1
    assert watch.seconds == {"outer": 1, "inner": 5}


def test_the_quickest_of_several_tries_counts_and_the_first_does_not() -> None:
    clock = Clock()
    times = {"one": iter([0.1, 9.0, 5.0, 7.0]), "other": iter([0.1, 2.0, 4.0, 3.0])}

    def work(name: str) -> None:
        clock.time += next(times[name])

    with patch("talkface.bench.clock.now", clock):
        found = quickest(lambda: work("one"), lambda: work("other"), repeats=3)
    assert found == [5.0, 2.0]
