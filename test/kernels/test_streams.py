# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Operations on real streams: every backend, bit for bit, and the reference against torch."""

from functools import cache

import pytest
from real_maps import bits_output, check, Maker, real_output, run_definition, TYPES
import torch
from torch.nn import functional

from bdc_occ_ros.kernels.conventions import unpack_bits
from bdc_occ_ros.kernels.operations import (
    Affine,
    AveragePool,
    BranchLayer,
    Combine,
    Epilogue,
    Gate,
    Labels,
    RealConvolution,
    Sign,
    Upsample,
)

UNSET = 99
CHANNELS = (1, 31, 32, 33, 63, 64, 65, 96, 300)
# N H W and type: every type with several pixels, one with each odd size
CASES = (*(((2, 3, 5), dtype) for dtype in TYPES), ((1, 1, 1), TYPES[1]), ((1, 4, 1), TYPES[0]),
         ((0, 3, 4), TYPES[0]))
typed = pytest.mark.parametrize('dtype', TYPES, ids=lambda dtype: str(dtype)[6:])


@cache
def combines(channels):
    make = Maker(channels)
    return [Combine(make.real((*size, channels), dtype, (3, 2)),
                    make.real((*size, channels), slack=(0, 5)), 0.5, -1.25,
                    make.activation(channels), real_output((*size, channels), dtype, (1, 4)),
                    bits_output((*size, channels), 1), make.sign(channels))
            for size, dtype in CASES]


@pytest.mark.parametrize('channels', CHANNELS)
def test_combine_of_two_slices(backend, channels):
    for op in combines(channels):
        check(backend, op)


@typed
def test_combine_of_one_map_in_place(backend, dtype):
    left = Maker(1).real((2, 3, 4, 70), dtype)
    check(backend, Combine(left, left_weight=3.0, output=left))


@typed
def test_bits_are_taken_before_rounding(backend, dtype):
    make = Maker(2)
    shape = (1, 4, 8, 64)
    op = Combine(make.real(shape), output=real_output(shape, dtype), bits=bits_output(shape),
                 sign=Sign(torch.ones(64), make.sign(64).flip))
    values = op.left.buffer.tensor
    values.copy_(1.0 + 1e-6 * values.sign())  # both sides of 1, and 1
    _, packed = check(backend, op)
    bits = unpack_bits(packed[:, 1:-1, 1:-1] ^ op.sign.flip, 64)
    assert torch.equal(bits, values >= 1) and not bits.all() and bits.any()


@typed
def test_special_values_pass(backend, dtype):
    make = Maker(3)
    special = torch.tensor([
        float('nan'), float('inf'), -float('inf'), -0.0, 65504.0, 65519.9, 65520.0, -7e4, 3.4e38,
        5.97e-8, 2.98e-8, 2.99e-8, 6.1e-5, 6.0975e-5, 1e-45, -1e-40, 1 + 2 ** -8, 1 + 3 * 2 ** -8,
        1 + 2 ** -11, 1 + 3 * 2 ** -11])
    shape = 1, 1, 20, 21  # every value is each channel once
    op = Combine(make.real(shape), output=real_output(shape, dtype), bits=bits_output(shape),
                 sign=Sign(torch.zeros(21), make.sign(21).flip))
    values = op.left.buffer.tensor
    values.copy_(special.repeat(21).view(shape))
    _, packed = check(backend, op)
    bits = unpack_bits(packed[:, 1:-1, 1:-1] ^ op.sign.flip, 21)
    assert bits[values == 0].all() and not bits[values.isnan()].any()  # -0 as well
    check(backend, Combine(op.output, output=real_output(shape)))


