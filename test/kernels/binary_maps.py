# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Seeded bits, weights and integer thresholds, and the comparison of what is made of them."""

from collections.abc import Sequence

from real_maps import Maker
import torch

from bdc_occ_ros.kernels.conventions import bit_map, NEVER, pack_bits
from bdc_occ_ros.kernels.operations import Backend, Buffer, Convolution, IntegerSign, Map, Pack
from bdc_occ_ros.kernels.reference import ReferenceBackend


class BinaryMaker(Maker):
    """Makes what binary convolutions read."""

    def truth(self, *shape: int) -> torch.Tensor:
        """Return truth values."""
        return torch.randint(0, 2, shape, generator=self.generator) == 1

    def bits(self, shape: tuple[int, int, int, int], words_before: int = 0,
             words_behind: int = 0) -> Map:
        """Make a filled map of bits with other channels before and behind."""
        *pixels, channels = shape
        full = 32 * words_before + channels + 32 * words_behind
        tensor = bit_map(*pixels, full)
        tensor[:, 1:-1, 1:-1] = pack_bits(self.truth(*pixels, full))
        return Map(Buffer((*pixels, full), is_bits=True, tensor=tensor), 32 * words_before,
                   channels)

    def taps(self, out_channels: int, in_channels: int, kernel: int) -> torch.Tensor:
        """Make packed weights."""
        return pack_bits(self.truth(out_channels, kernel, kernel, in_channels))

    def integer_sign(self, channels: int, reach: int = 8) -> IntegerSign:
        """Make thresholds: one, two, two that leave nothing between them, and extreme ones."""
        low = torch.randint(-reach, reach + 1, (channels,), generator=self.generator)
        high = low + torch.randint(-2, reach, (channels,), generator=self.generator)
        kinds = torch.randint(0, 8, (channels,), generator=self.generator)
        high[kinds >= 4] = NEVER
        low[kinds == 0], low[kinds == 7] = -2 ** 31, NEVER
        return IntegerSign(low.int(), high.int(), pack_bits(self.truth(channels)))


def memory(op: Pack | Convolution) -> list[torch.Tensor]:
    """Return all that an operation writes, with its surroundings."""
    maps = [op.output] if isinstance(op, Pack) else [op.bits_of_integer, op.integers]
    after = getattr(op, 'epilogue', None)
    tensors = []
    if after is not None:
        maps += [after.output, after.bits]
        tensors = [after.sums]
    tensors += [target.buffer.tensor for target in maps if target is not None]
    return [tensor for tensor in tensors if tensor is not None]


class Comparison:
    """
    Operations, and what the reference makes of them: computed once for all backends.

    :param ops: In the order in which they run.
    """

    def __init__(self, ops: Sequence[Pack | Convolution]) -> None:
        self.ops = ops
        self._written = [tensor for op in ops for tensor in memory(op)]
        self._before = [tensor.clone() for tensor in self._written]
        ReferenceBackend().compile(ops)()
        self._expected = [tensor.clone() for tensor in self._written]

    def check(self, backend: Backend) -> None:
        """Run the operations on a backend and compare all that they may touch."""
        for tensor, values in zip(self._written, self._before):
            tensor.copy_(values)
        backend.compile(self.ops)()
        for tensor, values in zip(self._written, self._expected):
            torch.testing.assert_close(tensor, values, rtol=0, atol=0, equal_nan=True)
