# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A mistake in a data set: where it is, what it is, and what helps."""

from typing import NamedTuple

UNPACK_AGAIN = ('unpack its archive again, or let bdc-occ world make, which goes on where it '
                'stopped, write it again')


class Finding(NamedTuple):
    """
    One mistake.

    :param check: Which check found it.
    :param where: File, row or sample.
    :param problem: What is wrong with it.
    """

    check: str
    where: str
    problem: str
    cure: str
