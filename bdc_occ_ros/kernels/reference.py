# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Define what every operation computes, slow and plain.

Bits are unpacked to +-1 and convolved as what they mean, with literal zeros around the image; the
base table and the border's words play no part, so that a kernel's use of them is tested here.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bdc_occ_ros.kernels.conventions import unpack_bits
from bdc_occ_ros.kernels.operations import (
    Affine,
    AveragePool,
    Combine,
    Convolution,
    Epilogue,
    Gate,
    Labels,
    Operation,
    Pack,
    RealConvolution,
    Splat,
    SplatTable,
    Upsample,
)
from bdc_occ_ros.kernels.reference_maps import (
    activate,
    read,
    read_bits,
    signs,
    write,
    write_bits,
    write_signs,
)


def pack(op: Pack) -> None:
    """Take the bits of a real map; the bit of a NaN is that of one below every threshold."""
    write_signs(op.output, read(op.input), op.sign)


def convolution(op: Convolution) -> None:
    """
    Convolve bits with bits.

    Products and sums are integers up to 32767 in size and therefore exact in float32, in whatever
    order they are added.
    """
    channels = op.input.channels
    signs = 2.0 * read_bits(op.input)[:, 1:-1, 1:-1].float() - 1.0
    weights = 2.0 * unpack_bits(op.weights, channels).float() - 1.0
    results = functional.conv2d(
        signs.permute(0, 3, 1, 2), weights.permute(0, 3, 1, 2), stride=op.stride,
        padding=op.weights.shape[1] // 2).permute(0, 2, 3, 1).round()
    integers = results.to(torch.int32)
    if op.bits_of_integer is not None:
        sign = op.integer_sign
        is_within = (integers >= sign.low) != (integers >= sign.high)
        write_bits(op.bits_of_integer, is_within != unpack_bits(sign.flip, integers.shape[-1]))
    write(op.integers, integers)
    if op.epilogue is not None:
        finish(results, op.epilogue)


def finish(products: Tensor, epilogue: Epilogue) -> None:
    """
    Make the outputs of a convolution from its result.

    :param products: (N, H, W, Co) float32.
    """
    values = activate(epilogue.scale * products + epilogue.offset, epilogue.activation)
    if epilogue.sums is not None:
        epilogue.sums.copy_(_row_sums(values))
    if epilogue.gate is not None:
        values = epilogue.gate[:, None, None] * values
    if epilogue.shortcut is not None:
        values = values + _shortcut(epilogue)
    write(epilogue.output, values)
    write_signs(epilogue.bits, values, epilogue.sign)


def _row_sums(values: Tensor) -> Tensor:
    """Sum (N, H, W, C) over each row from left to right."""
    sums = torch.zeros_like(values[:, :, 0])
    for column in values.unbind(dim=2):
        sums = sums + column
    return sums


def _shortcut(epilogue: Epilogue) -> Tensor:
    """Read the shortcut, repeat its channels as often as needed, scale and shift it."""
    values = read(epilogue.shortcut)
    values = values.repeat(1, 1, 1, len(epilogue.scale) // values.shape[-1])
    if epilogue.shortcut_scale is None:
        return values
    return values * epilogue.shortcut_scale + epilogue.shortcut_offset


def _signed_sums(values: Tensor, weights: Tensor) -> Tensor:
    """
    Sum real inputs times 1-bit weights over the inputs, one after the other from 0 on.

    :param values: (..., Ci) float32.
    :param weights: (Co, words(Ci)) int32.
    :return: (..., Co) float32.
    """
    factors = 2.0 * unpack_bits(weights, values.shape[-1]).float() - 1.0  # (Co, Ci)
    sums = values.new_empty((*values.shape[:-1], len(factors)))
    for pixel, inputs in zip(sums.view(-1, len(factors)).numpy(),
                             values.reshape(-1, values.shape[-1]).numpy()):
        running = np.add.accumulate(inputs * factors.numpy(), axis=1)
        pixel[:] = running[:, -1] + np.float32(0)  # a sum of -0 alone is 0
    return sums


def real_convolution(op: RealConvolution) -> None:
    """Convolve a real map with 1-bit weights; inputs are added in order, each step rounded."""
    finish(_signed_sums(read(op.input), op.weights), op.epilogue)


def gate(op: Gate) -> None:
    """Compute the gate of every image; mean and sigmoid are in double and rounded once each."""
    total = op.sums.new_zeros(op.sums.shape[::2], dtype=torch.float64)
    for row in op.sums.double().unbind(dim=1):
        total = total + row
    vectors = (total / op.num_pixels).float()
    for layer in op.layers:
        vectors = activate(vectors, layer.activation)
        if layer.sign is not None:
            vectors = 2.0 * signs(vectors, layer.sign).float() - 1.0  # their sums are exact
        vectors = layer.scale * _signed_sums(vectors, layer.weights)
    op.gate.copy_(1.0 / (1.0 + torch.exp(-vectors.double())))


def combine(op: Combine) -> None:
    """Add two weighted maps and apply RPReLU; every product and the sum are rounded."""
    values = op.left_weight * read(op.left)
    if op.right is not None:
        values = values + op.right_weight * read(op.right)
    values = activate(values, op.activation)
    write(op.output, values)
    write_signs(op.bits, values, op.sign)


def affine(op: Affine) -> None:
    """
    Move pixels into channels, scale and shift.

    As torch's pixel_unshuffle: channel c factor^2 + dy factor + dx.
    """
    squares = read(op.input).unflatten(2, (-1, op.factor)).unflatten(1, (-1, op.factor))
    values = squares.permute(0, 1, 3, 5, 2, 4).flatten(3)
    values = op.scale * values + op.offset
    write(op.output, values)
    write_signs(op.bits, values, op.sign)


def average_pool(op: AveragePool) -> None:
    """Average 2x2 pixels, those of each row first."""
    values = read(op.input)
    rows = values[:, :, ::2] + values[:, :, 1::2]
    write(op.output, (rows[:, ::2] + rows[:, 1::2]) * 0.25)


def _twice(values: Tensor, axis: int) -> Tensor:
    """Interpolate to twice the size along one axis: 3/4 of the near, 1/4 of the far neighbour."""
    size = values.shape[axis]
    indices = torch.arange(size, device=values.device)
    before = values.index_select(axis, (indices - 1).clamp(min=0))
    after = values.index_select(axis, (indices + 1).clamp(max=size - 1))
    pairs = (0.75 * values + 0.25 * before, 0.75 * values + 0.25 * after)
    return torch.stack(pairs, dim=axis + 1).flatten(axis, axis + 1)


def upsample(op: Upsample) -> None:
    """
    Interpolate to twice the size, between rows first, then between columns.

    A neighbour outside is the border pixel.
    """
    write(op.output, _twice(_twice(read(op.input), 1), 2))


def labels(op: Labels) -> None:
    """
    Take the class with the highest score.

    A class wins where its score is greater than that of every class before it. A NaN is never
    greater; class 0 wins where no score is greater than -inf.
    """
    scores = read(op.input).unflatten(-1, (-1, op.num_classes))
    best = torch.full_like(scores[..., 0], -torch.inf)
    op.labels.zero_()
    for index in range(op.num_classes):
        is_greater = scores[..., index] > best
        best = torch.where(is_greater, scores[..., index], best)
        op.labels[is_greater] = index


def splat_table(op: SplatTable) -> None:
    """
    List the points of every cell in increasing order.

    The cell of a point is that of depth_to_bev.bev_cells: float32, truncated toward zero; points
    outside are not listed, and what lies behind the last listed one is left.
    """
    rows, columns = op.shape
    points_m = op.points_m.flatten(0, -2)
    lower, size = points_m.new_tensor(op.lower_m), points_m.new_tensor(op.size_m)
    x, y, z = ((points_m - lower) / size).trunc().unbind(dim=-1)
    is_inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows) & (z == 0)
    listed = is_inside.nonzero().flatten()
    cells = (y[listed] * columns + x[listed]).long()
    order = cells.argsort(stable=True)
    _, depths, height, width, _ = op.points_m.shape
    per_camera, points = height * width, listed[order]
    op.points[:len(points)] = points.int()
    op.pixels[:len(points)] = (points // (depths * per_camera) * per_camera
                               + points % per_camera).int()
    op.starts[0] = 0
    op.starts[1:] = torch.bincount(cells, minlength=rows * columns).cumsum(dim=0).int()


def splat(op: Splat) -> None:
    """
    Sum the context features of every cell's points.

    Per cell, in the order of the table: sum = sum + probability * feature, the product and the sum
    rounded; a cell without points is exactly 0.
    """
    features = read(op.context).flatten(0, 2)
    weights = op.probability.float().flatten()
    starts = op.table.starts.long()
    counts = starts[1:] - starts[:-1]
    sums = features.new_zeros((len(counts), features.shape[1]))
    for place in range(int(counts.max())):
        cells = (counts > place).nonzero().flatten()
        listed = starts[cells] + place
        products = (weights[op.table.points[listed].long()].unsqueeze(1)
                    * features[op.table.pixels[listed].long()])
        sums[cells] = sums[cells] + products
    rows, columns = op.table.shape
    write(op.output, sums.unflatten(0, (rows, columns)).unsqueeze(0))


FUNCTIONS: dict[type, Callable] = {
    Pack: pack,
    Convolution: convolution,
    RealConvolution: real_convolution,
    Gate: gate,
    Combine: combine,
    Affine: affine,
    AveragePool: average_pool,
    Upsample: upsample,
    SplatTable: splat_table,
    Splat: splat,
    Labels: labels,
}


class ReferenceBackend:
    """Run operations as their definitions say."""

    name = 'reference'

    def compile(self, operations: Sequence[Operation]) -> Callable[[], None]:
        """Return a function that runs the operations once."""
        steps = [(FUNCTIONS[type(operation)], operation) for operation in operations]

        def run() -> None:
            for function, operation in steps:
                function(operation)

        return run
