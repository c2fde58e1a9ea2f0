# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Pack a network: its binary units run on bits, the other layers stay PyTorch's.

Structure and names of the stages are those of the float network. What lies between two
real-valued layers becomes one Section, one plan; the lift and the last layers of the occupancy
head have forms of their own.
"""

from collections.abc import Iterator, Sequence
import copy
from itertools import groupby

import torch
from torch import nn

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.layers import BinaryConv2d
from bdc_occ_ros.binary.module_recording import is_recordable
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.binary.recorded_module import RecordedModule, STREAM_DTYPE
from bdc_occ_ros.binary.section import Section
from bdc_occ_ros.network.bev_encoder import NanoBevBackbone
from bdc_occ_ros.network.bev_to_occupancy import NanoOccupancyHead, OccupancyHead
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.folding import fold_normalizations, fold_shifts
from bdc_occ_ros.network.layers import LevelFusion
from bdc_occ_ros.network.network import OccupancyNetwork, validate_architecture
from bdc_occ_ros.network.packed_head import PackedOccupancyHead
from bdc_occ_ros.network.packed_layers import LevelConvolutions, LevelSum, UnshuffleAffine
from bdc_occ_ros.network.packed_lift import PackedLift


def pack_network(network: OccupancyNetwork, *, real_dtype: torch.dtype = torch.float32,
                 stream_dtype: torch.dtype = STREAM_DTYPE) -> OccupancyNetwork:
    """
    Fold the binary units of a network, and its normalizations.

    :param network: With trained weights; it is left as it is. On device meta for shapes only.
    :param real_dtype: float32 or bfloat16, of the layers that are not packed.
    :param stream_dtype: Of the real maps between packed units: float32, bfloat16 or float16.
    :return: A network for inference; its state_dict is all that a packed file holds.
    :raises FoldingError: if a unit cannot be folded.
    """
    packed = copy.deepcopy(network).eval().requires_grad_(False)
    fold_normalizations(packed)
    fold_shifts(packed)
    packed = packed_units(packed)
    for name, child in list(packed.named_children()):
        setattr(packed, name, _with_sections(child))
    packed.lift = PackedLift(packed.config.bev, real_dtype)
    packed.occ_head = _packed_head(packed.occ_head)
    for module in _outermost(packed):
        if isinstance(module, RecordedModule):
            module.stream_dtype, module.output_dtype = stream_dtype, real_dtype
        else:
            module.to(dtype=real_dtype, memory_format=torch.channels_last)
    packed.image_dtype = real_dtype
    return packed


def empty_packed_network(config: NetworkConfig,
                         real_dtype: torch.dtype = torch.float32) -> OccupancyNetwork:
    """
    Build a packed network on device meta, to be filled by load_state_dict.

    :raises InvalidConfigError: if there can be no such network.
    """
    with torch.device('meta'):
        return pack_network(validate_architecture(config), real_dtype=real_dtype)


def packed_units(module: nn.Module) -> nn.Module:
    """
    Return a module with every binary unit replaced, and the stem in front of packed ones.

    :param module: Changed in place, unless it is a unit itself.
    :raises FoldingError: if a unit cannot be folded.
    """
    if isinstance(module, BdcUnit) and isinstance(module.binary_conv_relu[0], BinaryConv2d):
        return PackedBdcUnit(module)
    for name, child in list(module.named_children()):
        setattr(module, name, packed_units(child))
    if isinstance(module, NanoBevBackbone) and is_recordable(module.stages[0]):
        module.stem = UnshuffleAffine(*module.stem)
    return module


def _with_sections(module: nn.Module) -> nn.Module:
    """Return the module with sections as large as possible in it, or as one section."""
    if isinstance(module, RecordedModule):
        return module
    if is_recordable(module):
        return Section(module)
    if isinstance(module, nn.Sequential):
        return nn.Sequential(*_joined(_split_fusion(module)))
    for name, child in list(module.named_children()):
        setattr(module, name, _with_sections(child))
    return module


def _split_fusion(modules: nn.Sequential) -> list[nn.Module]:
    """Split a fusion of levels in front of what can be recorded."""
    first, *others = modules
    if isinstance(first, LevelFusion) and others and is_recordable(others[0]):
        return [LevelConvolutions(first), LevelSum(), *others]
    return [first, *others]


def _joined(modules: Sequence[nn.Module]) -> Iterator[nn.Module]:
    """Join recordable neighbours."""
    for can_join, group in groupby(modules, is_recordable):
        members = list(group)
        if can_join and len(members) > 1:
            yield Section(nn.Sequential(*members))
        else:
            yield from map(_with_sections, members)


def _packed_head(head: nn.Module | None) -> nn.Module | None:
    """Return the occupancy head in its form for inference."""
    if isinstance(head, NanoOccupancyHead):
        return PackedOccupancyHead.of_nano(head)
    return PackedOccupancyHead.of_published(head) if isinstance(head, OccupancyHead) else head


def _outermost(module: nn.Module) -> Iterator[nn.Module]:
    """Iterate over recorded modules and, outside of these, layers without children."""
    children = list(module.children())
    if isinstance(module, RecordedModule) or not children:
        yield module
        return
    for child in children:
        yield from _outermost(child)
