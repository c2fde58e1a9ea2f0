# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Maps as plain float32 tensors, for the reference: read, bend, write, write bits."""

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
    """
    Read a real map.

    :param source: Its buffer has a tensor.
    :return: (N, H, W, C) float32, a copy.
    """
    return source.buffer.tensor[..., _channels(source)].to(torch.float32, copy=True)


def read_bits(source: Map) -> Tensor:
    """
    Read a map of bits.

    :param source: Its buffer has a tensor.
    :return: (N, H + 2, W + 2, C) bool, the clear border included.
    """
    return unpack_bits(source.buffer.tensor[..., _channels(source)], source.channels)


def write(target: Map | None, values: Tensor) -> None:
    """
    Write a real map, rounded to nearest even.

    :param target: None writes nothing.
    :param values: (N, H, W, C) float32.
    """
    if target is not None:
        target.buffer.tensor[..., _channels(target)] = values.to(target.buffer.tensor.dtype)


def write_bits(target: Map | None, is_positive: Tensor) -> None:
    """
    Write a map of bits inside its border.

    :param target: None writes nothing.
    :param is_positive: (N, H, W, C) bool.
    """
    if target is not None:
        target.buffer.tensor[:, 1:-1, 1:-1, _channels(target)] = pack_bits(is_positive)


def write_signs(target: Map | None, values: Tensor, sign: Sign | None) -> None:
    """
    Write the bits of real values.

    :param target: None writes nothing.
    :param values: (N, H, W, C) float32.
    """
    if target is not None:
        write_bits(target, signs(values, sign))


def signs(values: Tensor, sign: Sign) -> Tensor:
    """
    Return the bits of real values.

    :param values: (..., C) float32.
    :param sign: Threshold and flip per channel.
    :return: (..., C) bool.
    """
    return (values >= sign.threshold) != unpack_bits(sign.flip, values.shape[-1])


def activate(values: Tensor, activation: Activation | None) -> Tensor:
    """
    Apply an RPReLU.

    :param values: (..., C) float32.
    :param activation: None returns the values.
    """
    if activation is None:
        return values
    moved = values + activation.before
    return torch.where(moved < 0, moved * activation.slope, moved) + activation.after
