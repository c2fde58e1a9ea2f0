# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The hash of sources and flags that a library carries, by which a stale one is told."""

from collections.abc import Iterable, Sequence
import hashlib
from pathlib import Path
import shlex

SUFFIXES = ('.cpp', '.h', '.inl', '.cu', '.cuh')


def sources_in(folder: Path) -> list[Path]:
    """
    List the sources of a folder; not what an editor keeps beside them.

    :param folder: Flat, since only what lies directly in it is installed.
    """
    return sorted(path for path in folder.glob('[!.]*') if path.suffix in SUFFIXES)


def source_hash(flags: Sequence[str], sources: Iterable[Path]) -> str:
    """
    Return the hash of flags and sources.

    :param sources: Files of different names.
    """
    digest = hashlib.sha256(shlex.join(flags).encode())
    for path in sources:
        digest.update(f'\0{path.name}\0'.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def carries_hash(library: Path, expected: str) -> bool:
    """
    Return whether a library is there and was built of certain sources.

    :param library: It has the hash of its sources among its strings.
    """
    return library.is_file() and expected.encode() in library.read_bytes()
