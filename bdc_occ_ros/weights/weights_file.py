# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Read and write safetensors files with a manifest, the form of every weights file.

The manifest is JSON in the file's metadata. It holds a hash of the tensors, and a hash of its text
stands beside it, so that nothing that changes an answer can be changed unnoticed. Files may come
from anywhere, so nothing in them is run, and whatever does not fit is refused by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
import json
import logging
from pathlib import Path
from typing import Any, get_args

from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
import torch
from torch import Tensor

from bdc_occ_ros.config_file import parse_dataclass
from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.files import parse_json, quoted, read_bytes, reading, replacing
from bdc_occ_ros.network.config import NetworkConfig

SUFFIX = '.safetensors'
MANIFEST_KEY = 'manifest'
HASH_KEY = 'manifest_sha256'
MAX_HEADER_BYTES = 1 << 20
MAX_FILE_BYTES = 1 << 31
STORED_DTYPES = {'F32', 'F16', 'BF16', 'I64', 'I32', 'U8', 'BOOL'}
PICKLE_STARTS = (b'PK\x03\x04', b'\x80')
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """
    Hold what an undamaged weights file says; whether it fits a network is not checked yet.

    :param manifest: Its entries format (str) and tensors_sha256 (str) are checked, others not.
    :param tensors: By name; they match the hash.
    :param sha256: Of the file as a whole, hexadecimal.
    :param has_manifest_hash: Whether a hash covers the manifest, as in all but older files.
    """

    path: Path
    manifest: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    sha256: str
    has_manifest_hash: bool

    def require_manifest(self, kind: str, entries: Mapping[str, Any]) -> None:
        """
        Refuse a file of another format, and one that lacks an entry or has another.

        :param entries: Type by name, as dict[str, int] is one, beside format and tensors_sha256.
        :raises InvalidWeightsError: if the manifest differs.
        """
        types = {'format': str, 'tensors_sha256': str, **entries}
        unfit = [name for name in {**types, **self.manifest}
                 if not _is_of(self.manifest.get(name), types.get(name))]
        if unfit or self.manifest['format'] != kind:
            raise InvalidWeightsError(
                f'{self.path}: the manifest must say format {kind!r} and have {sorted(types)}; it '
                f'says {quoted(self.manifest["format"])}, and missing, unknown or of another type '
                f'are {quoted(unfit)}')

    def network_config(self) -> NetworkConfig:
        """
        Return the config of the network that the manifest describes.

        :raises InvalidWeightsError: if there can be no such network.
        """
        with reading(self.path, InvalidWeightsError):
            return parse_dataclass(NetworkConfig, self.manifest['config'], f'{self.path}: config')


def write_weights_file(path: str | Path, manifest: Mapping[str, Any],
                       tensors: Mapping[str, Tensor]) -> None:
    """
    Write a weights file; an older one of that name is replaced in one step.

    :param path: File to write, ending in .safetensors.
    :param manifest: JSON values; hashes of the tensors and of all this are added.
    :raises InvalidWeightsError: if the name ends otherwise, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise InvalidWeightsError(f'{path}: weights are written as {SUFFIX}')
    tensors = {n: t.detach().cpu().contiguous() for n, t in tensors.items()}
    text = json.dumps({**manifest, 'tensors_sha256': tensors_sha256(tensors)})
    with replacing(path, InvalidWeightsError) as place:
        place.write_bytes(tensors_to_bytes(
            tensors, {MANIFEST_KEY: text, HASH_KEY: _text_sha256(text)}))


def read_weights_file(path: str | Path) -> WeightsFile:
    """
    Read a weights file and check everything that can be checked without knowing its format.

    :raises InvalidWeightsError: if it is missing, a pickle, truncated, damaged, without manifest,
        or its tensors or its manifest have another hash.
    """
    path = Path(path)
    data, header = _parts(path)
    with reading(f'{path}: header', InvalidWeightsError):
        metadata = header.pop('__metadata__', None) or {}  # safetensors takes null for none
        dtypes = {entry['dtype'] for entry in header.values()}
    if not dtypes <= STORED_DTYPES:
        raise InvalidWeightsError(f'{path}: tensors are {sorted(STORED_DTYPES)}; got '
                                  f'{quoted(list(dtypes - STORED_DTYPES))}')
    try:
        tensors = tensors_from_bytes(data)
    except SafetensorError as error:
        raise InvalidWeightsError(
            f'{path}: damaged or truncated, fetch it again: {error}') from error
    manifest = _manifest(metadata, path)
    digest = tensors_sha256(tensors)
    if digest != manifest['tensors_sha256']:
        raise InvalidWeightsError(
            f'{path}: the tensors have sha256 {digest}, but the manifest says '
            f'{quoted(manifest["tensors_sha256"])}; the file was changed, fetch it again')
    return WeightsFile(path, manifest, tensors, hashlib.sha256(data).hexdigest(),
                       HASH_KEY in metadata)


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


def _is_of(value: Any, kind: Any) -> bool:
    """Return whether a value of JSON is of a type, and the values in it of theirs."""
    if members := get_args(kind):
        return type(value) is dict and all(type(each) is members[1] for each in value.values())
    return type(value) is kind


def _text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _parts(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Return all bytes of a whole safetensors file, and its header, which no key has twice."""
    data = read_bytes(path, InvalidWeightsError, MAX_FILE_BYTES)
    length = int.from_bytes(data[:8], 'little')
    if 8 + length > len(data) or length > MAX_HEADER_BYTES:
        if data.startswith(PICKLE_STARTS):
            raise InvalidWeightsError(
                f'{path}: this is a pickle, which can run any program when it is opened; '
                'bdc-occ import takes published checkpoints; where you trust another, convert it '
                'with safetensors.torch.save_file')
        raise InvalidWeightsError(
            f'{path}: not a whole safetensors file: {len(data)} bytes with a header of {length} '
            f'(at most {MAX_HEADER_BYTES}); was it truncated?')
    return data, parse_json(data[8:8 + length], f'{path}: header', InvalidWeightsError)


def _manifest(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    """Return the manifest once it is a mapping that names its format and its hash."""
    if MANIFEST_KEY not in metadata or not metadata.keys() <= {MANIFEST_KEY, HASH_KEY}:
        raise InvalidWeightsError(f'{path}: metadata are {MANIFEST_KEY} and {HASH_KEY} in weights '
                                  f'for this program; here they are {quoted([*metadata])}')
    text = metadata[MANIFEST_KEY]
    digest = metadata.get(HASH_KEY)
    if digest is None:
        _LOGGER.warning('%s: written by an older version: no hash covers its manifest', path)
    elif digest != _text_sha256(text):
        raise InvalidWeightsError(f'{path}: the manifest has another sha256 than is noted beside '
                                  'it; the file was changed, fetch it again')
    manifest = parse_json(text, f'{path}: manifest', InvalidWeightsError)
    if not isinstance(manifest, dict) or not all(
            isinstance(manifest.get(name), str) for name in ('format', 'tensors_sha256')):
        raise InvalidWeightsError(f'{path}: the manifest must say format and tensors_sha256; got '
                                  f'{quoted(manifest)}')
    return manifest
