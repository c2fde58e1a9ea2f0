# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parse seeds, name their scenes, and fingerprint the sources that make scenes from them."""

from collections.abc import Sequence
from functools import cache
import hashlib
from pathlib import Path
import re

from bdc_occ_ros.errors import UsageError

PACKAGE = Path(__file__).parents[1]
BESIDE_THE_WORLD = ('classes.py', 'geometry/camera_rig.py', 'geometry/preprocessing.py',
                    'geometry/voxel_grid.py', 'sync/synthetic_triggers.py')


def parse_seeds(text: str) -> Sequence[int]:
    """
    Parse the seeds of scenes.

    :param text: Numbers of up to six digits and ranges with both ends, as in 0-99,200.
    :raises UsageError: if it is something else, or one comes twice.
    """
    seeds: list[int] = []
    for part in text.split(','):
        found = re.fullmatch('([0-9]{1,6})(?:-([0-9]{1,6}))?', part)
        if found is None:
            raise UsageError('seeds are numbers of up to six digits and ranges, as in 0-99,200; '
                             f'got {text!r}')
        seeds += range(int(found[1]), int(found[2] or found[1]) + 1)
    if len(set(seeds)) < max(1, len(seeds)):
        raise UsageError(f'seeds: each may come once, and ranges run upwards; got {text!r}')
    return seeds


def scene_name(seed: int) -> str:
    """Return the name of the scene of a seed."""
    return f'scene-{seed:04d}'


def seed_of(name: str) -> int:
    """Return the seed of a scene, from its name."""
    return int(name.removeprefix('scene-'))


@cache
def sources_fingerprint() -> str:
    """Hash the sources of the world; seeds give equal scenes only from equal sources."""
    return fingerprint_of([*sorted((PACKAGE / 'world').glob('*.py')),
                           *(PACKAGE / name for name in BESIDE_THE_WORLD)])


def fingerprint_of(files: list[Path]) -> str:
    """Hash names and bytes of files in their order, hexadecimal."""
    hashes = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    return hashlib.sha256(repr(hashes).encode()).hexdigest()
