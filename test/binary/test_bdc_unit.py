# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The unit: names and shapes of the checkpoints, its formula, and what its convolutions see."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.layers import BinaryConv2d

AUTHORS = {'sign_of_zero': 0, 'activation_before_1x1': 'real', 'activation_in_branch': 'real'}


def randomized(unit, seed=0):
    """Give every parameter and every running statistic a random value."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in unit.state_dict().items():
            if tensor.is_floating_point():
                values = torch.randn(tensor.shape, generator=generator)
                tensor.copy_(values.abs() + 0.5 if 'running_var' in name else values)
    return unit.eval()


def rprelu_names(prefix, channels):
    return [(f'{prefix}.pr_bias0.bias', (1, channels, 1, 1)),
            (f'{prefix}.pr_prelu.weight', (channels,)),
            (f'{prefix}.pr_bias1.bias', (1, channels, 1, 1))]


def test_names_shapes_and_order_are_those_of_the_checkpoints():
    unit = BdcUnit(4, 8, UnitConfig(**AUTHORS))
    assert [(name, tuple(t.shape)) for name, t in unit.state_dict().items()] == [
        ('move0.b', (1, 4, 1, 1)), ('move0.k', (1, 4, 1, 1)), ('binary_activation.beta', (1,)),
        ('binary_conv_relu.0.weight', (4, 4, 3, 3)), *rprelu_names('binary_conv_relu.2', 4),
        ('binary_conv_relu.3.weight', (8, 4, 1, 1)), *rprelu_names('binary_conv_relu.5', 8),
        ('se_block.fc.0.weight', (8, 8, 1, 1)), *rprelu_names('se_block.fc.1', 8),
        ('se_block.fc.2.weight', (8, 8, 1, 1))]


def test_names_with_normalization():
    unit = BdcUnit(4, 4, UnitConfig(**AUTHORS, with_bn=True, with_identity_bn=True))
    names = list(unit.state_dict())
    assert len(names) == 31
    assert {name.rsplit('.', 1)[0] for name in names if name.endswith('running_mean')} == {
        'binary_conv_relu.1', 'binary_conv_relu.4', 'bn_fp'}


@pytest.mark.parametrize(('sizes', 'with_bn', 'binary', 'real'), [
    ((64, 128), False, 77_824, 1_089), ((256, 256), False, 786_432, 2_817),
    ((256, 256), True, 786_432, 4_353), ((1024, 1024), False, 12_582_912, 11_265)])
def test_parameters(sizes, with_bn, binary, real):
    with torch.device('meta'):
        unit = BdcUnit(*sizes, UnitConfig(**AUTHORS, with_bn=with_bn, with_identity_bn=with_bn))
    weights = sum(m.weight.numel() for m in unit.modules() if isinstance(m, BinaryConv2d))
    assert weights == binary
    assert sum(p.numel() for p in unit.parameters()) == binary + real


def binary_weight(weight):
    return weight.abs().mean(dim=(1, 2, 3), keepdim=True) * weight.sign()


def bend(x, state, prefix):
    x = functional.prelu(x + state[f'{prefix}.pr_bias0.bias'], state[f'{prefix}.pr_prelu.weight'])
    return x + state[f'{prefix}.pr_bias1.bias']


@pytest.mark.parametrize('version', [0, 1, 2, 3])
@pytest.mark.parametrize('stride', [1, 2])
def test_versions_follow_their_formulas(version, stride):
    unit = randomized(BdcUnit(4, 8, UnitConfig(version=version, **AUTHORS), stride))
    state = unit.state_dict()
    x = torch.randn(2, 4, 6, 8, generator=torch.Generator().manual_seed(1))
    signs = (state['move0.k'] * x + state['move0.b']).sign()
    first = binary_weight(state['binary_conv_relu.0.weight'])
    y = functional.conv2d(signs, first, None, stride, 1)
    y = bend(y, state, 'binary_conv_relu.2')
    if version > 0:
        y = functional.conv2d(y, binary_weight(state['binary_conv_relu.3.weight']))
        y = bend(y, state, 'binary_conv_relu.5')
    if version > 1:
        b = y if version == 2 else y.mean(dim=(2, 3), keepdim=True)
        b = functional.conv2d(b, binary_weight(state['se_block.fc.0.weight']))
        b = bend(b, state, 'se_block.fc.1')
        b = functional.conv2d(b, binary_weight(state['se_block.fc.2.weight']))
        y = b if version == 2 else y * b.sigmoid()
    shortcut = functional.avg_pool2d(x, 2) if stride == 2 else x
    torch.testing.assert_close(unit(x), y + torch.cat((shortcut, shortcut), 1), rtol=1e-4,
                               atol=1e-4)


def inputs_of_binary_convolutions(unit, x):
    """Return per binary convolution whether it says and whether it gets signs."""
    seen = []
    for module in unit.modules():
        if isinstance(module, BinaryConv2d):
            module.register_forward_hook(lambda m, args, _: seen.append(
                (m.is_input_binary, bool((args[0].abs() == 1).all()))))
    unit(x)
    return seen


@pytest.mark.parametrize(('before_1x1', 'in_branch', 'expected'), [
    ('real', 'real', [True, False, False, False]), ('sign', 'real', [True, True, False, False]),
    ('sign', 'sign', [True, True, True, True])])
def test_what_the_convolutions_see(before_1x1, in_branch, expected):
    unit = randomized(BdcUnit(8, 8, UnitConfig(
        activation_before_1x1=before_1x1, activation_in_branch=in_branch, with_bn=True)))
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(1))
    assert inputs_of_binary_convolutions(unit, x) == [(flag, flag) for flag in expected]


def test_full_precision_unit_has_the_same_convolutions_and_no_signs():
    with torch.device('meta'):
        full = BdcUnit(8, 16, UnitConfig(is_binary=False, with_bn=True), stride=2).state_dict()
        real = UnitConfig(with_bn=True, activation_before_1x1='real', activation_in_branch='real')
        binary = BdcUnit(8, 16, real, stride=2).state_dict()
    assert set(binary) - set(full) == {'move0.b', 'move0.k', 'binary_activation.beta'}
    assert all(binary[name].shape == tensor.shape for name, tensor in full.items())


def test_inner_shortcut_leads_round_the_3x3():
    config = UnitConfig(has_inner_shortcut=True, version=1, **AUTHORS)
    unit = randomized(BdcUnit(4, 4, config))
    state = unit.state_dict()
    x = torch.randn(1, 4, 5, 5, generator=torch.Generator().manual_seed(1))
    before = []
    unit.binary_conv_relu[3].register_forward_hook(lambda m, args, _: before.append(args[0]))
    unit(x)
    signs = (state['move0.k'] * x + state['move0.b']).sign()
    y = functional.conv2d(signs, binary_weight(state['binary_conv_relu.0.weight']), padding=1)
    torch.testing.assert_close(before[0], bend(y, state, 'binary_conv_relu.2') + x)


@pytest.mark.parametrize('layers', [1, 3])
def test_branch_length(layers):
    unit = BdcUnit(4, 4, UnitConfig(num_branch_layers=layers, **AUTHORS))
    assert sum(isinstance(m, BinaryConv2d) for m in unit.se_block.modules()) == layers
    assert isinstance(unit.se_block.fc[-1], BinaryConv2d)


def test_every_parameter_learns():
    torch.manual_seed(0)
    unit = BdcUnit(8, 16, UnitConfig(with_bn=True, with_identity_bn=True), 2)
    unit(torch.randn(4, 8, 6, 6, generator=torch.Generator().manual_seed(1))).square().sum(
        ).backward()
    without = [name for name, p in unit.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []
    assert all(p.grad.isfinite().all() for p in unit.parameters())


def test_channels_without_an_identity_are_refused():
    with pytest.raises(ValueError, match='in_channels, twice or half that; got 8 to 2'):
        BdcUnit(8, 2, UnitConfig())


def test_placeholders_hold_nothing():
    unit = BdcUnit(4, 4, UnitConfig(is_binary=False))
    assert isinstance(unit.move0, nn.Identity)
    assert not any(isinstance(m, BinaryConv2d) for m in unit.modules())
