# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What went in is what came out plus what has a reason."""

import pytest

from bdc_occ_ros.bags.run_report import report_run

STAMPS_NS = [round(k * 1e9 / 10) for k in range(11)]


def test_every_set_is_accounted_for():
    received = {stamp: stamp + 200_000_000 + 1_000_000 * k
                for k, stamp in enumerate(STAMPS_NS[::5])}
    diagnostics = {'output': {'skipped_for_newer': '5', 'dropped: InvalidImageError': '1',
                              'computed': '3', 'stale': '0'},
                   'synchronizer': {'not formed: evicted': '1', 'complete': '10'}}
    result = report_run(STAMPS_NS, received, 40_000_000, diagnostics,
                        {'decode': [2.0, 4.0, 3.0]})
    assert (result.sets_in, result.sets_out, result.unaccounted) == (11, 3, 1)
    assert (result.rate_in_hz, result.rate_out_hz) == pytest.approx((10.0, 2.0))
    assert result.latency_ms[0] == pytest.approx(201.0)
    assert result.since_last_image_ms[0] == pytest.approx(161.0)
    assert sum(result.not_computed.values()) == 7 and len(result.not_computed) == 3
    assert result.steps_ms['decode'][0] == 3.0 and 'decode 3' in result.as_text()
    assert 'dropped: InvalidImageError' in result.as_text()


def test_nothing_came_out():
    result = report_run(STAMPS_NS, {}, 0, {}, {})
    assert (result.sets_out, result.unaccounted, result.rate_out_hz) == (0, 11, 0.0)
    assert 'nan' in result.as_text()
