# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Seeds as people write them, and the version of the world that gives them a meaning."""

import pytest

from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.world.seeds import fingerprint_of, parse_seeds, sources_fingerprint


@pytest.mark.parametrize('text, seeds', (
    ('7', [7]), ('3-5,9', [3, 4, 5, 9]), ('0-0', [0]), ('999998-999999', [999998, 999999])))
def test_numbers_and_ranges_are_seeds(text, seeds):
    assert list(parse_seeds(text)) == seeds


@pytest.mark.parametrize('text', (
    '', '5-3', '1,1', '0-4,3', '-4', 'a', '1-', '1 ', '0-99999999999', '\u0663'))
def test_all_else_is_refused(text):
    with pytest.raises(UsageError, match='seeds'):
        parse_seeds(text)


def test_versions_of_the_world_differ_by_name_and_content(tmp_path):
    first, second = tmp_path / 'a.py', tmp_path / 'b.py'
    first.write_text('x = 1')
    second.write_text('x = 2')
    both = fingerprint_of([first, second])
    assert fingerprint_of([first, second]) == both != fingerprint_of([first])
    first.write_text('x = 3')
    assert fingerprint_of([first, second]) != both
    first.write_text('x = 1')
    second = second.rename(tmp_path / 'c.py')
    assert fingerprint_of([first, second]) != both
    assert len(sources_fingerprint()) == 64
