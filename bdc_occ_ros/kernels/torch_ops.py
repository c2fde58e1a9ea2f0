# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The main packed operations on plain tensors, as operators of PyTorch: torch.ops.bdc_occ.

Each knows the shape of its result without running, so that torch.compile and torch.export see
one node where these stand. They prepare weights in every call; where speed matters, record a plan.
The backend is what selection.choose_backend chooses, for tensors of a GPU that of the GPU.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from bdc_occ_ros.kernels.conventions import bit_map, words
from bdc_occ_ros.kernels.cuda_backend import CudaBackend
from bdc_occ_ros.kernels.operations import (
    Buffer,
    Convolution,
    Epilogue,
    IntegerSign,
    Map,
    Operation,
    Pack,
    Sign,
    Splat,
    SplatTable,
)
from bdc_occ_ros.kernels.selection import choose_backend

_operator = partial(torch.library.custom_op, mutates_args=(), device_types=('cpu', 'cuda'))


def _run(device: torch.device, *operations: Operation) -> None:
    """Run operations once, where their tensors lie."""
    backend = CudaBackend(device) if device.type == 'cuda' else choose_backend().backend
    backend.compile(operations)()


def _real_map(tensor: Tensor) -> Map:
    """Wrap (N, H, W, C)."""
    return Map(Buffer(tuple(tensor.shape), tensor=tensor.contiguous()))


def _bits_map(tensor: Tensor, channels: int) -> Map:
    """Wrap (N, H + 2, W + 2, words(C))."""
    batch, height, width, _ = tensor.shape
    return Map(Buffer((batch, height - 2, width - 2, channels), True, tensor.contiguous()))


def _size_behind(bits: Tensor, stride: int) -> tuple[int, int, int]:
    """Return batch, height and width of a convolution's result."""
    batch, height, width, _ = bits.shape
    return batch, (height - 3 + stride) // stride, (width - 3 + stride) // stride


@_operator('bdc_occ::pack_signs')
def pack_signs(x: Tensor, threshold: Tensor, flip: Tensor) -> Tensor:
    """
    Pack the bits (x >= threshold) != flip.

    :param x: (N, H, W, C) float32, bfloat16 or float16.
    :param threshold: (C,) float32.
    :param flip: (words(C),) int32, packed.
    :return: (N, H + 2, W + 2, words(C)) int32 with a border of clear bits.
    :raises InvalidOperationError: if the parameters do not fit the map.
    """
    out = bit_map(*x.shape).to(x.device)
    _run(x.device, Pack(_real_map(x), _bits_map(out, x.shape[3]), Sign(threshold, flip)))
    return out


@pack_signs.register_fake
def _(x: Tensor, threshold: Tensor, flip: Tensor) -> Tensor:
    batch, height, width, channels = x.shape
    return x.new_empty((batch, height + 2, width + 2, words(channels)), dtype=torch.int32)


@_operator('bdc_occ::binary_conv2d')
def binary_conv2d(bits: Tensor, in_channels: int, weights: Tensor, stride: int) -> Tensor:
    """
    Convolve bits with bits, padded by literal zeros.

    :param bits: (N, H + 2, W + 2, words(Ci)) int32.
    :param weights: (Co, k, k, words(Ci)) int32, packed; k is 1 or 3.
    :param stride: 1 or 2.
    :return: (N, ceil(H / stride), ceil(W / stride), Co) int16, exact.
    :raises InvalidOperationError: if the parameters do not fit the map.
    """
    out = bits.new_empty((*_size_behind(bits, stride), weights.shape[0]), dtype=torch.int16)
    _run(bits.device, Convolution(_bits_map(bits, in_channels), weights.contiguous(), stride,
                                  integers=_real_map(out)))
    return out


@binary_conv2d.register_fake
def _(bits: Tensor, in_channels: int, weights: Tensor, stride: int) -> Tensor:
    return bits.new_empty((*_size_behind(bits, stride), weights.shape[0]), dtype=torch.int16)


