# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Time candidates that take turns, so that a disturbance meets all of them, and stages of a network.

In every round each candidate runs for a short while; the fastest run counts for the round. A round
in which a candidate was much slower than in its best one was disturbed and is left out of its
median.
"""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
import statistics
import time
from typing import Any, NamedTuple, TypeVar

from torch import nn

TURN_MS = 25.0
MAX_RUNS_PER_TURN = 20
DISTURBED = 1.2
STAGES = {
    'img_backbone': 'image backbone', 'img_neck': 'image neck', 'img_view_transformer': 'depth',
    'lift': 'lift', 'img_bev_encoder_backbone': 'BEV backbone', 'img_bev_encoder_neck': 'BEV neck',
    'occ_head': 'occupancy', 'pts_bbox_head': 'boxes'}
REST = 'rest'

Candidate = Callable[[], float]  # runs once and returns its milliseconds
Name = TypeVar('Name', bound=Hashable)


class Times(NamedTuple):
    """
    Hold the times of one candidate.

    :param median_ms: Median over the quiet rounds of the fastest run of each.
    :param num_quiet_rounds: Rounds that were not disturbed, at least 1.
    """

    minimum_ms: float
    median_ms: float
    num_quiet_rounds: int


def timed(function: Callable[[], object]) -> Candidate:
    """Return a candidate that runs a function."""
    def run() -> float:
        start_ns = time.perf_counter_ns()
        function()
        return (time.perf_counter_ns() - start_ns) / 1e6
    return run


def measure(candidates: Mapping[Name, Candidate], num_rounds: int) -> dict[Name, Times]:
    """
    Let candidates take turns; each runs twice before the first round.

    :param num_rounds: Turns of each, at least 1.
    """
    expected_ms = {name: max(run(), run(), 1e-3) for name, run in candidates.items()}
    rounds: dict[Name, list[float]] = {name: [] for name in candidates}
    for _ in range(num_rounds):
        for name, run in candidates.items():
            num_runs = min(MAX_RUNS_PER_TURN, 1 + int(TURN_MS / expected_ms[name]))
            rounds[name].append(min(run() for _ in range(num_runs)))
    return {name: summarized(fastest) for name, fastest in rounds.items()}


def summarized(fastest_ms: list[float]) -> Times:
    """
    Return the times of one candidate.

    :param fastest_ms: Its fastest run of every round.
    """
    minimum_ms = min(fastest_ms)
    quiet = [value for value in fastest_ms if value <= DISTURBED * minimum_ms]
    return Times(minimum_ms, statistics.median(quiet), len(quiet))


class StageClock:
    """
    Time every stage of a network by hooks on its children.

    :param network: Its children are the stages; none is called twice in a run.
    """

    def __init__(self, network: nn.Module) -> None:
        self._started_ns: dict[str, int] = {}
        self._stage_ms: dict[str, float] = {}
        for name, child in network.named_children():
            child.register_forward_pre_hook(partial(self._start, STAGES[name]))
            child.register_forward_hook(partial(self._stop, STAGES[name]))

    def run(self, function: Callable[[], object]) -> tuple[dict[str, float], float]:
        """
        Run the network once.

        :return: Milliseconds per stage, the rest among them, and in all.
        """
        self._stage_ms.clear()
        total_ms = timed(function)()
        return {**self._stage_ms, REST: total_ms - sum(self._stage_ms.values())}, total_ms

    def _start(self, stage: str, *_: Any) -> None:
        self._started_ns[stage] = time.perf_counter_ns()

    def _stop(self, stage: str, *_: Any) -> None:
        self._stage_ms[stage] = (time.perf_counter_ns() - self._started_ns[stage]) / 1e6