def test_every_half_number_is_read_and_written(backend):
    numbers = torch.arange(-2 ** 15, 2 ** 15, dtype=torch.int32).to(torch.int16)
    for dtype in TYPES[1:]:
        op = Combine(Maker(0).real((1, 1, 256, 256), dtype), output=real_output((1, 1, 256, 256)))
        op.left.buffer.tensor.copy_(numbers.view(dtype).view(1, 1, 256, 256))
        check(backend, op)
        back = Combine(op.output, output=real_output((1, 1, 256, 256), dtype))
        written, = check(backend, back)
        is_number = ~written.isnan()
        assert torch.equal(written[is_number], op.left.buffer.tensor[is_number])


@cache
def affines(channels):
    make = Maker(channels)
    ops = []
    for (batch, height, width), dtype in CASES:
        for factor in (1, 2):
            shape = batch, height, width, channels * factor ** 2
            large = batch, height * factor, width * factor, channels
            ops.append(Affine(make.real(large, dtype, (1, 2)), factor, make.values(shape[3]),
                              make.values(shape[3]), real_output(shape, dtype, (0, 3)),
                              bits_output(shape, 2), make.sign(shape[3])))
    return ops


@pytest.mark.parametrize('channels', [1, 8, 33, 64, 150])
def test_affine(backend, channels):
    for op in affines(channels):
        check(backend, op)


