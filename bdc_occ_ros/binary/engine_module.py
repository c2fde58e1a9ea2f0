# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run modules on the bit engine; inference only."""

import copy
from typing import Any

import torch
from torch import nn, Tensor

from bdc_occ_ros.kernels.compiled_plan import CompiledPlan
from bdc_occ_ros.kernels.conventions import TO_CHANNELS_FIRST, TO_CHANNELS_LAST
from bdc_occ_ros.kernels.operations import Backend, Map
from bdc_occ_ros.kernels.plan import Plan
from bdc_occ_ros.kernels.selection import choose_backend

STREAM_DTYPE = torch.float32
MAX_PLANS = 8
Maps = Map | tuple[Map, ...]
Kinds = tuple[tuple[torch.Size, torch.dtype], ...]  # (N, H, W, C) and dtype of every input


class EngineModule(nn.Module):
    """
    Hold the backend of a module and the plans compiled for it.

    A compiled plan takes parameters as they are at that moment, and is dropped when parameters
    are loaded or moved. Copies share the backend and compile for themselves.
    """

    def __init__(self) -> None:
        super().__init__()
        self._backend: Backend | None = None
        self._compiled: dict[Any, Any] = {}

    @property
    def backend(self) -> Backend:
        """Return the backend that was set, else the one that `choose_backend` chooses."""
        if self._backend is None:
            self._backend = choose_backend().backend
        return self._backend

    def use_backend(self, backend: Backend) -> None:
        """Set the backend that runs the module."""
        self._backend = backend
        self._compiled.clear()

    def _apply(self, *args: Any, **kwargs: Any) -> nn.Module:
        self._compiled.clear()
        return super()._apply(*args, **kwargs)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._compiled.clear()
        super()._load_from_state_dict(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_compiled': {}}

    def __deepcopy__(self, memo: dict[int, Any]) -> 'EngineModule':
        copied = memo[id(self)] = self.__new__(type(self))
        memo[id(self._backend)] = self._backend  # shared: it stands for a library
        copied.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return copied


class LoweredModule(EngineModule):
    """
    Run a module as one plan, compiled for every new combination of input shapes and dtypes.

    A channels_last tensor (N, C, H, W) is an (N, H, W, C) map and is read where it lies; any other
    is copied first, and num_copies counts it.

    :param stream_dtype: Of the real maps between units: float32, bfloat16 or float16.
    """

    def __init__(self, stream_dtype: torch.dtype = STREAM_DTYPE) -> None:
        super().__init__()
        self.stream_dtype = stream_dtype
        self.output_dtype = stream_dtype
        self.num_copies = 0

    def lower(self, plan: Plan, source: Maps) -> Maps:
        """Add the module's operations to a plan, from one input or several to its results."""
        raise NotImplementedError

    @torch.no_grad()
    def forward(self, x: Tensor | tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
        """
        Apply the module.

        :param x: One (B, C, H, W) or several, float32, bfloat16 or float16.
        :return: One result or several, new, channels_last, of type output_dtype.
        :raises InvalidOperationError: if the operations do not fit these shapes.
        """
        sources = [self._channels_last(each) for each in (x if isinstance(x, tuple) else (x,))]
        plan = self.plan_of(x)
        outputs = [sources[0].new_empty(shape, dtype=dtype) for shape, dtype
                   in zip(plan.output_shapes, plan.output_dtypes)]
        plan(sources, outputs)
        results = tuple(output.permute(TO_CHANNELS_FIRST) for output in outputs)
        return results[0] if len(results) == 1 else results

    def plan_of(self, x: Tensor | tuple[Tensor, ...]) -> CompiledPlan:
        """Return the plan for inputs as forward takes them."""
        return self.plan_for(tuple((each.permute(TO_CHANNELS_LAST).shape, each.dtype)
                                   for each in (x if isinstance(x, tuple) else (x,))))

    def plan_for(self, kinds: Kinds) -> CompiledPlan:
        """Return the plan for inputs of these shapes and dtypes; the oldest of many is evicted."""
        if kinds not in self._compiled:
            if len(self._compiled) >= MAX_PLANS:
                del self._compiled[next(iter(self._compiled))]
            with torch.inference_mode(False):  # its memory must be good outside of it as well
                self._compiled[kinds] = self._compile(kinds)
        return self._compiled[kinds]

    def _compile(self, kinds: Kinds) -> CompiledPlan:
        plan = Plan()
        sources = tuple(plan.input(tuple(shape), dtype) for shape, dtype in kinds)
        results = self.lower(plan, sources if len(sources) > 1 else sources[0])
        for result in results if isinstance(results, tuple) else (results,):
            plan.output(result, self.output_dtype)
        return CompiledPlan(plan, self.backend)

    def _channels_last(self, x: Tensor) -> Tensor:
        source = x.detach().permute(TO_CHANNELS_LAST)
        self.num_copies += not source.is_contiguous()
        return source.contiguous()


def use_backend(network: nn.Module, backend: Backend) -> None:
    """Set the backend of the modules inside a network."""
    for module in network.modules():
        if isinstance(module, EngineModule):
            module.use_backend(backend)
