# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The synchronizer of message_filters returns its sets as our own does."""

import time

import pytest
from simulated_rig import image_message, MS, OFFSETS_NS

from bdc_occ_ros.ros.parameters import config_from_values
from bdc_occ_ros.ros.synchronization import make_synchronizer
from bdc_occ_ros.sync.image_sets import AddResult

START_NS = 1_500_000_000_000_000_000


def test_approximate_time_returns_a_set_with_the_image_that_completes_it():
    pytest.importorskip('message_filters', reason='message_filters is not installed')
    synchronizer = make_synchronizer(config_from_values(
        {'sync.mode': 'approximate', 'cameras': list(OFFSETS_NS), 'key_camera': 'LEFT'}),
        time.time_ns)

    def add(name, stamp_ns):
        message = image_message(name, stamp_ns)
        return synchronizer.add(
            name, stamp_ns, message, len(message.data), time.monotonic_ns())
    for start_ns in range(START_NS, START_NS + 500 * MS, 50 * MS):
        *early, last = (add(name, start_ns + offset_ns) for name, offset_ns in OFFSETS_NS.items())
        assert not any(progress.sets for progress in early)
        image_set, = last.sets
        assert tuple(image_set.entries) == tuple(OFFSETS_NS) and image_set.ref_ns == start_ns
    assert add('LEFT', 0).result is AddResult.ZERO_STAMP
    assert not synchronizer.poll().sets and not synchronizer.reset('test').sets
    assert synchronizer.epoch == 1 and synchronizer.statistics().num_complete == 10
