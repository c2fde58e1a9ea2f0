# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Operations on real streams: every backend, bit for bit, and the reference against torch."""

from dataclasses import replace

import pytest
from real_maps import assert_same
from real_maps import bits_output
from real_maps import Maker
from real_maps import real_output
from real_maps import TYPES
import torch
from torch.nn import functional

from bdc_occ_ros.kernels import reference_streams
from bdc_occ_ros.kernels.conventions import unpack_bits
from bdc_occ_ros.kernels.operations import Affine
from bdc_occ_ros.kernels.operations import AveragePool
from bdc_occ_ros.kernels.operations import BranchLayer
from bdc_occ_ros.kernels.operations import Combine
from bdc_occ_ros.kernels.operations import Epilogue
from bdc_occ_ros.kernels.operations import Gate
from bdc_occ_ros.kernels.operations import Labels
from bdc_occ_ros.kernels.operations import Map
from bdc_occ_ros.kernels.operations import RealConvolution
from bdc_occ_ros.kernels.operations import Upsample

UNSET = 99
CHANNELS = (1, 31, 32, 33, 63, 64, 65, 96, 300)
SIZES = ((2, 3, 5), (1, 1, 1), (1, 4, 1), (0, 3, 4))  # N H W
typed = pytest.mark.parametrize('dtype', TYPES, ids=lambda dtype: str(dtype)[6:])


def memory(*maps):
    return [target.buffer.tensor if isinstance(target, Map) else target
            for target in maps if target is not None]


def check(backend, definition, op, *written):
    return assert_same(lambda: definition(op), backend.compile([op]), memory(*written))


@typed
@pytest.mark.parametrize('channels', CHANNELS)
def test_combine_of_two_slices(backend, channels, dtype):
    make = Maker(channels)
    for size in SIZES:
        shape = (*size, channels)
        op = Combine(make.real(shape, dtype, (3, 2)), make.real(shape, slack=(0, 5)), 0.5, -1.25,
                     make.activation(channels), real_output(shape, dtype, (1, 4)),
                     bits_output(shape, 1), make.sign(channels))
        check(backend, reference_streams.combine, op, op.output, op.bits)


@typed
def test_combine_of_one_map_in_place(backend, dtype):
    make = Maker(1)
    left = make.real((2, 3, 4, 70), dtype)
    op = Combine(left, left_weight=3.0, output=left)
    check(backend, reference_streams.combine, op, left)


@typed
def test_bits_are_taken_before_rounding(backend, dtype):
    make = Maker(2)
    shape = (1, 4, 8, 64)
    op = Combine(make.real(shape), output=real_output(shape, dtype), bits=bits_output(shape),
                 sign=replace(make.sign(64), threshold=torch.full((64,), 1.0)))
    values = op.left.buffer.tensor
    values.copy_(1.0 + 1e-6 * values.sign())  # both sides of 1, and 1
    _, packed = check(backend, reference_streams.combine, op, op.output, op.bits)
    bits = unpack_bits(packed[:, 1:-1, 1:-1] ^ op.sign.flip, 64)
    assert torch.equal(bits, values >= 1) and not bits.all() and bits.any()


@typed
def test_special_values_pass(backend, dtype):
    make = Maker(3)
    op = Combine(make.real((1, 1, 2, 40)), output=real_output((1, 1, 2, 40), dtype),
                 bits=bits_output((1, 1, 2, 40)), sign=make.sign(40))
    special = torch.tensor([
        float('nan'), float('inf'), -float('inf'), -0.0, 65504.0, 65519.9, 65520.0, -7e4, 3.4e38,
        5.97e-8, 2.98e-8, 2.99e-8, 6.1e-5, 6.0975e-5, 1e-45, -1e-40, 1 + 2 ** -8, 1 + 3 * 2 ** -8,
        1 + 2 ** -11, 1 + 3 * 2 ** -11])
    op.left.buffer.tensor.copy_(special.repeat(4).view(1, 1, 2, 40))
    check(backend, reference_streams.combine, op, op.output, op.bits)
    back = Combine(op.output, output=real_output((1, 1, 2, 40)))
    check(backend, reference_streams.combine, back, back.output)


def test_every_half_number_is_read_and_written(backend):
    numbers = torch.arange(-2 ** 15, 2 ** 15, dtype=torch.int32).to(torch.int16)
    for dtype in TYPES[1:]:
        op = Combine(Maker(0).real((1, 1, 512, 128), dtype),
                     output=real_output((1, 1, 512, 128)))
        op.left.buffer.tensor.copy_(numbers.view(dtype).view(1, 1, 512, 128))
        check(backend, reference_streams.combine, op, op.output)
        back = Combine(op.output, output=real_output((1, 1, 512, 128), dtype))
        check(backend, reference_streams.combine, back, back.output)
        is_number = ~back.output.buffer.tensor.isnan()
        assert torch.equal(back.output.buffer.tensor[is_number],
                           op.left.buffer.tensor[is_number])


