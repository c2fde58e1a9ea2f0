# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch on the layers and modules that the kernels are measured on."""

from collections.abc import Callable

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

from bdc_occ_ros.measurement.packed_layers import Layer
from bdc_occ_ros.measurement.packed_layers import LayerData


def torch_convolution(layer: Layer, data: LayerData, dtype: torch.dtype) -> Callable[[], Tensor]:
    """
    Return a convolution of -1 and +1, channels last.

    :param layer: The layer.
    :param data: Its input, of which the signs are taken, and weights.
    :param dtype: float32 or bfloat16.
    """
    signs = torch.where(data.real >= 0, 1.0, -1.0).to(dtype, memory_format=torch.channels_last)
    weight = data.weight.to(dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def run() -> Tensor:
        return functional.conv2d(signs, weight, None, layer.stride, layer.kernel // 2)
    return run


def torch_module(module: nn.Module, inputs: tuple[Tensor, ...],
                 dtype: torch.dtype) -> Callable[[], object]:
    """
    Return a module's forward, channels last.

    :param module: Is converted in place.
    :param inputs: Maps, (N, C, H, W).
    :param dtype: float32 or bfloat16.
    """
    module = module.eval().to(dtype).to(memory_format=torch.channels_last)
    inputs = tuple(x.to(dtype, memory_format=torch.channels_last) for x in inputs)

    @torch.inference_mode()
    def run() -> object:
        return module(*inputs)
    return run
