# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Lower operations to the structures of src/bdc_kernels.h, after checks that all of them fit.

What a map or parameter must be on its own is in checked_memory.py, how those of an operation must
fit each other is here.
"""

from collections.abc import Callable, Sequence
import ctypes
from functools import singledispatchmethod

import torch
from torch import Tensor

from bdc_occ_ros.kernels import structures as c
from bdc_occ_ros.kernels.checked_memory import (
    address,
    BITS,
    CheckedMemory,
    CPU_DEVICE,
    MAX_COUNT,
    MAX_SIZE,
    REAL,
    refuse,
    require_both,
    Shape,
)
from bdc_occ_ros.kernels.conventions import base_table
from bdc_occ_ros.kernels.operations import (
    Affine,
    AveragePool,
    Combine,
    Convolution,
    Epilogue,
    Gate,
    Labels,
    Map,
    Operation,
    Pack,
    RealConvolution,
    Splat,
    SplatTable,
    Upsample,
)

MAX_PRODUCTS = 32767  # of a window, so that every result fits 16 bits
MAX_CLASSES = 256


class Lowering(CheckedMemory):
    """
    Make the structures of one list of operations.

    :param prepare: From packed weights (Co, k, k, words(Ci)) and Ci to what the kernels take.
    :param device: Where all tensors must be.
    """

    def __init__(self, prepare: Callable[[Tensor, int], Tensor],
                 device: torch.device = CPU_DEVICE) -> None:
        super().__init__(device)
        self._prepare = prepare

    def steps(self, operations: Sequence[Operation]) -> ctypes.Array:
        """
        Return what bdc_run takes; valid as long as this object lives.

        :param operations: In the order in which they run.
        :raises InvalidOperationError: if a map or parameter is not what it must be.
        """
        lowered = [self.lower(operation) for operation in operations]
        self.kept += lowered
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
        shape = _shape(operation.input)
        self._map('input', target.in_, operation.input, REAL)
        self._map('output', target.out, operation.output, BITS, shape)
        self._sign(target.sign, operation.sign, shape[3])
        return target

    @lower.register
    def _(self, operation: Convolution) -> c.BdcConvolution:
        batch, height, width, in_channels = _shape(operation.input)
        stride, weights = operation.stride, operation.weights
        if weights.ndim != 4:
            refuse('weights must be (Co, k, k, words(Ci))', tuple(weights.shape))
        out_channels, kernel = weights.shape[:2]
        if stride not in (1, 2):
            refuse('the stride must be 1 or 2', stride)
        if kernel not in (1, 3) or not 1 <= out_channels <= MAX_SIZE:
            refuse(f'a convolution is 1x1 or 3x3 with 1 to {MAX_SIZE} outputs',
                   f'a {kernel}x{kernel} convolution to {out_channels} channels')
        if in_channels * kernel ** 2 > MAX_PRODUCTS:
            refuse(f'a window may have {MAX_PRODUCTS} products, the most that fit 16 bits',
                   in_channels * kernel ** 2)
        shape = batch, -(-height // stride), -(-width // stride), out_channels
        target = c.BdcConvolution(stride=stride, out_channels=out_channels, kernel=kernel)
        self._map('input', target.in_, operation.input, BITS)
        self._words('weights', weights, (out_channels, kernel, kernel), in_channels)
        prepared = self._prepare(weights, in_channels)
        base = base_table(weights.cpu(), in_channels).to(self.device)
        self.kept += [prepared, base]
        target.weights, target.base = address(prepared), address(base)
        sign = operation.integer_sign
        require_both('bits_of_integer', operation.bits_of_integer, sign)
        if sign is not None:
            self._map('bits_of_integer', target.bits_of_integer, operation.bits_of_integer, BITS,
                      shape)
            target.integer_sign.low, target.integer_sign.high = (
                self._tensor(name, getattr(sign, name), (out_channels,), torch.int32)
                for name in ('low', 'high'))
            target.integer_sign.flip = self._words('flip', sign.flip, (), out_channels)
        if operation.integers is not None:
            self._map('integers', target.integers, operation.integers, (torch.int16,), shape)
        if operation.epilogue is not None:
            self._epilogue(target, operation.epilogue, shape)
        self.convolutions.append(target)
        self._require_other_bits()
        return target

    @lower.register
    def _(self, operation: RealConvolution) -> c.BdcRealConvolution:
        *size, in_channels = _shape(operation.input)
        out_channels = len(operation.weights) if operation.weights.ndim else 0
        if not 1 <= out_channels <= MAX_SIZE:
            refuse(f'a convolution has 1 to {MAX_SIZE} outputs', out_channels)
        target = c.BdcRealConvolution(out_channels=out_channels)
        self._map('input', target.in_, operation.input, REAL)
        target.weights = self._words('weights', operation.weights, (out_channels,), in_channels)
        self._epilogue(target, operation.epilogue, (*size, out_channels))
        return target

    @lower.register
    def _(self, operation: Gate) -> c.BdcGate:
        batch, rows, channels = operation.sums.shape
        if not (1 <= rows <= MAX_SIZE and 1 <= channels <= MAX_SIZE and batch <= MAX_SIZE
                and operation.num_pixels >= 1):
            refuse('a gate needs sums (N, H, C) of at least one pixel',
                   f'{tuple(operation.sums.shape)} of {operation.num_pixels}')
        layers = (c.BdcBranchLayer * len(operation.layers))()
        for target, layer in zip(layers, operation.layers):
            target.weights = self._words('weights', layer.weights, (channels,), channels)
            target.scale = self._floats('scale', layer.scale, channels)
            self._activation(target.before, layer.activation, channels)
            if layer.sign is not None:
                self._sign(target.sign, layer.sign, channels)
        self.kept.append(layers)
        return c.BdcGate(
            sums=self._floats('sums', operation.sums, batch, rows, channels),
            batch=batch, rows=rows, channels=channels, count=operation.num_pixels,
            layers=ctypes.addressof(layers), num_layers=len(layers),
            gate=self._floats('gate', operation.gate, batch, channels))

    @lower.register
    def _(self, operation: Combine) -> c.BdcCombine:
        target = c.BdcCombine(left_weight=operation.left_weight,
                              right_weight=operation.right_weight)
        shape = _shape(operation.left)
        self._map('left', target.left, operation.left, REAL)
        if operation.right is not None:
            self._map('right', target.right, operation.right, REAL, shape)
        self._activation(target.activation, operation.activation, shape[3])
        self._outputs(target, operation, shape)
        return target

    @lower.register
    def _(self, operation: Affine) -> c.BdcAffine:
        batch, height, width, channels = _shape(operation.input)
        factor = operation.factor
        if factor not in (1, 2) or height % factor or width % factor:
            refuse('the factor must be 1 or 2 and divide the size', f'{factor}, {height}x{width}')
        channels *= factor ** 2
        target = c.BdcAffine(factor=factor,
                             scale=self._floats('scale', operation.scale, channels),
                             offset=self._floats('offset', operation.offset, channels))
        self._map('input', target.in_, operation.input, REAL)
        self._outputs(target, operation, (batch, height // factor, width // factor, channels))
        return target

    @lower.register
    def _(self, operation: AveragePool) -> c.BdcAveragePool:
        batch, height, width, channels = _shape(operation.input)
        if height % 2 or width % 2:
            refuse('a pooled map must have an even size', f'{height}x{width}')
        return self._resized(c.BdcAveragePool(), operation,
                             (batch, height // 2, width // 2, channels))

    @lower.register
    def _(self, operation: Upsample) -> c.BdcUpsample:
        batch, height, width, channels = _shape(operation.input)
        return self._resized(c.BdcUpsample(), operation, (batch, 2 * height, 2 * width, channels))

    def _resized(self, target: ctypes.Structure, operation: AveragePool | Upsample,
                 shape: Shape) -> ctypes.Structure:
        self._map('input', target.in_, operation.input, REAL)
        self._map('output', target.out, operation.output, REAL, shape)
        return target

    @lower.register
    def _(self, operation: SplatTable) -> c.BdcSplatTable:
        cameras, depths, height, width = operation.points_m.shape[:4]
        rows, columns = operation.shape
        count = cameras * depths * height * width
        if (not (1 <= rows <= MAX_SIZE and 1 <= columns <= MAX_SIZE)
                or rows * columns >= MAX_COUNT or 3 * count >= MAX_COUNT):
            refuse('a table needs at least one cell and sizes that fit 31 bits',
                   f'{rows}x{columns} cells, {count} points')
        cells = torch.empty(count, dtype=torch.int32)
        return c.BdcSplatTable(
            points_m=self._floats('points_m', operation.points_m, cameras, depths, height, width,
                                  3),
            cameras=cameras, depths=depths, pixels_per_camera=height * width,
            lower=operation.lower_m, size=operation.size_m, rows=rows, columns=columns,
            cells=self._tensor('cells', cells, (count,), torch.int32),
            **self._table(operation, count))

    @lower.register
    def _(self, operation: Splat) -> c.BdcSplat:
        table, probability = operation.table, operation.probability
        cameras, _, height, width = sizes = tuple(table.points_m.shape[:4])
        if operation.output.buffer.shape[1:3] != table.shape:
            refuse(f'the output must have the {table.shape} cells of the table',
                   operation.output.buffer.shape[1:3])
        if operation.context.buffer.shape[:3] != (cameras, height, width):
            refuse(f'the context must have the {cameras, height, width} pixels of the table',
                   operation.context.buffer.shape[:3])
        target = c.BdcSplat(
            probability=self._tensor('probability', probability, sizes, *REAL),
            probability_type=c.REAL_TYPES[probability.dtype],
            **self._table(table, table.points_m.shape[:4].numel()))
        self._map('context', target.context, operation.context, REAL)
        self._map('output', target.out, operation.output, REAL,
                   (1, *table.shape, operation.context.channels))
        return target

    @lower.register
    def _(self, operation: Labels) -> c.BdcLabels:
        *size, channels = _shape(operation.input)
        classes = operation.num_classes
        if not 1 <= classes <= MAX_CLASSES or channels % classes:
            refuse(f'there must be at least one class, at most {MAX_CLASSES}, and a score of each '
                   'in every group of channels', f'{classes} classes in {channels} channels')
        target = c.BdcLabels(classes=classes, labels=self._tensor(
            'labels', operation.labels, (*size, channels // classes), torch.uint8))
        self._map('input', target.in_, operation.input, REAL)
        return target

    def _epilogue(self, target: ctypes.Structure, epilogue: Epilogue, shape: Shape) -> None:
        """Fill what follows a product."""
        batch, height, width, channels = shape
        target.scale = self._floats('scale', epilogue.scale, channels)
        target.offset = self._floats('offset', epilogue.offset, channels)
        self._activation(target.activation, epilogue.activation, channels)
        if epilogue.sums is not None:
            target.sums = self._floats('sums', epilogue.sums, batch, height, channels)
        if epilogue.gate is not None:
            target.gate = self._floats('gate', epilogue.gate, batch, channels)
        if epilogue.shortcut is not None:
            repeated = epilogue.shortcut.channels
            if repeated < 1 or channels % repeated:
                refuse('channels of an output must be a multiple of those of the shortcut',
                       f'{channels} and {repeated}')
            self._map('shortcut', target.shortcut, epilogue.shortcut, REAL,
                       (batch, height, width, repeated))
        require_both('shortcut_scale', epilogue.shortcut_scale, epilogue.shortcut_offset)
        if epilogue.shortcut_scale is not None:
            for name in ('shortcut_scale', 'shortcut_offset'):
                setattr(target, name, self._floats(name, getattr(epilogue, name), channels))
        self._outputs(target, epilogue, shape)

    def _outputs(self, target: ctypes.Structure, source: Epilogue | Combine | Affine,
                 shape: Shape) -> None:
        """Fill the real output and the bits."""
        if source.output is not None:
            self._map('output', target.out, source.output, REAL, shape)
        require_both('bits', source.bits, source.sign)
        if source.sign is not None:
            self._map('bits', target.bits, source.bits, BITS, shape)
            self._sign(target.sign, source.sign, shape[3])

    def _table(self, table: SplatTable, count: int) -> dict[str, int]:
        """Return the addresses of the lists of a table."""
        sizes = {'starts': table.shape[0] * table.shape[1] + 1, 'points': count, 'pixels': count}
        return {name: self._tensor(name, getattr(table, name), (size,), torch.int32)
                for name, size in sizes.items()}


def _shape(source: Map) -> Shape:
    """Return N, H, W, C of a map."""
    return (*source.buffer.shape[:3], source.channels)
