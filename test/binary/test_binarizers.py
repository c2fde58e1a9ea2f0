# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Binarizers as arguments of the unit: gradients, ReActNet's formula, and the same on bits."""

import dataclasses
from itertools import product

import pytest
import torch
from torch.nn import functional

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import BinarizerConfig, UnitConfig
from bdc_occ_ros.binary.folding import count_zeros
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.binary.sign import BinaryActivation
from bdc_occ_ros.config_file import parse_dataclass
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.kernels.reference import ReferenceBackend
from bdc_occ_ros.network.config import load_network_config, NetworkConfig
from bdc_occ_ros.network.cost import profile_network, total_cost
from bdc_occ_ros.network.network import blank_network, OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network

REACTNET = BinarizerConfig('shift', 'polynomial', 'after_sum')
REACTNET_UNIT = UnitConfig(version=0, with_bn=True, binarizer=REACTNET)
X = torch.randn(2, 8, 6, 4, generator=torch.Generator().manual_seed(1))
SHAPES = [(8, 8, 1), (8, 16, 2), (8, 4, 1), (8, 4, 2)]


def smooth_polynomial(x):
    """Return the function whose derivative ReActNet takes for that of the sign."""
    curved = torch.where(x < 0, 2 * x + x * x, 2 * x - x * x)
    return torch.where(x.abs() < 1, curved, x.sign())


@pytest.mark.parametrize(('gradient', 'smooth'), [
    ('polynomial', smooth_polynomial), ('clip', lambda x: x.clamp(-1, 1)), ('tanh', torch.tanh)])
