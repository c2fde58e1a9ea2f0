# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Read and write safetensors files with a manifest, the form of every weights file.

The manifest is JSON in the file's metadata. Files may come from anywhere, so nothing in them is
run, and whatever does not fit is refused by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import safe_open, SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
import torch
from torch import Tensor

from bdc_occ_ros.config_file import parse_dataclass
from bdc_occ_ros.errors import InvalidConfigError, InvalidWeightsError
from bdc_occ_ros.files import replacing
from bdc_occ_ros.network.config import NetworkConfig

SUFFIX = '.safetensors'
MANIFEST_KEY = 'manifest'
MAX_HEADER_BYTES = 1 << 20
MAX_FILE_BYTES = 1 << 31
STORED_DTYPES = {'F32', 'F16', 'BF16', 'I64', 'I32', 'U8', 'BOOL'}
PICKLE_STARTS = (b'PK\x03\x04', b'\x80')


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """
    Hold what an undamaged weights file says; whether it fits a network is not checked yet.

    :param manifest: Its entries format (str) and tensors_sha256 (str) are checked, others not.
    :param tensors: By name; they match the hash.
    :param sha256: Of the file as a whole, hexadecimal.
    """

    path: Path
    manifest: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    sha256: str

    def require_manifest(self, kind: str, entries: Mapping[str, type]) -> None:
        """
        Refuse a file of another format, and one that lacks an entry or has another.

        :param entries: Type by name, beside format and tensors_sha256.
        :raises InvalidWeightsError: if the manifest differs.
        """
        types = {'format': str, 'tensors_sha256': str, **entries}
        is_whole = self.manifest.keys() == types.keys() and all(
            type(self.manifest[name]) is entry for name, entry in types.items())
        if not is_whole or self.manifest['format'] != kind:
            raise InvalidWeightsError(
                f'{self.path}: the manifest must say format {kind!r} and have {sorted(types)}; '
                f'got {str(self.manifest)[:200]}')

    def network_config(self) -> NetworkConfig:
        """
        Return the config of the network that the manifest describes.

        :raises InvalidWeightsError: if there can be no such network.
        """
        try:
            return parse_dataclass(NetworkConfig, self.manifest['config'], f'{self.path}: config')
        except InvalidConfigError as error:
            raise InvalidWeightsError(
                f'the manifest does not describe a network: {error}') from error


