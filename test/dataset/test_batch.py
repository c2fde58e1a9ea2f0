# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A few samples lie as far apart as they can, and none at all is a mistake."""

import pytest

from bdc_occ_ros.dataset.batch import evenly_spread
from bdc_occ_ros.errors import UsageError


def test_samples_are_evenly_spread():
    assert list(evenly_spread(4, 10)) == [0, 2, 5, 7]
    assert list(evenly_spread(None, 3)) == [0, 1, 2] and list(evenly_spread(9, 2)) == [0, 1]
    for count in (0, -1):
        with pytest.raises(UsageError, match=f'at least one sample is needed; got {count}'):
            evenly_spread(count, 10)
