# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Torch tensors into a plan and out of it, one plan per kind of input."""

from collections.abc import Callable

import torch
from torch import Tensor

from bdc_occ_ros.kernels.backend import Backend
from bdc_occ_ros.kernels.compiled_plan import CompiledPlan
from bdc_occ_ros.kernels.operations import Map
from bdc_occ_ros.kernels.plan import Plan

MAX_PLANS = 8
TO_CHANNELS_FIRST = (0, 3, 1, 2)
TO_CHANNELS_LAST = (0, 2, 3, 1)
Maps = Map | tuple[Map, ...]
Kinds = tuple[tuple[torch.Size, torch.dtype], ...]


class PlanRunner:
    """
    Records a plan for every new kind of input and runs it on torch tensors.

    A channels_last tensor (N, C, H, W) is an (N, H, W, C) map and is read where it lies; any other
    is copied first, and num_copies counts it.

    :param record: Records operations from one input or several to one result or several.
    :param output_dtype: Type of the results.
    """

    def __init__(self, record: Callable[[Plan, Maps], Maps], backend: Backend,
                 output_dtype: torch.dtype) -> None:
        self.backend = backend
        self.output_dtype = output_dtype
        self.num_copies = 0
        self._record = record
        self._plans: dict[Kinds, CompiledPlan] = {}

    @torch.no_grad()
    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """
        Run once.

        :param inputs: (N, C, H, W) float32, bfloat16 or float16.
        :return: New channels_last tensors, one per result.
        :raises InvalidOperationError: if the operations do not fit these shapes.
        """
        sources = [self._channels_last(x) for x in inputs]
        plan = self.plan_for(tuple((source.shape, source.dtype) for source in sources))
        outputs = [sources[0].new_empty(shape, dtype=dtype) for shape, dtype
                   in zip(plan.output_shapes, plan.output_dtypes)]
        plan(sources, outputs)
        return tuple(output.permute(TO_CHANNELS_FIRST) for output in outputs)

    def plan_for(self, kinds: Kinds) -> CompiledPlan:
        """
        Return the plan for inputs of some kind; the oldest of many makes room for a new one.

        :param kinds: Shape (N, H, W, C) and dtype of every input.
        """
        if kinds not in self._plans:
            if len(self._plans) >= MAX_PLANS:
                del self._plans[next(iter(self._plans))]
            self._plans[kinds] = self._compiled(kinds)
        return self._plans[kinds]

    def _channels_last(self, x: Tensor) -> Tensor:
        """Return (N, H, W, C), contiguous."""
        source = x.detach().permute(TO_CHANNELS_LAST)
        if source.is_contiguous():
            return source
        self.num_copies += 1
        return source.contiguous()

    def _compiled(self, kinds: Kinds) -> CompiledPlan:
        """Record and compile; the memory must be good outside of inference mode as well."""
        with torch.inference_mode(False):
            plan = Plan()
            sources = tuple(plan.input(tuple(shape), dtype) for shape, dtype in kinds)
            results = self._record(plan, sources if len(sources) > 1 else sources[0])
            for result in results if isinstance(results, tuple) else (results,):
                plan.output(result, self.output_dtype)
            return CompiledPlan(plan, self.backend)
