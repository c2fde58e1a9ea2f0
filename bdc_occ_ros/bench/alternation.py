# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Times of several contestants that take turns, so that a disturbance meets all of them.

In every round each contestant runs for a short while; the fastest run counts for the round. A
round in which a contestant was much slower than in its best one was disturbed and is left out of
its median.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
import statistics
import time
from typing import TypeVar

TURN_MS = 25.0
MAX_RUNS_PER_TURN = 20
DISTURBED = 1.2

Contestant = Callable[[], float]
Name = TypeVar('Name', bound=Hashable)


@dataclass(frozen=True)
class Times:
    """
    What a contestant needed.

    :param median_ms: Median over the quiet rounds of the fastest run of each.
    :param num_quiet_rounds: Rounds that were not disturbed, at least 1.
    """

    minimum_ms: float
    median_ms: float
    num_quiet_rounds: int


def timed(function: Callable[[], object]) -> Contestant:
    """Return a contestant that tells how long a function takes, milliseconds."""
    def run() -> float:
        start_ns = time.perf_counter_ns()
        function()
        return (time.perf_counter_ns() - start_ns) / 1e6
    return run


def measure(contestants: Mapping[Name, Contestant], num_rounds: int) -> dict[Name, Times]:
    """
    Let contestants take turns.

    :param contestants: Functions that run once and return their milliseconds; each runs once
        before the first round.
    :param num_rounds: Turns of each, at least 1.
    """
    expected_ms = {name: max(run(), run(), 1e-3) for name, run in contestants.items()}
    rounds: dict[Name, list[float]] = {name: [] for name in contestants}
    for _ in range(num_rounds):
        for name, run in contestants.items():
            num_runs = min(MAX_RUNS_PER_TURN, 1 + int(TURN_MS / expected_ms[name]))
            rounds[name].append(min(run() for _ in range(num_runs)))
    return {name: summarized(fastest) for name, fastest in rounds.items()}


def summarized(fastest_ms: list[float]) -> Times:
    """
    Return the times of one contestant.

    :param fastest_ms: Its fastest run of every round.
    """
    minimum_ms = min(fastest_ms)
    quiet = [value for value in fastest_ms if value <= DISTURBED * minimum_ms]
    return Times(minimum_ms, statistics.median(quiet), len(quiet))
