# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Turn the records of operations.py into the structures of src/bdc_kernels.h.

Checked here is what the kernels cannot see behind a pointer: device, dtype, shape, contiguity.
Whether the maps of an operation fit each other is checked by the kernels.
"""

from collections.abc import Sequence
import ctypes
from functools import singledispatchmethod

import torch
from torch import Tensor

from bdc_occ_ros.kernels import structures as c
from bdc_occ_ros.kernels.addresses import address
from bdc_occ_ros.kernels.addresses import check_tensor
from bdc_occ_ros.kernels.addresses import CPU
from bdc_occ_ros.kernels.addresses import point_at
from bdc_occ_ros.kernels.addresses import refuse
from bdc_occ_ros.kernels.conventions import base_table
from bdc_occ_ros.kernels.conventions import WORD_BITS
from bdc_occ_ros.kernels.conventions import words
from bdc_occ_ros.kernels.library import KernelLibrary
from bdc_occ_ros.kernels.operations import Activation
from bdc_occ_ros.kernels.operations import Affine
from bdc_occ_ros.kernels.operations import AveragePool
from bdc_occ_ros.kernels.operations import BranchLayer
from bdc_occ_ros.kernels.operations import Combine
from bdc_occ_ros.kernels.operations import Convolution
from bdc_occ_ros.kernels.operations import Epilogue
from bdc_occ_ros.kernels.operations import Gate
from bdc_occ_ros.kernels.operations import Labels
from bdc_occ_ros.kernels.operations import Map
from bdc_occ_ros.kernels.operations import Operation
from bdc_occ_ros.kernels.operations import Pack
from bdc_occ_ros.kernels.operations import RealConvolution
from bdc_occ_ros.kernels.operations import Sign
from bdc_occ_ros.kernels.operations import Splat
from bdc_occ_ros.kernels.operations import SplatTable
from bdc_occ_ros.kernels.operations import Upsample

ALIGNMENT = 64


class Lowering:
    """
    Makes the structures of one list of operations and keeps alive what they point at.

    :param backend: For which weights are prepared.
    :param library: The library that prepares them.
    :param device: Where all tensors must be.
    """

    def __init__(self, backend: str, library: KernelLibrary | None,
                 device: torch.device = CPU) -> None:
        self._backend = backend
        self._library = library
        self._device = device
        self._kept: list[object] = []
        self._external: list[tuple[c.BdcMap, Map]] = []

    def steps(self, operations: Sequence[Operation]) -> ctypes.Array:
        """
        Return what bdc_run takes; valid as long as this object lives.

        :param operations: In the order in which they run.
        :raises InvalidOperationError: if a map or parameter is not what it must be.
        """
        lowered = [self.lower(operation) for operation in operations]
        self._kept += lowered
        return (c.BdcStep * len(lowered))(*(
            c.BdcStep(c.KINDS.index(type(structure)), ctypes.addressof(structure))
            for structure in lowered))

    def point_at_external_buffers(self) -> None:
        """
        Take the tensors that the caller brought for this run.

        :raises InvalidOperationError: if one is missing or of another shape.
        """
        for target, source in self._external:
            point_at(target, source, self._device)

    @singledispatchmethod
    def lower(self, operation: Operation) -> ctypes.Structure:
        """
        Return the structure of an operation.

        :param operation: Any of operations.py.
        :raises InvalidOperationError: if a map or parameter is not what it must be.
        """
        raise TypeError(f'{operation!r} is no operation')

    @lower.register
    def _(self, operation: Pack) -> c.BdcPack:
        target = c.BdcPack()
        self._map(target.in_, operation.input, is_bits=False)
        self._map(target.out, operation.output, is_bits=True)
        self._sign(target.sign, operation.sign, operation.output.channels)
        return target

    @lower.register
    def _(self, operation: Convolution) -> c.BdcConvolution:
        target = c.BdcConvolution(stride=operation.stride)
        in_channels = operation.input.channels
        out_channels, kernel = operation.weights.shape[:2]
        self._map(target.in_, operation.input, is_bits=True)
        target.out_channels, target.kernel = out_channels, kernel
        target.weights, target.base = self._weights(operation.weights, in_channels)
        self._map(target.bits_of_integer, operation.bits_of_integer, is_bits=True)
        if _are_both('bits_of_integer', operation.bits_of_integer, operation.integer_sign):
            sign = operation.integer_sign
            for name in ('low', 'high'):
                setattr(target.integer_sign, name, self._tensor(
                    name, getattr(sign, name), (out_channels,), torch.int32))
            target.integer_sign.flip = self._flip(sign.flip, out_channels)
        self._map(target.integers, operation.integers, is_bits=False)
        if operation.epilogue is not None:
            stride = operation.stride
            size = tuple(-(-edge // stride) for edge in operation.input.buffer.shape[1:3])
            self._epilogue(target, operation.epilogue, out_channels,
                           operation.input.buffer.shape[0], size[0])
        return target

    @lower.register
    def _(self, operation: RealConvolution) -> c.BdcRealConvolution:
        target = c.BdcRealConvolution(out_channels=operation.weights.shape[0])
        batch, height = operation.input.buffer.shape[:2]
        self._map(target.in_, operation.input, is_bits=False)
        target.weights = self._tensor(
            'weights', operation.weights,
            (target.out_channels, words(operation.input.channels)), torch.int32)
        self._epilogue(target, operation.epilogue, target.out_channels, batch, height)
        return target

    @lower.register
    def _(self, operation: Gate) -> c.BdcGate:
        batch, rows, channels = operation.sums.shape
        layers = (c.BdcBranchLayer * len(operation.layers))()
        for target, layer in zip(layers, operation.layers):
            self._branch_layer(target, layer, channels)
        self._kept.append(layers)
        return c.BdcGate(
            sums=self._tensor('sums', operation.sums, (batch, rows, channels), torch.float32),
            batch=batch, rows=rows, channels=channels, count=operation.num_pixels,
            layers=ctypes.addressof(layers), num_layers=len(layers),
            gate=self._tensor('gate', operation.gate, (batch, channels), torch.float32))

    @lower.register
    def _(self, operation: Combine) -> c.BdcCombine:
        target = c.BdcCombine(left_weight=operation.left_weight,
                              right_weight=operation.right_weight)
        self._map(target.left, operation.left, is_bits=False)
        self._map(target.right, operation.right, is_bits=False)
        self._activation(target.activation, operation.activation, operation.left.channels)
        self._outputs(target, operation, operation.left.channels)
        return target

    @lower.register
    def _(self, operation: Affine) -> c.BdcAffine:
        channels = operation.input.channels * operation.factor ** 2
        target = c.BdcAffine(factor=operation.factor,
                             scale=self._floats('scale', operation.scale, channels),
                             offset=self._floats('offset', operation.offset, channels))
        self._map(target.in_, operation.input, is_bits=False)
        self._outputs(target, operation, channels)
        return target

    @lower.register
    def _(self, operation: AveragePool) -> c.BdcAveragePool:
        target = c.BdcAveragePool()
        self._map(target.in_, operation.input, is_bits=False)
        self._map(target.out, operation.output, is_bits=False)
        return target

    @lower.register
    def _(self, operation: Upsample) -> c.BdcUpsample:
        target = c.BdcUpsample()
        self._map(target.in_, operation.input, is_bits=False)
        self._map(target.out, operation.output, is_bits=False)
        return target

    @lower.register
    def _(self, operation: SplatTable) -> c.BdcSplatTable:
        cameras, depths, height, width = operation.points_m.shape[:4]
        rows, columns = operation.shape
        count = cameras * depths * height * width
        cells = torch.empty(count, dtype=torch.int32)
        return c.BdcSplatTable(
            points_m=self._tensor('points_m', operation.points_m,
                                  (cameras, depths, height, width, 3), torch.float32),
            cameras=cameras, depths=depths, pixels_per_camera=height * width,
            lower=operation.lower_m, size=operation.size_m, rows=rows, columns=columns,
            starts=self._tensor('starts', operation.starts, (rows * columns + 1,), torch.int32),
            points=self._tensor('points', operation.points, (count,), torch.int32),
            pixels=self._tensor('pixels', operation.pixels, (count,), torch.int32),
            cells=self._tensor('cells', cells, (count,), torch.int32))

    @lower.register
    def _(self, operation: Splat) -> c.BdcSplat:
        table, probability = operation.table, operation.probability
        rows, columns = table.shape
        count = table.points_m.shape[:4].numel()
        target = c.BdcSplat(
            starts=self._tensor('starts', table.starts, (rows * columns + 1,), torch.int32),
            points=self._tensor('points', table.points, (count,), torch.int32),
            pixels=self._tensor('pixels', table.pixels, (count,), torch.int32),
            probability=self._tensor(
                'probability', probability, tuple(table.points_m.shape[:4]),
                torch.float32, torch.bfloat16, torch.float16),
            probability_type=c.REAL_TYPES[probability.dtype])
        self._map(target.context, operation.context, is_bits=False)
        self._map(target.out, operation.output, is_bits=False)
        return target

    @lower.register
    def _(self, operation: Labels) -> c.BdcLabels:
        shape = operation.input.buffer.shape[:3]
        groups = operation.input.channels // operation.num_classes
        target = c.BdcLabels(
            classes=operation.num_classes,
            labels=self._tensor('labels', operation.labels, (*shape, groups), torch.uint8))
        self._map(target.in_, operation.input, is_bits=False)
        return target

    def _epilogue(self, target: ctypes.Structure, epilogue: Epilogue, channels: int, batch: int,
                  height: int) -> None:
        """Fill what follows a product."""
        target.scale = self._floats('scale', epilogue.scale, channels)
        target.offset = self._floats('offset', epilogue.offset, channels)
        self._activation(target.activation, epilogue.activation, channels)
        if epilogue.sums is not None:
            target.sums = self._tensor('sums', epilogue.sums, (batch, height, channels),
                                       torch.float32)
        if epilogue.gate is not None:
            target.gate = self._tensor('gate', epilogue.gate, (batch, channels), torch.float32)
        self._map(target.shortcut, epilogue.shortcut, is_bits=False)
        if _are_both('shortcut_scale', epilogue.shortcut_scale, epilogue.shortcut_offset):
            for name in ('shortcut_scale', 'shortcut_offset'):
                setattr(target, name, self._floats(name, getattr(epilogue, name), channels))
        self._outputs(target, epilogue, channels)

    def _outputs(self, target: ctypes.Structure, record: Epilogue | Combine | Affine,
                 channels: int) -> None:
        """Fill the real output and the bits."""
        self._map(target.out, record.output, is_bits=False)
        self._map(target.bits, record.bits, is_bits=True)
        if _are_both('bits', record.bits, record.sign):
            self._sign(target.sign, record.sign, channels)

    def _branch_layer(self, target: c.BdcBranchLayer, layer: BranchLayer, channels: int) -> None:
        """Fill one layer of the channel branch."""
        target.weights = self._tensor('weights', layer.weights, (channels, words(channels)),
                                      torch.int32)
        target.scale = self._floats('scale', layer.scale, channels)
        self._activation(target.before, layer.activation, channels)
        if layer.sign is not None:
            self._sign(target.sign, layer.sign, channels)

    def _map(self, target: c.BdcMap, source: Map | None, *, is_bits: bool) -> None:
        """Fill a map, or leave it missing."""
        if source is None:
            return
        buffer, channels = source.buffer, source.channels
        last = source.first_channel + channels
        if buffer.is_bits != is_bits:
            refuse('a map must be ' + ('of bits' if is_bits else 'real'), buffer)
        if source.first_channel < 0 or channels < 1 or last > buffer.shape[3]:
            refuse(f'a slice must lie within the {buffer.shape[3]} channels',
                   f'{source.first_channel} to {last}')
        if is_bits and (source.first_channel % WORD_BITS
                        or (last % WORD_BITS and last != buffer.shape[3])):
            refuse('a slice of bits must begin and end between words',
                   f'{source.first_channel} to {last}')
        target.batch, target.height, target.width = buffer.shape[:3]
        target.channels = channels
        target.stride = words(buffer.shape[3]) if is_bits else buffer.shape[3]
        if buffer.tensor is None:
            self._external.append((target, source))
        else:
            point_at(target, source, self._device)
            self._kept.append(buffer.tensor)

    def _tensor(self, what: str, tensor: Tensor, shape: tuple[int, ...],
                *dtypes: torch.dtype) -> int:
        """Check and keep a tensor; return its address."""
        check_tensor(what, tensor, shape, *dtypes, device=self._device)
        self._kept.append(tensor)
        return address(tensor)

    def _floats(self, what: str, tensor: Tensor, channels: int) -> int:
        """Return the address of one float per channel."""
        return self._tensor(what, tensor, (channels,), torch.float32)

    def _flip(self, tensor: Tensor, channels: int) -> int:
        """Return the address of one bit per channel."""
        return self._tensor('flip', tensor, (words(channels),), torch.int32)

    def _sign(self, target: c.BdcSign, sign: Sign, channels: int) -> None:
        """Fill threshold and flip."""
        target.threshold = self._floats('threshold', sign.threshold, channels)
        target.flip = self._flip(sign.flip, channels)

    def _activation(self, target: c.BdcRprelu, activation: Activation | None,
                    channels: int) -> None:
        """Fill an RPReLU, or leave it missing."""
        if activation is not None:
            for name in ('before', 'slope', 'after'):
                setattr(target, name, self._floats(name, getattr(activation, name), channels))

    def _weights(self, weights: Tensor, in_channels: int) -> tuple[int, int]:
        """Return the addresses of prepared weights and base table."""
        out_channels, kernel = weights.shape[:2]
        source = self._tensor('weights', weights,
                              (out_channels, kernel, kernel, words(in_channels)), torch.int32)
        sizes = out_channels, in_channels, kernel
        size = self._library.prepared_bytes(self._backend, *sizes)
        memory = torch.empty(size + ALIGNMENT, dtype=torch.uint8)
        prepared = -(-memory.data_ptr() // ALIGNMENT) * ALIGNMENT
        self._library.prepare_weights(self._backend, *sizes, source, prepared)
        base = base_table(weights, in_channels)
        self._kept += [memory, base]
        return prepared, address(base)


def _are_both(what: str, first: object, second: object) -> bool:
    """Return whether two things that belong together are there; refuse one alone."""
    if (first is None) != (second is None):
        refuse(f'{what} and what belongs to it must come together', 'one of them')
    return first is not None
