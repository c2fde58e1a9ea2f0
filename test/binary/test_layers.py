# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The layers around a sign."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from bdc_occ_ros.binary.layers import BinaryConv2d, PReLU, Redistribution, RPReLU


def fill(module, seed=0):
    """Give every parameter a random value."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return module


@pytest.mark.parametrize('stride', [1, 2])
def test_binary_convolution_counts_agreeing_bits_over_valid_taps(stride):
    """Compare with sums of +-1 over the taps inside the image: borders are padded with 0."""
    conv = fill(BinaryConv2d(3, 4, 3, stride, sign_of_zero=1, is_input_binary=True))
    x = torch.randn(2, 3, 6, 8, generator=torch.Generator().manual_seed(1)).sign()
    result = conv(x)
    scale = conv.weight.abs().mean(dim=(1, 2, 3))
    bits = conv.weight >= 0
    for o, row, column in ((0, 0, 0), (1, 1, 2), (3, 2, 3), (2, 0, 3)):
        agree = valid = 0
        for c in range(3):
            for i in range(3):
                for j in range(3):
                    y, u = row * stride + i - 1, column * stride + j - 1
                    if 0 <= y < 6 and 0 <= u < 8:
                        valid += 1
                        agree += int((x[1, c, y, u] > 0) == bits[o, c, i, j])
        assert result[1, o, row, column].item() == pytest.approx(
            (2 * agree - valid) * scale[o].item(), abs=1e-5)


def test_binary_convolution_has_only_the_latent_weight():
    conv = BinaryConv2d(4, 8, 3, sign_of_zero=0, is_input_binary=True)
    assert list(conv.state_dict()) == ['weight']
    assert conv.weight.shape == (8, 4, 3, 3)
    assert conv.padding == (1, 1)


def test_redistribution_starts_as_identity_and_scales_then_shifts():
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    layer = Redistribution(3)
    assert torch.equal(layer(x), x)
    fill(layer)
    torch.testing.assert_close(layer(x), layer.k * x + layer.b)
    assert sum(p.numel() for p in layer.parameters()) == 6


def test_rprelu_shifts_bends_and_shifts():
    layer = RPReLU(3)
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(x), torch.where(x > 0, x, 0.25 * x))
    fill(layer)
    expected = functional.prelu(x + layer.pr_bias0.bias, layer.pr_prelu.weight)
    torch.testing.assert_close(layer(x), expected + layer.pr_bias1.bias)
    assert {name: tuple(p.shape) for name, p in layer.named_parameters()} == {
        'pr_bias0.bias': (1, 3, 1, 1), 'pr_prelu.weight': (3,), 'pr_bias1.bias': (1, 3, 1, 1)}


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('memory_format', [torch.contiguous_format, torch.channels_last])
def test_prelu_has_the_values_and_gradients_of_pytorch(dtype, memory_format):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 16, 9, 7, generator=generator).to(dtype, memory_format=memory_format)
    x[0, :, 2] = 0  # where the slope changes
    upstream = torch.randn(x.shape, generator=generator).to(dtype)
    slope = torch.randn(16, generator=generator)
    results = []
    for module in (nn.PReLU(16), PReLU(16)):
        with torch.no_grad():
            module.weight.copy_(slope)
        given = x.clone().requires_grad_()
        with torch.autocast('cpu', torch.bfloat16, enabled=dtype == torch.bfloat16):
            bent = module(given)
        results.append((bent, *torch.autograd.grad(bent, (given, module.weight), upstream)))
    (values, for_x, for_slope), (own_values, own_for_x, own_for_slope) = results
    assert torch.equal(own_values, values) and torch.equal(own_for_x, for_x)
    tolerance = 1e-5 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(own_for_slope, for_slope, rtol=tolerance, atol=10 * tolerance)
    assert own_for_slope.dtype == torch.float32
