# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A few samples out of many, evenly spread."""

from collections.abc import Sequence

from bdc_occ_ros.errors import UsageError


def evenly_spread(count: int | None, length: int) -> Sequence[int]:
    """
    Return numbers of samples that are evenly spread.

    :param count: How many at most; None for all.
    :param length: How many there are.
    :raises UsageError: if none are wanted.
    """
    if count is not None and count < 1:
        raise UsageError(f'at least one sample is needed; got {count}')
    wanted = length if count is None else min(count, length)
    return [index * length // wanted for index in range(wanted)]
