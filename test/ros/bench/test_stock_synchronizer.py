# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parity with message_filters where that suffices, and where it does not."""

import pytest

from bdc_occ_ros.bench.sync import choose_cases, compare
from bdc_occ_ros.sync.replay import replay

pytest.importorskip('message_filters', reason='message_filters is not among the wheels')


def stock():
    from bdc_occ_ros.ros.bench.stock_synchronizer import replay_stock
    return replay_stock


def test_both_form_the_same_sets_of_the_pattern_in_order():
    case, = choose_cases('T1', 0)
    theirs = [{(i.camera, i.trigger) for i in images} for images in stock()(case).sets]
    ours = [{(e.payload.camera, e.payload.trigger) for e in emitted.image_set.entries.values()}
            for emitted in replay(case.config, case.images).complete]
    assert ours == theirs and len(ours) == 240


def test_delivery_jitter_mixes_triggers_there():
    case, = choose_cases('T2a', 0)
    assert compare(case, stock())['mixed'] > 10
