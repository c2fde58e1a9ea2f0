# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Save and restore packed files: a network with its binary units folded into bits.

The tensors are the state_dict of the packed network. The manifest says which network, what was
folded, what had no sign, and where the weights come from.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
import json
from pathlib import Path
from typing import Any

import torch
from torch import nn, Tensor

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.folding import count_zeros
from bdc_occ_ros.binary.layers import BinaryConv2d, Redistribution, RPReLU
from bdc_occ_ros.binary.packed_checks import require_valid_unit
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.files import quoted, reading
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.network import blank_network, OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network
from bdc_occ_ros.weights.weights_file import (
    require_finite,
    require_same_tensors,
    WeightsFile,
    write_weights_file,
)

PACKED_FORMAT = 'bdc_occ_ros packed'
OPSET = 2  # counts up whenever the meaning of the file changes
OPSETS_WITHOUT_HASH = (1,)  # the same tensors, but no hash covers the manifest
REAL_DTYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16}
FOLDED_LAYERS = (BinaryConv2d, nn.BatchNorm2d, Redistribution, RPReLU)
MANIFEST_ENTRIES = {'opset': int, 'config': dict, 'classes': dict, 'grid': dict,
                    'real_dtype': str, 'is_trained': bool, 'source_sha256': str,
                    'folded': dict[str, int], 'zeros': dict[str, int], 'total_zeros': dict,
                    'provenance': dict[str, str]}


@dataclass(frozen=True, eq=False)
class PackedCheckpoint:
    """
    Hold a packed network and what is known about it.

    :param real_dtype: float32 or bfloat16, of the layers that are not packed.
    :param source_sha256: Of the weights file that was packed; empty if there was none.
    :param folded: How many layers of each kind became part of others.
    :param zeros: Exact zeros, which have no sign, by parameter: b of a redistribution, weights.
    """

    config: NetworkConfig
    tensors: Mapping[str, Tensor]
    real_dtype: str
    is_trained: bool
    source_sha256: str
    folded: Mapping[str, int]
    zeros: Mapping[str, int]
    provenance: Mapping[str, str]

    def total_zeros(self) -> dict[str, int]:
        """Return the sums over all redistributions (b) and over all convolutions (weight)."""
        return {kind: sum(n for name, n in self.zeros.items() if name.endswith(f'.{kind}'))
                for kind in ('b', 'weight')}


def pack_checkpoint(network: OccupancyNetwork, *, real_dtype: str, is_trained: bool,
                    source_sha256: str, provenance: Mapping[str, str]) -> PackedCheckpoint:
    """
    Fold a network and count what was folded.

    The parameters are those of PackedCheckpoint.

    :raises FoldingError: if a unit cannot be folded.
    :raises InvalidWeightsError: if there is no binary unit to fold.
    """
    packed = pack_network(network, real_dtype=REAL_DTYPES[real_dtype])
    kinds = _count_layers(network)
    kinds.subtract(_count_layers(packed))
    if not kinds['BinaryConv2d']:
        raise InvalidWeightsError(f'{network.config.name} has no binary unit, nothing to pack')
    zeros = {f'{name}.{parameter}': count for name, unit in network.named_modules()
             if isinstance(unit, BdcUnit) for parameter, count in count_zeros(unit).items()}
    return PackedCheckpoint(network.config, packed.state_dict(), real_dtype, is_trained,
                            source_sha256, dict(+kinds), zeros, provenance)


def save_packed(path: str | Path, packed: PackedCheckpoint) -> None:
    """
    Write a packed file; an older one of that name is replaced in one step.

    :raises InvalidWeightsError: if the name ends otherwise or the file cannot be written.
    """
    manifest = {'format': PACKED_FORMAT, 'opset': OPSET, 'config': asdict(packed.config),
                **_described(packed.config), 'real_dtype': packed.real_dtype,
                'is_trained': packed.is_trained, 'source_sha256': packed.source_sha256,
                'folded': dict(packed.folded), 'zeros': dict(packed.zeros),
                'total_zeros': packed.total_zeros(), 'provenance': dict(packed.provenance)}
    write_weights_file(path, manifest, packed.tensors)


def packed_checkpoint_in(file: WeightsFile) -> PackedCheckpoint:
    """
    Take the packed network out of a weights file.

    :raises InvalidWeightsError: if format or opset differ, or the manifest contradicts itself.
    """
    manifest = file.manifest
    opset = manifest.get('opset')
    if manifest['format'] == PACKED_FORMAT and opset not in (OPSET, *OPSETS_WITHOUT_HASH):
        raise InvalidWeightsError(f'{file.path}: packed with opset {quoted(opset)}, but this '
                                  f'program reads up to {OPSET}; export the weights again')
    file.require_manifest(PACKED_FORMAT, MANIFEST_ENTRIES)
    if not file.has_manifest_hash and opset not in OPSETS_WITHOUT_HASH:
        raise InvalidWeightsError(f'{file.path}: opset {opset} has a hash of the manifest, which '
                                  'is missing; the file was changed, fetch it again')
    config = file.network_config()
    described = {name: manifest[name] for name in ('classes', 'grid')}
    if described != json.loads(json.dumps(_described(config))):
        raise InvalidWeightsError(f'{file.path}: classes and grid are not those of the config; '
                                  f'got {quoted(described)}')
    if manifest['real_dtype'] not in REAL_DTYPES:
        raise InvalidWeightsError(f'{file.path}: real_dtype is one of {sorted(REAL_DTYPES)}; got '
                                  f'{quoted(manifest["real_dtype"])}')
    packed = PackedCheckpoint(config, file.tensors, **{
        name: manifest[name] for name in ('real_dtype', 'is_trained', 'source_sha256', 'folded',
                                          'zeros', 'provenance')})
    if manifest['total_zeros'] != packed.total_zeros():
        raise InvalidWeightsError(f'{file.path}: total_zeros are not the sums of zeros; got '
                                  f'{quoted(manifest["total_zeros"])}')
    return packed


def restore_packed_network(packed: PackedCheckpoint) -> OccupancyNetwork:
    """
    Build the packed network, ready for inference.

    :raises InvalidWeightsError: if names, shapes, dtypes or values of the tensors cannot be those
        of the network.
    """
    with reading(f'{packed.config.name}: no such network can be built', InvalidWeightsError):
        num_bytes = sum(tensor.nbytes for tensor in packed.tensors.values())
        network = pack_network(blank_network(packed.config, num_bytes),
                               real_dtype=REAL_DTYPES[packed.real_dtype])
    require_same_tensors(packed.tensors, network.state_dict(), packed.config.name,
                         has_same_dtypes=True)
    network.load_state_dict(dict(packed.tensors), assign=True)
    for name, module in network.named_modules():
        if isinstance(module, PackedBdcUnit):
            require_valid_unit(module, name)
    require_finite({name: tensor for name, tensor in packed.tensors.items()
                    if not name.endswith('.threshold')}, Path(packed.config.name))
    return network.eval()


def _count_layers(network: nn.Module) -> Counter[str]:
    """Count the layers of the kinds that folding removes."""
    return Counter(type(m).__name__ for m in network.modules() if isinstance(m, FOLDED_LAYERS))


def _described(config: NetworkConfig) -> dict[str, Any]:
    """Return classes and grid of a config by themselves, for readers without this program."""
    heads = {'occupancy': config.occupancy, 'boxes': config.boxes}
    return {'classes': {name: head.class_names for name, head in heads.items() if head},
            'grid': asdict(config.voxel_grid()) if config.occupancy else {}}
