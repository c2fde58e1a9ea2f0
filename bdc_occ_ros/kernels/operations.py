# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Define the operations of the bit engine as plain records; reference.py says what each computes.

Every record names the maps it reads and writes. What is None is left out. The fields are those of
the structures in src/bdc_kernels.h, in the same order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(eq=False)
class Buffer:
    """
    Hold the memory of one map.

    :param shape: N, H, W, C without border.
    :param is_bits: Bits rather than numbers.
    :param tensor: (N, H, W, C) float32, bfloat16, float16 or int16, contiguous, or bits as
        conventions.py has them; None until a plan allocates it or its caller brings it.
    """

    shape: tuple[int, int, int, int]
    is_bits: bool = False
    tensor: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Map:
    """
    Address a buffer or a slice of its channels.

    :param first_channel: Where the slice begins; a multiple of 32 for bits.
    :param num_channels: Channels of the slice; None for all from first_channel on.
    """

    buffer: Buffer
    first_channel: int = 0
    num_channels: int | None = None

    @property
    def channels(self) -> int:
        """Return the number of channels of the slice."""
        if self.num_channels is None:
            return self.buffer.shape[3] - self.first_channel
        return self.num_channels

    def halves(self) -> 'tuple[Map, Map]':
        """Return the two halves of the channels."""
        half = self.channels // 2
        return (Map(self.buffer, self.first_channel, half),
                Map(self.buffer, self.first_channel + half, half))


@dataclass(frozen=True, eq=False)
class Sign:
    """
    Take the bit of a real value x: (x >= threshold) != flip.

    :param threshold: (C,) float32.
    :param flip: (words(C),) int32, packed.
    """

    threshold: Tensor
    flip: Tensor


@dataclass(frozen=True, eq=False)
class IntegerSign:
    """
    Take the bit of an integer d: ((d >= low) != (d >= high)) != flip.

    :param low: (C,) int32.
    :param high: (C,) int32, conventions.NEVER where one threshold is enough.
    :param flip: (words(C),) int32, packed.
    """

    low: Tensor
    high: Tensor
    flip: Tensor


@dataclass(frozen=True, eq=False)
class Activation:
    """
    Apply RPReLU: t = x + before; t = slope t where t < 0; y = t + after.

    :param before: (C,) float32.
    :param slope: (C,) float32.
    :param after: (C,) float32.
    """

    before: Tensor
    slope: Tensor
    after: Tensor


@dataclass(frozen=True, eq=False)
class Pack:
    """Pack a real map to bits."""

    input: Map
    output: Map
    sign: Sign


@dataclass(frozen=True, eq=False)
class Epilogue:
    """
    Describe what follows a product y at the same pixel, in this order.

    y = scale y + offset; activation; sums <- y summed over each row from left to right;
    y = gate y; y = y + (shortcut * shortcut_scale + shortcut_offset), the channels of the shortcut
    repeated as often as needed; output <- y; bits <- sign(y), before the rounding of output.

    :param scale: (Co,) float32.
    :param offset: (Co,) float32.
    :param activation: RPReLU, or None.
    :param sums: (N, H, Co) float32, or None.
    :param gate: (N, Co) float32, or None.
    :param shortcut: Real map at the size of the output, or None.
    :param shortcut_scale: (Co,) float32, or None for the shortcut as it is.
    :param shortcut_offset: (Co,) float32, with shortcut_scale.
    :param output: Real map, or None.
    :param bits: Map of bits, or None.
    """

    scale: Tensor
    offset: Tensor
    activation: Activation | None = None
    sums: Tensor | None = None
    gate: Tensor | None = None
    shortcut: Map | None = None
    shortcut_scale: Tensor | None = None
    shortcut_offset: Tensor | None = None
    output: Map | None = None
    bits: Map | None = None
    sign: Sign | None = None


@dataclass(frozen=True, eq=False)
class Convolution:
    """
    Convolve bits with bits; any of the outputs may be left out.

    :param weights: (Co, k, k, words(Ci)) int32, packed; k is 1 or 3.
    :param stride: 1 or 2.
    :param bits_of_integer: Map of bits of the integer result, with integer_sign.
    :param integers: Map of int16 for the integer result.
    :param epilogue: What becomes of the result as a real number.
    """

    input: Map
    weights: Tensor
    stride: int = 1
    bits_of_integer: Map | None = None
    integer_sign: IntegerSign | None = None
    integers: Map | None = None
    epilogue: Epilogue | None = None


