# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A module that runs as one plan: recorded for every new shape of its input, one call after."""

from typing import Any

import torch
from torch import nn
from torch import Tensor

from bdc_occ_ros.kernels.backend import Backend
from bdc_occ_ros.kernels.operations import Map
from bdc_occ_ros.kernels.plan import Plan
from bdc_occ_ros.kernels.plan_runner import PlanRunner

STREAM_DTYPE = torch.float32


class RecordedModule(nn.Module):
    """
    Base of what runs on the bit engine; inference only.

    Plans take the parameters as they are when a shape is first seen, and are forgotten when
    parameters are loaded or moved.

    :param stream_dtype: Of the real maps between units: float32, bfloat16 or float16.
    """

    def __init__(self, stream_dtype: torch.dtype = STREAM_DTYPE) -> None:
        super().__init__()
        self.stream_dtype = stream_dtype
        self._backend: Backend | None = None
        self._runner: PlanRunner | None = None

    def record(self, plan: Plan, source: Map) -> Map | tuple[Map, ...]:
        """
        Record the module.

        :param plan: Where to record.
        :param source: Its input, a real map.
        :return: Its result, one map or several.
        """
        raise NotImplementedError

    def use_backend(self, backend: Backend) -> None:
        """
        Choose what runs the plans.

        :param backend: From now on.
        """
        self._backend, self._runner = backend, None

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """
        Apply the module.

        :param x: (B, C, H, W) float32, bfloat16 or float16; channels_last saves a copy.
        :return: One result or several, new, channels_last, of the stream's type.
        """
        if self._runner is None:
            self._runner = PlanRunner(self.record, self._backend)
        results = self._runner(x)
        return results[0] if len(results) == 1 else results

    def _apply(self, *args: Any, **kwargs: Any) -> nn.Module:
        self._runner = None
        return super()._apply(*args, **kwargs)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._runner = None
        super()._load_from_state_dict(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_runner': None}


def use_backend(network: nn.Module, backend: Backend) -> None:
    """
    Choose what runs the plans of all modules inside a network.

    :param network: Any module.
    :param backend: From now on.
    """
    for module in network.modules():
        if isinstance(module, RecordedModule):
            module.use_backend(backend)
