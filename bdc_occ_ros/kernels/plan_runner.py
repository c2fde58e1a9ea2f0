# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Torch tensors into a plan and out of it, one plan per shape of the input."""

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
Record = Callable[[Plan, Map], 'Map | tuple[Map, ...]']


class PlanRunner:
    """
    Records a plan for every new shape and runs it on torch tensors.

    A channels_last tensor (N, C, H, W) is an (N, H, W, C) map and is read where it lies; any other
    is copied first, and num_copies counts it.

    :param record: Records operations from the input to one result or several.
    :param backend: Runs the plans.
    :param output_dtype: Type of the results.
    """

    def __init__(self, record: Record, backend: Backend, output_dtype: torch.dtype) -> None:
        self.backend = backend
        self.output_dtype = output_dtype
        self.num_copies = 0
        self._record = record
        self._plans: dict[tuple[torch.Size, torch.dtype], CompiledPlan] = {}

    @torch.no_grad()
    def __call__(self, x: Tensor) -> tuple[Tensor, ...]:
        """
        Run once.

        :param x: (N, C, H, W) float32, bfloat16 or float16.
        :return: New channels_last tensors, one per result.
        :raises InvalidOperationError: if the operations do not fit that shape.
        """
        source = x.detach().permute(TO_CHANNELS_LAST)
        if not source.is_contiguous():
            source = source.contiguous()
            self.num_copies += 1
        plan = self.plan_for(source.shape, source.dtype)
        outputs = tuple(torch.empty(shape, dtype=dtype) for shape, dtype
                        in zip(plan.output_shapes, plan.output_dtypes))
        plan((source,), outputs)
        return tuple(output.permute(TO_CHANNELS_FIRST) for output in outputs)

    def plan_for(self, shape: torch.Size, dtype: torch.dtype) -> CompiledPlan:
        """
        Return the plan for inputs of one kind; the oldest of many makes room for a new one.

        :param shape: (N, H, W, C).
        :param dtype: Of the input.
        """
        key = shape, dtype
        if key not in self._plans:
            if len(self._plans) >= MAX_PLANS:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = self._compiled(shape, dtype)
        return self._plans[key]

    def _compiled(self, shape: torch.Size, dtype: torch.dtype) -> CompiledPlan:
        """Record and compile; the memory must be good outside of inference mode as well."""
        with torch.inference_mode(False):
            plan = Plan()
            results = self._record(plan, plan.input(tuple(shape), dtype))
            for result in results if isinstance(results, tuple) else (results,):
                plan.output(result, self.output_dtype)
            return CompiledPlan(plan, self.backend)
