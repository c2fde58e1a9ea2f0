# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A module that runs as one plan, recorded for every new shape of its input."""

import torch
from torch import Tensor

from bdc_occ_ros.binary.engine_module import EngineModule
from bdc_occ_ros.kernels.operations import Map
from bdc_occ_ros.kernels.plan import Plan
from bdc_occ_ros.kernels.plan_runner import PlanRunner

STREAM_DTYPE = torch.float32


class RecordedModule(EngineModule):
    """
    Base of what runs as a plan.

    :param stream_dtype: Of the real maps between units: float32, bfloat16 or float16.
    """

    def __init__(self, stream_dtype: torch.dtype = STREAM_DTYPE) -> None:
        super().__init__()
        self.stream_dtype = stream_dtype
        self.output_dtype = stream_dtype

    def record(self, plan: Plan, source: Map | tuple[Map, ...]) -> Map | tuple[Map, ...]:
        """
        Record the module.

        :param source: Its input, one real map or several.
        :return: Its result, one map or several.
        """
        raise NotImplementedError

    def forward(self, x: Tensor | tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
        """
        Apply the module.

        :param x: One (B, C, H, W) or several, float32, bfloat16 or float16; channels_last saves
            a copy.
        :return: One result or several, new, channels_last, of type output_dtype.
        """
        if 'runner' not in self._compiled:
            self._compiled['runner'] = PlanRunner(self.record, self.backend, self.output_dtype)
        results = self._compiled['runner'](*(x if isinstance(x, tuple) else (x,)))
        return results[0] if len(results) == 1 else results
