# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Describe a mistake in a data set: where it is, what it is, and what helps."""

from typing import NamedTuple

UNPACK_AGAIN = ('unpack its archive again, or let bdc-occ world make, which goes on where it '
                'stopped, write it again')


class DatasetIssue(NamedTuple):
    """Describe one mistake: its check; file, row or sample; what is wrong; and the cure."""

    check: str
    where: str
    problem: str
    cure: str
