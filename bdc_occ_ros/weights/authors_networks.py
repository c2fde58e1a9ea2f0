# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recognise which published network a state dict belongs to, and account for its every tensor."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.network.config import load_network_config, NetworkConfig
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.weights.weights_file import require_finite, require_same_kinds, require_same_names

BINARY_NECK = 'img_neck.lateral_convs.0.l_conv_0_0.'
BACKBONE = 'img_bev_encoder_backbone.'
FIRST_UNIT = f'{BACKBONE}layers.0.0.conv1.'
# Networks with other units than BDC's, by a name within their first unit.
OTHER_UNITS = {'binary_3x3.weight': 'BiMatting', 'binary_conv.weight': 'BiSRNet or ReActNet',
               'binary_3x3.binary_conv.weight': 'BBCU'}


def recognise_network(tensors: Mapping[str, Tensor]) -> NetworkConfig:
    """
    Tell the network from the names in its state dict.

    :return: The config of FlashOcc, BDC-T, BDC-B, BEVDet or BDC-T for boxes, with batch
        normalization in the units where the checkpoint has it.
    :raises InvalidWeightsError: if it is none of these; a two-frame (4D-stereo) network and
        networks of other binarizers are named.
    """
    _refuse_two_frames(tensors)
    is_binary = f'{FIRST_UNIT}move0.k' in tensors
    if not is_binary:
        _refuse_other_units(tensors)
    has_occupancy = _has(tensors, 'occ_head.')
    if has_occupancy == _has(tensors, 'pts_bbox_head.'):
        raise InvalidWeightsError(
            'a published network has either occ_head or pts_bbox_head; this state dict has '
            f'{"both" if has_occupancy else "neither"}, its names begin with '
            f'{sorted({name.partition(".")[0] for name in tensors})[:6]}')
    has_binary_neck = _has(tensors, BINARY_NECK)
    if not is_binary:
        return load_network_config('flashocc_r50' if has_occupancy else 'bevdet_r50')
    if not has_occupancy:
        return _with_norms(load_network_config('bdc_det_t'), tensors)
    return _with_norms(load_network_config('bdc_occ_t' if has_binary_neck else 'bdc_occ_b'),
                       tensors)


def account_for(tensors: Mapping[str, Tensor], config: NetworkConfig) -> dict[str, Tensor]:
    """
    Match every tensor with one of the network; none may be left over on either side.

    :param tensors: Tensors by name, as they came.
    :param config: The network they should belong to.
    :return: The tensors, floating ones as float32, in the order of the network.
    :raises InvalidWeightsError: if a name, a shape or a kind differs, or a number is not finite.
    """
    with torch.device('meta'):
        expected = OccupancyNetwork(config).state_dict()
    missing = [name for name in expected if name not in tensors]
    unknown = [name for name in tensors if name not in expected]
    if missing or unknown:
        raise InvalidWeightsError(
            f'{config.name} has {len(expected)} tensors, the checkpoint {len(tensors)}; '
            f'{len(missing)} are missing {_grouped(missing)}, {len(unknown)} are unknown '
            f'{_grouped(unknown)}')
    require_same_names(tensors, expected, config.name)
    require_same_kinds(tensors, expected)
    require_finite(tensors, Path(config.name))
    return {name: tensors[name].to(wanted.dtype).contiguous()
            for name, wanted in expected.items()}


def _has(names: Collection[str], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in names)


def _refuse_two_frames(names: Collection[str]) -> None:
    """Name the networks that also look at the frame before."""
    prefixes = ('pre_process_net.', 'img_view_transformer.cost_volumn_net.',
                'img_view_transformer.depth_net.reduce_conv.')
    found = [prefix for prefix in prefixes if _has(names, prefix)]
    if found:
        raise InvalidWeightsError(
            f'this is a two-frame (4D-stereo) network: it has {found}. Only the one-frame '
            'networks exist here; take the checkpoint of a config without "4d-stereo" in its name')


def _refuse_other_units(names: Collection[str]) -> None:
    """Name the networks of other binarizers."""
    for marker, binarizer in OTHER_UNITS.items():
        if f'{FIRST_UNIT}{marker}' in names:
            raise InvalidWeightsError(
                f'the BEV backbone consists of the units of {binarizer}, by {FIRST_UNIT}{marker}; '
                'only BDC units can be imported')


def _with_norms(config: NetworkConfig, names: Collection[str]) -> NetworkConfig:
    """Set batch normalization in neck and BEV units to what the checkpoint has."""
    layers = config.published

    def as_stored(unit: UnitConfig | None, place: str) -> UnitConfig | None:
        if unit is None:
            return None
        has_norms = any(name.startswith(place) and '.bn_fp.' in name for name in names)
        return replace(unit, with_bn=has_norms, with_identity_bn=has_norms)

    return replace(config, published=replace(
        layers, image_neck_unit=as_stored(layers.image_neck_unit, 'img_neck.'),
        bev_unit=as_stored(layers.bev_unit, BACKBONE)))


def _grouped(names: list[str]) -> str:
    """Count names by where they are, with an example each."""
    places = Counter(name.partition('.')[0] for name in names)
    return str([f'{count} x {place} ({next(n for n in names if n.startswith(place))})'
                for place, count in places.most_common(4)])