def write_weights_file(path: str | Path, manifest: Mapping[str, Any],
                       tensors: Mapping[str, Tensor]) -> None:
    """
    Write a weights file; an older one of that name is replaced in one step.

    :param path: File to write, ending in .safetensors.
    :param manifest: JSON values; the hash of the tensors is added.
    :raises InvalidWeightsError: if the name ends otherwise, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise InvalidWeightsError(f'{path}: weights are written as {SUFFIX}')
    tensors = {n: t.detach().cpu().contiguous() for n, t in tensors.items()}
    text = json.dumps({**manifest, 'tensors_sha256': tensors_sha256(tensors)})
    with replacing(path, InvalidWeightsError) as place:
        place.write_bytes(tensors_to_bytes(tensors, {MANIFEST_KEY: text}))


def read_weights_file(path: str | Path) -> WeightsFile:
    """
    Read a weights file and check everything that can be checked without knowing its format.

    :raises InvalidWeightsError: if it is missing, a pickle, truncated, damaged, without manifest,
        or its tensors have another hash.
    """
    path = Path(path)
    data = _read_bytes(path)
    try:
        with safe_open(path, 'pt') as file:
            metadata = file.metadata() or {}
            dtypes = {file.get_slice(name).get_dtype() for name in file.keys()}
        if not dtypes <= STORED_DTYPES:
            raise InvalidWeightsError(f'{path}: tensors are {sorted(STORED_DTYPES)}; got '
                                      f'{sorted(dtypes - STORED_DTYPES)}')
        tensors = tensors_from_bytes(data)
    except SafetensorError as error:
        raise InvalidWeightsError(
            f'{path}: damaged or truncated, fetch it again: {error}') from error
    manifest = _manifest(metadata, path)
    digest = tensors_sha256(tensors)
    if digest != manifest['tensors_sha256']:
        raise InvalidWeightsError(
            f'{path}: the tensors have sha256 {digest}, but the manifest says '
            f'{manifest["tensors_sha256"]}; the file was changed, fetch it again')
    return WeightsFile(path, manifest, tensors, hashlib.sha256(data).hexdigest())


def require_same_tensors(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor],
                         network: str, *, has_same_dtypes: bool = False) -> None:
    """
    Refuse tensors that are not exactly those of a network by name, shape and kind.

    :param expected: The network's own, on any device.
    :param has_same_dtypes: Whether dtypes must be equal; else floating ones may be of any
        precision.
    :raises InvalidWeightsError: if a name, a shape, a dtype or a kind differs.
    """
    missing = sorted(expected.keys() - tensors.keys())
    unknown = sorted(tensors.keys() - expected.keys())
    if missing or unknown:
        raise InvalidWeightsError(
            f'the weights do not belong to {network}: {len(missing)} tensors are '
            f'missing {missing[:3]}, {len(unknown)} are unknown {unknown[:3]}')
    for name, tensor in tensors.items():
        wanted = expected[name]
        if tensor.shape != wanted.shape:
            raise InvalidWeightsError(f'{name}: {network} needs the shape '
                                      f'{tuple(wanted.shape)}; got {tuple(tensor.shape)}')
        if tensor.is_floating_point() != wanted.is_floating_point() or (
                has_same_dtypes and tensor.dtype != wanted.dtype):
            raise InvalidWeightsError(f'{name}: {wanted.dtype} is needed; got {tensor.dtype}')


def require_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """
    Refuse weights that can only have come from a training that failed.

    :raises InvalidWeightsError: if a number is infinite or not a number.
    """
    broken = [n for n, t in tensors.items() if not torch.isfinite(t).all()]
    if broken:
        raise InvalidWeightsError(f'{path}: not finite: {broken[:3]} ({len(broken)} tensors)')


def tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
    """
    Return a hexadecimal SHA-256 over names, dtypes, shapes and values, in any order.

    :param tensors: By name, on the CPU.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f'{name}|{tensor.dtype}|{tuple(tensor.shape)}|'.encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _read_bytes(path: Path) -> bytes:
    """Read a regular file of a plausible size whose header has one too."""
    try:
        size = path.stat().st_size
        if not path.is_file() or size > MAX_FILE_BYTES:
            raise InvalidWeightsError(f'{path}: weights are a regular file of at most '
                                      f'{MAX_FILE_BYTES} bytes; this is something else')
        data = path.read_bytes()
    except OSError as error:
        raise InvalidWeightsError(f'{path}: cannot be read: {error.strerror}') from error
    length = int.from_bytes(data[:8], 'little')
    if 8 + length <= len(data) and length <= MAX_HEADER_BYTES:
        return data
    if data.startswith(PICKLE_STARTS):
        raise InvalidWeightsError(
            f'{path}: this is a pickle, which can run any program when it is opened; convert '
            'it with safetensors.torch.save_file where you trust it')
    raise InvalidWeightsError(
        f'{path}: not a whole safetensors file: {len(data)} bytes with a header of {length} '
        f'(at most {MAX_HEADER_BYTES}); was it truncated?')


def _manifest(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    """Return the manifest once it is a mapping that names its format and its hash."""
    if MANIFEST_KEY not in metadata:
        raise InvalidWeightsError(
            f'{path}: there is no manifest, so the weights are not for this program')
    try:
        manifest = json.loads(metadata[MANIFEST_KEY])
    except (ValueError, RecursionError) as error:
        raise InvalidWeightsError(f'{path}: the manifest is not JSON: {error}') from error
    if not isinstance(manifest, dict) or not all(
            isinstance(manifest.get(name), str) for name in ('format', 'tensors_sha256')):
        raise InvalidWeightsError(f'{path}: the manifest must say format and tensors_sha256; got '
                                  f'{str(manifest)[:200]}')
    return manifest
