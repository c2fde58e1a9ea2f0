# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lowered units and what is built of them: the float modules' results, every backend's bits."""

import copy
from itertools import product

import pytest
import torch
from torch import nn

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.blocks import (
    ChannelReduction,
    down_block,
    DownSampling,
    same_block,
    strided_block,
    UpSampling,
)
from bdc_occ_ros.binary.config import BinarizerConfig, UnitConfig
from bdc_occ_ros.binary.module_lowering import can_lower, PackedSubgraph
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.operations import Convolution, Gate, Pack, RealConvolution
from bdc_occ_ros.kernels.plan import Plan
from bdc_occ_ros.kernels.reference import ReferenceBackend

STRICT = UnitConfig(with_bn=True)
INNER = UnitConfig(with_bn=True, has_inner_shortcut=True)
REACTNET = UnitConfig(version=0, with_bn=True, binarizer=BinarizerConfig(
    'shift', 'polynomial', 'after_sum'))
CLOSE = 2e-4  # of results around 1; a flipped bit moves several by more than ten times that
MODULES = {
    'same block': (same_block(32, STRICT), 32),
    'strided block': (strided_block(32, 64, INNER), 32),
    'down block': (down_block(32, STRICT), 32),
    'down-sampling': (DownSampling(32, INNER), 32),
    'up-sampling by words': (UpSampling(64, STRICT), 64),
    'up-sampling within words': (UpSampling(32, STRICT), 32),
    'reduction': (ChannelReduction(64, STRICT), 64),
    'chain': (nn.Sequential(UpSampling(64, STRICT), ChannelReduction(64, STRICT),
                            BdcUnit(32, 64, INNER, 2), BdcUnit(64, 64, STRICT)), 64),
    'ReActNet': (nn.Sequential(BdcUnit(32, 64, REACTNET, 2), BdcUnit(64, 64, REACTNET),
                               BdcUnit(64, 32, REACTNET)), 32),
    'narrow chain': (nn.Sequential(BdcUnit(33, 33, INNER), BdcUnit(33, 66, STRICT, 2)), 33),
}


def packed_copy(module):
    """Return the module with packed units in it."""
    if isinstance(module, BdcUnit):
        return PackedBdcUnit(module)
    module = copy.copy(module)
    module._modules = {name: packed_copy(child) for name, child in module.named_children()}
    return module


def images(channels, height=6, width=4, batch=2):
    x = torch.randn(batch, channels, height, width, generator=torch.Generator().manual_seed(1))
    return x.contiguous(memory_format=torch.channels_last)


def assert_close(expected, result):
    assert result.shape == expected.shape
    assert (result - expected).abs().max() < CLOSE


def assert_same_bits(module, x, expected, backends):
    for backend in backends:
        module.use_backend(backend)
        assert torch.equal(module(x), expected), f'{backend.name} on {backend.threads} threads'


@pytest.mark.parametrize(('version', 'before_1x1', 'in_branch', 'has_inner'), [*product(
    (0, 1, 2, 3), ('real', 'sign'), ('real', 'sign'), (False, True))])
def test_every_kind_of_unit_computes_what_it_computes_in_float(
        version, before_1x1, in_branch, has_inner, as_if_trained):
    with_bn = before_1x1 == in_branch
    config = UnitConfig(version=version, activation_before_1x1=before_1x1,
                        activation_in_branch=in_branch, has_inner_shortcut=has_inner,
                        with_bn=with_bn, with_identity_bn=with_bn)
    for out_channels, stride in ((32, 1), (64, 2)):
        unit = as_if_trained(BdcUnit(32, out_channels, config, stride), version)
        packed = PackedBdcUnit(unit)
        packed.use_backend(ReferenceBackend())
        with torch.no_grad():
            assert_close(unit(images(32)), packed(images(32)))


@pytest.mark.parametrize('name', MODULES)
def test_modules_compute_what_they_compute_in_float_and_the_same_bits_everywhere(
        name, as_if_trained, native_backends):
    module, channels = MODULES[name]
    subgraph = PackedSubgraph(packed_copy(as_if_trained(module, 0)))
    subgraph.use_backend(ReferenceBackend())
    result = subgraph(images(channels))
    with torch.no_grad():
        assert_close(module(images(channels)), result)
    assert_same_bits(subgraph, images(channels), result, native_backends)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_streams_of_sixteen_bits_are_the_same_everywhere(dtype, as_if_trained, native_backends):
    module, channels = MODULES['chain']
    subgraph = PackedSubgraph(packed_copy(as_if_trained(module, 0)), dtype)
    subgraph.use_backend(ReferenceBackend())
    x = images(channels).to(dtype)
    result = subgraph(x)
    assert result.dtype == dtype
    assert_same_bits(subgraph, x, result, native_backends)


def test_a_float_module_cannot_be_lowered():
    module, _ = MODULES['chain']
    assert not can_lower(module)
    assert can_lower(packed_copy(module))
    unit = PackedBdcUnit(BdcUnit(8, 8, STRICT))
    assert not can_lower(nn.Sequential(unit, nn.Conv2d(8, 8, 1)))
    assert not can_lower(nn.Sequential())


def lowered(module, channels):
    plan = Plan()
    module.lower(plan, plan.input((1, 4, 4, channels), torch.float32))
    return plan.operations


def test_a_strict_unit_is_three_convolutions_and_a_gate_and_signs_need_no_pass_of_their_own():
    units = nn.Sequential(*(BdcUnit(32, 32, STRICT) for _ in range(3)))
    chain = PackedSubgraph(packed_copy(units))
    unit = [Convolution, Convolution, Gate, Convolution]
    assert [type(operation) for operation in lowered(chain, 32)] == [Pack, *unit, *unit, *unit]


def test_real_values_before_the_1x1_take_the_path_of_real_inputs():
    config = UnitConfig(activation_before_1x1='real', activation_in_branch='real')
    operations = lowered(PackedBdcUnit(BdcUnit(32, 32, config)), 32)
    assert [type(operation) for operation in operations] == [
        Pack, Convolution, RealConvolution, Gate, RealConvolution]


def test_what_does_not_fit_a_unit_is_refused():
    unit = PackedBdcUnit(BdcUnit(32, 64, STRICT, 2))
    unit.use_backend(ReferenceBackend())
    with pytest.raises(InvalidOperationError, match='a unit of 32 channels and stride 2'):
        unit(images(32, height=5))
    with pytest.raises(InvalidOperationError, match='got 64 channels'):
        unit(images(64))


def test_new_parameters_make_a_new_plan(native_backends):
    unit, other = (PackedBdcUnit(BdcUnit(32, 32, STRICT).eval()) for _ in range(2))
    for one in (unit, other):
        one.use_backend(native_backends[-1])  # which keeps the weights in an order of its own
    before = unit(images(32))
    assert not torch.equal(before, other(images(32)))
    unit.load_state_dict(other.state_dict())
    assert torch.equal(unit(images(32)), other(images(32)))
    assert torch.equal(copy.deepcopy(unit)(images(32)), unit(images(32)))
