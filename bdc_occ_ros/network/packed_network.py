# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Pack a network: its binary units run on bits, the other layers stay PyTorch's.

Structure and names of the stages are those of the float network. What lies between two
real-valued layers becomes one PackedSubgraph, one plan; the lift and the last layers of the
occupancy head have forms of their own.

What stands beside real convolutions is folded into them in float64, and Identity takes its place:
a normalization into the convolution in front; in units of full precision the shift before a PReLU
into the bias of the convolution in front, the shift behind it into the bias of the 1x1 that
follows (which has no border where the shift would be missing).
"""

from collections.abc import Iterator, Sequence
import copy
from itertools import groupby, pairwise

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.engine_module import LoweredModule, STREAM_DTYPE
from bdc_occ_ros.binary.layers import BinaryConv2d
from bdc_occ_ros.binary.module_lowering import can_lower, PackedSubgraph
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.network.bev_encoder import NanoBevBackbone
from bdc_occ_ros.network.bev_to_occupancy import NanoOccupancyHead
from bdc_occ_ros.network.layers import LevelFusion
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_head import PackedOccupancyHead
from bdc_occ_ros.network.packed_layers import LevelConvolutions, LevelSum, UnshuffleAffine
from bdc_occ_ros.network.packed_lift import PackedLift


def pack_network(network: OccupancyNetwork, *, real_dtype: torch.dtype = torch.float32,
                 stream_dtype: torch.dtype = STREAM_DTYPE) -> OccupancyNetwork:
    """
    Fold the binary units of a network, and its normalizations.

    :param network: With trained weights; it is left as it is.
    :param real_dtype: float32 or bfloat16, of the layers that are not packed.
    :param stream_dtype: Of the real maps between packed units: float32, bfloat16 or float16.
    :return: A network for inference; its state_dict is all that a packed file holds.
    :raises FoldingError: if a unit cannot be folded.
    """
    packed = copy.deepcopy(network).eval().requires_grad_(False)
    _fold_normalizations(packed)
    _fold_shifts(packed)
    packed = packed_units(packed)
    for name, child in list(packed.named_children()):
        setattr(packed, name, _with_subgraphs(child))
    packed.lift = PackedLift(packed.config.bev, real_dtype)
    head = packed.occ_head
    if head is not None:
        packed.occ_head = (PackedOccupancyHead.of_nano(head) if isinstance(head, NanoOccupancyHead)
                           else PackedOccupancyHead.of_published(head))
    for module in _outermost(packed):
        if isinstance(module, LoweredModule):
            module.stream_dtype, module.output_dtype = stream_dtype, real_dtype
        else:
            module.to(dtype=real_dtype, memory_format=torch.channels_last)
    packed.image_dtype = real_dtype
    return packed


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
    if isinstance(module, NanoBevBackbone) and can_lower(module.stages[0]):
        unshuffle, norm = module.stem
        module.stem = UnshuffleAffine(unshuffle.downscale_factor, *_scale_and_offset(norm))
    return module


def _with_subgraphs(module: nn.Module) -> nn.Module:
    """Return the module with sections as large as possible in it, or as one section."""
    if isinstance(module, LoweredModule):
        return module
    if can_lower(module):
        return PackedSubgraph(module)
    if isinstance(module, nn.Sequential):
        return nn.Sequential(*_joined(_split_fusion(module)))
    for name, child in list(module.named_children()):
        setattr(module, name, _with_subgraphs(child))
    return module


def _split_fusion(modules: nn.Sequential) -> list[nn.Module]:
    """Split a fusion of levels in front of what can be recorded."""
    first, *others = modules
    if isinstance(first, LevelFusion) and others and can_lower(others[0]):
        return [LevelConvolutions(first), LevelSum(), *others]
    return [first, *others]


def _joined(modules: Sequence[nn.Module]) -> Iterator[nn.Module]:
    """Join neighbours that can be lowered."""
    for can_join, group in groupby(modules, can_lower):
        members = list(group)
        if can_join and len(members) > 1:
            yield PackedSubgraph(nn.Sequential(*members))
        else:
            yield from map(_with_subgraphs, members)


def _outermost(module: nn.Module) -> Iterator[nn.Module]:
    """Iterate over lowered modules and, outside of these, layers without children."""
    children = list(module.children())
    if isinstance(module, LoweredModule) or not children:
        yield module
        return
    for child in children:
        yield from _outermost(child)


def _scale_and_offset(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return what a normalization multiplies by and adds, (C,) float64 each."""
    scale = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return scale, norm.bias.detach().double() - norm.running_mean.double() * scale


def _fold_normalizations(network: nn.Module) -> None:
    """
    Fold every normalization that directly follows a real convolution.

    A module that lists a convolution and right behind it a normalization applies one to the other,
    except LevelFusion, which applies its own to a sum.
    """
    for module in list(network.modules()):
        if isinstance(module, LevelFusion):
            scale, offset = _scale_and_offset(module.bn)
            _apply_to_results(module.fine, scale, offset)
            _apply_to_results(module.coarse, scale)
            module.bn = nn.Identity()
            continue
        for (_, layer), (name, following) in pairwise(list(module.named_children())):
            if isinstance(following, nn.BatchNorm2d) and isinstance(layer, nn.Conv2d) and (
                    not isinstance(layer, BinaryConv2d)):
                _apply_to_results(layer, *_scale_and_offset(following))
                setattr(module, name, nn.Identity())


def _fold_shifts(network: nn.Module) -> None:
    """Fold the shifts of RPReLUs in units of full precision, whose normalizations are folded."""
    for unit in network.modules():
        if not isinstance(unit, BdcUnit) or isinstance(unit.binary_conv_relu[0], BinaryConv2d):
            continue
        convolution, _, activation, *last = unit.binary_conv_relu
        _add_to_bias(convolution, _taken(activation, 'pr_bias0'))
        if last:
            following, _, bend = last
            shift = _taken(activation, 'pr_bias1')
            _add_to_bias(following, following.weight.detach().double().flatten(1) @ shift)
            _add_to_bias(following, _taken(bend, 'pr_bias0'))


def _taken(activation: nn.Module, name: str) -> Tensor:
    """Take a shift out of an RPReLU and return it, (C,) float64."""
    shift = getattr(activation, name)
    setattr(activation, name, nn.Identity())
    return shift.bias.detach().double().flatten()


def _apply_to_results(layer: nn.Conv2d, scale: Tensor, offset: Tensor | None = None) -> None:
    """Multiply the results of a convolution and add to them; without offset it has no bias."""
    weight = layer.weight.detach().double() * scale[:, None, None, None]
    layer.weight = nn.Parameter(weight.to(layer.weight.dtype), requires_grad=False)
    if offset is not None:
        bias = 0.0 if layer.bias is None else layer.bias.detach().double()
        layer.bias = nn.Parameter((bias * scale + offset).to(layer.weight.dtype),
                                  requires_grad=False)


def _add_to_bias(layer: nn.Conv2d, shift: Tensor) -> None:
    """Add to the bias of a convolution, which need not have one."""
    bias = shift if layer.bias is None else layer.bias.detach().double() + shift
    layer.bias = nn.Parameter(bias.to(layer.weight.dtype), requires_grad=False)
