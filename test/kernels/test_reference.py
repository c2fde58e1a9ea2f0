# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The reference against PyTorch's own convolution and the outer product of a splat."""

from binary_maps import BinaryMaker
import pytest
from real_maps import bits_output, real_output
import torch

from bdc_occ_ros.kernels.conventions import bit_map, NEVER, pack_bits, pack_weights, unpack_bits
from bdc_occ_ros.kernels.operations import (
    Buffer,
    Convolution,
    Epilogue,
    IntegerSign,
    Map,
    Pack,
    Sign,
    Splat,
    SplatTable,
)
from bdc_occ_ros.kernels.reference import ReferenceBackend

CHANNELS, OUT_CHANNELS = 40, 33


def random(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def run(*operations):
    ReferenceBackend().compile(operations)()


@pytest.mark.parametrize('kernel', (1, 3))
@pytest.mark.parametrize('stride', (1, 2))
def test_convolutions_agree_with_torch(kernel, stride):
    x, weight = random(2, 5, 6, CHANNELS), random(OUT_CHANNELS, CHANNELS, kernel, kernel)
    signs, weights = (torch.where(value >= 0, 1.0, -1.0) for value in (x, weight))
    expected = torch.nn.functional.conv2d(signs.permute(0, 3, 1, 2), weights, None, stride,
                                          kernel // 2).permute(0, 2, 3, 1)
    shape = tuple(expected.shape)
    source = Map(Buffer(tuple(x.shape), True, bit_map(*x.shape)))
    bits, integers, real = (bits_output(shape), real_output(shape, torch.int16),
                            real_output(shape, torch.bfloat16))
    is_flipped = torch.arange(OUT_CHANNELS) % 3 == 0
    low, high = (torch.full((OUT_CHANNELS,), limit, dtype=torch.int32) for limit in (-3, NEVER))
    scale, offset = BinaryMaker(0).values(OUT_CHANNELS), BinaryMaker(1).values(OUT_CHANNELS)
    run(Pack(Map(Buffer(tuple(x.shape), tensor=x)), source,
             Sign(torch.zeros(CHANNELS), pack_bits(torch.zeros(CHANNELS) > 0))),
        Convolution(source, pack_weights(weight), stride, bits,
                    IntegerSign(low, high, pack_bits(is_flipped)), integers,
                    Epilogue(scale, offset, output=real)))
    assert torch.equal(integers.buffer.tensor.float(), expected)
    assert torch.equal(real.buffer.tensor, (scale * expected + offset).to(torch.bfloat16))
    assert torch.equal(unpack_bits(bits.buffer.tensor[:, 1:-1, 1:-1], OUT_CHANNELS),
                       (expected >= -3) != is_flipped)
    assert not bits.buffer.tensor[:, 0].any() and not bits.buffer.tensor[:, :, -1].any()


def test_splat_agrees_with_the_outer_product():
    context, probability = random(2, 3, 4, 8), random(2, 5, 3, 4).softmax(dim=1)
    points_m, (rows, columns) = 10 * random(2, 5, 3, 4, 3), (8, 10)
    lower_m, size_m = (-10.0, -10.0, -30.0), (2.0, 2.5, 60.0)
    column, row, level = ((points_m - torch.tensor(lower_m)) / torch.tensor(size_m)).trunc(
        ).unbind(dim=-1)
    is_inside = (0 <= column) & (column < columns) & (0 <= row) & (row < rows) & (level == 0)
    features = probability[..., None] * context[:, None]
    expected = torch.zeros(rows * columns, context.shape[3], dtype=torch.float64)
    expected.index_add_(0, (row * columns + column)[is_inside].long(),
                        features[is_inside].double())
    assert is_inside.sum() > 10
    table = SplatTable(points_m, lower_m, size_m, (rows, columns), *(
        torch.zeros(count, dtype=torch.int32) for count in (rows * columns + 1, 120, 120)))
    output = real_output((1, rows, columns, 8))
    run(table, Splat(table, probability, Map(Buffer(tuple(context.shape), tensor=context)),
                     output))
    torch.testing.assert_close(output.buffer.tensor[0].double(), expected.view(rows, columns, -1),
                               rtol=1e-5, atol=1e-6)
