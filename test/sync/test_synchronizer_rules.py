# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rules of the synchronizer one by one, on a rig of three cameras fed by hand."""

import pytest

from bdc_occ_ros.errors import InvalidConfigError, UsageError
from bdc_occ_ros.sync.config import SynchronizerConfig
from bdc_occ_ros.sync.image_sets import AddResult, DropReason
from bdc_occ_ros.sync.statistics import State
from bdc_occ_ros.sync.synchronizer import Synchronizer

MS = 1_000_000
START_MS = 1_000_000
OFFSETS_NS = {'A': 0, 'B': 10 * MS, 'C': 20 * MS}


class Rig:
    """A synchronizer with a clock that the test moves."""

    def __init__(self, **changes):
        settings = {'cameras': ('A', 'B', 'C'), 'offsets_ns': OFFSETS_NS, **changes}
        self.now_ms = START_MS
        self.sets, self.dropped = [], []
        self.synchronizer = Synchronizer(
            SynchronizerConfig(**settings), clock=lambda: round(self.now_ms * MS),
            steady_clock=lambda: round(self.now_ms * MS))

    def add(self, camera, trigger_ms, stamp_ns=None, size_bytes=10):
        """Add the image of a trigger, as many ms after the start."""
        if stamp_ns is None:
            stamp_ns = round((START_MS + trigger_ms) * MS) + OFFSETS_NS[camera]
        return self.keep(
            self.synchronizer.add(camera, stamp_ns, f'{camera}{trigger_ms}', size_bytes))

    def wait(self, ms):
        self.now_ms += ms
        self.keep(self.synchronizer.poll())

    def keep(self, progress):
        self.sets += progress.sets
        self.dropped += progress.dropped
        return progress.result

    def payloads(self, index=-1):
        return [entry.payload for entry in self.sets[index].entries.values()]

    @property
    def drop_reasons(self):
        return [item.reason for item in self.dropped]


def test_a_set_has_its_stamps_offsets_and_order():
    rig = Rig(key_camera='B')
    assert [rig.add(camera, 0) for camera in 'CAB'] == [
        AddResult.JOINED, AddResult.JOINED, AddResult.COMPLETED]
    image_set = rig.sets[0]
    assert tuple(image_set.entries) == ('A', 'B', 'C') and image_set.is_complete
    assert image_set.ref_ns == START_MS * MS
    assert image_set.key_stamp_ns == image_set.entries['B'].stamp_ns == START_MS * MS + 10 * MS
    assert image_set.spread_ns == 0


def test_images_beyond_the_tolerance_do_not_meet():
    rig = Rig(tolerance_ns=5 * MS)
    for camera, trigger_ms in (('A', 0), ('B', 5), ('C', 6)):
        rig.add(camera, trigger_ms)
    assert rig.sets == []
    rig.add('C', 5)
    assert rig.payloads() == ['A0', 'B5', 'C5']


@pytest.mark.parametrize('between_ms, trigger_ms', [(12, 0), (18, 30)])
def test_the_nearest_group_gets_the_image(between_ms, trigger_ms):
    rig = Rig()
    rig.add('A', 0)
    rig.add('A', 30)
    rig.add('B', between_ms)
    rig.add('C', trigger_ms)
    assert rig.payloads() == [f'A{trigger_ms}', f'B{between_ms}', f'C{trigger_ms}']


def test_a_complete_set_closes_older_ones_and_late_images_join_nothing():
    rig = Rig()
    rig.add('A', 0)
    rig.add('B', 0)
    for camera in 'ABC':
        rig.add(camera, 100)
    assert rig.drop_reasons == [DropReason.SUPERSEDED]
    assert rig.dropped[0].missing == ('C',) and tuple(rig.dropped[0].entries) == ('A', 'B')
    assert rig.add('C', 0) is AddResult.LATE
    assert rig.add('C', 50) is AddResult.LATE  # of a trigger that nobody else saw
    rig.add('A', 200)
    rig.add('B', 200)
    assert len(rig.sets) == 1
    refs = [image_set.ref_ns for image_set in rig.sets]
    assert refs == sorted(set(refs))


