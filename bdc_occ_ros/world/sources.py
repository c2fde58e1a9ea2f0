# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which version of the world this is: seeds give equal scenes only from equal sources."""

from functools import cache
import hashlib
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
BESIDE_THE_WORLD = ('camera_rig.py', 'classes.py', 'synthetic_triggers.py')


@cache
def sources_fingerprint() -> str:
    """Return what differs as soon as a source file of the world does, hexadecimal."""
    return fingerprint_of([*sorted((PACKAGE / 'world').glob('*.py')),
                           *(PACKAGE / name for name in BESIDE_THE_WORLD)])


def fingerprint_of(files: list[Path]) -> str:
    """
    Return what differs as soon as the name or a byte of a file does, hexadecimal.

    :param files: Which, in an order of their own.
    """
    hashes = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    return hashlib.sha256(repr(hashes).encode()).hexdigest()
