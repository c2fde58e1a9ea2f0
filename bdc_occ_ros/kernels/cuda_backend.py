# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The backend for NVIDIA GPUs: packing, binary convolutions and splat, PyTorch for the rest.

Running puts work on the current stream and waits for nothing, so that it can be captured into a
CUDA graph; the table of a splat alone is filled with a look at its size.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from bdc_occ_ros.kernels import cuda_streams
from bdc_occ_ros.kernels.cuda_library import CudaLibrary, load_cuda_library
from bdc_occ_ros.kernels.cuda_lowering import CudaLowering
from bdc_occ_ros.kernels.operations import (
    Buffer,
    Convolution,
    Gate,
    Map,
    Operation,
    Pack,
    RealConvolution,
    Splat,
)
from bdc_occ_ros.kernels.reference import FUNCTIONS

IN_PYTORCH = {**FUNCTIONS, RealConvolution: cuda_streams.real_convolution,
              Gate: cuda_streams.gate}


class CudaBackend:
    """
    Kernels for one GPU.

    :param device: A GPU of compute capability 8.0 to 9.x.
    :param library: The library; the usual one if None.
    :raises BackendUnavailableError: if there is no such GPU.
    :raises KernelLibraryError: if the library cannot be used.
    """

    name = 'cuda'

    def __init__(self, device: torch.device | str = 'cuda',
                 library: CudaLibrary | None = None) -> None:
        device = torch.device(device)
        if device.type == 'cuda' and device.index is None and torch.cuda.is_available():
            device = torch.device('cuda', torch.cuda.current_device())
        self.device = device
        self._library = library or load_cuda_library(device)

    def compile(self, operations: Sequence[Operation]) -> Callable[[], None]:
        """
        Prepare operations whose buffers are all allocated.

        What lies elsewhere is copied to the GPU here, once; buffers that the caller brings later
        must lie there.

        :param operations: In the order in which they run.
        :return: A function that runs them once.
        :raises InvalidOperationError: if maps and parameters do not fit together; where only the
            kernels can tell, when it is run.
        """
        copies = _Copies(self.device)
        moved = [_with_room_for_sums(copies.of(operation), self.device)
                 for operation in operations]
        runs = [self._native(list(group)) if is_native else _in_pytorch(list(group))
                for is_native, group in groupby(moved, _is_native)]

        def run() -> None:
            copies.take_external_buffers()
            for part in runs:
                part()

        return run

    def _native(self, operations: Sequence[Operation]) -> Callable[[], None]:
        """Prepare operations that the library has."""
        lowering = CudaLowering(self.device)
        steps = lowering.steps(operations)

        def run() -> None:
            lowering.point_at_external_buffers()
            self._library.run(steps, self.device)

        return run


def _is_native(operation: Operation) -> bool:
    """Return whether the library has an operation."""
    return isinstance(operation, Pack | Convolution | Splat)


def _in_pytorch(operations: Sequence[Operation]) -> Callable[[], None]:
    """Prepare operations that PyTorch runs as they are defined."""
    functions = [partial(IN_PYTORCH[type(operation)], operation) for operation in operations]

    def run() -> None:
        for function in functions:
            function()

    return run


def _with_room_for_sums(operation: Operation, device: torch.device) -> Operation:
    """Let a convolution whose rows are summed keep its result, of which the kernel sums."""
    epilogue = getattr(operation, 'epilogue', None)
    if (not isinstance(operation, Convolution) or epilogue is None or epilogue.sums is None
            or epilogue.output is not None):
        return operation
    width = -(-operation.input.buffer.shape[2] // operation.stride)
    batch, height, channels = epilogue.sums.shape
    shape = batch, height, width, channels
    room = Map(Buffer(shape, tensor=torch.empty(shape, device=device)))
    return replace(operation, epilogue=replace(epilogue, output=room))


class _Copies:
    """Records on a GPU; what several records share is copied once."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._made: dict[int, tuple[object, object]] = {}  # by identity, with the original
        self._external: list[tuple[Buffer, Buffer]] = []

    def of(self, value: Any) -> Any:
        """Return a record, tensor, buffer or tuple of records on the GPU."""
        if isinstance(value, tuple):
            return tuple(map(self.of, value))
        if not isinstance(value, Tensor) and not is_dataclass(value):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = value, self._copy(value)
        return self._made[id(value)][1]

    def _copy(self, value: Any) -> Any:
        """Copy a tensor or a record."""
        if isinstance(value, Tensor):
            return value.to(self._device)
        made = type(value)(**{field.name: self.of(getattr(value, field.name))
                              for field in fields(value)})
        if isinstance(value, Buffer) and value.tensor is None:
            self._external.append((value, made))
        return made

    def take_external_buffers(self) -> None:
        """Take the tensors that the caller brought for this run."""
        for original, made in self._external:
            made.tensor = original.tensor
