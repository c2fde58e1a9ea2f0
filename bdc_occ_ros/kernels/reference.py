# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The definition of right: every operation, slow and plain.

Bits are unpacked to +-1 and convolved as what they mean, with literal zeros around the image; the
base table and the border's words play no part, so that a kernel's use of them is tested here.
"""

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from bdc_occ_ros.kernels import operations as records
from bdc_occ_ros.kernels import reference_splat as splats
from bdc_occ_ros.kernels import reference_streams as streams
from bdc_occ_ros.kernels.conventions import unpack_bits
from bdc_occ_ros.kernels.reference_epilogue import finish
from bdc_occ_ros.kernels.reference_maps import read, read_bits, write, write_bits, write_signs


def pack(op: records.Pack) -> None:
    """
    Take the bits of a real map.

    :param op: The bit of a NaN is that of a value below every threshold.
    """
    write_signs(op.output, read(op.input), op.sign)


def convolution(op: records.Convolution) -> None:
    """
    Convolve bits with bits.

    :param op: Products and sums are integers up to 32767 in size and therefore exact in float32,
        in whatever order they are added.
    """
    channels = op.input.channels
    signs = 2.0 * read_bits(op.input)[:, 1:-1, 1:-1].float() - 1.0
    weights = 2.0 * unpack_bits(op.weights, channels).float() - 1.0
    results = functional.conv2d(
        signs.permute(0, 3, 1, 2), weights.permute(0, 3, 1, 2), stride=op.stride,
        padding=op.weights.shape[1] // 2).permute(0, 2, 3, 1).round()
    integers = results.to(torch.int32)
    if op.bits_of_integer is not None:
        write_bits(op.bits_of_integer, _signs_of_integers(integers, op.integer_sign))
    write(op.integers, integers)
    if op.epilogue is not None:
        finish(results, op.epilogue)


def _signs_of_integers(integers: torch.Tensor, sign: records.IntegerSign) -> torch.Tensor:
    """Return the bits of (..., C) int32."""
    flip = unpack_bits(sign.flip, integers.shape[-1])
    return ((integers >= sign.low) != (integers >= sign.high)) != flip


FUNCTIONS: dict[type, Callable] = {
    records.Pack: pack,
    records.Convolution: convolution,
    records.RealConvolution: streams.real_convolution,
    records.Gate: streams.gate,
    records.Combine: streams.combine,
    records.Affine: streams.affine,
    records.AveragePool: streams.average_pool,
    records.Upsample: streams.upsample,
    records.SplatTable: splats.splat_table,
    records.Splat: splats.splat,
    records.Labels: streams.labels,
}


class ReferenceBackend:
    """Runs operations as their definitions say."""

    name = 'reference'

    def compile(self, operations: Sequence[records.Operation]) -> Callable[[], None]:
        """
        Prepare operations.

        :param operations: In the order in which they run.
        :return: A function that runs them once.
        """
        steps = [(FUNCTIONS[type(operation)], operation) for operation in operations]

        def run() -> None:
            for function, operation in steps:
                function(operation)

        return run
