# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bytes of any size in files of a limited one, replaced as a whole or not at all.

A folder holds the parts and an index that names them with their hashes. Parts are named by what
is in them, and the index is written last, so that the folder is whole at every moment.
"""

from collections.abc import Set
import hashlib
import io
import json
import os
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from bdc_occ_ros.errors import InvalidTrainingStateError

MAX_SHARD_BYTES = 15 << 20  # below 16 MiB
INDEX_NAME = 'index.json'
FORMAT = 'bdc_occ_ros shards 1'


def write_shards(folder: Path, data: bytes) -> None:
    """
    Write bytes in parts; what the folder held before is replaced.

    :param folder: Where; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for start in range(0, max(1, len(data)), MAX_SHARD_BYTES):
        part = data[start:start + MAX_SHARD_BYTES]
        names.append(f'{hashlib.sha256(part).hexdigest()}.part')
        _write(folder / names[-1], part)
    index = {'format': FORMAT, 'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest(),
             'parts': names}
    _write(folder / INDEX_NAME, json.dumps(index, indent=1).encode())
    for path in folder.glob('*.part'):
        if path.name not in names:
            path.unlink()


def read_shards(folder: Path) -> bytes:
    """
    Join the parts.

    :raises InvalidTrainingStateError: if the index or a part is missing or damaged.
    """
    index = _read_index(folder)
    parts = []
    for name in index['parts']:
        path = folder / name
        if not path.is_file():
            raise InvalidTrainingStateError(f'{path} is missing; copy the whole folder again')
        parts.append(path.read_bytes())
        if f'{hashlib.sha256(parts[-1]).hexdigest()}.part' != name:
            raise InvalidTrainingStateError(f'{path} is damaged: a part is named by its hash, and '
                                            f'this one has another; copy it again')
    data = b''.join(parts)
    if len(data) != index['bytes'] or hashlib.sha256(data).hexdigest() != index['sha256']:
        raise InvalidTrainingStateError(
            f'{folder}: the parts joined are {len(data)} bytes and not the {index["bytes"]} that '
            f'the index names; copy the whole folder again')
    return data


def read_torch(folder: Path, form: str, names: Set[str]) -> dict[str, Any]:
    """
    Join the parts of what torch.save wrote; nothing in it is run.

    :param form: What its entry format must be.
    :param names: Its entries, format among them.
    :return: Tensors, on the CPU, and plain values.
    :raises InvalidTrainingStateError: if it is missing, damaged or something else.
    """
    try:
        saved = torch.load(io.BytesIO(read_shards(folder)), map_location='cpu', weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise InvalidTrainingStateError(f'{folder}: nothing can be read: {error}') from error
    if not isinstance(saved, dict) or saved.get('format') != form or saved.keys() != names:
        raise InvalidTrainingStateError(f'{folder}: format {form!r} with {sorted(names)} is '
                                        'needed; give what this version has written')
    return saved


def _read_index(folder: Path) -> dict[str, Any]:
    """Return the index once it can be used."""
    path = folder / INDEX_NAME
    try:
        index = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidTrainingStateError(f'{path}: no readable index: {error}') from error
    kinds = {'format': str, 'bytes': int, 'sha256': str, 'parts': list}
    if not isinstance(index, dict) or index.get('format') != FORMAT or any(
            type(index.get(name)) is not kind for name, kind in kinds.items()):
        raise InvalidTrainingStateError(f'{path}: an index of format {FORMAT!r} with '
                                        f'{sorted(kinds)} is needed; got {str(index)[:200]}')
    if not all(isinstance(name, str) and Path(name).name == name for name in index['parts']):
        raise InvalidTrainingStateError(f'{path}: parts lie beside the index; got '
                                        f'{str(index["parts"])[:200]}')
    return index


def _write(path: Path, data: bytes) -> None:
    """Write a file in one step."""
    partial = path.with_name(f'.{path.name}.partial')
    partial.write_bytes(data)
    os.replace(partial, path)
