# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Open checkpoints in the format of mmcv, as the authors of BDC-Occ and of its bases publish them.

Such a file is a zip archive with a pickle inside. It is opened by PyTorch's restricted reader,
which knows tensors and plain containers only and runs nothing; sizes are compared with the
archive's before any memory is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
from pathlib import Path
import pickle
import struct
from typing import Any
import zipfile

import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidWeightsError

PREFIX = 'module.'  # of a network that was saved from inside its parallel wrapper
HASH_CHUNK_BYTES = 1 << 20
# What PyTorch's reader lets through when a byte within the pickle is wrong.
DAMAGE = (ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError,
          RuntimeError, TypeError, ValueError, struct.error)


@dataclass(frozen=True, eq=False)
class AuthorsCheckpoint:
    """
    The tensors of a published checkpoint.

    :param tensors: Latent weights and statistics by name, without the wrapper's prefix.
    :param is_ema: Whether they are an exponential moving average over the training.
    :param epoch: Epochs trained, or None if the file does not say.
    :param file_sha256: Hexadecimal hash of the file.
    """

    tensors: Mapping[str, Tensor]
    is_ema: bool
    epoch: int | None
    file_sha256: str


def read_authors_checkpoint(path: str | Path) -> AuthorsCheckpoint:
    """
    Read a checkpoint of the mmcv family, EMA or not, or a bare state dict.

    :param path: File written by torch.save.
    :raises InvalidWeightsError: if the file is missing, damaged, holds anything but tensors and
        plain values, or has no state dict.
    """
    path = Path(path)
    _require_plain_archive(path)
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        raise InvalidWeightsError(
            f'{path}: refused, since it holds more than tensors and plain values, and opening '
            f'that could run a program: {_first_sentence(error)} Where you trust its source, save '
            "its 'state_dict' alone with torch.save, and import that file") from error
    except DAMAGE as error:
        raise InvalidWeightsError(
            f'{path}: damaged, fetch it again: {_first_sentence(error)}') from error
    if not isinstance(content, Mapping):
        raise InvalidWeightsError(
            f'{path}: a checkpoint is a mapping; got {type(content).__name__}')
    tensors = _state_dict(content, path)
    epoch = content.get('epoch', _meta(content).get('epoch'))
    return AuthorsCheckpoint(
        tensors, is_ema='state_dict' in content and 'updates' in content,
        epoch=epoch if type(epoch) is int else None, file_sha256=_sha256(path))


def _require_plain_archive(path: Path) -> None:
    """Refuse what is not an uncompressed zip archive: its members cannot outgrow the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except OSError as error:
        raise InvalidWeightsError(f'{path}: cannot be read: {error.strerror}') from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InvalidWeightsError(
            f'{path}: not a checkpoint of PyTorch 1.6 or later: {error}. Older ones, and those in '
            'pieces, have to be saved again by torch.save') from error
    swollen = [m.filename for m in members if m.compress_type != zipfile.ZIP_STORED]
    if swollen or sum(member.file_size for member in members) > path.stat().st_size:
        raise InvalidWeightsError(
            f'{path}: torch.save stores its members as they are, but here some are compressed or '
            f'larger than the file {swollen[:3]}; fetch it again')


def _state_dict(content: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    """Return the tensors by name once each is one, of finite numbers."""
    state = content.get('state_dict', content)
    if not isinstance(state, Mapping) or not state:
        raise InvalidWeightsError(f"{path}: there is no 'state_dict' of tensors")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InvalidWeightsError(
                f'{path}: a state dict maps names to tensors; got {name!r}: '
                f'{type(tensor).__name__}')
        if tensor.layout is not torch.strided or tensor.is_quantized:
            raise InvalidWeightsError(f'{path}: {name}: a dense tensor is needed; got '
                                      f'{tensor.layout}, {tensor.dtype}')
    if all(name.startswith(PREFIX) for name in state):
        return {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}
    return dict(state)


def _meta(content: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return what mmcv notes beside the tensors, if anything."""
    meta = content.get('meta', {})
    return meta if isinstance(meta, Mapping) else {}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _first_sentence(error: Exception) -> str:
    """Return the part of PyTorch's message that names the reason, not its advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = next((line for line in lines if 'GLOBAL' in line or 'Unsupported' in line), None)
    text = reason or (lines[0] if lines else type(error).__name__)
    return text.partition('. ')[0][:200].rstrip('.') + '.'
