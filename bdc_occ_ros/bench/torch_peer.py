# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch as a peer, channels last."""

from collections.abc import Callable
import copy

import torch
from torch import nn, Tensor
from torch.nn import functional

from bdc_occ_ros.bench.layers import Layer
from bdc_occ_ros.bench.packed_layers import LayerData


def torch_convolution(layer: Layer, data: LayerData, dtype: torch.dtype) -> Callable[[], Tensor]:
    """
    Return a convolution of -1 and +1.

    :param data: Its input, of which the signs are taken, and weights.
    :param dtype: float32 or bfloat16.
    """
    signs, weight = (values.to(dtype).contiguous(memory_format=torch.channels_last)
                     for values in (torch.where(data.real >= 0, 1.0, -1.0), data.weight))
    return torch.inference_mode()(lambda: functional.conv2d(
        signs, weight, None, layer.stride, layer.kernel // 2))


def torch_module(module: nn.Module, source: Tensor, dtype: torch.dtype) -> Callable[[], Tensor]:
    """
    Return a module's forward.

    :param module: In eval mode; it is left as it is.
    :param source: Its input, (N, C, H, W).
    :param dtype: float32 or bfloat16.
    """
    module = copy.deepcopy(module).to(dtype).to(memory_format=torch.channels_last)
    source = source.to(dtype).contiguous(memory_format=torch.channels_last)
    return torch.inference_mode()(lambda: module(source))
