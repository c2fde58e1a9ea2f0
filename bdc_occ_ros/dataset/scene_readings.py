# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""List all that cameras and LiDAR recorded in one scene: keyframes and sweeps between them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
import logging
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.nuscenes_tables import Row
from bdc_occ_ros.dataset.taxonomy import CAMERAS, LIDAR
from bdc_occ_ros.errors import InvalidDatasetError
from bdc_occ_ros.files import quoted
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.sync.synthetic_triggers import NUSCENES_OFFSETS_NS

_LOGGER = logging.getLogger(__name__)
STAMP = attrgetter('stamp_ns')
LARGEST_GAP_NS = 20_000_000  # between images of one trigger, less the offsets of their cameras


class Reading(NamedTuple):
    """
    Locate one image or sweep on disk.

    :param world_from_ego: Pose of the vehicle then, (4, 4), metres.
    :param row: Its row of sample_data.
    """

    channel: str
    stamp_ns: int
    world_from_ego: np.ndarray
    row: Row


class TriggerReadings(NamedTuple):
    """Hold the images of one trigger by stamp; for keyframes the sample, and any LiDAR sweep."""

    images: Sequence[Reading]
    key: SampleKey | None
    scan: Reading | None


class SceneReadings(NamedTuple):
    """
    List the readings of a scene in the order of time.

    :param ego_from_lidar: Mount of the LiDAR, (4, 4), metres; None without one.
    :param sweeps: Those of the LiDAR between the samples.
    """

    rig: CameraRig
    ego_from_lidar: np.ndarray | None
    sets: Sequence[TriggerReadings]
    sweeps: Sequence[Reading]


def read_scene(dataset: NuscenesDataset, scene_name: str) -> SceneReadings:
    """
    List the readings of a scene; files are not opened yet.

    Sweeps whose files are not there, as where only samples/ was unpacked, are left out.

    :raises InvalidDatasetError: if there is no such scene, it lacks a camera, or a sensor of it
        has several calibrations.
    """
    keys = {key.token: key for key in dataset.keys if key.scene_name == scene_name}
    if not keys:
        raise InvalidDatasetError(
            f'{dataset.dataroot / dataset.version} has no scene {quoted(scene_name)}; it has '
            f'{sorted({key.scene_name for key in dataset.keys})[:5]}')
    rows, tables, missing_sweeps = defaultdict(list), dataset.rows, Counter()
    for row in dataset.tables.sample_data:
        if row['sample_token'] in keys and row['channel'] in (*CAMERAS, LIDAR):
            if row['is_key_frame'] or tables.file(row).is_file():
                rows[row['channel']].append(row)
            else:
                missing_sweeps[row['channel']] += 1
    if missing_sweeps:
        _LOGGER.warning('%s: %d sweeps are not in %s and are left out: %s', scene_name,
                        missing_sweeps.total(), dataset.dataroot, dict(missing_sweeps))
    if missing := sorted(set(CAMERAS) - rows.keys()):
        raise InvalidDatasetError(f'{scene_name} has no images of {missing}')
    for channel, of_channel in rows.items():
        if len({row['calibrated_sensor_token'] for row in of_channel}) != 1:
            raise InvalidDatasetError(f'{scene_name}: {channel} has several calibrations')
    readings = sorted((Reading(row['channel'], row['timestamp'] * 1000, tables.ego_pose(row), row)
                       for of_channel in rows.values() for row in of_channel), key=STAMP)
    lidar = rows.get(LIDAR)
    return SceneReadings(
        CameraRig(tuple(tables.camera(name, rows[name][0]) for name in CAMERAS), CAMERAS[0]),
        tables.mount(lidar[0]) if lidar else None, _sets(readings, keys),
        [reading for reading in readings if reading.channel == LIDAR
         and not reading.row['is_key_frame']])


def _sets(readings: Sequence[Reading], keys: dict[str, SampleKey]) -> list[TriggerReadings]:
    """Put images of one trigger together: those of a sample, and sweeps by their times."""
    keyframes, scans, sweeps = defaultdict(list), {}, []
    for reading in readings:
        token = reading.row['sample_token']
        if reading.channel == LIDAR:
            if reading.row['is_key_frame']:
                scans[token] = reading
        elif reading.row['is_key_frame']:
            keyframes[token].append(reading)
        else:
            sweeps.append(reading)
    sets = [TriggerReadings(images, keys[token], scans.get(token))
            for token, images in keyframes.items()]
    sets += [TriggerReadings(sorted(images, key=STAMP), None, None)
             for images in _triggers(sweeps)]
    return sorted(sets, key=lambda each: each.images[0].stamp_ns)


def _triggers(sweeps: Sequence[Reading]) -> list[list[Reading]]:
    """Group images whose cameras were triggered together."""
    groups: list[list[Reading]] = []
    last_ns = 0
    for reading in sorted(sweeps, key=_trigger_ns):
        is_new = (not groups or _trigger_ns(reading) - last_ns > LARGEST_GAP_NS
                  or reading.channel in {other.channel for other in groups[-1]})
        if is_new:
            groups.append([])
        groups[-1].append(reading)
        last_ns = _trigger_ns(reading)
    return groups


def _trigger_ns(reading: Reading) -> int:
    return reading.stamp_ns - NUSCENES_OFFSETS_NS[reading.channel]