@_operator('bdc_occ::binary_conv2d_bits')
def binary_conv2d_bits(bits: Tensor, in_channels: int, weights: Tensor, stride: int, low: Tensor,
                       high: Tensor, flip: Tensor) -> Tensor:
    """
    Convolve bits with bits and take the bits ((d >= low) != (d >= high)) != flip of the result.

    :param bits: As for binary_conv2d, like in_channels, weights and stride.
    :param weights: (Co, k, k, words(Ci)) int32, packed.
    :param stride: 1 or 2.
    :param low: (Co,) int32.
    :param high: (Co,) int32; conventions.NEVER where one threshold is enough.
    :param flip: (words(Co),) int32, packed.
    :return: (N, ceil(H / stride) + 2, ceil(W / stride) + 2, words(Co)) int32.
    :raises InvalidOperationError: if the parameters do not fit the map.
    """
    channels = weights.shape[0]
    out = bit_map(*_size_behind(bits, stride), channels).to(bits.device)
    _run(bits.device, Convolution(_bits_map(bits, in_channels), weights.contiguous(), stride,
                                  bits_of_integer=_bits_map(out, channels),
                                  integer_sign=IntegerSign(low, high, flip)))
    return out


@binary_conv2d_bits.register_fake
def _(bits: Tensor, in_channels: int, weights: Tensor, stride: int, low: Tensor, high: Tensor,
      flip: Tensor) -> Tensor:
    batch, height, width = _size_behind(bits, stride)
    return bits.new_empty((batch, height + 2, width + 2, words(weights.shape[0])))


@_operator('bdc_occ::binary_conv2d_affine')
def binary_conv2d_affine(bits: Tensor, in_channels: int, weights: Tensor, stride: int,
                         scale: Tensor, offset: Tensor, dtype: torch.dtype) -> Tensor:
    """
    Convolve bits with bits and return scale d + offset.

    :param bits: As for binary_conv2d, like in_channels, weights and stride.
    :param weights: (Co, k, k, words(Ci)) int32, packed.
    :param stride: 1 or 2.
    :param scale: (Co,) float32.
    :param offset: (Co,) float32.
    :param dtype: float32, bfloat16 or float16.
    :return: (N, ceil(H / stride), ceil(W / stride), Co) of that dtype.
    :raises InvalidOperationError: if the parameters do not fit the map.
    """
    out = bits.new_empty((*_size_behind(bits, stride), weights.shape[0]), dtype=dtype)
    _run(bits.device, Convolution(_bits_map(bits, in_channels), weights.contiguous(), stride,
                                  epilogue=Epilogue(scale, offset, output=_real_map(out))))
    return out


@binary_conv2d_affine.register_fake
def _(bits: Tensor, in_channels: int, weights: Tensor, stride: int, scale: Tensor, offset: Tensor,
      dtype: torch.dtype) -> Tensor:
    return bits.new_empty((*_size_behind(bits, stride), weights.shape[0]), dtype=dtype)


@_operator('bdc_occ::lift_splat')
def lift_splat(context: Tensor, probability: Tensor, points_m: Tensor, lower_m: Sequence[float],
               size_m: Sequence[float], rows: int, columns: int) -> Tensor:
    """
    Spread features along their rays and sum them per cell, without their outer product.

    :param context: (N, h, w, C) float32, bfloat16 or float16.
    :param probability: (N, D, h, w), one of the same dtypes.
    :param points_m: (N, D, h, w, 3) float32, metres, key ego frame.
    :param lower_m: Lower corner x, y, z of the grid.
    :param size_m: Size of a cell; of the slab in z.
    :return: (1, rows, columns, C) of the dtype of context.
    :raises InvalidOperationError: if the tensors do not fit each other.
    """
    count = points_m.shape[:4].numel()
    starts, points, pixels = (points_m.new_empty(size, dtype=torch.int32)
                              for size in (rows * columns + 1, count, count))
    table = SplatTable(points_m.contiguous(), tuple(lower_m), tuple(size_m), (rows, columns),
                       starts, points, pixels)
    out = context.new_empty((1, rows, columns, context.shape[3]))
    _run(points_m.device, table,
         Splat(table, probability.contiguous(), _real_map(context), _real_map(out)))
    return out


@lift_splat.register_fake
def _(context: Tensor, probability: Tensor, points_m: Tensor, lower_m: Sequence[float],
      size_m: Sequence[float], rows: int, columns: int) -> Tensor:
    return context.new_empty((1, rows, columns, context.shape[3]))
