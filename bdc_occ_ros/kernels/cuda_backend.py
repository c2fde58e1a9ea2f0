# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Run operations on an NVIDIA GPU: packing, binary convolutions and splat, PyTorch for the rest.

Running puts work on the current stream and waits for nothing, so that it can be captured into a
CUDA graph; only filling the table of a splat synchronizes, to read its size. Matrix products of
PyTorch sum reals in an order of its own: results are within 1e-5 of the largest sum of magnitudes
of what reference.py defines; products of signs are exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bdc_occ_ros.kernels.checked_memory import MAX_COUNT, refuse
from bdc_occ_ros.kernels.conventions import unpack_bits, WORD_BITS, words
from bdc_occ_ros.kernels.library import CudaLibrary, load_cuda_library
from bdc_occ_ros.kernels.lowering import Lowering
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
from bdc_occ_ros.kernels.plan import maps_of
from bdc_occ_ros.kernels.reference import finish, FUNCTIONS
from bdc_occ_ros.kernels.reference_maps import activate, read, signs

TILE_CHANNELS = 64
STAGE_WORDS = 16


class CudaBackend:
    """
    Run operations by kernels for one GPU.

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
        Prepare operations; see operations.Backend.

        What lies elsewhere is copied to the GPU here, once; buffers that the caller brings later
        must lie there.

        :raises InvalidOperationError: if maps and parameters do not fit together.
        """
        copies = _Copies(self.device)
        moved = [_with_room_for_sums(copies.of(operation), self.device)
                 for operation in operations]
        runs = [self._native(list(group)) if is_native else _in_pytorch(list(group))
                for is_native, group in groupby(
                    moved, lambda operation: isinstance(operation, Pack | Convolution | Splat))]

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


class CudaLowering(Lowering):
    """
    Make the structures of operations whose tensors lie on a GPU.

    :param device: The GPU, with its index; the CPU for an emulation.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__(lambda weights, _: prepare_weights(weights.cpu()).to(device), device)
        self._summed: list[Map] = []

    def steps(self, operations: Sequence[Operation]) -> Any:
        """Return what bdc_cuda_run takes; refuse also what the GPU kernels cannot index or sum."""
        steps = super().steps(operations)
        for operation in operations:
            for used in maps_of(operation):
                batch, height, width, channels = used.buffer.shape
                border, stride = (2, words(channels)) if used.buffer.is_bits else (0, channels)
                if batch * (height + border) * (width + border) * stride > MAX_COUNT:
                    refuse('a map on a GPU must have less than 2^31 elements', used.buffer.shape)
            if isinstance(operation, Convolution):
                self._check_convolution(operation)
        return steps

    def point_at_external_buffers(self) -> None:
        """Take the tensors that the caller brought; outputs that are summed must be float32."""
        super().point_at_external_buffers()
        for output in self._summed:
            _require_summable(output.buffer.tensor)

    def _check_convolution(self, operation: Convolution) -> None:
        weights, epilogue = operation.weights, operation.epilogue
        window = weights[0].numel() + STAGE_WORDS
        if (len(weights) + TILE_CHANNELS) * window > MAX_COUNT:
            refuse('weights on a GPU must have less than 2^31 words', tuple(weights.shape))
        if epilogue is None or epilogue.sums is None:
            return
        output = epilogue.output
        if output is None or epilogue.gate is not None or epilogue.shortcut is not None:
            refuse('row sums need a float32 output, and neither gate nor shortcut', epilogue)
        if output.buffer.tensor is None:
            self._summed.append(output)
        else:
            _require_summable(output.buffer.tensor)


def _require_summable(output: Tensor) -> None:
    if output.dtype != torch.float32:
        refuse('row sums need a float32 output, and neither gate nor shortcut', output.dtype)


def prepare_weights(weights: Tensor) -> Tensor:
    """
    Pad weights with clear words and append how many bits of each output channel are set.

    The order is that of cuda/tile.h.

    :param weights: (Co, k, k, words(Ci)) int32, packed, on the CPU.
    :return: 1-D int32: whole tiles of channels times whole stages of words, then the counts.
    """
    rows = weights.flatten(1)
    channels, size = rows.shape
    padded = functional.pad(rows, (0, -size % STAGE_WORDS, 0, -channels % TILE_CHANNELS))
    ones = unpack_bits(padded, padded.shape[1] * WORD_BITS).sum(dim=1, dtype=torch.int32)
    return torch.cat((padded.flatten(), ones))


def real_convolution(op: RealConvolution) -> None:
    """Convolve a real map with 1-bit weights by a matrix product."""
    finish(_products(read(op.input), op.weights), op.epilogue)


def gate(op: Gate) -> None:
    """Compute the gate of every image from its sums over rows, in double."""
    means = (op.sums.sum(dim=1, dtype=torch.float64) / op.num_pixels).float()
    for layer in op.layers:
        means = activate(means, layer.activation)
        if layer.sign is not None:
            means = 2.0 * signs(means, layer.sign).float() - 1.0
        means = layer.scale * _products(means.double(), layer.weights).float()
    op.gate.copy_(means.double().sigmoid())


def _products(values: Tensor, weights: Tensor) -> Tensor:
    """Multiply (..., Ci) with the signs of packed weights (Co, words(Ci))."""
    factors = 2.0 * unpack_bits(weights, values.shape[-1]).to(values.dtype) - 1.0
    return values @ factors.T


IN_PYTORCH = {**FUNCTIONS, RealConvolution: real_convolution, Gate: gate}


def _in_pytorch(operations: Sequence[Operation]) -> Callable[[], None]:
    """Prepare operations that PyTorch runs as they are defined."""

    def run() -> None:
        for operation in operations:
            IN_PYTORCH[type(operation)](operation)

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
    """Copy records to a GPU; what several records share is copied once."""

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