@pytest.mark.parametrize('policy, num_sets', [('drop', 0), ('partial', 1), ('hold', 1)])
def test_the_deadline_counts_from_the_first_image(policy, num_sets):
    rig = Rig(missing_policy=policy)
    rig.add('A', 0)
    rig.wait(60)
    rig.add('B', 0)
    rig.wait(39.9)
    assert rig.sets == rig.dropped == []
    rig.wait(0.1)
    assert len(rig.sets) == num_sets and len(rig.dropped) == 1 - num_sets
    assert rig.add('C', 0) is AddResult.LATE


def test_a_paused_clock_meets_no_deadline_and_one_that_goes_back_starts_again():
    rig = Rig()
    rig.add('A', 0)
    rig.now_ms -= 500
    rig.wait(99)
    assert rig.drop_reasons == []
    rig.wait(500)
    assert rig.drop_reasons == [DropReason.DEADLINE]


def test_partial_sets_need_enough_cameras_and_stamp_the_missing_key():
    rig = Rig(missing_policy='partial', min_cameras=2, key_camera='C')
    rig.add('A', 0)
    rig.wait(100)
    assert rig.drop_reasons == [DropReason.DEADLINE]
    rig.add('A', 200)
    rig.add('B', 200)
    rig.wait(100)
    assert rig.sets[0].missing == ('C',) and not rig.sets[0].is_complete
    assert rig.sets[0].key_stamp_ns == (START_MS + 220) * MS


def test_hold_reuses_a_young_image_and_says_so():
    rig = Rig(missing_policy='hold', hold_max_age_ns=150 * MS)
    for camera in 'ABC':
        rig.add(camera, 0)
    for trigger_ms in (100, 200):
        rig.now_ms += 100
        rig.add('A', trigger_ms)
        rig.add('B', trigger_ms)
        rig.wait(100)
    assert rig.payloads(1) == ['A100', 'B100', 'C0'] and rig.sets[1].missing == ()
    assert [entry.held for entry in rig.sets[1].entries.values()] == [False, False, True]
    assert not rig.sets[1].is_complete
    assert rig.payloads(2) == ['A200', 'B200'] and rig.sets[2].missing == ('C',)


def test_hold_does_not_take_images_of_a_newer_trigger():
    rig = Rig(missing_policy='hold')
    rig.add('A', 0)
    rig.add('B', 0)
    rig.add('C', 100)
    rig.wait(100)
    assert rig.payloads(0) == ['A0', 'B0']


def test_hold_does_not_take_a_newer_image_that_was_dropped_before():
    rig = Rig(missing_policy='hold', min_cameras=2)
    rig.add('C', 100)
    rig.wait(50)
    rig.add('A', 0)
    rig.add('B', 0)
    rig.wait(50)
    assert rig.drop_reasons == [DropReason.DEADLINE]
    rig.wait(50)
    assert rig.payloads(0) == ['A0', 'B0'] and rig.sets[0].missing == ('C',)


def test_two_cameras_that_go_back_start_an_epoch_and_nothing_is_lost():
    rig = Rig()
    for camera in 'ABC':
        rig.add(camera, 0)
    rig.add('A', 80)
    assert rig.add('A', -2000) is AddResult.ASIDE
    assert rig.sets[-1].epoch == 0 and rig.drop_reasons == []
    assert rig.add('B', -2000) is AddResult.JOINED
    assert rig.drop_reasons == [DropReason.RESET]
    rig.add('C', -2000)
    assert rig.payloads() == ['A-2000', 'B-2000', 'C-2000'] and rig.sets[-1].epoch == 1


def test_one_camera_that_goes_back_is_ignored_while_others_live():
    rig = Rig()
    for camera in 'ABC':
        rig.add(camera, 0)
    for step in range(10):
        assert rig.add('A', -2000 + step) is AddResult.ASIDE
    assert rig.synchronizer.statistics().epoch == 0