def test_gradients_are_the_finite_differences_of_what_stands_in_for_the_sign(gradient, smooth):
    x = torch.linspace(-2.013, 2.0, 97, dtype=torch.float64)
    weight = torch.randn(97, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    step = 1e-6
    expected = weight * (smooth(x + step) - smooth(x - step)) / (2 * step)
    leaf = x.clone().requires_grad_()
    signs = BinaryActivation(1, gradient).double()(leaf)
    (signs * weight).sum().backward()
    assert torch.equal(signs.detach(), torch.where(x < 0, -1.0, 1.0).double())
    torch.testing.assert_close(leaf.grad, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(('gradient', 'expected'), [
    ('polynomial', [0, 0, 0.5, 1.5, 2, 1, 0, 0]), ('clip', [0, 1, 1, 1, 1, 1, 1, 0])])
def test_gradients_at_chosen_points(gradient, expected):
    x = torch.tensor([-1.5, -1, -0.75, -0.25, 0, 0.5, 1, 1.5], requires_grad=True)
    layer = BinaryActivation(0, gradient)
    layer(x).sum().backward()
    assert x.grad.tolist() == expected
    assert list(layer.parameters()) == []


def identity_of(x, out_channels, stride):
    x = functional.avg_pool2d(x, 2) if stride == 2 else x
    if out_channels < x.shape[1]:
        return (x[:, :out_channels] + x[:, out_channels:]) / 2
    return torch.cat([x] * (out_channels // x.shape[1]), 1)


@pytest.mark.parametrize(('in_channels', 'out_channels', 'stride'), SHAPES)
def test_reactnet_bends_the_sum_of_convolution_and_identity(in_channels, out_channels, stride,
                                                           as_if_trained):
    unit = as_if_trained(BdcUnit(in_channels, out_channels, REACTNET_UNIT, stride), 0)
    state = unit.state_dict()
    assert [name for name in state if not name.startswith('binary_conv_relu')] == ['move0.b']
    weight = state['binary_conv_relu.0.weight']
    binary = weight.abs().mean(dim=(1, 2, 3), keepdim=True) * weight.sign()
    y = functional.conv2d((X + state['move0.b']).sign(), binary, None, stride, 1)
    y = functional.batch_norm(y, *(state[f'binary_conv_relu.1.{name}'] for name in (
        'running_mean', 'running_var', 'weight', 'bias')))
    y = y + identity_of(X, out_channels, stride) + state['binary_conv_relu.2.pr_bias0.bias']
    y = functional.prelu(y, state['binary_conv_relu.2.pr_prelu.weight'])
    y = y + state['binary_conv_relu.2.pr_bias1.bias']
    torch.testing.assert_close(unit(X), y)


@pytest.mark.parametrize('config', [
    REACTNET_UNIT, dataclasses.replace(REACTNET_UNIT, with_identity_bn=True),
    *(UnitConfig(version=version, has_inner_shortcut=has_inner, with_bn=True,
                 binarizer=BinarizerConfig(before_sign, 'clip'))
      for version, before_sign, has_inner in product(
          (0, 1, 2, 3), ('shift', 'nothing'), (False, True)))])
def test_every_binarizer_computes_on_bits_what_it_computes_in_float(config, as_if_trained):
    for shape in SHAPES:
        unit = as_if_trained(BdcUnit(shape[0], shape[1], config, shape[2]), 0)
        packed = PackedBdcUnit(unit)
        packed.use_backend(ReferenceBackend())
        with torch.device('meta'):
            empty = PackedBdcUnit(BdcUnit(shape[0], shape[1], config, shape[2]))
        assert {n: t.shape for n, t in packed.state_dict().items()} == {
            n: t.shape for n, t in empty.state_dict().items()}
        with torch.no_grad():
            torch.testing.assert_close(packed(X), unit(X), rtol=0, atol=2e-5)


def test_zeros_are_counted_where_only_a_shift_is_learned():
    counts = count_zeros(BdcUnit(8, 8, REACTNET_UNIT))
    assert counts == {'move0.b': 8, 'binary_conv_relu.0.weight': 0}


def tiny_with(tiny_model, unit):
    config = load_network_config(tiny_model)
    return dataclasses.replace(config, nano=dataclasses.replace(config.nano, bev_unit=unit))


def test_a_network_of_reactnet_units_packs_whole_and_is_counted(tiny_model, as_if_trained):
    config = tiny_with(tiny_model, REACTNET_UNIT)
    network = as_if_trained(OccupancyNetwork(config), 0)
    packed = pack_network(network)
    assert {n: t.shape for n, t in packed.state_dict().items()} == {
        n: t.shape for n, t in pack_network(
            blank_network(config, 1 << 30)).state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(1, 2, 3, config.image.height_px, config.image.width_px,
                        generator=generator)
    rays = 16 * torch.rand(1, 2, config.depth.num_bins, *config.feature_shape, 3,
                           generator=generator) - 8
    with torch.no_grad():
        expected, found = (n(images, rays).occupancy_logits for n in (network, packed))
    assert (expected.argmax(-1) == found.argmax(-1)).float().mean() > 0.99
    cost = total_cost(profile_network(config))
    weights = [p.numel() for n, p in network.named_parameters() if 'img_bev' in n
               and n.endswith('binary_conv_relu.0.weight')]
    assert cost.params_1bit == sum(weights)
    assert cost.macs_1bit > 0 == cost.macs_mixed
    assert cost.params == sum(p.numel() for p in network.parameters())


def test_a_config_says_it_in_words_and_contradictions_are_refused(tiny_model):
    config = tiny_with(tiny_model, REACTNET_UNIT)
    values = dataclasses.asdict(config)
    assert parse_dataclass(NetworkConfig, values, 'here') == config
    del values['nano']['bev_unit']['binarizer']
    config = parse_dataclass(NetworkConfig, values, 'here')
    assert config.nano.bev_unit.binarizer == BinarizerConfig()
    values['nano']['bev_unit']['binarizer'] = {'sign_gradient': 'sigmoid'}
    with pytest.raises(InvalidConfigError, match='bev_unit.binarizer.sign_gradient: one of'):
        parse_dataclass(NetworkConfig, values, 'here')
    with pytest.raises(InvalidConfigError, match='after_sum.*version 0; got version 3'):
        UnitConfig(binarizer=REACTNET)
