# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Load a network by the name of a config or the path of a file, and choose what runs it.

models/<name>.safetensors are the weights that come with the package for the config <name>.
"""

import logging
import os
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from bdc_occ_ros.binary.engine_module import use_backend
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.kernels.selection import choose_backend, CUDA, has_bfloat16
from bdc_occ_ros.network.config import load_network_config, MODEL_NAMES, NetworkConfig
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.share import share_folder
from bdc_occ_ros.weights.checkpoint import checkpoint_in, restore_network
from bdc_occ_ros.weights.packed_checkpoint import (
    packed_checkpoint_in,
    PACKED_FORMAT,
    restore_packed_network,
)
from bdc_occ_ros.weights.weights_file import read_weights_file, SUFFIX, WeightsFile

DEVICES = ('cpu', 'cuda', 'auto')
GPU_FILES = ('/dev/nvidia0', '/dev/nvgpu', '/dev/nvhost-gpu')  # the last two on a Jetson
CONFIG_SUFFIXES = ('.yaml', '.yml', '.json')
_LOGGER = logging.getLogger(__name__)


class LoadedNetwork(NamedTuple):
    """
    Hold a network ready to run.

    :param network: In eval mode on its device; its config is `network.config`.
    :param is_trained: Whether its weights were learned rather than drawn.
    :param weights_sha256: Of the file with its weights, hexadecimal; empty where there is none.
    """

    network: nn.Module
    is_trained: bool
    device: torch.device
    backend: str
    weights_sha256: str


def load_network(model: str | Path | NetworkConfig, device: str, seed: int) -> LoadedNetwork:
    """
    Load or build a network; log what runs it and why.

    :param model: Name of a config, whose weights are those that come with the package if there
        are any; path of a config file, path of a weights file or a packed file, or a config.
    :param seed: Of the random weights where none are given.
    :raises InvalidConfigError: if the config is unknown or wrong.
    :raises InvalidWeightsError: if the file cannot be used.
    :raises UsageError: if the device is unknown, not there, or cannot run a packed file.
    :raises BdcOccError: if the kernels for a packed file cannot be used.
    """
    if device not in DEVICES:
        raise UsageError(f'the device is one of {DEVICES}; got {device!r}')
    path = None if isinstance(model, NetworkConfig) else _weights_path(model)
    file = None if path is None else read_weights_file(path)
    if file is not None and file.manifest['format'] == PACKED_FORMAT:
        return _packed(file, device)
    chosen = _torch_device(device)
    network = (_untrained(model, seed) if file is None else
               restore_network(checkpoint_in(file))).eval().to(chosen)
    backend = f'PyTorch on {chosen}'
    _LOGGER.info('%s: backend %s, since the weights are not packed', network.config.name, backend)
    return LoadedNetwork(network, file is not None, chosen, backend, file.sha256 if file else '')


def shipped_weights(name: str) -> Path | None:
    """Return the packed file that comes with the package for a network, None if there is none."""
    path = share_folder() / 'models' / f'{name}{SUFFIX}'
    return path if name in MODEL_NAMES and path.is_file() else None


def _weights_path(model: str | Path) -> Path | None:
    """Return the weights file that is meant: by its path, or the shipped one by its name."""
    path = Path(model)
    if path.suffix == SUFFIX or (os.path.isfile(path) and path.suffix not in CONFIG_SUFFIXES):
        return path
    shipped = shipped_weights(str(model))
    if shipped is not None:
        _LOGGER.info('%s: with the weights that come with this package, %s', model, shipped)
    return shipped


def _packed(file: WeightsFile, device: str) -> LoadedNetwork:
    """Restore a packed network and choose what runs its plans."""
    chosen = None if device == 'cuda' else choose_backend()
    if chosen is None or chosen.backend.name == CUDA:
        raise UsageError(f'{file.path}: whole packed networks run on the CPU; use device cpu and '
                         'no BDC_OCC_BACKEND, or the weights that this file was packed from')
    packed = packed_checkpoint_in(file)
    network = restore_packed_network(packed)
    use_backend(network, chosen.backend)
    if device == 'auto' and _has_gpu():
        _LOGGER.warning('there is a GPU, and it is not used: packed networks run on the CPU')
    if packed.real_dtype == 'bfloat16' and not has_bfloat16():
        _LOGGER.warning('%s: its real-valued layers are of bfloat16, which this processor '
                        'emulates; export it again with --real-dtype float32', file.path)
    _LOGGER.info('%s: packed, on the CPU with %s', packed.config.name, chosen.reason)
    return LoadedNetwork(network, packed.is_trained, torch.device('cpu'),
                         f'packed on cpu, {chosen.backend.name}', file.sha256)


def _torch_device(device: str) -> torch.device:
    """Return the device for a network that PyTorch runs."""
    if device == 'cuda' and not torch.cuda.is_available():
        raise UsageError('device cuda was asked for, but PyTorch finds none; use cpu, or install '
                         'a PyTorch with CUDA and a driver')
    if device == 'auto':
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
        _LOGGER.info('device auto: %s', device)
        if device == 'cpu' and _has_gpu():
            _LOGGER.warning(
                'there is a GPU, and PyTorch %s, made for CUDA %s, cannot use it; install one '
                "that suits its driver (on a Jetson NVIDIA's own)", torch.__version__,
                torch.version.cuda)
    return torch.device(device)


def _has_gpu() -> bool:
    """Return whether there is a GPU, be PyTorch able to use it or not."""
    return torch.cuda.is_available() or any(Path(file).exists() for file in GPU_FILES)


def _untrained(model: str | Path | NetworkConfig, seed: int) -> OccupancyNetwork:
    """Build a network with weights drawn from a seed."""
    config = model if isinstance(model, NetworkConfig) else load_network_config(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return OccupancyNetwork(config)
