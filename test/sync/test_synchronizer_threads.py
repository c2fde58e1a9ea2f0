# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Consumers that raise, are slow or call back, and cameras with threads of their own."""

import logging
import sys
from threading import Barrier, Event, Thread
import time

from bdc_occ_ros.ros.mailbox import Mailbox
from bdc_occ_ros.sync.image_set import AddResult
from bdc_occ_ros.sync.synchronizer import Synchronizer
from bdc_occ_ros.sync.synchronizer_cases import make_cases, rig_config
from bdc_occ_ros.sync.synchronizer_config import SynchronizerConfig
from bdc_occ_ros.sync.synthetic_triggers import (
    NUSCENES_CAMERAS,
    NUSCENES_OFFSETS_NS,
    nuscenes_triggers_ns,
)

DRIVE = make_cases(0)[0].images
JOIN_S = 20.0


def feed(synchronizer, images):
    for image in images:
        synchronizer.add(image.camera, image.stamp_ns, image, 100)


def test_t18_a_consumer_that_raises_gets_the_next_set_and_its_traceback_is_logged(caplog):
    sets = []

    def consume(image_set):
        sets.append(image_set)
        if len(sets) == 3:
            raise RuntimeError('no memory on the device')
    synchronizer = Synchronizer(rig_config(), consume)
    with caplog.at_level(logging.ERROR):
        feed(synchronizer, DRIVE[:60])
    assert len(sets) == 10
    statistics = synchronizer.statistics()
    assert statistics.num_consumer_errors == 1
    assert ('the consumer failed at 1 sets, last with RuntimeError: no memory on the device'
            in statistics.reasons)
    assert caplog.records[0].exc_info[0] is RuntimeError


def test_t19_a_slow_consumer_behind_a_mailbox_gets_the_newest_set():
    mailbox, computed, is_done = Mailbox(), [], Event()

    def infer():
        while (image_set := mailbox.get()) is not None:
            computed.append(image_set.ref_ns)
            time.sleep(0.3)
        is_done.set()
    Thread(target=infer, daemon=True).start()
    synchronizer = Synchronizer(rig_config(), mailbox.put)
    for step in range(10):
        feed(synchronizer, DRIVE[step * 24:(step + 1) * 24])
        time.sleep(0.1)
    statistics = synchronizer.statistics()
    newest_ns = max(image.stamp_ns for image in DRIVE[:240] if image.camera == 'CAM_FRONT_LEFT')
    time.sleep(0.4)
    mailbox.close()
    assert is_done.wait(JOIN_S)
    assert statistics.num_complete == mailbox.num_put == 40
    assert computed == sorted(set(computed)) and computed[-1] == newest_ns
    assert 3 <= len(computed) <= 8 and len(computed) + mailbox.num_replaced == 40
    assert statistics.num_open == statistics.size_bytes == statistics.num_undelivered == 0


def test_t21_six_producers_neither_lock_up_nor_lose_or_disorder_a_set():
    sets = []
    config = rig_config(deadline_ns=10**12, max_groups=1000)
    synchronizer = Synchronizer(config, sets.append)
    triggers_ns = nuscenes_triggers_ns(20)
    start = Barrier(len(NUSCENES_CAMERAS))

    def produce(camera):
        start.wait(JOIN_S)
        for index, trigger_ns in enumerate(triggers_ns):
            synchronizer.add(camera, trigger_ns + NUSCENES_OFFSETS_NS[camera], index, 100)
            synchronizer.poll()
    threads = [Thread(target=produce, args=(name,), daemon=True) for name in NUSCENES_CAMERAS]
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOIN_S)
    sys.setswitchinterval(interval_s)
    assert not any(thread.is_alive() for thread in threads)
    assert len(sets) == 240
    assert all({entry.payload for entry in s.entries.values()} == {index}
               for index, s in enumerate(sets))


def test_a_consumer_may_add_images_itself():
    sets = []
    config = SynchronizerConfig(('A',))

    def consume(image_set):
        sets.append(image_set)
        if len(sets) < 5:
            result = synchronizer.add('A', image_set.ref_ns + 10**8, None, 1)
            assert result is AddResult.COMPLETED
    synchronizer = Synchronizer(config, consume)
    synchronizer.add('A', 10**18, None, 1)
    assert [s.ref_ns for s in sets] == [10**18 + index * 10**8 for index in range(5)]


def test_a_consumer_that_blocks_does_not_block_other_cameras():
    entered, go_on = Event(), Event()

    def consume(_):
        entered.set()
        assert go_on.wait(JOIN_S)
    synchronizer = Synchronizer(SynchronizerConfig(('A',), max_groups=1), consume)
    blocked = Thread(target=synchronizer.add, args=('A', 10**18, None, 1), daemon=True)
    blocked.start()
    assert entered.wait(JOIN_S)
    for step in range(1, 7):
        synchronizer.add('A', 10**18 + step * 10**8, None, 1)
    go_on.set()
    blocked.join(JOIN_S)
    statistics = synchronizer.statistics()
    assert statistics.num_complete == 7 and statistics.num_undelivered == 2
    assert 'the consumer was too slow to take 2 sets' in statistics.reasons
