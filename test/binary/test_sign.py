# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Signs, and the gradients that stand in for theirs."""

import pytest
import torch

from bdc_occ_ros.binary.sign import BinaryActivation, scaled_sign, sign


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(('sign_of_zero', 'expected'), [(0, [-1, 0, 0, 1]), (1, [-1, 1, 1, 1])])
def test_sign_of_zero_is_an_argument(dtype, sign_of_zero, expected):
    signs = sign(torch.tensor([-1e-6, -0.0, 0.0, 1e-6], dtype=dtype), sign_of_zero)
    assert signs.dtype == dtype
    assert signs.tolist() == expected


def test_tanh_surrogate_of_activations():
    activation = BinaryActivation(1)
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0], requires_grad=True)
    signs = activation(x)
    signs.sum().backward()
    assert signs.tolist() == [-1, -1, 1, 1, 1]
    assert x.grad.tolist() == pytest.approx([0.0707, 0.7864, 1, 0.7864, 0.0707], abs=1e-4)


def test_gradients_are_those_of_tanh_beta_x():
    torch.manual_seed(0)
    activation = BinaryActivation(0)
    activation.beta.data.fill_(1.7)
    x, weight = torch.randn(3, 4, 5, requires_grad=True), torch.randn(3, 4, 5)
    (activation(x) * weight).sum().backward()
    beta, y = torch.tensor([1.7], requires_grad=True), x.detach().clone().requires_grad_()
    (torch.tanh(beta * y) * weight).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
    torch.testing.assert_close(activation.beta.grad, beta.grad)


def test_weights_are_signs_times_the_mean_of_each_output_channel():
    weight = torch.tensor([[[[0.5]], [[-1.5]]], [[[0.0]], [[-0.2]]]])
    assert scaled_sign(weight, 1).flatten().tolist() == pytest.approx([1.0, -1.0, 0.1, -0.1])
    assert scaled_sign(weight, 0).flatten().tolist() == pytest.approx([1.0, -1.0, 0.0, -0.1])


def test_weight_gradient_passes_in_the_closed_interval_and_not_through_the_scale():
    weight = torch.tensor([-1.5, -1.0, -0.2, 0.0, 1.0, 1.5]).reshape(1, 6, 1, 1).requires_grad_()
    scaled_sign(weight, 1).sum().backward()
    assert weight.grad.flatten().tolist() == [0, 1, 1, 1, 1, 0]
