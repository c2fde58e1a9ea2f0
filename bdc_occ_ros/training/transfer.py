# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Transfer weights from another training: what fits is taken over, and what does not is named.

A full-precision unit and a binary one hold the same layers; the binary one has shifts and signs
between them, which move the numbers of its branch's layers. So tensors are matched by which layer
they belong to and not by their names.
"""

from collections.abc import Mapping
from typing import NamedTuple

from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import ChannelBranch
from bdc_occ_ros.binary.layers import Redistribution
from bdc_occ_ros.binary.sign import BinaryActivation
from bdc_occ_ros.network.network import validate_architecture
from bdc_occ_ros.weights.checkpoint import Checkpoint


class Transfer(NamedTuple):
    """
    List what goes from one network to another.

    :param tensors: By their name in the new network.
    :param fresh: Names in the new network that keep their own first values.
    :param unused: Names in the old network that have no place in the new one.
    """

    tensors: Mapping[str, Tensor]
    fresh: tuple[str, ...]
    unused: tuple[str, ...]


def transfer_weights(checkpoint: Checkpoint, network: nn.Module) -> Transfer:
    """Return what a network can take over from a checkpoint."""
    old = validate_architecture(checkpoint.config)
    places = layer_names(network)
    names = {place: name for name, place in layer_names(old).items()
             if name in checkpoint.tensors}
    own = network.state_dict()
    tensors = {name: checkpoint.tensors[names[place]] for name, place in places.items()
               if place in names and checkpoint.tensors[names[place]].shape == own[name].shape}
    used = {names[places[name]] for name in tensors}
    return Transfer(tensors, tuple(name for name in own if name not in tensors),
                    tuple(name for name in checkpoint.tensors if name not in used))


def layer_names(network: nn.Module) -> dict[str, str]:
    """Return for the name of every tensor one that does not depend on whether units are binary."""
    moved = {}
    for path, module in network.named_modules():
        if isinstance(module, ChannelBranch):
            moved |= _branch_names(f'{path}.fc', module.fc)
    names = {}
    for name in network.state_dict():
        branch = next((path for path in moved if name.startswith(f'{path}.')), None)
        names[name] = name if branch is None else moved[branch] + name[len(branch):]
    return names


def _branch_names(path: str, layers: nn.Sequential) -> dict[str, str]:
    """Give the layers of a branch numbers that do not count shifts and signs."""
    names, count = {}, 0
    for index, layer in enumerate(layers):
        if isinstance(layer, Redistribution | BinaryActivation):
            names[f'{path}.{index}'] = f'{path}.{type(layer).__name__} of {count}'
        elif not isinstance(layer, nn.Identity):
            names[f'{path}.{index}'] = f'{path}.layer {count}'
            count += 1
    return names
