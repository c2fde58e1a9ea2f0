# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Streams with known truth: every due set is formed, none mixes triggers, every other has a cause.

The numbers are those of the cases in bdc_occ_ros.sync.cases.py.
"""

import logging
from random import Random

import pytest

from bdc_occ_ros.bench.sync import choose_cases, judge
from bdc_occ_ros.sync.cases import LAST, make_cases, rig_config
from bdc_occ_ros.sync.image_sets import AddResult, DropReason
from bdc_occ_ros.sync.replay import replay
from bdc_occ_ros.sync.synchronizer import Synchronizer
from bdc_occ_ros.sync.synthetic_triggers import (
    expose,
    in_order_of_arrival,
    MS,
    NUSCENES_CAMERAS,
    NUSCENES_OFFSETS_NS,
    nuscenes_triggers_ns,
    regular_triggers_ns,
    SECOND,
    START_NS,
)

SEEDS = range(10)
CASES = {case.name: case for case in make_cases(0)}


def case_named(name, seed=0):
    return next(case for case in make_cases(seed) if case.name == name) if seed else CASES[name]


def passed(name, seed=0):
    """Judge a case, demand that it passes, and return its row."""
    row = judge(case_named(name, seed))
    assert row.passed and row.added_ms == 0.0, f'seed {seed}: {row}'
    return row


def replayed(name):
    case = CASES[name]
    return replay(case.config, case.images, case.clock_ahead_ns)


@pytest.mark.parametrize('name', CASES)
def test_every_case_passes(name):
    passed(name)


def test_the_nuscenes_pattern_in_order_gives_every_set():
    row = passed('T1')
    assert (row.sets_offered, row.sets_formed, row.mixed, row.dropped) == (240, 240, 0, 0)
    assert (row.state, row.reasons) == ('OK', ())


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('name', ['T2a', 'T2b'])
def test_delivery_jitter(name, seed):
    row = passed(name, seed)
    assert row.sets_formed == row.sets_due >= 235


@pytest.mark.parametrize('seed', SEEDS)
def test_lost_images_leave_partial_sets_that_name_their_cameras(seed):
    case = case_named('T3', seed)
    row = passed('T3', seed)
    assert 205 <= row.sets_formed < 240 and row.causes == {'handed out partially': row.dropped}
    came = {}
    for image in case.images:
        came.setdefault(image.trigger, set()).add(image.camera)
    for emitted in replay(case.config, case.images).emitted:
        expected = set(NUSCENES_CAMERAS) - came[next(iter(emitted.triggers))]
        assert set(emitted.image_set.missing) == expected


@pytest.mark.parametrize('seed', SEEDS)
def test_jitter_of_stamps(seed):
    assert passed('T4', seed).sets_formed == 240


def test_keyframes_recorded_in_bursts():
    assert passed('T5').sets_formed == 40


@pytest.mark.parametrize('seed', SEEDS)
def test_in_any_order_within_the_burst(seed):
    rng = Random(seed)
    images = in_order_of_arrival(rng.sample(CASES['T5'].images, len(CASES['T5'].images)))
    assert len(replay(CASES['T5'].config, images).complete) == 40


def test_a_loop_gives_every_complete_set_of_every_pass():
    result = replayed('T6')
    turns = [next(iter(emitted.triggers)) // 240 for emitted in result.complete]
    assert [turns.count(turn) for turn in range(3)] == [228, 228, 228]
    assert result.num_mixed == 0
    assert [e.image_set.epoch for e in result.complete] == turns


@pytest.mark.parametrize('name, expected, epoch', [
    ('T7a', 300, 1), ('T7b', 180, 0), ('T7c', 240, 0), ('T7d', 240, 0), ('T7e', 240, 0)])
def test_seek_pause_and_rate(name, expected, epoch):
    assert passed(name).sets_formed == expected
    assert replayed(name).statistics.epoch == epoch


def test_a_dead_camera_is_named():
    row = passed('T8a')
    assert row.causes == {'handed out partially': 240}
    assert f'waiting for the first image of {LAST}' in row.reasons
    silent = [reason for reason in passed('T8b').reasons if 'silent' in reason]
    assert silent == [f'{LAST} silent for 10.3 s']
    assert not [reason for reason in passed('T8c').reasons if 'silent' in reason]
    assert passed('T8c').sets_formed == 120


@pytest.mark.parametrize('policy, emitted', [('drop', 120), ('partial', 240), ('hold', 240)])
def test_each_policy_meets_a_camera_that_dies(policy, emitted):
    result = replay(rig_config(missing_policy=policy), CASES['T8b'].images)
    statistics = result.statistics
    assert len(result.emitted) == emitted and len(result.complete) == 120
    if policy == 'hold':
        held = [e.image_set for e in result.emitted
                if any(entry.held for entry in e.image_set.entries.values())]
        assert len(held) == statistics.num_held == 6  # triggers of the next 500 ms
        assert all(s.ref_ns - s.entries[LAST].ref_ns <= 500 * MS for s in held)
        assert statistics.num_partial == 114


def test_a_camera_at_half_rate_is_named():
    row = passed('T9')
    assert row.sets_formed == 120
    assert f'{LAST} delivers 6.0 Hz, the fastest camera 11.9 Hz' in row.reasons


def test_zero_stamps_are_grouped_by_arrival_with_one_warning(caplog):
    with caplog.at_level(logging.WARNING):
        row = passed('T10')
    assert row.sets_formed == 240
    assert [record.levelname for record in caplog.records] == ['WARNING']
    assert 'stamps are zero: images are grouped by time of arrival' in row.reasons


@pytest.mark.parametrize('seed', SEEDS)
def test_also_with_delivery_jitter(seed):
    drive = expose(nuscenes_triggers_ns(20), NUSCENES_OFFSETS_NS, Random(seed),
                   delivery_jitter_ns=20 * MS)
    result = replay(rig_config(), [image._replace(stamp_ns=0) for image in drive])
    assert len(result.complete) == 240 and result.num_mixed == 0


@pytest.mark.parametrize('seed', SEEDS)
def test_a_lost_image_does_not_mix_bursts(seed):
    rng = Random(seed)
    images = [image._replace(stamp_ns=0) for image in CASES['T1'].images
              if image.trigger < 12 or rng.random() > 0.01]
    result = replay(rig_config(), images)
    assert result.num_mixed == 0 and len(result.complete) > 200


def test_one_camera_without_stamps_does_not_change_the_rig():
    images = [image._replace(stamp_ns=0) if image.camera == LAST else image
              for image in CASES['T1'].images]
    result = replay(rig_config(missing_policy='partial'), images)
    assert result.statistics.num_partial == 240 and result.num_mixed == 0
    assert not result.statistics.uses_receive_time
    assert f'{LAST}: 100% of its recent images are left out: its stamp is zero' in (
        result.statistics.reasons)


def test_a_wrong_clock_is_learned():
    row = passed('T11')
    assert row.sets_formed >= 215
    learned = replayed('T11').statistics.cameras
    assert learned[LAST].offset_ns == pytest.approx(192.6 * MS, abs=MS)
    assert learned['CAM_BACK'].offset_ns == pytest.approx(32.7 * MS, abs=MS)


@pytest.mark.parametrize('deadline_ms', [100, 150])
def test_a_wrong_clock_is_reported_where_offsets_are_given(deadline_ms):
    result = replay(rig_config(deadline_ns=deadline_ms * MS), CASES['T11'].images)
    reasons = '; '.join(result.statistics.reasons)
    assert f'{LAST} is exposed 192.6 ms after CAM_FRONT_LEFT' in reasons or (
        f'{LAST}: stamps are 150 ms ahead of those of the other cameras' in reasons), reasons


def test_ambiguous_offsets_are_refused_and_the_reason_says_so():
    images = expose(regular_triggers_ns(12, 20.0), NUSCENES_OFFSETS_NS, Random(0))
    result = replay(rig_config(offsets_ns='auto'), images)
    assert not result.complete and result.num_mixed == 0
    assert result.statistics.state.value == 'STALLED'
    assert any(LAST in reason and 'ambiguous, -40.7 ms and +42.6 ms fit equally' in reason
               for reason in result.statistics.reasons), result.statistics.reasons


def test_drift_is_followed():
    row = passed('T12')
    assert row.sets_formed >= 695
    offset_ns = replayed('T12').statistics.cameras[LAST].offset_ns
    assert offset_ns == pytest.approx((42.6 + 60) * MS, abs=3 * MS)


def test_drift_of_given_offsets_is_reported_before_sets_are_lost():
    images = [image for image in CASES['T12'].images if image.arrival_ns < START_NS + 18 * SECOND]
    result = replay(rig_config(), images)
    assert len(result.complete) == len({image.trigger for image in images})
    assert any(reason.startswith(f'{LAST} is exposed') for reason in result.statistics.reasons)


def test_duplicates_and_swapped_images_are_counted_and_harmless():
    duplicates = replayed('T13a')
    assert duplicates.results.count(AddResult.DUPLICATE) == 206  # every seventh of 1440
    assert len(duplicates.complete) == 240
    swapped = replayed('T13b')
    assert swapped.statistics.cameras['CAM_FRONT'].num_out_of_order == 80
    assert len(swapped.complete) == 240


def test_one_stamp_in_the_future_neither_flushes_nor_stalls():
    live, bag = replayed('T14a'), replayed('T14b')
    assert live.results.count(AddResult.FUTURE) == 1
    assert bag.statistics.dropped == {DropReason.ISOLATED: 1}
    for result in (live, bag):
        assert len(result.complete) == 239 and result.statistics.epoch == 0


def test_one_stamp_in_the_past_does_not_flush():
    images = [image._replace(stamp_ns=image.stamp_ns - 60 * SECOND)
              if (image.trigger, image.camera) == (100, LAST) else image
              for image in CASES['T1'].images]
    result = replay(rig_config(), images)
    assert result.results.count(AddResult.ASIDE) == 1 and result.statistics.epoch == 0
    assert len(result.complete) == 239


def test_hardware_synchronized_sets_are_exact():
    result = replayed('T15')
    assert len(result.complete) == 240
    assert all(len({e.stamp_ns for e in emitted.image_set.entries.values()}) == 1
               for emitted in result.complete)


@pytest.mark.parametrize('seed', SEEDS)
def test_free_running_cameras_neither_starve_nor_drift_apart(seed):
    passed('T16', seed)
    rng = Random(seed)
    images = in_order_of_arrival(
        image for index, name in enumerate(NUSCENES_CAMERAS)
        for image in expose(regular_triggers_ns(30 + 0.02 * index, 20.0, rng.randrange(33 * MS)),
                            {name: 0}, rng, delivery_jitter_ns=3 * MS))
    emitted = replay(CASES['T16'].config, images).emitted
    pauses_ns = [b.emitted_ns - a.emitted_ns for a, b in zip(emitted, emitted[1:])]
    assert len(emitted) > 590 and max(pauses_ns) < 100 * MS, f'seed {seed}'
    assert max(e.image_set.spread_ns for e in emitted) <= 34 * MS, f'seed {seed}'


def test_the_best_cut_is_found():
    phases_ns = dict(zip(NUSCENES_CAMERAS, (0, 26 * MS, 27 * MS, 28 * MS, 29 * MS, 30 * MS)))
    images = in_order_of_arrival(
        image for name, phase_ns in phases_ns.items()
        for image in expose(regular_triggers_ns(30, 10.0, phase_ns), {name: 0}, Random(0)))
    spreads = [e.image_set.spread_ns for e in replay(CASES['T16'].config, images).emitted]
    assert spreads[0] == 30 * MS and spreads[-1] < 8 * MS


def test_mixed_rates():
    row = passed('T17')
    assert row.sets_formed == 300
    assert 'CAM_BACK delivers 15.0 Hz, the fastest camera 30.0 Hz' in row.reasons


def test_memory_stays_within_its_cap():
    largest, num_open = 0, 0
    now_ns = START_NS
    config = rig_config(max_bytes=1_000_000, max_groups=3, deadline_ns=10 * SECOND)
    dropped = []
    synchronizer = Synchronizer(config, clock=lambda: now_ns, steady_clock=lambda: now_ns)
    for image in CASES['T20'].images:
        now_ns = image.arrival_ns
        dropped += synchronizer.add(image.camera, image.stamp_ns, image, 150_000).dropped
        statistics = synchronizer._assembly
        largest = max(largest, statistics.size_bytes)
        num_open = max(num_open, statistics.num_open)
    assert 750_000 <= largest <= 1_000_000 and num_open <= 3
    assert {item.reason for item in dropped} == {DropReason.MEMORY}
    assert synchronizer.add(LAST, 1, None, 1_000_001).result is AddResult.TOO_LARGE


def test_names_and_not_positions_decide():
    case = CASES['T22']
    for emitted in replayed('T22').complete:
        entries = emitted.image_set.entries
        assert tuple(entries) == case.config.cameras
        assert all(entry.payload.camera == name for name, entry in entries.items())


@pytest.mark.parametrize('name, expected', [('T23a', 3), ('T23b', 5), ('T23c', 6)])
def test_rigs_of_other_sizes(name, expected):
    assert passed(name).sets_formed == 240
    assert all(len(e.image_set.entries) == expected for e in replayed(name).complete)


@pytest.mark.parametrize('seed', SEEDS)
def test_bursts_of_a_serial_driver(seed):
    assert [passed(name, seed).sets_formed for name in ('T24a', 'T24b', 'T24c')] == [40, 100, 200]


def test_a_lost_first_image_does_not_shift_the_bursts():
    case = CASES['T24b']
    images = [image for image in case.images
              if (image.camera, image.trigger) not in (('CAM_BACK', 30), ('CAM_FRONT', 60))]
    result = replay(case.config, images)
    assert len(result.complete) == 98 and result.num_mixed == 0


@pytest.mark.parametrize('name', ['T1', 'T2b', 'T6', 'T10', 'T24c'])
def test_the_last_image_hands_the_set_out_at_once(name):
    assert all(emitted.added_ns == 0 for emitted in replayed(name).complete)


def test_an_image_takes_less_than_20_us():
    fastest_us = min(judge(case).us_per_message for case in choose_cases('T1,T1,T2', 0) * 3)
    assert fastest_us < 20.0
