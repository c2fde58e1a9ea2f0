# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Define what packed data means; the one place where it is decided.

- A word has 32 bits. Bit i of word j stands for channel 32 j + i: least significant bit first.
  In torch words are int32 (torch computes little with uint32), in C uint32_t.
- A set bit is +1, a clear bit -1. The sign of an exact zero is +1, also of -0.
- words(C) = ceil(C / 32). Bits beyond the last channel are clear in activations and in weights,
  so that they never differ.
- A real map is (N, H, W, C), channels last, without border. A map of bits is
  (N, H + 2, W + 2, words(C)): a border of one clear pixel on every side, written once when the
  buffer is made and never touched again.
- Weights are (Co, k, k, words(Ci)).
- A convolution pads with literal zeros after the sign, k // 2 on every side. K = Ci k^2 is the
  number of products of a whole window.
- The exact result of a binary convolution is an integer d. With pop the number of bits that
  differ over all k^2 taps, the border among them: d = base[S][c] - 2 pop, where S tells which taps
  lie outside: base[S][c] = Ci (k^2 - |S|) + 2 sum over taps in S of popcount(w[c][tap]). Inside
  the image base is K. (Border pixels are clear words; they differ from a weight in its set bits,
  which the second term takes back, and contribute nothing else.)
- S is numbered by what is missing: 1 top, 2 bottom, 4 left, 8 right, added. A 1x1 has S = 0 only.
- The bit of a real value is (x >= threshold) != flip, that of an integer
  ((d >= low) != (d >= high)) != flip: two thresholds, since a negative slope of an RPReLU bends
  the function back. A threshold that is never reached is +inf or INT32_MAX.
- Float arithmetic is float32, one rounding per written operation, never fused. Streams are stored
  as float32, bfloat16 or float16, rounded to nearest even; bits are taken before that rounding.
"""

import numpy as np
import torch
from torch import Tensor

WORD_BITS = 32
NUM_PADDING_CLASSES = 16
NEVER = 2 ** 31 - 1
TO_CHANNELS_FIRST = (0, 3, 1, 2)
TO_CHANNELS_LAST = (0, 2, 3, 1)


def words(channels: int) -> int:
    """Return how many words hold that many channels."""
    return -(-channels // WORD_BITS)


def pack_bits(is_positive: Tensor) -> Tensor:
    """
    Pack truth values along the last axis.

    :param is_positive: (..., C) bool.
    :return: (..., words(C)) int32.
    """
    channels = is_positive.shape[-1]
    padded = torch.nn.functional.pad(is_positive, (0, words(channels) * WORD_BITS - channels))
    bits = padded.unflatten(-1, (-1, WORD_BITS)).to(torch.int64)
    return (bits << _shifts(bits)).sum(dim=-1).to(torch.uint32).view(torch.int32)


def unpack_bits(packed: Tensor, channels: int) -> Tensor:
    """
    Unpack truth values along the last axis.

    :param packed: (..., words(channels)) int32.
    :return: (..., C) bool.
    """
    bits = (packed.to(torch.int64).unsqueeze(-1) >> _shifts(packed)) & 1
    return bits.flatten(-2)[..., :channels].bool()


def _shifts(like: Tensor) -> Tensor:
    """Return the place of every bit in its word, made where a tensor lies."""
    return torch.arange(WORD_BITS, device=like.device)


def pack_weights(weight: Tensor) -> Tensor:
    """
    Pack the signs of a convolution's weights; the sign of zero is +1.

    :param weight: (Co, Ci, k, k) floating.
    :return: (Co, k, k, words(Ci)) int32.
    """
    return pack_bits((weight >= 0).permute(0, 2, 3, 1))


def is_clear_beyond(packed: Tensor, channels: int) -> bool:
    """
    Return whether the bits behind the last channel are all clear.

    :param packed: (..., words(channels)) int32.
    """
    used = channels % WORD_BITS
    beyond = packed[..., -1].to(torch.int64) >> used & (1 << WORD_BITS - used) - 1
    return not used or not bool(beyond.any())


def bit_map(batch: int, height: int, width: int, channels: int) -> Tensor:
    """
    Make an empty map of bits with its border.

    :return: (N, H + 2, W + 2, words(C)) int32 of clear bits.
    """
    return torch.zeros((batch, height + 2, width + 2, words(channels)), dtype=torch.int32)


def base_table(weight_words: Tensor, in_channels: int) -> Tensor:
    """
    Return what a binary convolution gives, per padding class, where no bit differs.

    :param weight_words: (Co, k, k, words(Ci)) int32, k is 1 or 3.
    :return: (16, Co) int32; the rows of a 1x1 are all the same.
    """
    out_channels, kernel = weight_words.shape[:2]
    ones = unpack_bits(weight_words, in_channels).sum(dim=-1)  # (Co, k, k)
    table = np.empty((NUM_PADDING_CLASSES, out_channels), dtype=np.int32)
    for missing in range(NUM_PADDING_CLASSES):
        is_outside = torch.zeros((kernel, kernel), dtype=torch.bool)
        if kernel == 3:
            is_outside[0] |= bool(missing & 1)
            is_outside[-1] |= bool(missing & 2)
            is_outside[:, 0] |= bool(missing & 4)
            is_outside[:, -1] |= bool(missing & 8)
        inside = kernel ** 2 - int(is_outside.sum())
        table[missing] = in_channels * inside + 2 * (ones * is_outside).sum(dim=(1, 2))
    return torch.from_numpy(table)
