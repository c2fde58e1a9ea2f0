# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The newest item in the slot wins, every other is accounted for, and limits are followed."""

from threading import Event, Semaphore, Thread
import time

import pytest

from bdc_occ_ros.errors import InvalidCalibrationError, InvalidConfigError
from bdc_occ_ros.ros.inputs import check_inputs, Inputs, LatestSlot
from bdc_occ_ros.ros.parameters import config_from_values
from bdc_occ_ros.sync.cases import make_cases, rig_config
from bdc_occ_ros.sync.synchronizer import Synchronizer


def test_the_newest_item_wins_and_the_replaced_one_is_counted():
    slot = LatestSlot()
    slot.put(1)
    slot.put(2)
    assert slot.get(0.0) == 2
    assert slot.get(0.0) is None
    assert slot.num_replaced == 1


def test_an_item_that_counts_as_false_is_an_item():
    slot = LatestSlot()
    slot.put(0)
    slot.put('')
    assert slot.num_replaced == 1
    assert slot.get(0.0) == ''


def test_get_waits_for_an_item_but_not_longer_than_told():
    slot = LatestSlot()
    start_s = time.monotonic()
    assert slot.get(0.05) is None
    assert 0.04 < time.monotonic() - start_s < 2.0
    Thread(target=lambda: (time.sleep(0.05), slot.put('late'))).start()
    assert slot.get(10.0) == 'late'


def test_close_wakes_the_receiver_and_refuses_items():
    slot = LatestSlot()
    got = []
    receiver = Thread(target=lambda: got.append(slot.get()), daemon=True)
    receiver.start()
    slot.close()
    receiver.join(10.0)
    assert got == [None] and slot.is_closed
    slot.put('refused')
    assert slot.get() is None


def test_every_item_is_received_or_counted_as_replaced():
    slot, received = LatestSlot(), []

    def receive():
        while (item := slot.get()) is not None:
            received.append(item)
            time.sleep(0.0005)
    receiver = Thread(target=receive, daemon=True)
    receiver.start()
    for item in range(1, 2001):
        slot.put(item)
        if item % 50 == 0:
            time.sleep(0.001)
    deadline_s = time.monotonic() + 10.0
    while (not received or received[-1] != 2000) and time.monotonic() < deadline_s:
        time.sleep(0.001)
    slot.close()
    receiver.join(10.0)
    assert received == sorted(received) and received[-1] == 2000
    assert len(received) + slot.num_replaced == 2000


def test_a_slow_consumer_gets_the_newest_set_and_loses_count_of_none():
    drive = make_cases(0)[0].images
    slot, computed, is_done = LatestSlot(), [], Event()
    taken, may_go_on = Semaphore(0), Semaphore(0)

    def infer():
        while (image_set := slot.get()) is not None:
            computed.append(image_set.ref_ns)
            taken.release()
            may_go_on.acquire()
        is_done.set()
    Thread(target=infer, daemon=True).start()
    synchronizer = Synchronizer(rig_config())
    for step in range(10):  # of four sets each; one is computed while those of three steps come
        for image in drive[step * 24:(step + 1) * 24]:
            for image_set in synchronizer.add(image.camera, image.stamp_ns, image, 100).sets:
                slot.put(image_set)
        if step % 3 == 2:
            may_go_on.release()
        if step == 0 or step % 3 == 2:
            assert taken.acquire(timeout=20.0)
    statistics = synchronizer.statistics()
    newest_ns = max(image.stamp_ns for image in drive[:240] if image.camera == 'CAM_FRONT_LEFT')
    may_go_on.release()
    assert taken.acquire(timeout=20.0)
    slot.close()
    may_go_on.release()
    assert is_done.wait(20.0)
    assert statistics.num_complete == 40
    assert computed == sorted(set(computed)) and computed[-1] == newest_ns
    assert len(computed) == 5 and slot.num_replaced == 35
    assert statistics.num_open == statistics.size_bytes == 0


def test_a_limit_of_the_rate_takes_effect_when_it_is_set(node):
    inputs = Inputs(node, config_from_values({}))
    inputs.follow(config_from_values({'sync.max_rate_hz': 2.0}))
    assert inputs.synchronizer.config.max_rate_hz == 2.0
    inputs.destroy()


@pytest.mark.parametrize('values, words', [
    ({'camera.CAM_FRONT.image': 'front camera/image'}, 'camera.CAM_FRONT.image: .front camera'),
    ({'camera.CAM_BACK.info': '7up'}, 'camera.CAM_BACK.info: .7up'),
    ({'camera.CAM_BACK.compressed': ''}, 'camera.CAM_BACK.compressed: '),
    ({'odom_topic': 'odom//wheel'}, 'odom_topic: .odom//wheel'),
    ({'odom_topic': '{robot}/odom'}, 'odom_topic: '),
])
def test_names_that_no_topic_has_are_refused_before_anyone_subscribes(values, words):
    with pytest.raises(InvalidConfigError, match=f'{words}.* no name of a topic'):
        check_inputs(config_from_values(values))


def test_a_limit_of_the_rate_that_would_do_nothing_is_refused():
    with pytest.raises(InvalidConfigError, match='max_rate_hz has no effect in sync.mode approx'):
        config_from_values({'sync.mode': 'approximate', 'sync.max_rate_hz': 2.0})


def test_inputs_that_cannot_be_made_leave_no_subscriptions(node, tmp_path):
    config = config_from_values({'calibration_file': str(tmp_path / 'absent.yaml')})
    before = len(list(node.subscriptions))
    with pytest.raises(InvalidCalibrationError):
        Inputs(node, config)
    assert len(list(node.subscriptions)) == before


def test_destroyed_inputs_leave_neither_subscriptions_nor_timers(node):
    before = len(list(node.subscriptions)), len(list(node.timers))
    inputs = Inputs(node, config_from_values({}))
    assert len(list(node.subscriptions)) > before[0]
    inputs.destroy()
    assert (len(list(node.subscriptions)), len(list(node.timers))) == before
