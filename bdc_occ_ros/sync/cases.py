# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Simulate the streams that a synchronizer for camera rigs has to cope with, as cases T1 to T24.

Missing numbers are no streams: consumers and threads are tests only, and latency,
parity with message_filters and speed are columns of the benchmark's table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bdc_occ_ros.sync.config import SynchronizerConfig
from bdc_occ_ros.sync.synthetic_triggers import (
    expose,
    in_order_of_arrival,
    MS,
    NO_TRIGGER,
    NUSCENES_CAMERAS,
    NUSCENES_OFFSETS_NS,
    nuscenes_triggers_ns,
    regular_triggers_ns,
    SECOND,
    START_NS,
    SyntheticImage,
)

DRIVE_S = 20.0
YEAR_NS = 365 * 24 * 3600 * SECOND
LAST = 'CAM_BACK_LEFT'
SERIAL_ORDER = ('CAM_BACK', 'CAM_FRONT', 'CAM_FRONT_LEFT', 'CAM_FRONT_RIGHT', 'CAM_BACK_RIGHT',
                'CAM_BACK_LEFT')

Images = list[SyntheticImage]


def rig_config(**changes: Any) -> SynchronizerConfig:
    """Return the settings for a nuScenes rig."""
    return SynchronizerConfig(**{'cameras': NUSCENES_CAMERAS,
                                 'offsets_ns': NUSCENES_OFFSETS_NS, **changes})


@dataclass(frozen=True)
class SyncCase:
    """
    Describe one stream and the settings of its synchronizer.

    :param name: T and its number, with a letter where there are several.
    :param images: The stream, in the order of arrival.
    :param num_triggers: How many sets a perfect rig would have offered.
    :param clock_ahead_ns: How far the node's clock is ahead of arrival; a year for a bag that is
        replayed without its clock.
    :param max_spread_ns: For cameras without a common trigger: stamps of a set further apart
        than this count as mixed.
    :param learning_s: Sets of the first seconds may be missed.
    """

    name: str
    title: str
    images: Sequence[SyntheticImage]
    num_triggers: int
    config: SynchronizerConfig = field(default_factory=rig_config)
    clock_ahead_ns: int = 0
    max_spread_ns: int | None = None
    learning_s: float = 0.0


def _drive(rng: Random, **noise: Any) -> Images:
    return expose(nuscenes_triggers_ns(DRIVE_S), NUSCENES_OFFSETS_NS, rng, **noise)


def _case(name: str, title: str, images: Sequence[SyntheticImage], **rest: Any) -> SyncCase:
    num_triggers = rest.pop('num_triggers', 1 + max(image.trigger for image in images))
    return SyncCase(name, title, images, num_triggers, **rest)


def _noise_cases(rng: Random) -> list[SyncCase]:
    patient = rig_config(deadline_ns=150 * MS)
    lossy = _drive(rng, delivery_jitter_ns=30 * MS, loss=0.01)
    shaky = _drive(rng, delivery_jitter_ns=30 * MS, stamp_jitter_ns=2 * MS)
    return [
        _case('T1', 'nuScenes pattern, in order', _drive(rng)),
        _case('T2a', 'delivery jitter 0-30 ms', _drive(rng, delivery_jitter_ns=30 * MS)),
        _case('T2b', 'delivery jitter 0-60 ms', _drive(rng, delivery_jitter_ns=60 * MS),
              config=patient),
        _case('T3', 'jitter 0-30 ms, 1 % of images lost', lossy, num_triggers=240,
              config=rig_config(missing_policy='partial')),
        _case('T4', 'jitter 0-30 ms, stamps +-2 ms', shaky),
    ]


