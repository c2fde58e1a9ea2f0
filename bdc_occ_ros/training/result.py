# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a training leaves behind: the averaged weights, as a weights file or in parts."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
import io
from pathlib import Path

import torch

from bdc_occ_ros.network.config import parse_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.training.shards import read_torch, write_shards
from bdc_occ_ros.weights.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from bdc_occ_ros.weights.weights_file import require_finite

FORMAT = 'bdc_occ_ros weights in parts 1'


def save_result(folder: Path, network: OccupancyNetwork, provenance: Mapping[str, str]) -> Path:
    """
    Write the weights: weights.safetensors, or parts in the folder weights where that is missing.

    :param provenance: Where they come from.
    :return: The file or folder.
    """
    tensors = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    if find_spec('safetensors') is not None:
        path = folder / 'weights.safetensors'
        save_checkpoint(path, Checkpoint(network.config, tensors, provenance))
        return path
    path = folder / 'weights'
    require_finite(tensors, path)
    stream = io.BytesIO()
    torch.save({'format': FORMAT, 'config': asdict(network.config),
                'provenance': dict(provenance), 'tensors': tensors}, stream)
    write_shards(path, stream.getvalue())
    return path


def load_result(path: Path) -> Checkpoint:
    """
    Read the weights of a training, whichever way they were written.

    :param path: A weights file, or the folder with its parts.
    :raises InvalidWeightsError: if a weights file cannot be used.
    :raises InvalidTrainingStateError: if the parts cannot.
    """
    if not path.is_dir():
        return load_checkpoint(path)
    saved = read_torch(path, FORMAT, {'format', 'config', 'provenance', 'tensors'})
    return Checkpoint(parse_network_config(saved['config'], str(path)), saved['tensors'],
                      saved['provenance'])
