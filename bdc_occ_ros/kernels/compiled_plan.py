# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compile a plan and give its maps their memory; real maps share one block as their use allows.

Maps of bits share with maps of the same shape only, because the border of a map is written once,
when its memory is made, and must stay clear.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.conventions import bit_map
from bdc_occ_ros.kernels.operations import Backend, Buffer, Gate, Operation
from bdc_occ_ros.kernels.plan import maps_of, Plan

ALIGNMENT = 64


class CompiledPlan:
    """
    Run a plan on one backend, with memory for all maps but inputs and outputs.

    `gates` are its operations of that kind; each run writes theirs.

    :param plan: It must not change any more, and can be compiled once.
    :raises InvalidOperationError: if the backend refuses an operation.
    """

    def __init__(self, plan: Plan, backend: Backend) -> None:
        intervals = intervals_of(plan.operations)
        self._external = (*plan.inputs, *plan.outputs)
        self._dtypes = [plan.dtypes[buffer] for buffer in self._external]
        real = {buffer: plan.dtypes[buffer] for buffer in intervals
                if not buffer.is_bits and buffer not in self._external}
        bits = [buffer for buffer in intervals if buffer.is_bits]
        self.num_bytes = allocate_real(real, intervals) + allocate_bits(bits, intervals)
        self.output_shapes = [buffer.shape for buffer in plan.outputs]
        self.output_dtypes = self._dtypes[len(plan.inputs):]
        self.gates = [operation for operation in plan.operations if isinstance(operation, Gate)]
        self._run = backend.compile(plan.operations)

    def __call__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        """
        Run once; allocates nothing.

        :param inputs: Contiguous (N, H, W, C) per declared input, in that order.
        :param outputs: The same per declared output; written.
        :raises InvalidOperationError: if a tensor is not what was declared.
        """
        given = (*inputs, *outputs)
        if len(given) != len(self._external):
            raise InvalidOperationError(f'a plan needs {len(self._external)} inputs and outputs; '
                                        f'got {len(given)}')
        for buffer, dtype, tensor in zip(self._external, self._dtypes, given):
            if tuple(tensor.shape) != buffer.shape or tensor.dtype != dtype or (
                    not tensor.is_contiguous()):
                raise InvalidOperationError(
                    f'a plan takes contiguous maps (N, H, W, C), here {buffer.shape} of {dtype}; '
                    f'got {tuple(tensor.shape)} of {tensor.dtype} with strides {tensor.stride()}; '
                    'permute a channels_last tensor, or make another plan')
            buffer.tensor = tensor
        try:
            self._run()
        finally:
            for buffer in self._external:
                buffer.tensor = None


class Interval(NamedTuple):
    """
    Hold the operations between which a buffer must keep its values, both ends included.

    :param first: Index of the operation that writes it first.
    :param last: Index of the operation that uses it last.
    """

    first: int
    last: int

    def overlaps(self, other: 'Interval') -> bool:
        """Return whether two intervals have an operation in common."""
        return self.first <= other.last and other.first <= self.last


def intervals_of(operations: Sequence[Operation]) -> dict[Buffer, Interval]:
    """Return from when to when each buffer is used by operations that run in that order."""
    intervals: dict[Buffer, Interval] = {}
    for index, operation in enumerate(operations):
        for used in maps_of(operation):
            known = intervals.get(used.buffer, Interval(index, index))
            intervals[used.buffer] = Interval(known.first, index)
    return intervals


def place(sizes: Mapping[Buffer, int], intervals: Mapping[Buffer, Interval]) -> dict[Buffer, int]:
    """
    Place buffers in one block so that no two overlap while both are used.

    Large ones are placed first, each at the lowest offset that is free during its interval.

    :param sizes: Bytes per buffer.
    :return: Offset in bytes per buffer, a multiple of ALIGNMENT.
    """
    offsets: dict[Buffer, int] = {}
    for buffer in sorted(sizes, key=lambda key: -sizes[key]):
        taken = sorted((offsets[other], offsets[other] + sizes[other]) for other in offsets
                       if intervals[other].overlaps(intervals[buffer]))
        offset = 0
        for start, stop in taken:
            if offset + sizes[buffer] <= start:
                break
            offset = max(offset, -(-stop // ALIGNMENT) * ALIGNMENT)
        offsets[buffer] = offset
    return offsets


def allocate_real(dtypes: Mapping[Buffer, torch.dtype],
                  intervals: Mapping[Buffer, Interval]) -> int:
    """
    Give real buffers their memory, all in one block.

    :param dtypes: The buffers and their types.
    :return: Bytes of the block.
    """
    sizes = {buffer: torch.Size(buffer.shape).numel() * dtype.itemsize
             for buffer, dtype in dtypes.items()}
    offsets = place(sizes, intervals)
    total = max((offsets[buffer] + sizes[buffer] for buffer in sizes), default=0)
    block = torch.zeros(total, dtype=torch.uint8)
    for buffer, dtype in dtypes.items():
        own = block[offsets[buffer]:offsets[buffer] + sizes[buffer]]
        buffer.tensor = own.view(dtype).view(buffer.shape)
    return total


def allocate_bits(buffers: Sequence[Buffer], intervals: Mapping[Buffer, Interval]) -> int:
    """Give maps of bits their memory, with a clear border; return the bytes of all of them."""
    owners: list[Buffer] = []
    last_use: dict[Buffer, int] = {}  # of the memory of an owner
    for buffer in sorted(buffers, key=lambda key: intervals[key].first):
        owner = next((owner for owner in owners if owner.shape == buffer.shape
                      and last_use[owner] < intervals[buffer].first), None)
        if owner is None:
            buffer.tensor = bit_map(*buffer.shape)
            owners.append(owner := buffer)
        buffer.tensor = owner.tensor
        last_use[owner] = intervals[buffer].last
    return sum(owner.tensor.nbytes for owner in owners)