def _bag_cases(rng: Random) -> list[SyncCase]:
    keyframes = expose(regular_triggers_ns(2, DRIVE_S), NUSCENES_OFFSETS_NS, rng)
    bursts = [i._replace(arrival_ns=START_NS + i.trigger * 500 * MS + 43 * MS) for i in keyframes]
    one_pass = [image for image in _drive(rng)
                if image.camera != LAST or image.stamp_ns < START_NS + 19 * SECOND]
    loop = [image._replace(arrival_ns=image.arrival_ns + turn * 20_000 * MS,
                           trigger=image.trigger + turn * 240)
            for turn in range(3) for image in one_pass]
    bag = {'clock_ahead_ns': YEAR_NS}
    return [
        _case('T5', 'keyframes at 2 Hz, recorded in bursts', bursts, **bag),
        _case('T6', 'bag loop x3, one camera ends 1 s early', loop, num_triggers=720, **bag),
        *(_case(name, title, images, **bag) for name, title, images in _seeks(_drive(rng))),
    ]


def _seeks(drive: Images) -> list[tuple[str, str, Images]]:
    def seek(stop_s: float, go_on_s: float) -> Images:
        """Play until one time and go on from another."""
        first = [i for i in drive if i.arrival_ns < START_NS + stop_s * SECOND]
        moved_ns = round((stop_s - go_on_s) * SECOND)
        second = [i._replace(arrival_ns=i.arrival_ns + moved_ns, trigger=i.trigger + 240)
                  for i in drive if i.arrival_ns >= START_NS + go_on_s * SECOND]
        return _numbered(first + second)

    def stretched(rate: float) -> Images:
        return [i._replace(arrival_ns=START_NS + round((i.arrival_ns - START_NS) / rate))
                for i in drive]
    paused = [i if i.trigger < 120 else i._replace(arrival_ns=i.arrival_ns + 10 * SECOND)
              for i in drive]
    return [('T7a', 'seek 5 s back', seek(10.0, 5.0)),
            ('T7b', 'seek 5 s forward', seek(5.0, 10.0)),
            ('T7c', 'pause of 10 s', paused), ('T7d', 'played at 0.5x', stretched(0.5)),
            ('T7e', 'played at 5x', stretched(5.0))]


def _numbered(images: Images) -> Images:
    """Count the triggers from 0 without gaps."""
    numbers = {old: new for new, old in enumerate(sorted({i.trigger for i in images}))}
    return [image._replace(trigger=numbers[image.trigger]) for image in images]


def _camera_cases(rng: Random) -> list[SyncCase]:
    drive = _drive(rng)

    def without(first: int, last: int) -> Images:
        """Leave out one camera from one trigger to another."""
        return [i for i in drive if i.camera != LAST or not first <= i.trigger < last]
    half = [i for i in drive if i.camera != LAST or i.trigger % 2 == 0]
    partial = rig_config(missing_policy='partial')
    return [
        _case('T8a', 'a camera dead from the start', without(0, 240), config=partial),
        _case('T8b', 'a camera dies after 10 s', without(120, 240), config=partial),
        _case('T8c', 'a camera is away from 5 s to 15 s', without(60, 180), config=partial),
        _case('T9', 'a camera at half rate', half),
    ]


