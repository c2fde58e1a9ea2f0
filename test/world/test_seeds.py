# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Seeds as people write them."""

import pytest

from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.world.seeds import parse_seeds


@pytest.mark.parametrize('text, seeds', (
    ('7', [7]), ('3-5,9', [3, 4, 5, 9]), ('0-0', [0]), ('999998-999999', [999998, 999999])))
def test_numbers_and_ranges_are_seeds(text, seeds):
    assert list(parse_seeds(text)) == seeds


@pytest.mark.parametrize('text', (
    '', '5-3', '1,1', '0-4,3', '-4', 'a', '1-', '1 ', '0-99999999999', '\u0663'))
def test_all_else_is_refused(text):
    with pytest.raises(UsageError, match='seeds'):
        parse_seeds(text)