def test_the_only_living_camera_is_believed_after_three_images():
    rig = Rig(missing_policy='partial')
    for trigger_ms in (0, 100):
        rig.add('A', trigger_ms)
        rig.wait(100)
    rig.now_ms += 2000
    results = [rig.add('A', trigger_ms) for trigger_ms in (-5000, -4900, -4800)]
    assert results == [AddResult.ASIDE, AddResult.ASIDE, AddResult.JOINED]
    rig.wait(100)
    assert [s.entries['A'].payload for s in rig.sets[2:]] == ['A-5000', 'A-4900', 'A-4800']


def test_reset_drops_what_waits_and_begins_an_epoch():
    rig = Rig()
    rig.add('A', 0)
    rig.keep(rig.synchronizer.reset('test'))
    assert rig.drop_reasons == [DropReason.RESET]
    rig.add('B', 0)
    rig.add('C', 0)
    assert rig.sets == [] and rig.synchronizer.statistics().epoch == 1
    rig.add('A', 0)
    assert rig.sets[0].epoch == 1


def test_a_clock_that_has_not_started_makes_nothing_future():
    rig = Rig()
    assert rig.add('A', 600) is AddResult.FUTURE
    rig.now_ms = 0
    assert rig.add('A', 600) is AddResult.JOINED


def test_zero_stamps_are_refused_where_the_header_is_demanded():
    rig = Rig(stamp_source='header')
    assert [rig.add(camera, 0, stamp_ns=0) for camera in 'ABC'] == [AddResult.ZERO_STAMP] * 3
    assert not rig.synchronizer.statistics().uses_receive_time


def test_zero_stamps_are_warned_of_once_and_not_again_after_a_reset(caplog):
    rig = Rig()
    for camera in 'ABC':
        rig.add(camera, 0, stamp_ns=0)
    rig.keep(rig.synchronizer.reset('test'))
    for camera in 'ABC':
        rig.add(camera, 0, stamp_ns=0)
    assert len(rig.sets) == 2 and rig.synchronizer.statistics().uses_receive_time
    assert [record.getMessage() for record in caplog.records] == [
        'stamps of A, B are zero: images are grouped by time of arrival']


def test_receive_times_are_those_of_the_steady_clock():
    rig = Rig(stamp_source='receive', offsets_ns=None)
    synchronizer = rig.synchronizer
    for index, camera in enumerate('ABC'):
        rig.now_ms -= 10_000  # the node's clock jumps about
        rig.keep(synchronizer.add(camera, 0, camera, 10, receive_ns=5 * MS + index * MS))
    assert rig.payloads() == ['A', 'B', 'C']
    assert rig.sets[0].ref_ns == 5 * MS
    assert rig.sets[0].key_stamp_ns == (START_MS - 10_000) * MS


