# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The operators of PyTorch: right results, shape rules, torch.compile and torch.export."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from bdc_occ_ros.kernels import torch_ops
from bdc_occ_ros.kernels.conventions import NEVER, pack_bits, pack_weights, unpack_bits

CHANNELS, OUT_CHANNELS = 40, 33


def random(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def packed(x):
    channels = x.shape[3]
    return torch_ops.pack_signs(x, torch.zeros(channels), pack_bits(torch.zeros(channels) > 0))


def arguments(name, kernel=3, stride=2):
    """Return arguments of an operator, and the same input as real signs."""
    x = random(2, 5, 6, CHANNELS)
    weight = random(OUT_CHANNELS, CHANNELS, kernel, kernel)
    convolution = packed(x), CHANNELS, pack_weights(weight), stride
    sign = (torch.full((OUT_CHANNELS,), -3, dtype=torch.int32),
            torch.full((OUT_CHANNELS,), NEVER, dtype=torch.int32),
            pack_bits(torch.arange(OUT_CHANNELS) % 3 == 0))
    return {
        'pack_signs': (x, random(CHANNELS), pack_bits(torch.arange(CHANNELS) % 2 == 0)),
        'binary_conv2d': convolution,
        'binary_conv2d_bits': (*convolution, *sign),
        'binary_conv2d_affine': (*convolution, random(OUT_CHANNELS), random(OUT_CHANNELS),
                                 torch.bfloat16),
        'lift_splat': (random(2, 3, 4, 8), random(2, 5, 3, 4).softmax(dim=1),
                       10 * random(2, 5, 3, 4, 3), (-10.0, -10.0, -30.0), (2.0, 2.5, 60.0), 8, 10),
    }[name]


NAMES = ('pack_signs', 'binary_conv2d', 'binary_conv2d_bits', 'binary_conv2d_affine', 'lift_splat')


def integers(kernel, stride):
    """What torch's own convolution says."""
    x, weight = random(2, 5, 6, CHANNELS), random(OUT_CHANNELS, CHANNELS, kernel, kernel)
    signs, weights = (torch.where(value >= 0, 1.0, -1.0) for value in (x, weight))
    result = torch.nn.functional.conv2d(signs.permute(0, 3, 1, 2), weights, None, stride,
                                        kernel // 2)
    return result.permute(0, 2, 3, 1)


@pytest.mark.parametrize('name', NAMES)
def test_operators_pass_the_checks_of_pytorch(name):
    torch.library.opcheck(getattr(torch.ops.bdc_occ, name).default, arguments(name))


@pytest.mark.parametrize('name', NAMES)
def test_shapes_are_known_without_running(name):
    given = arguments(name)
    real = getattr(torch_ops, name)(*given)
    with FakeTensorMode() as mode:
        fake = getattr(torch_ops, name)(*(
            mode.from_tensor(value) if isinstance(value, torch.Tensor) else value
            for value in given))
    assert (fake.shape, fake.dtype, fake.stride()) == (real.shape, real.dtype, real.stride())


@pytest.mark.parametrize('kernel', (1, 3))
@pytest.mark.parametrize('stride', (1, 2))
def test_convolutions_agree_with_torch(kernel, stride):
    expected = integers(kernel, stride)
    assert torch.equal(
        torch_ops.binary_conv2d(*arguments('binary_conv2d', kernel, stride)).float(), expected)
    *_, scale, offset, dtype = affine = arguments('binary_conv2d_affine', kernel, stride)
    assert torch.equal(torch_ops.binary_conv2d_affine(*affine),
                       (scale * expected + offset).to(dtype))
    bits = torch_ops.binary_conv2d_bits(*arguments('binary_conv2d_bits', kernel, stride))
    is_flipped = torch.arange(OUT_CHANNELS) % 3 == 0
    assert torch.equal(unpack_bits(bits[:, 1:-1, 1:-1], OUT_CHANNELS),
                       (expected >= -3) != is_flipped)
    assert not bits[:, 0].any() and not bits[:, :, -1].any()


def test_packing_takes_maps_that_are_not_contiguous():
    x, threshold, flip = arguments('pack_signs')
    turned = x.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    assert torch.equal(torch_ops.pack_signs(turned, threshold, flip),
                       torch_ops.pack_signs(x, threshold, flip))


def test_splat_agrees_with_the_outer_product():
    context, probability, points_m, lower, size, rows, columns = arguments('lift_splat')
    cells = ((points_m - torch.tensor(lower)) / torch.tensor(size)).trunc()
    column, row, level = cells.unbind(dim=-1)
    is_inside = (0 <= column) & (column < columns) & (0 <= row) & (row < rows) & (level == 0)
    features = probability[..., None] * context[:, None]
    expected = torch.zeros(rows * columns, context.shape[3], dtype=torch.float64)
    expected.index_add_(0, (row * columns + column)[is_inside].long(),
                        features[is_inside].double())
    assert is_inside.sum() > 10
    torch.testing.assert_close(torch_ops.lift_splat(*arguments('lift_splat'))[0].double(),
                               expected.view(rows, columns, -1), rtol=1e-5, atol=1e-6)


class Packed(torch.nn.Module):
    """Two operators in a row."""

    def __init__(self):
        super().__init__()
        self.register_buffer('weights', pack_weights(random(OUT_CHANNELS, CHANNELS, 3, 3)))

    def forward(self, x):
        zeros = torch.zeros(CHANNELS)
        bits = torch_ops.pack_signs(x, zeros, torch.zeros(2, dtype=torch.int32))
        return torch_ops.binary_conv2d(bits, CHANNELS, self.weights, 1).float() * 2


def test_export_keeps_the_operators_and_any_batch():
    batch = torch.export.Dim('batch', min=1, max=8)
    program = torch.export.export(Packed(), (random(2, 5, 6, CHANNELS),),
                                  dynamic_shapes=({0: batch},))
    called = {str(node.target) for node in program.graph.nodes if node.op == 'call_function'}
    assert {'bdc_occ.pack_signs.default', 'bdc_occ.binary_conv2d.default'} <= called
    x = random(3, 5, 6, CHANNELS)
    assert torch.equal(program.module()(x), Packed()(x))


def test_compile_makes_one_graph():
    compiled = torch.compile(Packed(), fullgraph=True, backend='aot_eager')
    x = random(2, 5, 6, CHANNELS)
    assert torch.equal(compiled(x), Packed()(x))
    assert torch.equal(Packed()(x) / 2, integers(3, 1))
