# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A BDC unit in the middle of a chain, as operations with their memory."""

import torch

from bdc_occ_ros.bench.layers import UnitShape
from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.kernels.conventions import bit_map
from bdc_occ_ros.kernels.operations import Operation
from bdc_occ_ros.kernels.plan import maps_of, Plan

UNIT = UnitConfig(with_bn=True, with_identity_bn=True)
STREAM = torch.bfloat16


def seeded_unit(shape: UnitShape, seed: int = 0) -> BdcUnit:
    """Make a strictly binary unit with batch norms."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BdcUnit(shape.in_channels, shape.out_channels, UNIT, shape.stride).eval()


def unit_operations(shape: UnitShape, unit: BdcUnit) -> list[Operation]:
    """
    Return a unit whose bits were packed by the one before it and that packs for the next one.

    :param shape: Channels, size and stride.
    """
    plan = Plan()
    packed = PackedBdcUnit(unit)
    source = plan.real((1, shape.height, shape.width, shape.in_channels), STREAM)
    bits = plan.bits(source.buffer.shape)
    result = packed.lower(plan, source, STREAM, bits=bits)
    following = UnitShape(shape.out_channels, shape.out_channels, *shape.layers[1].out_size)
    plan.signs_of(result, PackedBdcUnit(seeded_unit(following)).folded.sign)
    _allocate(plan)
    return plan.operations


def _allocate(plan: Plan) -> None:
    """Give every buffer memory of its own."""
    for operation in plan.operations:
        for used in maps_of(operation):
            buffer = used.buffer
            if buffer.tensor is None:
                buffer.tensor = (bit_map(*buffer.shape) if buffer.is_bits
                                 else torch.zeros(buffer.shape, dtype=plan.dtypes[buffer]))
