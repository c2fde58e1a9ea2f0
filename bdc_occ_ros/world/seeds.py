# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The seeds of scenes, as people write them."""

from collections.abc import Sequence
import re

from bdc_occ_ros.errors import UsageError


def parse_seeds(text: str) -> Sequence[int]:
    """
    Return the seeds of scenes.

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
