# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Seeded maps and parameters for the tests of operations, and their comparison."""

from collections.abc import Callable, Sequence
from functools import cache

import torch

from bdc_occ_ros.kernels.conventions import bit_map, pack_bits
from bdc_occ_ros.kernels.operations import Activation, Backend, Buffer, Gate, Map, Operation, Sign
from bdc_occ_ros.kernels.reference import FUNCTIONS

TYPES = (torch.float32, torch.bfloat16, torch.float16)
UNTOUCHED = 77  # what lies in outputs before a run
WRITTEN = ('output', 'bits', 'sums', 'labels', 'starts', 'points', 'pixels')


class Maker:
    """
    Makes maps and parameters from a seed.

    :param seed: Of everything that is made.
    """

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def values(self, *shape: int) -> torch.Tensor:
        """Return normal numbers, some of them exactly 0, some tiny, some large."""
        values = torch.randn(shape, generator=self.generator)
        kinds = torch.randint(0, 16, shape, generator=self.generator)
        values[kinds == 0] = 0.0
        values[kinds == 1] *= 1e-6  # no normal float16
        values[kinds == 2] *= 1e3
        return values

    def real(self, shape: tuple[int, int, int, int], dtype: torch.dtype = torch.float32,
             slack: tuple[int, int] = (0, 0)) -> Map:
        """Make a filled map; slack is how many channels of the buffer lie before and behind."""
        *pixels, channels = shape
        full = (*pixels, slack[0] + channels + slack[1])
        return Map(Buffer(full, tensor=self.values(*full).to(dtype)), slack[0], channels)

    def sign(self, channels: int) -> Sign:
        """Make thresholds, one of which is never reached, and flips."""
        threshold = self.values(channels)
        threshold[channels // 2] = float('inf')
        return Sign(threshold, pack_bits(self.values(channels) > 0))

    def activation(self, channels: int) -> Activation:
        """Make an RPReLU whose slopes have both signs."""
        return Activation(*(self.values(channels) for _ in range(3)))

    def weights(self, out_channels: int, in_channels: int) -> torch.Tensor:
        """Make packed weights of a 1x1."""
        return pack_bits(self.values(out_channels, in_channels) > 0)


def real_output(shape: tuple[int, int, int, int], dtype: torch.dtype = torch.float32,
                slack: tuple[int, int] = (0, 0)) -> Map:
    """Make a map to be written."""
    *pixels, channels = shape
    full = (*pixels, slack[0] + channels + slack[1])
    return Map(Buffer(full, tensor=torch.full(full, UNTOUCHED, dtype=dtype)), slack[0], channels)


def bits_output(shape: tuple[int, int, int, int], words_before: int = 0) -> Map:
    """Make a map of bits to be written, with a border and with words of others before its own."""
    *pixels, channels = shape
    full = (*pixels, 32 * words_before + channels)
    return Map(Buffer(full, is_bits=True, tensor=bit_map(*full)), 32 * words_before, channels)


def memory_of(target: Map | torch.Tensor) -> torch.Tensor:
    """Return the tensor of a map, or a tensor itself."""
    return target.buffer.tensor if isinstance(target, Map) else target


def written_by(operation: Operation) -> list[torch.Tensor]:
    """Return all that an operation writes, with its surroundings."""
    record = getattr(operation, 'epilogue', operation)
    names = ('gate',) if isinstance(record, Gate) else WRITTEN
    return [memory_of(target) for name in names
            if (target := getattr(record, name, None)) is not None]


def run_definition(operation: Operation) -> None:
    """Run an operation as the reference has it."""
    FUNCTIONS[type(operation)](operation)


def results(run: Callable[[], None],
            written: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return what lies in tensors before and after a run."""
    before = [tensor.clone() for tensor in written]
    run()
    return before, [tensor.clone() for tensor in written]


def assert_again(run: Callable[[], None], written: Sequence[torch.Tensor],
                 before: Sequence[torch.Tensor], expected: Sequence[torch.Tensor]) -> None:
    """Put back what was there before, run, and compare bit for bit."""
    for tensor, values in zip(written, before):
        tensor.copy_(values)
    run()
    for tensor, values in zip(written, expected):
        torch.testing.assert_close(tensor, values, rtol=0, atol=0, equal_nan=True)


def assert_same(definition: Callable[[], None], run: Callable[[], None],
                written: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """
    Run the definition and a backend on the same memory and compare all that lies in it.

    :param definition: Writes the tensors as the reference has it.
    :param run: Writes them as the backend has it.
    :param written: The tensors, with their surroundings.
    :return: What the reference wrote.
    """
    before, expected = results(definition, written)
    assert_again(run, written, before, expected)
    return expected


@cache
def _defined(operation: Operation) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return what lies in the outputs before and after the definition, which runs only once."""
    return results(lambda: run_definition(operation), written_by(operation))


def check(backend: Backend, operation: Operation) -> list[torch.Tensor]:
    """
    Compare what a backend makes of an operation with the reference.

    :param backend: Any.
    :param operation: Keep it for the next backend, since the reference takes long.
    :return: What it wrote, with its surroundings.
    """
    written = written_by(operation)
    assert_again(backend.compile([operation]), written, *_defined(operation))
    return written
