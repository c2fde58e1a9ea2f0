# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras with threads of their own, and threads that are busy with a set or add to it."""

import sys
from threading import Barrier, Event, Thread

from bdc_occ_ros.sync.cases import rig_config
from bdc_occ_ros.sync.config import SynchronizerConfig
from bdc_occ_ros.sync.image_sets import AddResult
from bdc_occ_ros.sync.synchronizer import Synchronizer
from bdc_occ_ros.sync.synthetic_triggers import (
    NUSCENES_CAMERAS,
    NUSCENES_OFFSETS_NS,
    nuscenes_triggers_ns,
)

JOIN_S = 20.0


def test_six_producers_neither_lock_up_nor_lose_or_disorder_a_set():
    produced = {camera: [] for camera in NUSCENES_CAMERAS}
    config = rig_config(deadline_ns=10**12, max_groups=1000)
    synchronizer = Synchronizer(config)
    triggers_ns = nuscenes_triggers_ns(20)
    start = Barrier(len(NUSCENES_CAMERAS))

    def produce(camera):
        start.wait(JOIN_S)
        for index, trigger_ns in enumerate(triggers_ns):
            produced[camera] += synchronizer.add(
                camera, trigger_ns + NUSCENES_OFFSETS_NS[camera], index, 100).sets
            produced[camera] += synchronizer.poll().sets
    threads = [Thread(target=produce, args=(name,), daemon=True) for name in NUSCENES_CAMERAS]
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOIN_S)
    sys.setswitchinterval(interval_s)
    assert not any(thread.is_alive() for thread in threads)
    for own in produced.values():  # every thread gets its sets in order
        assert [s.ref_ns for s in own] == sorted(s.ref_ns for s in own)
    sets = sorted((s for own in produced.values() for s in own), key=lambda s: s.ref_ns)
    assert len(sets) == 240
    assert all({entry.payload for entry in s.entries.values()} == {index}
               for index, s in enumerate(sets))


def test_who_works_on_a_set_may_add_images_itself():
    sets = []
    synchronizer = Synchronizer(SynchronizerConfig(('A',)))

    def work_on(progress):
        for image_set in progress.sets:
            sets.append(image_set)
            if len(sets) < 5:
                again = synchronizer.add('A', image_set.ref_ns + 10**8, None, 1)
                assert again.result is AddResult.COMPLETED
                work_on(again)
    work_on(synchronizer.add('A', 10**18, None, 1))
    assert [s.ref_ns for s in sets] == [10**18 + index * 10**8 for index in range(5)]


def test_a_thread_that_is_busy_with_a_set_does_not_block_other_cameras():
    entered, go_on = Event(), Event()
    synchronizer = Synchronizer(SynchronizerConfig(('A',), max_groups=1))

    def produce():
        assert synchronizer.add('A', 10**18, None, 1).sets
        entered.set()
        assert go_on.wait(JOIN_S)
    busy = Thread(target=produce, daemon=True)
    busy.start()
    assert entered.wait(JOIN_S)
    for step in range(1, 7):
        assert len(synchronizer.add('A', 10**18 + step * 10**8, None, 1).sets) == 1
    go_on.set()
    busy.join(JOIN_S)
    assert synchronizer.statistics().num_complete == 7