def _stamp_cases(rng: Random) -> list[SyncCase]:
    drive = _drive(rng)
    auto = rig_config(offsets_ns='auto')
    long_drive = expose(nuscenes_triggers_ns(60.0), NUSCENES_OFFSETS_NS, rng)
    drifting = [i if i.camera != LAST else
                i._replace(stamp_ns=i.stamp_ns + (i.stamp_ns - START_NS) // 1000)
                for i in long_drive]
    ahead = [i._replace(stamp_ns=i.stamp_ns + 150 * MS) if i.camera == LAST else i for i in drive]
    repeated = in_order_of_arrival(
        drive + [i._replace(arrival_ns=i.arrival_ns + 3 * MS) for i in drive[::7]])
    future = [i if (i.trigger, i.camera) != (100, LAST) else
              i._replace(stamp_ns=i.stamp_ns + 3600 * SECOND, trigger=NO_TRIGGER) for i in drive]
    return [
        _case('T10', 'all stamps zero', [i._replace(stamp_ns=0) for i in drive]),
        _case('T11', 'one clock 150 ms ahead, offsets learned', ahead, config=auto,
              learning_s=4.0),
        _case('T12', 'one clock drifts 1 ms/s, offsets learned', drifting, config=auto,
              learning_s=4.0),
        _case('T13a', 'every seventh image twice', repeated),
        _case('T13b', 'images of a camera swapped', _swapped(drive)),
        _case('T14a', 'one stamp 1 h in the future', future),
        _case('T14b', 'the same from a bag', future, clock_ahead_ns=YEAR_NS,
              config=rig_config(missing_policy='partial')),
    ]


def _swapped(drive: Images) -> Images:
    """Let CAM_FRONT's images overtake each other in every 50 ms gap."""
    late = {i.trigger: i.arrival_ns for i in drive if i.camera == 'CAM_FRONT'}
    return in_order_of_arrival(
        i if i.camera != 'CAM_FRONT' or i.trigger % 3 else
        i._replace(arrival_ns=late[i.trigger + 1] + MS) for i in drive)


def _rig_cases(rng: Random) -> list[SyncCase]:
    zero = dict.fromkeys(NUSCENES_CAMERAS, 0)
    cases = [
        _case('T15', 'hardware-synchronized at 12 Hz',
              expose(regular_triggers_ns(12, DRIVE_S), zero, rng),
              config=rig_config(offsets_ns=None)),
        _free_running(rng),
        _case('T17', 'hardware-synchronized, 30 and 15 Hz',
              [i for i in expose(regular_triggers_ns(30, DRIVE_S), zero, rng)
               if i.trigger % 2 == 0 or i.camera in NUSCENES_CAMERAS[:3]],
              config=rig_config(offsets_ns=None)),
        _case('T20', 'a camera dead for 60 s, 10 MB allowed',
              [i for i in expose(nuscenes_triggers_ns(60.0), NUSCENES_OFFSETS_NS, rng)
               if i.camera != LAST], config=rig_config(max_bytes=10_000_000)),
        _case('T22', 'order of the model unlike order of triggers', _drive(rng),
              config=rig_config(cameras=(*NUSCENES_CAMERAS[:3], *NUSCENES_CAMERAS[:2:-1]))),
    ]
    for letter, count in zip('abc', (3, 5, 6)):
        offsets_ns = dict(list(NUSCENES_OFFSETS_NS.items())[:count])
        cases.append(_case(
            f'T23{letter}', f'rig of {count} cameras',
            expose(nuscenes_triggers_ns(DRIVE_S), offsets_ns, rng, delivery_jitter_ns=30 * MS),
            config=SynchronizerConfig(tuple(offsets_ns), offsets_ns=offsets_ns)))
    return cases + _serial_cases(rng)


def _free_running(rng: Random) -> SyncCase:
    phases_ns = {name: rng.randrange(SECOND // 30) for name in NUSCENES_CAMERAS}
    images = in_order_of_arrival(
        image for name, phase_ns in phases_ns.items()
        for image in expose(regular_triggers_ns(30, DRIVE_S, phase_ns), {name: 0}, rng))
    return _case('T16', 'free-running at 30 Hz, random phases', images,
                 config=rig_config(mode='window', offsets_ns=None, window_ns=50 * MS),
                 max_spread_ns=SECOND // 30, learning_s=1.0)


def _serial_cases(rng: Random) -> list[SyncCase]:
    """Return streams of a driver that reads images from disk one after another."""
    delays_ns = {name: index * 30 * MS for index, name in enumerate(SERIAL_ORDER)}
    config = rig_config(mode='window', offsets_ns=None, window_ns=200 * MS, deadline_ns=250 * MS)
    return [_case(f'T24{letter}', f'bursts of 150 ms at {rate_hz} Hz',
                  expose(regular_triggers_ns(rate_hz, DRIVE_S), delays_ns, rng), config=config)
            for letter, rate_hz in zip('abc', (2, 5, 10))]


def make_cases(seed: int) -> list[SyncCase]:
    """Return all cases, their noise made from a seed."""
    rng = Random(seed)
    return [case for make in (_noise_cases, _bag_cases, _camera_cases, _stamp_cases, _rig_cases)
            for case in make(rng)]
