# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Modules between two real-valued parts of a network, run as one plan."""

import torch
from torch import nn

from bdc_occ_ros.binary.module_recording import record
from bdc_occ_ros.binary.recorded_module import RecordedModule, STREAM_DTYPE
from bdc_occ_ros.kernels.operations import Map
from bdc_occ_ros.kernels.plan import Plan


class Section(RecordedModule):
    """
    One plan for a module and all inside it.

    :param module: What to record; see `module_recording.is_recordable`.
    :param stream_dtype: Of the real maps between units: float32, bfloat16 or float16.
    """

    def __init__(self, module: nn.Module, stream_dtype: torch.dtype = STREAM_DTYPE) -> None:
        super().__init__(stream_dtype)
        self.module = module

    def record(self, plan: Plan, source: Map | tuple[Map, ...]) -> Map | tuple[Map, ...]:
        """
        Record the module.

        :param source: Its input, one real map or several.
        :return: Its result, one map or several.
        """
        return record(self.module, plan, source, self.stream_dtype)