@pytest.mark.parametrize('factor', [1, 2])
def test_affine_moves_pixels_as_torch_does(factor):
    make = Maker(0)
    channels = 3 * factor ** 2
    op = Affine(make.real((2, 4, 6, 3)), factor, make.values(channels), make.values(channels),
                real_output((2, 4 // factor, 6 // factor, channels)))
    run_definition(op)
    image = op.input.buffer.tensor.permute(0, 3, 1, 2)
    moved = functional.pixel_unshuffle(image, factor).permute(0, 2, 3, 1)
    assert torch.equal(op.output.buffer.tensor, op.scale * moved + op.offset)


@cache
def resizes(channels):
    make = Maker(channels)
    ops = []
    for (batch, height, width), dtype in CASES:
        small, large = ((batch, factor * height, factor * width, channels) for factor in (1, 2))
        ops += [AveragePool(make.real(large, dtype, (2, 0)), real_output(small, dtype, (0, 1))),
                Upsample(make.real(small, dtype, (0, 1)), real_output(large, dtype, (3, 0)))]
    return ops


@pytest.mark.parametrize('channels', CHANNELS)
def test_average_pool_and_upsample(backend, channels):
    for op in resizes(channels):
        check(backend, op)


def test_average_pool_and_upsample_are_those_of_torch():
    make = Maker(0)
    for size in ((2, 4, 6, 5), (1, 2, 2, 3), (1, 2, 8, 1)):
        batch, height, width, channels = size
        image = make.real(size)
        pooled = real_output((batch, height // 2, width // 2, channels))
        larger = real_output((batch, 2 * height, 2 * width, channels))
        run_definition(AveragePool(image, pooled))
        run_definition(Upsample(image, larger))
        planes = image.buffer.tensor.permute(0, 3, 1, 2)
        for result, expected in (
                (pooled, functional.avg_pool2d(planes, 2)),
                (larger, functional.interpolate(planes, scale_factor=2, mode='bilinear'))):
            torch.testing.assert_close(result.buffer.tensor, expected.permute(0, 2, 3, 1),
                                       rtol=1e-6, atol=1e-3)


@cache
def labellings(groups, classes):
    make = Maker(groups)
    ops = []
    for size, dtype in CASES:
        scores = make.real((*size, groups * classes), dtype, (1, 2))
        scores.buffer.tensor.round_()  # ties
        ops.append(Labels(scores, classes,
                          torch.full((*size, groups), UNSET, dtype=torch.uint8)))
    return ops


@pytest.mark.parametrize(('groups', 'classes'), [(1, 1), (1, 2), (16, 18), (17, 3), (33, 17),
                                                 (2, 256)])
def test_labels(backend, groups, classes):
    for op in labellings(groups, classes):
        labels, = check(backend, op)
        grouped = op.input.buffer.tensor[..., 1:-2].unflatten(-1, (groups, classes))
        assert torch.equal(labels, grouped.float().argmax(dim=-1).to(torch.uint8))


@typed
@pytest.mark.parametrize('classes', [3, 70, 256])
def test_what_is_no_number_never_wins(backend, classes, dtype):
    nan, inf = float('nan'), float('inf')
    scores = Maker(0).real((1, 1, 4, classes), dtype)
    values = scores.buffer.tensor[0, 0]
    values.fill_(-1.0)
    values[:, -1] = torch.tensor([nan, 3.0, nan, -inf])
    values[0, :2] = torch.tensor([nan, 2.0])
    values[2:] = torch.tensor([[nan], [-inf]])
    op = Labels(scores, classes, torch.full((1, 1, 4, 1), UNSET, dtype=torch.uint8))
    assert check(backend, op)[0].flatten().tolist() == [1, classes - 1, 0, 0]


@cache
def gates(channels):
    """Gates without layers, with signed and with real ones; each but the first is bent."""
    make = Maker(channels)
    ops = []
    for kinds in ((), (True,), (False, False), (True, False, True)):
        layers = tuple(BranchLayer(
            make.weights(channels, channels), 0.1 * make.values(channels).clamp(-3, 3),
            make.activation(channels) if index else None,
            make.sign(channels) if is_signed else None)
            for index, is_signed in enumerate(kinds))
        for batch, rows in ((2, 3), (1, 1), (0, 3)):
            ops.append(Gate(make.values(batch, rows, channels), 5 * rows, layers,
                            torch.full((batch, channels), float('nan'))))
    return ops


@pytest.mark.parametrize('channels', [1, 31, 33, 64, 300, 600])
def test_gate(backend, channels):
    for op in gates(channels):
        values, = check(backend, op)
        assert ((values >= 0) & (values <= 1)).all()


def epilogue(make, size, channels, dtype, shortcut_channels):
    """Make an epilogue in which everything is there."""
    batch, height, _ = size
    shape = (*size, channels)
    return Epilogue(
        make.values(channels), make.values(channels), make.activation(channels),
        torch.full((batch, height, channels), float('nan')), make.values(batch, channels),
        make.real((*size, shortcut_channels), dtype, (1, 2)), make.values(channels),
        make.values(channels), real_output(shape, dtype, (1, 0)), bits_output(shape, 1),
        make.sign(channels))


@cache
def real_convolutions(inputs, outputs, shortcut):
    make = Maker(inputs)
    return [RealConvolution(make.real((*size, inputs), dtype, (1, 1)),
                            make.weights(outputs, inputs),
                            epilogue(make, size, outputs, dtype, shortcut))
            for size, dtype in (*CASES, ((1, 2, 13), TYPES[2]))]


@pytest.mark.parametrize(('inputs', 'outputs', 'shortcut'), [
    (1, 1, 1), (31, 33, 33), (33, 66, 33), (64, 128, 64), (65, 130, 65), (96, 32, 32),
    (513, 96, 48), (1100, 31, 31)])
def test_real_convolution(backend, inputs, outputs, shortcut):
    for op in real_convolutions(inputs, outputs, shortcut):
        check(backend, op)


def test_real_convolution_with_the_least_epilogue(backend):
    make = Maker(0)
    op = RealConvolution(make.real((1, 3, 5, 40)), make.weights(50, 40), Epilogue(
        torch.ones(50), torch.zeros(50), shortcut=make.real((1, 3, 5, 50)),
        output=real_output((1, 3, 5, 50))))
    values, = check(backend, op)
    factors = 2.0 * unpack_bits(op.weights, 40).float() - 1.0
    expected = op.input.buffer.tensor @ factors.T + op.epilogue.shortcut.buffer.tensor
    torch.testing.assert_close(values, expected, rtol=1e-5, atol=1e-2)
