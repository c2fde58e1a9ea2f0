# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Weights files: the tensors of a network and a manifest that says which network, in safetensors.

The manifest is JSON in the file's metadata: the whole network config (sizes, grid, class names),
a hash over all tensors, and free words about where the weights come from. Files may come from
anywhere, so nothing in them is run, and whatever does not fit is refused by name.
"""

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
import torch
from torch import Tensor

from bdc_occ_ros.config import NetworkConfig
from bdc_occ_ros.config import parse_network_config
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.network.network import OccupancyNetwork

FORMAT = 'bdc_occ_ros weights 1'
SUFFIX = '.safetensors'
MANIFEST_KEY = 'manifest'
MAX_HEADER_BYTES = 1 << 20
STORED_DTYPES = {'F32', 'F16', 'BF16', 'I64', 'U8', 'BOOL'}
PICKLE_STARTS = (b'PK\x03\x04', b'\x80')


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """
    What a weights file holds.

    :param config: The network that the weights belong to.
    :param tensors: Weights and statistics by their name in the network.
    :param provenance: Where they come from, in free words: commit, recipe, data, scores.
    """

    config: NetworkConfig
    tensors: Mapping[str, Tensor]
    provenance: Mapping[str, str]


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """
    Write a weights file; an older one of that name is replaced in one step.

    :param path: File to write, ending in .safetensors.
    :param checkpoint: What to write; floating tensors keep their dtype.
    :raises InvalidWeightsError: if the name ends otherwise or a tensor is not finite.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise InvalidWeightsError(f'{path}: weights are written as {SUFFIX}')
    tensors = {n: t.detach().cpu().contiguous() for n, t in checkpoint.tensors.items()}
    _require_finite(tensors, path)
    manifest = {
        'format': FORMAT,
        'config': asdict(checkpoint.config),
        'tensors_sha256': tensors_sha256(tensors),
        'provenance': dict(checkpoint.provenance),
    }
    partial = path.with_name(f'.{path.name}.partial')
    partial.write_bytes(tensors_to_bytes(tensors, {MANIFEST_KEY: json.dumps(manifest)}))
    os.replace(partial, path)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """
    Read a weights file and check everything that can be checked without the network.

    :param path: File that save_checkpoint wrote.
    :raises InvalidWeightsError: if it is missing, a pickle, truncated, damaged, without manifest,
        of another format, with another hash, or has a number that is not finite.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidWeightsError(f'{path}: cannot be read: {error.strerror}') from error
    manifest = _manifest(_header(data, path), path)
    try:
        tensors = tensors_from_bytes(data)
    except SafetensorError as error:
        raise InvalidWeightsError(
            f'{path}: damaged or truncated, fetch it again: {error}') from error
    digest = tensors_sha256(tensors)
    if digest != manifest['tensors_sha256']:
        raise InvalidWeightsError(
            f'{path}: the tensors have sha256 {digest}, but the manifest says '
            f'{manifest["tensors_sha256"]}; the file was changed, fetch it again')
    _require_finite(tensors, path)
    try:
        config = parse_network_config(manifest['config'], f'{path}: config')
    except InvalidConfigError as error:
        raise InvalidWeightsError(f'the manifest does not describe a network: {error}') from error
    return Checkpoint(config, tensors, manifest['provenance'])


def restore_network(checkpoint: Checkpoint) -> OccupancyNetwork:
    """
    Build the network of a checkpoint with its weights, ready for inference.

    :param checkpoint: From load_checkpoint.
    :raises InvalidWeightsError: if names, shapes or kinds of the tensors are not exactly those of
        the network.
    """
    try:
        with torch.device('meta'):  # compare before any memory is taken
            expected = OccupancyNetwork(checkpoint.config).state_dict()
    except ValueError as error:
        raise InvalidWeightsError(
            f'{checkpoint.config.name}: no such network can be built: {error}') from error
    missing = sorted(expected.keys() - checkpoint.tensors.keys())
    unknown = sorted(checkpoint.tensors.keys() - expected.keys())
    if missing or unknown:
        raise InvalidWeightsError(
            f'the weights do not belong to {checkpoint.config.name}: {len(missing)} tensors are '
            f'missing {missing[:3]}, {len(unknown)} are unknown {unknown[:3]}')
    for name, tensor in checkpoint.tensors.items():
        wanted = expected[name]
        if tensor.shape != wanted.shape:
            raise InvalidWeightsError(f'{name}: {checkpoint.config.name} needs the shape '
                                      f'{tuple(wanted.shape)}; got {tuple(tensor.shape)}')
        if tensor.is_floating_point() != wanted.is_floating_point():
            raise InvalidWeightsError(
                f'{name}: {wanted.dtype} is needed; got {tensor.dtype}')
    network = OccupancyNetwork(checkpoint.config)
    network.load_state_dict(dict(checkpoint.tensors), strict=True)
    return network.eval()


def tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
    """
    Return a hash over names, dtypes, shapes and values.

    :param tensors: Tensors by name, on the CPU.
    :return: Hexadecimal SHA-256; the order of the names does not matter.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f'{name}|{tensor.dtype}|{tuple(tensor.shape)}|'.encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _header(data: bytes, path: Path) -> dict[str, Any]:
    """Return the JSON header of safetensors bytes once its length and dtypes are plausible."""
    length = int.from_bytes(data[:8], 'little')
    if len(data) < 8 or length > len(data) - 8 or length > MAX_HEADER_BYTES:
        if data.startswith(PICKLE_STARTS):
            raise InvalidWeightsError(
                f'{path}: this is a pickle, which can run any program when it is opened; convert '
                'it with safetensors.torch.save_file where you trust it')
        raise InvalidWeightsError(
            f'{path}: not a whole safetensors file: {len(data)} bytes with a header of {length} '
            f'(at most {MAX_HEADER_BYTES}); was it truncated?')
    try:
        header = json.loads(data[8:8 + length])
    except (ValueError, RecursionError) as error:
        raise InvalidWeightsError(f'{path}: the header is not JSON: {error}') from error
    if not isinstance(header, dict) or not all(isinstance(e, dict) for e in header.values()):
        raise InvalidWeightsError(f'{path}: the header is not that of a safetensors file')
    dtypes = {str(e.get('dtype')) for n, e in header.items() if n != '__metadata__'}
    if not dtypes <= STORED_DTYPES:
        raise InvalidWeightsError(f'{path}: tensors are {sorted(STORED_DTYPES)}; got '
                                  f'{sorted(dtypes - STORED_DTYPES)}')
    return header


def _manifest(header: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the manifest once it has all entries, of the right kind."""
    text = header.get('__metadata__', {}).get(MANIFEST_KEY)
    if not isinstance(text, str):
        raise InvalidWeightsError(
            f'{path}: there is no manifest, so the weights are not for this program')
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidWeightsError(f'{path}: the manifest is not JSON: {error}') from error
    kinds = {'format': str, 'config': dict, 'tensors_sha256': str, 'provenance': dict}
    is_whole = isinstance(manifest, dict) and manifest.keys() == kinds.keys() and all(
        isinstance(manifest[key], kind) for key, kind in kinds.items())
    if not is_whole or manifest['format'] != FORMAT:
        raise InvalidWeightsError(
            f'{path}: the manifest must say format {FORMAT!r} and have {sorted(kinds)}; got '
            f'{str(manifest)[:200]}')
    return manifest


def _require_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights that can only have come from a training that failed."""
    broken = [n for n, t in tensors.items() if not torch.isfinite(t).all()]
    if broken:
        raise InvalidWeightsError(f'{path}: not finite: {broken[:3]} ({len(broken)} tensors)')
