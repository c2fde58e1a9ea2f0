# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How long each stage of a network takes, told by hooks on its children."""

from collections.abc import Callable
from functools import partial
import time
from typing import Any

from torch import nn

STAGES = {
    'img_backbone': 'image backbone', 'img_neck': 'image neck', 'img_view_transformer': 'depth',
    'lift': 'lift', 'img_bev_encoder_backbone': 'BEV backbone', 'img_bev_encoder_neck': 'BEV neck',
    'occ_head': 'occupancy', 'pts_bbox_head': 'boxes'}
REST = 'rest'


class StageClock:
    """
    Watches a network from now on.

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
        start_ns = time.perf_counter_ns()
        function()
        total_ms = (time.perf_counter_ns() - start_ns) / 1e6
        return {**self._stage_ms, REST: total_ms - sum(self._stage_ms.values())}, total_ms

    def _start(self, stage: str, *_: Any) -> None:
        self._started_ns[stage] = time.perf_counter_ns()

    def _stop(self, stage: str, *_: Any) -> None:
        self._stage_ms[stage] = (time.perf_counter_ns() - self._started_ns[stage]) / 1e6
