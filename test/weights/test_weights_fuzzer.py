# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A short, seeded round of weights_fuzzer.py."""

from weights_fuzzer import fuzz, MUTATIONS


def test_damaged_files_are_refused_by_name(tmp_path):
    outcomes = fuzz(5.0, 'tests', tmp_path)
    assert {name for name, _ in outcomes} == {mutation.__name__ for mutation in MUTATIONS}
    refused = sum(count for (_, outcome), count in outcomes.items() if outcome != 'accepted')
    assert refused > 10
