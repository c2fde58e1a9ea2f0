# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which version of the world this is: seeds give equal scenes only from equal sources."""

from functools import cache
import hashlib
from pathlib import Path

from bdc_occ_ros import classes
from bdc_occ_ros.geometry import camera_rig
from bdc_occ_ros.sync import synthetic_triggers

OUTSIDE = (camera_rig, classes, synthetic_triggers)  # what else decides how scenes look


@cache
def sources_fingerprint() -> str:
    """Return what differs as soon as a source file of the world does, hexadecimal."""
    return fingerprint_of([*sorted(Path(__file__).parent.glob('*.py')),
                           *(Path(module.__file__) for module in OUTSIDE)])


def fingerprint_of(files: list[Path]) -> str:
    """
    Return what differs as soon as the name or a byte of a file does, hexadecimal.

    :param files: Which, in an order of their own.
    """
    hashes = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    return hashlib.sha256(repr(hashes).encode()).hexdigest()