def test_the_rate_limit_holds_on_average_and_is_counted():
    rig = Rig(max_rate_hz=6.0)
    for trigger in range(120):
        trigger_ms = 500 * (trigger // 6) + (0, 50, 150, 250, 300, 400)[trigger % 6]
        rig.now_ms = START_MS + trigger_ms
        for camera in 'ABC':
            rig.add(camera, trigger_ms)
    assert len(rig.sets) == pytest.approx(60, abs=1)
    assert rig.drop_reasons == [DropReason.RATE] * (120 - len(rig.sets))
    assert rig.synchronizer.statistics().state is State.OK


def test_limits_may_change_while_it_runs_but_not_the_cameras():
    rig = Rig()
    rig.synchronizer.config = SynchronizerConfig(
        ('A', 'B', 'C'), offsets_ns=OFFSETS_NS, tolerance_ns=MS, max_rate_hz=0.001)
    rig.add('A', 0)
    assert rig.add('B', 2) is AddResult.JOINED
    rig.add('C', 0)
    assert rig.sets == []
    rig.add('B', 0)
    for camera in 'ABC':
        rig.add(camera, 100)
    assert len(rig.sets) == 1 and DropReason.RATE in rig.drop_reasons
    with pytest.raises(InvalidConfigError, match='cameras cannot change'):
        rig.synchronizer.config = SynchronizerConfig(('A', 'B'))


def test_too_many_groups_close_the_oldest():
    rig = Rig(max_groups=2)
    for trigger_ms in (0, 50, 100):
        rig.add('A', trigger_ms)
    assert rig.drop_reasons == [DropReason.GROUPS] and rig.dropped[0].entries['A'].payload == 'A0'


def test_an_unknown_camera_is_refused_by_name():
    with pytest.raises(UsageError, match="no camera 'D'; configured are"):
        Rig().synchronizer.add('D', 1, None, 0)


@pytest.mark.parametrize('changes, message', [
    ({'cameras': ()}, 'one or more different names'),
    ({'cameras': ('A', 'A')}, 'one or more different names'),
    ({'key_camera': 'D'}, "key_camera: 'D' is none of"),
    ({'offsets_ns': {'A': 0}}, 'need an offset'),
    ({'offsets_ns': 'learn'}, "'auto' or None is needed"),
    ({'mode': 'nearest'}, 'mode: one of'),
    ({'mode': 'window'}, 'takes no trigger offsets'),
    ({'stamp_source': 'clock'}, 'stamp_source: one of'),
    ({'missing_policy': 'guess'}, 'missing_policy: one of'),
    ({'tolerance_ns': 0}, 'tolerance_ns: a positive number'),
    ({'max_bytes': -1}, 'max_bytes: a positive number'),
    ({'max_rate_hz': float('inf')}, 'max_rate_hz: 0 '),
    ({'min_cameras': 4}, 'min_cameras: 1 to 3'),
    ({'mode': 'window', 'offsets_ns': None, 'window_ns': 200 * MS}, 'would cut bursts'),
])
def test_impossible_settings_are_refused_with_their_name(changes, message):
    with pytest.raises(InvalidConfigError, match=message):
        SynchronizerConfig(**{'cameras': ('A', 'B', 'C'), 'offsets_ns': OFFSETS_NS, **changes})


def test_the_state_follows_the_rig_and_says_why():
    rig = Rig()

    def health():
        statistics = rig.synchronizer.statistics()
        return statistics.state, statistics.reasons
    assert health() == (State.STALLED, ('waiting for the first image of A, B, C',))
    for trigger_ms in range(0, 2000, 100):
        rig.now_ms = START_MS + trigger_ms
        for camera in 'ABC':
            rig.add(camera, trigger_ms)
    assert health() == (State.OK, ())
    rig.wait(1500)
    assert health() == (State.DEGRADED, tuple(f'{name} silent for 1.5 s' for name in 'ABC'))
    rig.wait(1700)
    state, reasons = health()
    assert state is State.STALLED and 'B silent for 3.2 s' in reasons


def test_camera_statistics_measure_rate_age_and_offset():
    rig = Rig()
    for trigger_ms in range(0, 1000, 100):
        rig.now_ms = START_MS + trigger_ms
        for camera in 'ABC':
            stamp_ns = (START_MS + trigger_ms) * MS + OFFSETS_NS[camera]
            wobble_ns = (trigger_ms // 100 % 2 * 2 - 1) * MS if camera == 'B' else 0
            rig.add(camera, trigger_ms, stamp_ns=stamp_ns + wobble_ns)
    rig.now_ms += 30
    camera = rig.synchronizer.statistics().cameras['B']
    assert camera.rate_hz == pytest.approx(10.0) and camera.age_ns == 30 * MS
    assert camera.offset_mean_ns == pytest.approx(10 * MS)
    assert camera.offset_sigma_ns == pytest.approx(1 * MS) and camera.offset_ns == 10 * MS
    assert (camera.num_images, camera.num_missing) == (10, 0)
    assert rig.synchronizer.statistics().max_spread_ns == 1 * MS
