# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Check packed parameters from a file before anything is computed with them."""

from collections.abc import Iterator

import torch
from torch import Tensor

from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.kernels.conventions import is_clear_beyond
from bdc_occ_ros.kernels.operations import IntegerSign, Sign


def require_valid_unit(unit: PackedBdcUnit, name: str) -> None:
    """
    Refuse parameters that no folding gives; shapes and dtypes are checked elsewhere.

    :param name: Of the unit, for the message.
    :raises InvalidWeightsError: if bits beyond the last channel are set, a threshold is not a
        number or -inf, a pair of thresholds is out of order, or any other number is
        not finite.
    """
    for place, words, channels in _words(unit):
        if not is_clear_beyond(words, channels):
            raise InvalidWeightsError(
                f'{name}: {place}: bits beyond channel {channels} must be clear; export again')
    for place, sign in _signs(unit):
        if isinstance(sign, Sign) and not (sign.threshold > -torch.inf).all():
            raise InvalidWeightsError(
                f'{name}: {place}: thresholds are numbers above -inf; export again')
        if isinstance(sign, IntegerSign) and not (sign.low <= sign.high).all():
            raise InvalidWeightsError(
                f'{name}: {place}: low thresholds must not lie above high ones; export again')
    for place, tensor in unit.state_dict().items():
        if tensor.is_floating_point() and not place.endswith('threshold') and not (
                torch.isfinite(tensor).all()):
            raise InvalidWeightsError(f'{name}: {place}: not finite; export again')


def _words(unit: PackedBdcUnit) -> Iterator[tuple[str, Tensor, int]]:
    """Yield every tensor of packed bits, its place and its number of channels."""
    folded = unit.folded
    yield 'spatial.weights', folded.spatial.weights, unit.in_channels
    if folded.point is not None:
        yield 'point.weights', folded.point.weights, folded.spatial.weights.shape[0]
    for index, layer in enumerate(folded.branch):
        yield f'branch.{index}.weights', layer.weights, unit.out_channels
    for place, sign in _signs(unit):
        channels = sign.threshold if isinstance(sign, Sign) else sign.low
        yield f'{place}.flip', sign.flip, channels.numel()


def _signs(unit: PackedBdcUnit) -> Iterator[tuple[str, Sign | IntegerSign]]:
    folded = unit.folded
    signs = {'sign': folded.sign, 'spatial.integer_sign': folded.spatial.integer_sign,
             'point_sign': folded.point_sign}
    signs |= {f'branch.{index}.sign': layer.sign for index, layer in enumerate(folded.branch)}
    yield from ((place, sign) for place, sign in signs.items() if sign is not None)
