# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Simulate camera streams of which it is known which image belongs to which trigger.

The nuScenes pattern is that of its public stamps: 12 Hz cameras spread over the sweep of a 20 Hz
lidar fire in steps of 50, 100 and 100 ms, one after another within 42.6 ms. Stamps, arrival and
noise are integers in nanoseconds and seeded, so that a replay is exact.
"""

from collections.abc import Iterable, Mapping
from random import Random
from typing import NamedTuple

MS = 1_000_000
SECOND = 1_000_000_000
START_NS = 1_532_402_927_612_460_000
TRANSPORT_NS = 5 * MS
NUSCENES_OFFSETS_NS = {
    'CAM_FRONT_LEFT': 0, 'CAM_FRONT': 7_600_000, 'CAM_FRONT_RIGHT': 15_500_000,
    'CAM_BACK_RIGHT': 23_000_000, 'CAM_BACK': 32_700_000, 'CAM_BACK_LEFT': 42_600_000,
}
NUSCENES_CAMERAS = tuple(NUSCENES_OFFSETS_NS)
NUSCENES_STEP_MS = (0, 50, 150, 250, 300, 400)
NUSCENES_PERIOD_MS = 500
NO_TRIGGER = -1


class SyntheticImage(NamedTuple):
    """
    Describe one simulated image.

    :param arrival_ns: When it arrives, on the node's clock.
    :param stamp_ns: Stamp of its header.
    :param trigger: Number of the trigger that it belongs to; NO_TRIGGER if its stamp is wrong.
    """

    arrival_ns: int
    camera: str
    stamp_ns: int
    trigger: int


def nuscenes_triggers_ns(duration_s: float) -> list[int]:
    """
    Return the trigger times of a nuScenes rig.

    :param duration_s: Length of the drive; 20 s hold 240 triggers.
    """
    triggers = []
    while True:
        period, step = divmod(len(triggers), len(NUSCENES_STEP_MS))
        offset_ms = period * NUSCENES_PERIOD_MS + NUSCENES_STEP_MS[step]
        if offset_ms >= duration_s * 1000:
            return triggers
        triggers.append(START_NS + offset_ms * MS)


def regular_triggers_ns(rate_hz: float, duration_s: float, phase_ns: int = 0) -> list[int]:
    """
    Return evenly spaced trigger times.

    :param phase_ns: Time of the first trigger.
    """
    return [START_NS + phase_ns + round(index * SECOND / rate_hz)
            for index in range(round(duration_s * rate_hz))]


def expose(triggers_ns: Iterable[int], offsets_ns: Mapping[str, int], rng: Random, *,
           stamp_jitter_ns: int = 0, delivery_jitter_ns: int = 0,
           loss: float = 0.0) -> list[SyntheticImage]:
    """
    Let every camera take and send an image at every trigger.

    :param offsets_ns: Delay of the exposure by camera.
    :param stamp_jitter_ns: Stamps deviate evenly by up to this much to either side.
    :param delivery_jitter_ns: Delivery takes evenly up to this much longer.
    :param loss: Share of images that never arrive.
    :return: Images in the order of arrival.
    """
    images = []
    for trigger, trigger_ns in enumerate(triggers_ns):
        for camera, offset_ns in offsets_ns.items():
            exposure_ns = trigger_ns + offset_ns
            stamp_ns = exposure_ns + rng.randint(-stamp_jitter_ns, stamp_jitter_ns)
            delay_ns = TRANSPORT_NS + rng.randint(0, delivery_jitter_ns)
            if rng.random() >= loss:
                images.append(SyntheticImage(exposure_ns + delay_ns, camera, stamp_ns, trigger))
    return in_order_of_arrival(images)


def in_order_of_arrival(images: Iterable[SyntheticImage]) -> list[SyntheticImage]:
    """Sort images by arrival; those that arrive together stay as they are."""
    return sorted(images, key=lambda image: image.arrival_ns)
