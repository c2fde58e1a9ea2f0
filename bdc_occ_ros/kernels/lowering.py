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

from bdc_occ_ros.kernels import structures as c
from bdc_occ_ros.kernels.addresses import refuse
from bdc_occ_ros.kernels.conventions import words
from bdc_occ_ros.kernels.operations import (
    Affine,
    AveragePool,
    Combine,
    Convolution,
    Gate,
    Labels,
    Operation,
    Pack,
    RealConvolution,
    Splat,
    SplatTable,
    Upsample,
)
from bdc_occ_ros.kernels.structure_parts import are_both, StructureParts


class Lowering(StructureParts):
    """Makes the structures of one list of operations."""

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
        if operation.stride not in (1, 2):
            refuse('the stride must be 1 or 2', operation.stride)
        target = c.BdcConvolution(stride=operation.stride)
        in_channels = operation.input.channels
        out_channels, kernel = operation.weights.shape[:2]
        self._map(target.in_, operation.input, is_bits=True)
        target.out_channels, target.kernel = out_channels, kernel
        target.weights, target.base = self._weights(operation.weights, in_channels)
        self._map(target.bits_of_integer, operation.bits_of_integer, is_bits=True)
        if are_both('bits_of_integer', operation.bits_of_integer, operation.integer_sign):
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
        cameras, _, height, width = sizes = tuple(table.points_m.shape[:4])
        count = table.points_m.shape[:4].numel()
        if operation.output.buffer.shape[1:3] != table.shape:
            refuse(f'the output must have the {table.shape} cells of the table',
                   operation.output.buffer.shape[1:3])
        if operation.context.buffer.shape[:3] != (cameras, height, width):
            refuse(f'the context must have the {cameras, height, width} pixels of the table',
                   operation.context.buffer.shape[:3])
        target = c.BdcSplat(
            starts=self._tensor('starts', table.starts, (rows * columns + 1,), torch.int32),
            points=self._tensor('points', table.points, (count,), torch.int32),
            pixels=self._tensor('pixels', table.pixels, (count,), torch.int32),
            probability=self._tensor(
                'probability', probability, sizes,
                torch.float32, torch.bfloat16, torch.float16),
            probability_type=c.REAL_TYPES[probability.dtype])
        self._map(target.context, operation.context, is_bits=False)
        self._map(target.out, operation.output, is_bits=False)
        return target

    @lower.register
    def _(self, operation: Labels) -> c.BdcLabels:
        if operation.num_classes < 1:
            refuse('there must be at least one class', operation.num_classes)
        shape = operation.input.buffer.shape[:3]
        groups = operation.input.channels // operation.num_classes
        target = c.BdcLabels(
            classes=operation.num_classes,
            labels=self._tensor('labels', operation.labels, (*shape, groups), torch.uint8))
        self._map(target.in_, operation.input, is_bits=False)
        return target
