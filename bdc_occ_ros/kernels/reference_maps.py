# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read and write maps as plain float32 tensors, for the reference."""

import torch
from torch import Tensor

from bdc_occ_ros.kernels.conventions import pack_bits, unpack_bits, WORD_BITS, words
from bdc_occ_ros.kernels.operations import Activation, Map, Sign


def _channels(target: Map) -> slice:
    """Return where the map's elements lie on the last axis of its tensor."""
    if target.buffer.is_bits:
        first = target.first_channel // WORD_BITS
        return slice(first, first + words(target.channels))
    return slice(target.first_channel, target.first_channel + target.channels)


def read(source: Map) -> Tensor:
    """Return a copy of a real map, (N, H, W, C) float32."""
    return source.buffer.tensor[..., _channels(source)].to(torch.float32, copy=True)


def read_bits(source: Map) -> Tensor:
    """Return a map of bits, (N, H + 2, W + 2, C) bool, the clear border included."""
    return unpack_bits(source.buffer.tensor[..., _channels(source)], source.channels)


def write(target: Map | None, values: Tensor) -> None:
    """Write (N, H, W, C) float32 into a real map, if there is one; rounded to nearest even."""
    if target is not None:
        target.buffer.tensor[..., _channels(target)] = values.to(target.buffer.tensor.dtype)


def write_bits(target: Map, is_positive: Tensor) -> None:
    """Write (N, H, W, C) bool into a map of bits, inside its border."""
    target.buffer.tensor[:, 1:-1, 1:-1, _channels(target)] = pack_bits(is_positive)


def write_signs(target: Map | None, values: Tensor, sign: Sign | None) -> None:
    """Write the bits of (N, H, W, C) float32 into a map, if there is one."""
    if target is not None:
        write_bits(target, signs(values, sign))


def signs(values: Tensor, sign: Sign) -> Tensor:
    """Return the bits of (..., C) float32, bool of the same shape."""
    return (values >= sign.threshold) != unpack_bits(sign.flip, values.shape[-1])


def activate(values: Tensor, activation: Activation | None) -> Tensor:
    """Apply an RPReLU, or nothing, to (..., C) float32."""
    if activation is None:
        return values
    moved = values + activation.before
    return torch.where(moved < 0, moved * activation.slope, moved) + activation.after
