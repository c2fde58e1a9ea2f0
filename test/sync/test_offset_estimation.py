# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Learning trigger offsets: the lag of the trigger and not of its neighbours."""

from random import Random

import pytest

from bdc_occ_ros.sync.offset_estimation import estimate_offsets, is_unambiguous, Observation
from bdc_occ_ros.sync.synthetic_triggers import MS, nuscenes_triggers_ns, regular_triggers_ns

WIDTH_NS = 20 * MS
NUSCENES_NS = nuscenes_triggers_ns(4)


def camera(times_ns, offset_ms=0.0, clock_ms=0.0):
    """Return the observations of a camera whose clock may be wrong."""
    offset_ns, clock_ns = round(offset_ms * MS), round(clock_ms * MS)
    return [Observation(t + offset_ns + clock_ns, t + offset_ns + 5 * MS) for t in times_ns]


@pytest.mark.parametrize('offset_ms', [0.0, 7.6, 15.5, 23.0, 32.7, 42.6])
def test_the_lag_within_a_trigger_is_found_and_not_its_alias(offset_ms):
    lags = estimate_offsets(camera(NUSCENES_NS), camera(NUSCENES_NS, offset_ms), WIDTH_NS)
    assert lags[0].offset_ns == round(offset_ms * MS) and is_unambiguous(lags)
    aliases = {(lag.offset_ns - lags[0].offset_ns) // MS for lag in lags}
    assert aliases <= {-500, -250, 0, 250, 500}  # not the -50 of one gap in three


@pytest.mark.parametrize('clock_ms', [-150.0, 150.0, 50.0, -100.0])
def test_arrival_tells_which_lag_is_meant_when_a_clock_is_wrong(clock_ms):
    lags = estimate_offsets(camera(NUSCENES_NS), camera(NUSCENES_NS, 42.6, clock_ms), WIDTH_NS)
    assert lags[0].offset_ns == round((42.6 + clock_ms) * MS) and is_unambiguous(lags)
    assert lags[0].arrival_ns == round(42.6 * MS)


def test_half_a_period_is_ambiguous():
    regular_ns = regular_triggers_ns(10, 4)
    lags = estimate_offsets(camera(regular_ns), camera(regular_ns, 49.0), WIDTH_NS)
    assert {lags[0].offset_ns, lags[1].offset_ns} == {49 * MS, -51 * MS}
    assert not is_unambiguous(lags)


def test_a_slower_camera_and_lost_images_still_show_the_lag():
    rng = Random(0)
    slow = camera(NUSCENES_NS[::2], 23.0)
    lossy = [image for image in camera(NUSCENES_NS) if rng.random() > 0.02]
    assert estimate_offsets(lossy, slow, WIDTH_NS)[0].offset_ns == 23 * MS


def test_free_running_cameras_have_no_constant_lag():
    fast = camera(regular_triggers_ns(13.7, 4))
    assert estimate_offsets(camera(regular_triggers_ns(12, 4)), fast, WIDTH_NS) == []


def test_little_history_shows_nothing():
    few = camera(NUSCENES_NS[:19])
    assert estimate_offsets(few, few, WIDTH_NS) == []
