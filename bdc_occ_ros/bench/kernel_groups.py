# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What takes turns in one measurement: operations of one shape, and the peers that compute it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bdc_occ_ros.bench.alternation import Contestant
from bdc_occ_ros.bench.kernel_peers import KernelPeers
from bdc_occ_ros.bench.layers import Layer, LAYERS, UNITS, UnitShape
from bdc_occ_ros.bench.packed_layers import (
    bits_layer,
    packing_layer,
    residual_layer,
    seeded_data,
    stream_layer,
)
from bdc_occ_ros.bench.packed_splat import SeededSplat
from bdc_occ_ros.bench.packed_units import seeded_unit, unit_operations
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.kernels.operations import Operation

UNIT, CONVOLUTIONS = 'unit', "unit's convolutions"


@dataclass(frozen=True, eq=False)
class Group:
    """
    Contestants of one shape.

    :param shape: Channels and size, for tables.
    :param macs: Products of a bit and a bit in each of the operations; 0 for the splat.
    :param operations: What our backends run, by name.
    :param peers: Who else computes it.
    """

    shape: str
    macs: int
    operations: Mapping[str, Sequence[Operation]]
    peers: Mapping[str, Contestant]


def layer_group(layer: Layer, peers: KernelPeers) -> Group:
    """Return a layer from bits to bits, after packing, to a stream, and as the end of a unit."""
    data = seeded_data(layer)
    kind = f'{layer.kernel}x{layer.kernel}'
    return Group(layer.name.partition('-')[2], layer.macs, {
        kind: bits_layer(layer, data), f'{kind} packing': packing_layer(layer, data),
        f'{kind} stream': stream_layer(layer, data),
        f'{kind} residual': residual_layer(layer, data)}, peers.of_layer(layer, data))


def unit_group(shape: UnitShape, peers: KernelPeers) -> Group:
    """Return a unit, and its two convolutions from bits to bits alone."""
    unit = seeded_unit(shape)
    convolutions = [step for layer in shape.layers
                    for step in bits_layer(layer, seeded_data(layer))]
    return Group(shape.name.partition('-')[2], sum(layer.macs for layer in shape.layers),
                 {UNIT: unit_operations(shape, unit), CONVOLUTIONS: convolutions},
                 peers.of_unit(shape, unit))


def splat_group(peers: KernelPeers) -> Group:
    """Return the splat of six cameras."""
    splat = SeededSplat()
    return Group(splat.shape, 0, {'splat': splat.operations()}, peers.of_splat(splat))


def choose_groups(names: str) -> dict[str, Callable[[KernelPeers], Group]]:
    """
    Return what makes the groups whose names begin as asked for.

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
