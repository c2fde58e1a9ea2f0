# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Save and restore the float weights of a network, as training leaves them.

The manifest holds the whole network config (sizes, grid, class names), a hash over all tensors,
and free words about where the weights come from.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.files import quoted, reading
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.network import blank_network, OccupancyNetwork
from bdc_occ_ros.weights.packed_checkpoint import PACKED_FORMAT
from bdc_occ_ros.weights.weights_file import (
    read_weights_file,
    require_finite,
    require_same_tensors,
    WeightsFile,
    write_weights_file,
)

FORMAT = 'bdc_occ_ros weights 1'
MANIFEST_ENTRIES = {'config': dict, 'provenance': dict[str, str]}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """
    Hold weights and the config of the network that they belong to.

    :param tensors: Weights and statistics by their name in the network.
    :param provenance: Where they come from, in free words: commit, recipe, data, scores.
    """

    config: NetworkConfig
    tensors: Mapping[str, Tensor]
    provenance: Mapping[str, str]


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """
    Write a weights file; an older one of that name is replaced in one step.

    :raises InvalidWeightsError: if the name ends otherwise or a tensor is not finite.
    """
    require_finite(checkpoint.tensors, Path(path))
    manifest = {'format': FORMAT, 'config': asdict(checkpoint.config),
                'provenance': dict(checkpoint.provenance)}
    write_weights_file(path, manifest, checkpoint.tensors)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """
    Read a weights file and check everything that can be checked without the network.

    :raises InvalidWeightsError: if it is missing, a pickle, truncated, damaged, without manifest,
        of another format, with another hash, or has a number that is not finite.
    """
    return checkpoint_in(read_weights_file(path))


def checkpoint_in(file: WeightsFile) -> Checkpoint:
    """
    Take the checkpoint out of a weights file.

    :raises InvalidWeightsError: if it is packed, has another format, or a number that is not
        finite.
    """
    if file.manifest['format'] == PACKED_FORMAT:
        source = quoted(file.manifest.get('source_sha256') or 'not noted')
        raise InvalidWeightsError(
            f'{file.path}: these weights are packed; training, distillation and export need the '
            'latent ones that they were made of: the weights.safetensors that bdc-occ train or '
            f'import wrote, with sha256 {source}')
    file.require_manifest(FORMAT, MANIFEST_ENTRIES)
    require_finite(file.tensors, file.path)
    return Checkpoint(file.network_config(), file.tensors, file.manifest['provenance'])


def restore_network(checkpoint: Checkpoint) -> OccupancyNetwork:
    """
    Build the network of a checkpoint with its weights, ready for inference.

    :raises InvalidWeightsError: if names, shapes or kinds of the tensors are not exactly those of
        the network.
    """
    with reading(f'{checkpoint.config.name}: no such network can be built', InvalidWeightsError):
        network = blank_network(checkpoint.config,
                                sum(tensor.nbytes for tensor in checkpoint.tensors.values()))
    require_same_tensors(checkpoint.tensors, network.state_dict(), checkpoint.config.name)
    network.load_state_dict(dict(checkpoint.tensors))
    return network