@dataclass(frozen=True, eq=False)
class RealConvolution:
    """
    Convolve a real map with 1-bit weights, 1x1.

    :param weights: (Co, words(Ci)) int32, packed.
    :param epilogue: What becomes of the result.
    """

    input: Map
    weights: Tensor
    epilogue: Epilogue


@dataclass(frozen=True, eq=False)
class BranchLayer:
    """
    Apply one layer of the channel branch: activation, sign (or real value), product, scale.

    :param weights: (C, words(C)) int32, packed.
    :param scale: (C,) float32.
    :param activation: Applied first, or None.
    :param sign: Binarizes the vector, or None for real values.
    """

    weights: Tensor
    scale: Tensor
    activation: Activation | None = None
    sign: Sign | None = None


@dataclass(frozen=True, eq=False)
class Gate:
    """
    Compute channel gates: mean over an image, the branch's layers, sigmoid.

    :param sums: (N, H, C) float32, sums over rows.
    :param num_pixels: H W, what the sum is divided by.
    :param gate: (N, C) float32, written.
    """

    sums: Tensor
    num_pixels: int
    layers: tuple[BranchLayer, ...]
    gate: Tensor


@dataclass(frozen=True, eq=False)
class Combine:
    """
    Compute y = activation(left_weight left + right_weight right) into output and bits.

    :param right: Real map of the same size, or None.
    :param output: Real map, or None.
    :param bits: Map of bits with sign, or None.
    """

    left: Map
    right: Map | None = None
    left_weight: float = 1.0
    right_weight: float = 1.0
    activation: Activation | None = None
    output: Map | None = None
    bits: Map | None = None
    sign: Sign | None = None


@dataclass(frozen=True, eq=False)
class Affine:
    """
    Move pixels into channels (pixel_unshuffle by factor), then scale and shift each channel.

    :param input: Real map (N, factor H, factor W, C / factor^2).
    :param factor: 1 or 2.
    :param scale: (C,) float32.
    :param offset: (C,) float32.
    :param output: Real map (N, H, W, C), or None.
    :param bits: Map of bits with sign, or None.
    """

    input: Map
    factor: int
    scale: Tensor
    offset: Tensor
    output: Map | None = None
    bits: Map | None = None
    sign: Sign | None = None


@dataclass(frozen=True, eq=False)
class AveragePool:
    """Average 2x2 pixels of a real map of even size."""

    input: Map
    output: Map


@dataclass(frozen=True, eq=False)
class Upsample:
    """Interpolate bilinearly to twice the size, corners not aligned."""

    input: Map
    output: Map


@dataclass(frozen=True, eq=False)
class SplatTable:
    """
    List the ray points that fall into each cell; see depth_to_bev.bev_cells for the rule.

    :param points_m: (N, D, h, w, 3) float32, metres, key ego frame.
    :param lower_m: Lower corner of the grid.
    :param size_m: Size of a cell; of the slab in z.
    :param shape: Rows (y) and columns (x).
    :param starts: (rows columns + 1,) int32, written: where each cell's points begin.
    :param points: (N D h w,) int32, written: index into the depth probability, by cell.
    :param pixels: (N D h w,) int32, written: index of the context pixel of each point.
    """

    points_m: Tensor
    lower_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    shape: tuple[int, int]
    starts: Tensor
    points: Tensor
    pixels: Tensor


@dataclass(frozen=True, eq=False)
class Splat:
    """
    Sum context features along their rays per cell, in the order of the table.

    :param probability: (N, D, h, w) float32, bfloat16 or float16.
    :param context: Real map (N, h, w, C).
    :param output: Real map (1, rows, columns, C).
    """

    table: SplatTable
    probability: Tensor
    context: Map
    output: Map


@dataclass(frozen=True, eq=False)
class Labels:
    """
    Take the class of highest score per group of neighbouring channels, the lowest at a tie.

    :param input: Real map with channels = groups x classes.
    :param labels: (N, H, W, groups) uint8, written.
    """

    input: Map
    num_classes: int
    labels: Tensor


Operation = (Pack | Convolution | RealConvolution | Gate | Combine | Affine | AveragePool
             | Upsample | SplatTable | Splat | Labels)


class Backend(Protocol):
    """
    Define what runs operations: the plain reference, or a library of compiled kernels.

    :param name: reference, scalar, avx2, avx512, neon, neon_dotprod, cuda.
    """

    name: str

    def compile(self, operations: Sequence[Operation]) -> Callable[[], None]:
        """
        Prepare operations whose buffers are all allocated.

        Buffers whose tensor is None when this is called belong to the caller, who sets
        `Buffer.tensor` before every run, to a tensor of the same shape and dtype.

        :param operations: In the order in which they run.
        :return: A function that runs them once.
        """
        ...