@typed
@pytest.mark.parametrize('factor', [1, 2])
@pytest.mark.parametrize('channels', [1, 8, 33, 64, 96, 150])
def test_affine_moves_pixels_into_channels(backend, channels, factor, dtype):
    make = Maker(channels)
    for batch, height, width in SIZES:
        shape = batch, height, width, channels * factor ** 2
        large = batch, height * factor, width * factor, channels
        op = Affine(make.real(large, dtype, (1, 2)), factor, make.values(shape[3]),
                    make.values(shape[3]), real_output(shape, dtype, (0, 3)),
                    bits_output(shape, 2), make.sign(shape[3]))
        values, _ = check(backend, reference_streams.affine, op, op.output, op.bits)
        if dtype == torch.float32 and batch:
            image = op.input.buffer.tensor[..., 1:-2].permute(0, 3, 1, 2)
            moved = functional.pixel_unshuffle(image, factor).permute(0, 2, 3, 1)
            assert torch.equal(values[..., :shape[3]], op.scale * moved + op.offset)


@typed
@pytest.mark.parametrize('channels', CHANNELS)
def test_average_pool(backend, channels, dtype):
    make = Maker(channels)
    for batch, height, width in SIZES:
        op = AveragePool(make.real((batch, 2 * height, 2 * width, channels), dtype, (2, 0)),
                         real_output((batch, height, width, channels), dtype, (0, 1)))
        values, = check(backend, reference_streams.average_pool, op, op.output)
        if dtype == torch.float32:
            image = op.input.buffer.tensor[..., 2:].permute(0, 3, 1, 2)
            expected = functional.avg_pool2d(image, 2).permute(0, 2, 3, 1)
            torch.testing.assert_close(values[..., :channels], expected, rtol=1e-6, atol=1e-3)


@typed
@pytest.mark.parametrize('channels', CHANNELS)
def test_upsample(backend, channels, dtype):
    make = Maker(channels)
    for batch, height, width in SIZES:
        op = Upsample(make.real((batch, height, width, channels), dtype, (0, 1)),
                      real_output((batch, 2 * height, 2 * width, channels), dtype, (3, 0)))
        values, = check(backend, reference_streams.upsample, op, op.output)
        if dtype == torch.float32 and batch:
            image = op.input.buffer.tensor[..., :channels].permute(0, 3, 1, 2)
            expected = functional.interpolate(image, scale_factor=2, mode='bilinear')
            torch.testing.assert_close(values[..., 3:], expected.permute(0, 2, 3, 1),
                                       rtol=1e-6, atol=1e-3)


@typed
@pytest.mark.parametrize(('groups', 'classes'), [(1, 1), (1, 2), (16, 18), (17, 3), (33, 17),
                                                 (2, 256)])
def test_labels(backend, groups, classes, dtype):
    make = Maker(groups)
    for size in SIZES:
        scores = make.real((*size, groups * classes), dtype, (1, 2))
        scores.buffer.tensor.round_()  # ties
        op = Labels(scores, classes, torch.full((*size, groups), UNSET, dtype=torch.uint8))
        labels, = check(backend, reference_streams.labels, op, op.labels)
        grouped = scores.buffer.tensor[..., 1:-2].unflatten(-1, (groups, classes))
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
    best, = check(backend, reference_streams.labels, op, op.labels)
    assert best.flatten().tolist() == [1, classes - 1, 0, 0]


def branch(make, channels, kinds):
    """Make layers, signed or real, each with an activation but the first."""
    return tuple(BranchLayer(
        make.weights(channels, channels), 0.1 * make.values(channels).clamp(-3, 3),
        make.activation(channels) if index else None, make.sign(channels) if is_signed else None)
        for index, is_signed in enumerate(kinds))


@pytest.mark.parametrize('kinds', [(), (True,), (False, False), (True, False, True)])
@pytest.mark.parametrize('channels', [1, 31, 33, 64, 300, 600])
def test_gate(backend, channels, kinds):
    make = Maker(channels)
    for batch, rows, width in SIZES[:2] + SIZES[3:]:
        op = Gate(make.values(batch, rows, channels), rows * width, branch(make, channels, kinds),
                  torch.full((batch, channels), float('nan')))
        values, = check(backend, reference_streams.gate, op, op.gate)
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


@typed
@pytest.mark.parametrize(('inputs', 'outputs', 'shortcut'), [
    (1, 1, 1), (31, 33, 33), (33, 66, 33), (64, 64, 64), (65, 130, 65), (96, 32, 32),
    (513, 96, 48), (1100, 31, 31)])
def test_real_convolution(backend, inputs, outputs, shortcut, dtype):
    make = Maker(inputs)
    for size in (*SIZES, (1, 2, 13)):
        op = RealConvolution(make.real((*size, inputs), dtype, (1, 1)),
                             make.weights(outputs, inputs),
                             epilogue(make, size, outputs, dtype, shortcut))
        after = op.epilogue
        check(backend, reference_streams.real_convolution, op, after.output, after.bits,
              after.sums)


def test_real_convolution_with_the_least_epilogue(backend):
    make = Maker(0)
    op = RealConvolution(make.real((1, 3, 5, 40)), make.weights(50, 40), Epilogue(
        torch.ones(50), torch.zeros(50), shortcut=make.real((1, 3, 5, 50)),
        output=real_output((1, 3, 5, 50))))
    values, = check(backend, reference_streams.real_convolution, op, op.epilogue.output)
    factors = 2.0 * unpack_bits(op.weights, 40).float() - 1.0
    expected = op.input.buffer.tensor @ factors.T + op.epilogue.shortcut.buffer.tensor
    torch.testing.assert_close(values, expected, rtol=1e-5, atol=1e-2)
