# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What the operations on real streams compute, one plain function per record.

Convolutions of bits are in reference.py, the splat in reference_splat.py.
"""

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.kernels.conventions import unpack_bits
from bdc_occ_ros.kernels.operations import (
    Affine,
    AveragePool,
    BranchLayer,
    Combine,
    Gate,
    Labels,
    RealConvolution,
    Upsample,
)
from bdc_occ_ros.kernels.reference_epilogue import finish
from bdc_occ_ros.kernels.reference_maps import activate, read, signs, write, write_signs


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
    """
    Convolve a real map with 1-bit weights.

    :param op: The sum over input channels runs in their order, each step rounded.
    """
    finish(_signed_sums(read(op.input), op.weights), op.epilogue)


def _branch_layer(vectors: Tensor, layer: BranchLayer) -> Tensor:
    """Apply one layer of the channel branch to (N, C) float32."""
    vectors = activate(vectors, layer.activation)
    if layer.sign is not None:
        vectors = 2.0 * signs(vectors, layer.sign).float() - 1.0  # their sums are exact
    return layer.scale * _signed_sums(vectors, layer.weights)


def gate(op: Gate) -> None:
    """
    Compute the gate of every image from its sums over rows.

    :param op: The mean and the sigmoid are computed in double and rounded once each.
    """
    total = op.sums.new_zeros(op.sums.shape[::2], dtype=torch.float64)
    for row in op.sums.double().unbind(dim=1):
        total = total + row
    vectors = (total / op.num_pixels).float()
    for layer in op.layers:
        vectors = _branch_layer(vectors, layer)
    op.gate.copy_(1.0 / (1.0 + torch.exp(-vectors.double())))


def combine(op: Combine) -> None:
    """
    Add two weighted maps, bend the sum, write it.

    :param op: Every product and the sum are rounded.
    """
    values = op.left_weight * read(op.left)
    if op.right is not None:
        values = values + op.right_weight * read(op.right)
    values = activate(values, op.activation)
    write(op.output, values)
    write_signs(op.bits, values, op.sign)


def affine(op: Affine) -> None:
    """
    Move pixels into channels, scale and shift.

    :param op: As torch's pixel_unshuffle: channel c factor^2 + dy factor + dx.
    """
    squares = read(op.input).unflatten(2, (-1, op.factor)).unflatten(1, (-1, op.factor))
    values = squares.permute(0, 1, 3, 5, 2, 4).flatten(3)
    values = op.scale * values + op.offset
    write(op.output, values)
    write_signs(op.bits, values, op.sign)


def average_pool(op: AveragePool) -> None:
    """
    Average 2x2 pixels.

    :param op: The pixels of each row are added first.
    """
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
    Interpolate to twice the size.

    :param op: Between rows first, then between columns; a neighbour outside is the border pixel.
    """
    write(op.output, _twice(_twice(read(op.input), 1), 2))


def labels(op: Labels) -> None:
    """
    Take the class with the highest score.

    :param op: A class wins where its score is greater than that of every class before it. What is
        no number is greater than nothing; class 0 wins where no score is greater than -inf.
    """
    scores = read(op.input).unflatten(-1, (-1, op.num_classes))
    best = torch.full_like(scores[..., 0], -torch.inf)
    op.labels.zero_()
    for index in range(op.num_classes):
        is_greater = scores[..., index] > best
        best = torch.where(is_greater, scores[..., index], best)
        op.labels[is_greater] = index
