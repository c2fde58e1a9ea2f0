# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The whole network with its binary units on bits; the other layers stay PyTorch's."""

import copy

import torch
from torch import nn

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.layers import BinaryConv2d
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.config import NetworkConfig
from bdc_occ_ros.network.network import OccupancyNetwork


def pack_network(network: OccupancyNetwork, *,
                 real_dtype: torch.dtype = torch.float32) -> OccupancyNetwork:
    """
    Fold the binary units of a network.

    :param network: With trained weights; it is left as it is. On device meta for shapes only.
    :param real_dtype: float32 or bfloat16, of the layers that are not packed.
    :return: A network for inference; its state_dict is all that a packed file holds.
    :raises FoldingError: if a unit cannot be folded.
    """
    packed = copy.deepcopy(network).eval().requires_grad_(False)
    _pack_units(packed, real_dtype)
    return packed


def empty_packed_network(config: NetworkConfig,
                         real_dtype: torch.dtype = torch.float32) -> OccupancyNetwork:
    """
    Build a packed network on device meta, to be filled by load_state_dict.

    :param config: The network.
    :param real_dtype: As for pack_network.
    """
    with torch.device('meta'):
        return pack_network(OccupancyNetwork(config), real_dtype=real_dtype)


def _pack_units(module: nn.Module, real_dtype: torch.dtype) -> None:
    """Replace every binary unit below a module and convert the layers beside them."""
    for name, child in module.named_children():
        if isinstance(child, BdcUnit) and isinstance(child.binary_conv_relu[0], BinaryConv2d):
            setattr(module, name, PackedBdcUnit(child))
        elif list(child.children()):
            _pack_units(child, real_dtype)
        else:
            child.to(real_dtype)
