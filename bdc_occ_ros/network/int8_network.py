# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The real-valued layers of a packed network on eight bits; packed units, lift and labels stay.

Neighbours are joined first, so that onnxruntime keeps eight bits and a layout of its own from
layer to layer: of a network without binary units two sections remain, one on either side of the
lift. The box head stays in float.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.engine_module import EngineModule
from bdc_occ_ros.network.int8_section import Int8Section, SessionSettings
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_head import PackedOccupancyHead

IMAGE_STAGES = ('img_backbone', 'img_neck', 'img_view_transformer')
BEV_STAGES = ('img_bev_encoder_backbone', 'img_bev_encoder_neck')
BOXES = 'pts_bbox_head'
SCORES = 'occ_head'
Place = tuple[nn.Module, str]


@torch.inference_mode(False)
def put_on_8_bits(network: OccupancyNetwork, images: Tensor, ray_points_m: Tensor,
                  settings: SessionSettings) -> None:
    """
    Replace the real-valued layers of a network by sections of eight bits, in place.

    Afterwards it is for `predict` with inputs of the shapes given here.

    :param network: What pack_network returns, of the published layout, real layers in float32.
        Without binary units it becomes a network of eight bits throughout.
    :param images: Normalized images that show the ranges, (1, N, 3, H, W).
    :param ray_points_m: (1, N, D, h, w, 3) float32, metres, key ego frame.
    :raises UnsupportedLayerError: if a real-valued layer has no translation.
    """
    _join_stages(network, IMAGE_STAGES)
    _join_bev_stages(network)
    for place in list(_places(network)):
        sample = _input_of(place, network, images, ray_points_m)
        parent, name = place
        setattr(parent, name, Int8Section(getattr(parent, name), [sample], settings))


def _is_real(module: nn.Module) -> bool:
    """Return whether nothing in a module runs on the bit engine."""
    return not any(isinstance(part, EngineModule) for part in module.modules())


def _has_products(module: nn.Module) -> bool:
    return any(isinstance(part, nn.Conv2d | nn.Linear) for part in module.modules())


def _join_stages(network: OccupancyNetwork, names: Sequence[str]) -> None:
    """Let the first of real neighbours do the work of all."""
    for is_real, group in groupby(names, lambda name: _is_real(getattr(network, name))):
        members = list(group)
        if is_real and len(members) > 1:
            joined = nn.Sequential(OrderedDict(
                (name, getattr(network, name)) for name in members))
            for name in members[1:]:
                setattr(network, name, nn.Identity())
            setattr(network, members[0], joined)


def _join_bev_stages(network: OccupancyNetwork) -> None:
    """Take the scores of all voxels at once, with the layers before them where these are real."""
    head = network.occ_head
    if head is None:
        _join_stages(network, BEV_STAGES)
        return
    first, softplus, last = head.predicter
    scores = [_as_convolution(first), softplus, _as_convolution(last)]
    network.occ_head = PackedOccupancyHead(
        nn.Sequential(head.final_conv, *scores), nn.Sequential(), 1, head.heights_and_classes)
    stages = [getattr(network, name) for name in BEV_STAGES]
    if all(map(_is_real, (*stages, head.final_conv))):
        network.add_module(BEV_STAGES[0], nn.Sequential(OrderedDict(
            zip((*BEV_STAGES, SCORES), (*stages, network.occ_head.final_conv)))))
        network.add_module(BEV_STAGES[1], nn.Identity())
        network.occ_head.final_conv = nn.Identity()


def _as_convolution(linear: nn.Linear) -> nn.Conv2d:
    convolution = nn.Conv2d(linear.in_features, linear.out_features, 1)
    convolution.weight.data = linear.weight.data[:, :, None, None]
    convolution.bias.data = linear.bias.data
    return convolution


def _places(module: nn.Module) -> Iterator[Place]:
    """Iterate over where real layers stand, neighbours in a row joined."""
    if isinstance(module, nn.Sequential) and not _is_real(module):
        joined = [part for is_real, group in groupby(list(module), _is_real)
                  for part in ([nn.Sequential(*group)] if is_real else group)]
        module._modules.clear()
        module.extend(joined)
    for name, child in list(module.named_children()):
        if name == BOXES or not _has_products(child):
            continue
        if _is_real(child):
            yield module, name
        elif not isinstance(child, EngineModule) or isinstance(child, PackedOccupancyHead):
            yield from _places(child)


@torch.inference_mode()
def _input_of(place: Place, network: OccupancyNetwork, images: Tensor,
              ray_points_m: Tensor) -> tuple[Tensor, ...]:
    """Return what the layers at a place get when the network runs."""
    parent, name = place
    seen: list[tuple[Tensor, ...]] = []
    hook = getattr(parent, name).register_forward_pre_hook(
        lambda _, inputs: seen.append(tuple(x.clone() for x in inputs)))
    network.predict(images, ray_points_m)
    hook.remove()
    return seen[0]
