# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Group operations of one shape and their baselines, which one measurement alternates."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.bench.baselines import Baselines, torch_module
from bdc_occ_ros.bench.clock import Candidate
from bdc_occ_ros.bench.layers import (
    bits_layer,
    Layer,
    LAYERS,
    packing_layer,
    real_map,
    seeded_data,
    stream_layer,
    UNITS,
    UnitShape,
)
from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.kernels.conventions import bit_map
from bdc_occ_ros.kernels.operations import Operation, Splat
from bdc_occ_ros.kernels.plan import maps_of, Plan
from bdc_occ_ros.kernels.reference import ReferenceBackend
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.depth_to_bev import lift_to_bev
from bdc_occ_ros.network.packed_lift import splat_table
from bdc_occ_ros.weights.agreement import made_up_input

UNIT, CONVOLUTIONS = 'unit', "unit's convolutions"
UNIT_CONFIG = UnitConfig(with_bn=True, with_identity_bn=True)
STREAM = torch.bfloat16
SPLAT_MODEL = 'bdc_occ_b'


class Group(NamedTuple):
    """
    Group the operations of one shape with their baselines.

    :param shape: Channels and size, for tables.
    :param macs: Products of a bit and a bit in each of the operations; 0 for the splat.
    :param operations: What our backends run, by name.
    """

    shape: str
    macs: int
    operations: Mapping[str, Sequence[Operation]]
    baselines: Mapping[str, Candidate]


def choose_groups(names: str) -> dict[str, Callable[[Baselines], Group]]:
    """
    Return the factories of the groups whose names begin as asked for.

    :param names: Beginnings with commas between; empty means all.
    :raises UsageError: if no name begins so.
    """
    known = {**{layer.name: partial(layer_group, layer) for layer in LAYERS},
             **{shape.name: partial(unit_group, shape) for shape in UNITS}, 'splat': splat_group}
    wanted = [name.strip() for name in names.split(',') if name.strip()]
    for beginning in wanted:
        if not any(name.startswith(beginning) for name in known):
            raise UsageError(f'no layer begins with {beginning}; there are {", ".join(known)}')
    return {name: make for name, make in known.items()
            if not wanted or name.startswith(tuple(wanted))}


def layer_group(layer: Layer, baselines: Baselines) -> Group:
    """Return a layer from bits to bits, after packing, to a stream, and as the end of a unit."""
    data = seeded_data(layer)
    kind = f'{layer.kernel}x{layer.kernel}'
    return Group(layer.name.partition('-')[2], layer.macs, {
        kind: bits_layer(layer, data), f'{kind} packing': packing_layer(layer, data),
        f'{kind} stream': stream_layer(layer, data, is_end_of_unit=False),
        f'{kind} residual': stream_layer(layer, data, is_end_of_unit=True)},
        baselines.of_layer(layer, data))


def unit_group(shape: UnitShape, baselines: Baselines) -> Group:
    """Return a unit, and its two convolutions from bits to bits alone."""
    unit = _seeded_unit(shape.in_channels, shape.out_channels, shape.stride)
    convolutions = [step for layer in shape.layers
                    for step in bits_layer(layer, seeded_data(layer))]
    source = torch.randn((1, shape.in_channels, shape.height, shape.width))
    return Group(shape.name.partition('-')[2], sum(layer.macs for layer in shape.layers),
                 {UNIT: _unit_operations(shape, unit), CONVOLUTIONS: convolutions},
                 baselines.of_torch(partial(torch_module, unit, source)))


def _seeded_unit(in_channels: int, out_channels: int, stride: int = 1) -> BdcUnit:
    """Make a strictly binary unit with batch norms."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return BdcUnit(in_channels, out_channels, UNIT_CONFIG, stride).eval()


def _unit_operations(shape: UnitShape, unit: BdcUnit) -> list[Operation]:
    """Return a unit whose bits the one before it packed and that packs for the next one."""
    plan = Plan()
    source = plan.real((1, shape.height, shape.width, shape.in_channels), STREAM)
    bits = plan.bits(source.buffer.shape)
    result = PackedBdcUnit(unit).lower(plan, source, STREAM, bits=bits)
    following = _seeded_unit(shape.out_channels, shape.out_channels)
    plan.signs_of(result, PackedBdcUnit(following).folded.sign)
    for buffer in [used.buffer for operation in plan.operations for used in maps_of(operation)]:
        if buffer.tensor is None:  # memory of its own
            buffer.tensor = (bit_map(*buffer.shape) if buffer.is_bits
                             else torch.zeros(buffer.shape, dtype=plan.dtypes[buffer]))
    return plan.operations


def splat_group(baselines: Baselines) -> Group:
    """Return the splat of six cameras in the published network."""
    config = load_network_config(SPLAT_MODEL)
    (rays_m,) = made_up_input(config, 0)[1]
    shape, channels = rays_m.shape[:4], config.context_channels
    generator = torch.Generator().manual_seed(0)
    probability = torch.rand(shape, generator=generator).softmax(dim=1)
    context = torch.randn((shape[0], *shape[2:], channels), generator=generator)
    table = splat_table(rays_m, config.bev)
    ReferenceBackend().compile([table])()
    output = torch.empty((1, *config.bev.shape, channels))

    def torch_lift(dtype: torch.dtype) -> Callable[[], Tensor]:
        real = context.permute(0, 3, 1, 2)[None].to(dtype), probability[None].to(dtype)
        return lambda: lift_to_bev(*real, rays_m[None], config.bev)

    splat = Splat(table, probability, real_map(context), real_map(output))
    return Group('x'.join(map(str, (*shape, channels))), 0, {'splat': [splat]},
                 baselines.of_torch(torch_lift))
