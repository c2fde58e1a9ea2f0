# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folded units against trained ones, stage by stage, and thresholds against exact arithmetic."""

import copy
from fractions import Fraction
from itertools import product
import math

import pytest
import torch
from torch.nn import functional

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.folding import count_zeros, fold_sign, fold_unit
from bdc_occ_ros.binary.layers import Redistribution
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.errors import FoldingError
from bdc_occ_ros.kernels.conventions import NEVER, unpack_bits

CHANNELS = 5
CLOSE = {'rtol': 2e-6, 'atol': 2e-6}


def randomized(unit, seed=0):
    """Give every number a random value, slopes and k of both signs among them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in unit.state_dict().items():
            if tensor.is_floating_point():
                values = torch.randn(tensor.shape, generator=generator)
                tensor.copy_(values.abs() + 0.5 if 'running_var' in name else values)
    return unit.eval()


def combinations(version):
    """Return every layout of a version with its stride and its factor of channels."""
    flags = (False, True)
    kinds = ('real', 'sign')
    for index, (bn, size, before, inner, branch, layers) in enumerate(product(
            flags, (1, 2), kinds if version > 0 else kinds[:1],
            flags if version > 0 else flags[:1], kinds if version > 1 else kinds[:1],
            (1, 3) if version > 1 else (1,))):
        yield UnitConfig(
            version=version, with_bn=bn, with_identity_bn=bn, sign_of_zero=index % 2,
            activation_before_1x1=before, activation_in_branch=branch, num_branch_layers=layers,
            has_inner_shortcut=inner), size, 1 + (size + bn) % 2


class Trace:
    """What goes in and out of every layer of the float64 copy of a unit."""

    def __init__(self, unit, x):
        self.seen = {}
        self.unit = copy.deepcopy(unit).double()
        for name, module in self.unit.named_modules():
            module.register_forward_hook(
                lambda _, args, result, name=name: self.seen.update({name: (args[0], result)}))
        self.result = self.unit(x.double())

    def into(self, name):
        return self.seen[name][0]

    def out_of(self, name):
        return self.seen[name][1]


def per_channel(vector):
    return vector.double().reshape(-1, 1, 1)


def flip_of(sign, channels):
    return unpack_bits(sign.flip, channels).reshape(-1, 1, 1)


def bits_of_real(sign, x):
    return (x >= per_channel(sign.threshold)) != flip_of(sign, x.shape[1])


def bits_of_integer(sign, d):
    inside = (d >= per_channel(sign.low)) != (d >= per_channel(sign.high))
    return inside != flip_of(sign, d.shape[1])


def bend(activation, y):
    t = y + per_channel(activation.before)
    return torch.where(t < 0, t * per_channel(activation.slope), t) + per_channel(activation.after)


def product_with(weights, x, kernel, stride=1):
    """Convolve with unpacked words."""
    signs = unpack_bits(weights, x.shape[1]).double() * 2 - 1
    signs = signs.reshape(len(weights), kernel, kernel, -1).permute(0, 3, 1, 2)
    return functional.conv2d(x, signs, None, stride, kernel // 2)


def assert_sign(sign, trace, move, activation):
    torch.testing.assert_close(bits_of_real(sign, trace.into(move)),
                               trace.out_of(activation) > 0, rtol=0, atol=0)


def assert_layer(folded, d, trace, norm, activation):
    """Compare scale, offset and RPReLU with normalization and RPReLU."""
    y = per_channel(folded.scale) * d + per_channel(folded.offset)
    torch.testing.assert_close(y, trace.out_of(norm), **CLOSE)
    torch.testing.assert_close(bend(folded.activation, y), trace.out_of(activation), **CLOSE)


def assert_spatial(folded, trace, stride):
    signs = trace.out_of('binary_activation')
    d = product_with(folded.spatial.weights, signs, 3, stride)
    alpha = trace.unit.binary_conv_relu[0].weight.abs().mean(dim=(1, 2, 3)).reshape(-1, 1, 1)
    torch.testing.assert_close(d, (trace.out_of('binary_conv_relu.0') / alpha).round())
    if folded.spatial.integer_sign is None:
        assert_layer(folded.spatial, d, trace, 'binary_conv_relu.1', 'binary_conv_relu.2')
        return
    torch.testing.assert_close(bits_of_integer(folded.spatial.integer_sign, d),
                               trace.out_of('binary_activation1') > 0, rtol=0, atol=0)
    assert folded.spatial.scale is folded.spatial.activation is None


def assert_branch(folded, trace):
    convolution = move = None
    layers = list(folded.branch)
    for index, module in enumerate(trace.unit.se_block.fc):
        name = f'se_block.fc.{index}'
        if isinstance(module, Redistribution):
            move = name
        if not hasattr(module, 'is_input_binary'):
            continue
        layer = layers.pop(0)
        x = trace.into(name)
        if convolution:
            torch.testing.assert_close(bend(layer.activation, trace.out_of(convolution)),
                                       trace.into(move or name), **CLOSE)
        assert (layer.activation is None) == (convolution is None)
        assert (layer.sign is None) == (move is None)
        if move:
            assert_sign(layer.sign, trace, move, f'se_block.fc.{index - 1}')
        y = product_with(layer.weights, x, 1) * per_channel(layer.scale)
        torch.testing.assert_close(y, trace.out_of(name), **CLOSE)
        convolution, move = name, None
    assert layers == []


@pytest.mark.parametrize('version', [0, 1, 2, 3])
def test_every_layout_folds_to_what_the_float_unit_computes(version):
    x = torch.randn(2, CHANNELS, 6, 4, generator=torch.Generator().manual_seed(1))
    for seed, (config, stride, repeats) in enumerate(combinations(version)):
        unit = randomized(BdcUnit(CHANNELS, repeats * CHANNELS, config, stride), seed)
        folded, trace = fold_unit(unit), Trace(unit, x)
        assert_sign(folded.sign, trace, 'move0', 'binary_activation')
        assert_spatial(folded, trace, stride)
        if folded.point_sign is not None:
            assert_sign(folded.point_sign, trace, 'move1', 'binary_activation1')
        if version > 0:
            d = product_with(folded.point.weights, trace.into('binary_conv_relu.3'), 1)
            assert_layer(folded.point, d, trace, 'binary_conv_relu.4', 'binary_conv_relu.5')
        if version > 1:
            assert_branch(folded, trace)
        if config.with_identity_bn:
            shortcut = trace.into('bn_fp') * per_channel(folded.shortcut_scale)
            torch.testing.assert_close(shortcut + per_channel(folded.shortcut_offset),
                                       trace.out_of('bn_fp'), **CLOSE)


def empty_unit(*sizes):
    """Return a unit with shapes and no values."""
    with torch.device('meta'):
        return PackedBdcUnit(BdcUnit(*sizes))


@pytest.mark.parametrize('version', [0, 1, 2, 3])
def test_an_empty_unit_has_the_state_of_a_folded_one(version):
    for config, stride, repeats in list(combinations(version))[::3]:
        sizes = (CHANNELS, repeats * CHANNELS, config, stride)
        packed, empty = PackedBdcUnit(BdcUnit(*sizes)), empty_unit(*sizes)
        state, expected = packed.state_dict(), empty.state_dict()
        assert {n: (t.shape, t.dtype) for n, t in state.items()} == {
            n: (t.shape, t.dtype) for n, t in expected.items()}
        assert all(tensor.is_meta for tensor in expected.values())
        assert (packed.stride, packed.out_channels) == (stride, repeats * CHANNELS)
    filled = empty_unit(*sizes).to_empty(device='cpu')
    filled.load_state_dict(state, strict=True)
    torch.testing.assert_close(filled.folded.spatial.weights, packed.folded.spatial.weights)


def folded_sign(k, b):
    """Fold numbers as float32 has them."""
    return fold_sign(*(torch.tensor(numbers).double() for numbers in (k, b)))


def is_positive(k, b, x):
    """Evaluate k x + b >= 0 without rounding."""
    return Fraction(k) * Fraction(x) + Fraction(b) >= 0


def test_thresholds_are_the_smallest_float32_at_which_the_bit_changes():
    generator = torch.Generator().manual_seed(0)
    exponents = torch.randint(-120, 120, (2, 400), generator=generator)
    numbers = torch.randn(2, 400, generator=generator) * 2.0 ** exponents
    k, b = (row.tolist() for row in torch.cat((numbers, torch.randn(2, 400, generator=generator)),
                                              dim=1))
    k += [3.0, -3.0, 1e-45, -1e-45, 3e38, 1e-38, 7.0, -7.0]
    b += [1.0, 1.0, 1e-45, 1e-45, -1e-45, -3e38, 0.0, -0.0]
    sign = folded_sign(k, b)
    flips = unpack_bits(sign.flip, len(k)).tolist()
    infinity = torch.tensor(torch.inf)
    for k_c, b_c, threshold, flip in zip(
            torch.tensor(k).tolist(), torch.tensor(b).tolist(), sign.threshold, flips):
        below = torch.nextafter(threshold, -infinity)
        assert flip == (k_c < 0)
        if threshold < torch.inf:
            assert is_positive(k_c, b_c, threshold.item()) != flip
        assert not below > -torch.inf or is_positive(k_c, b_c, below.item()) == flip
    assert math.copysign(1.0, sign.threshold[-2]) == 1.0


def test_a_flat_redistribution_is_a_constant():
    sign = folded_sign([0.0, -0.0, 0.0, 0.0], [1.0, -1.0, 0.0, -0.0])
    x = torch.tensor([-1e38, -1.0, 0.0, 1.0, 1e38]).reshape(1, 1, 1, -1).expand(1, 4, 1, 5)
    assert bits_of_real(sign, x).all(dim=3).flatten().tolist() == [True, False, True, True]
    assert not bits_of_real(sign, x)[:, 1].any()


@pytest.mark.parametrize(('k', 'b', 'x', 'bit'), [
    (2.0, -6.0, 3.0, True), (2.0, -6.0, 2.9999998, False), (-2.0, 6.0, 3.0, True),
    (-2.0, 6.0, 3.0000002, False), (1.0, 0.0, -0.0, True), (1.0, 0.0, -1e-45, False),
    (-1.0, 0.0, 0.0, True), (-1.0, 0.0, 1e-45, False)])
def test_ties_of_real_values_are_positive(k, b, x, bit):
    value = torch.tensor(x).reshape(1, 1, 1, 1)
    assert bits_of_real(folded_sign([k], [b]), value).item() is bit


def exact_unit(slope, k, b):
    """Make a unit whose 3x3 gives integers up to 9 and whose next sign is k prelu(d) + b >= 0."""
    unit = BdcUnit(1, 1, UnitConfig(version=1)).eval()
    with torch.no_grad():
        unit.binary_conv_relu[0].weight.fill_(1.0)
        unit.binary_conv_relu[2].pr_prelu.weight.fill_(slope)
        unit.move1.k.fill_(k)
        unit.move1.b.fill_(b)
    return unit


@pytest.mark.parametrize(('slope', 'k', 'b', 'expected'), [
    (1.0, 1.0, -2.0, (2, NEVER, False)),  # d >= 2
    (1.0, -1.0, 2.0, (3, NEVER, True)),  # d <= 2
    (-1.0, 1.0, -3.0, (-2, 3, True)),  # |d| >= 3
    (-1.0, -1.0, 3.0, (-3, 4, False)),  # |d| <= 3
    (-1.0, -1.0, 0.0, (0, 1, False)),  # d = 0
    (0.0, 1.0, -1.0, (1, NEVER, False)),
    (0.0, 1.0, 0.0, (NEVER, NEVER, True)),
    (1.0, 0.0, 0.0, (NEVER, NEVER, True)),
    (1.0, 0.0, -1.0, (NEVER, NEVER, False)),
    (1.0, 1.0, -9.5, (NEVER, NEVER, False)),  # beyond K
    (1.0, 1.0, 9.0, (NEVER, NEVER, True))])  # at -K already
def test_integer_thresholds_at_ties_and_with_every_kind_of_slope(slope, k, b, expected):
    sign = fold_unit(exact_unit(slope, k, b)).spatial.integer_sign
    assert (int(sign.low), int(sign.high), bool(sign.flip)) == expected


def test_wide_units_fold_in_parts_without_mixing_channels():
    unit = randomized(BdcUnit(130, 130, UnitConfig(version=1)))
    sign = fold_unit(unit).spatial.integer_sign
    d = torch.arange(-1170, 1171, 13, dtype=torch.float64)
    last = copy.deepcopy(unit).double()
    scale = last.binary_conv_relu[0].weight.abs().mean(dim=(1, 2, 3)).reshape(-1, 1)
    y = (scale * d).reshape(1, 130, 1, -1)
    expected = last.move1(last.binary_conv_relu[2](y)) >= 0
    torch.testing.assert_close(bits_of_integer(sign, d.expand(1, 130, 1, -1)), expected)
    assert 0 < (sign.high < NEVER).sum() < 130


def test_zeros_without_a_sign_are_counted_by_parameter():
    unit = randomized(BdcUnit(4, 4, UnitConfig(num_branch_layers=1)))
    with torch.no_grad():
        unit.move0.b[0, :3] = 0.0
        unit.binary_conv_relu[0].weight[0, 0, 0] = 0.0
        unit.binary_conv_relu[3].weight[1, 2] = -0.0
    assert count_zeros(unit) == {
        'move0.b': 3, 'move1.b': 0, 'binary_conv_relu.0.weight': 3,
        'binary_conv_relu.3.weight': 1, 'se_block.fc.0.b': 0, 'se_block.fc.2.weight': 0}


def test_units_that_cannot_be_folded_are_refused():
    with pytest.raises(FoldingError, match='is_binary: false'):
        fold_unit(BdcUnit(4, 4, UnitConfig(is_binary=False)))
    unit = randomized(BdcUnit(4, 4, UnitConfig(with_bn=True, has_inner_shortcut=True)))
    unit.binary_conv_relu[1].running_var[2] = -1.0
    with pytest.raises(FoldingError, match='not finite in float32: is a running variance'):
        fold_unit(unit)
    unit.binary_conv_relu[1].running_var[2] = float('nan')
    with pytest.raises(FoldingError, match='not finite.*binary_conv_relu.1.running_var'):
        fold_unit(unit)
