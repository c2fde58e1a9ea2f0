# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fast backward pass against PyTorch's."""

import pytest
import torch
from torch import nn

from bdc_occ_ros.binary.prelu import PReLU


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('memory_format', [torch.contiguous_format, torch.channels_last])
def test_values_and_gradients_are_those_of_pytorch(dtype, memory_format):
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
