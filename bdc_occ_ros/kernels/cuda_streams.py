# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Products of real numbers on a GPU by PyTorch's matrix products instead of one step per channel.

They add in an order of their own: real results are within 1e-5 of the largest sum of magnitudes
of what reference_streams.py defines; products of signs are exact.
"""

import torch
from torch import Tensor

from bdc_occ_ros.kernels.conventions import unpack_bits
from bdc_occ_ros.kernels.operations import BranchLayer, Gate, RealConvolution
from bdc_occ_ros.kernels.reference_epilogue import finish
from bdc_occ_ros.kernels.reference_maps import activate, read, signs


def real_convolution(op: RealConvolution) -> None:
    """
    Convolve a real map with 1-bit weights.

    :param op: Its tensors lie on one device, any.
    """
    finish(_products(read(op.input), op.weights), op.epilogue)


def gate(op: Gate) -> None:
    """
    Compute the gate of every image from its sums over rows, in double.

    :param op: Its tensors lie on one device, any.
    """
    means = (op.sums.sum(dim=1, dtype=torch.float64) / op.num_pixels).float()
    for layer in op.layers:
        means = _branch_layer(means, layer)
    op.gate.copy_(means.double().sigmoid())


def _branch_layer(vectors: Tensor, layer: BranchLayer) -> Tensor:
    """Apply one layer of the channel branch to (N, C) float32."""
    vectors = activate(vectors, layer.activation)
    if layer.sign is not None:
        vectors = 2.0 * signs(vectors, layer.sign).float() - 1.0
    return layer.scale * _products(vectors.double(), layer.weights).float()


def _products(values: Tensor, weights: Tensor) -> Tensor:
    """Multiply (..., Ci) with the signs of packed weights (Co, words(Ci))."""
    factors = 2.0 * unpack_bits(weights, values.shape[-1]).to(values.dtype) - 1.0
    return values @ factors.T
