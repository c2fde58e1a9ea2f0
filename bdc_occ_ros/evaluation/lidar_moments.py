# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Find the moments of which images and a LiDAR sweep are there: keyframes, data sets, bags."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from bdc_occ_ros.bags import BASE_FRAME, ODOM_FRAME, TRUTH_FILE
from bdc_occ_ros.bags.bag_frames import RigBag
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.keyframe import load_keyframe
from bdc_occ_ros.bags.messages import CLOUD, stamp_ns_of
from bdc_occ_ros.bags.truth_file import load_truth
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.nuscenes_tables import versions_in
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.datatypes import Boxes, Frame, LidarSweep
from bdc_occ_ros.errors import InvalidBagError, InvalidKeyframeError, TransformUnavailableError

SAME_MOMENT_NS = 100_000_000
POSE_STEP_NS = 1_000_000  # within which the vehicle counts as standing
POINT_FIELDS = {1: 'i1', 2: 'u1', 3: '<i2', 4: '<u2', 5: '<i4', 6: '<u4', 7: '<f4', 8: '<f8'}
TIME_NAMES = ('t', 'time', 'timestamp')


class Moment(NamedTuple):
    """
    Hold what was recorded at one moment.

    :param frame: Images; its output is wanted in the ego frame of the sweep.
    :param boxes: Objects in that frame, or None where nobody marked them.
    """

    name: str
    frame: Frame
    sweep: LidarSweep
    boxes: Boxes | None


class MomentFile(NamedTuple):
    """Name a moment's scene, and load the moment on request."""

    scene: str
    load: Callable[[], Moment]


def moments_in(path: Path, version: str, split: str) -> Sequence[MomentFile]:
    """
    Return the moments of a keyframe's folder, a nuScenes data set, or a bag.

    :param version: Folder of a data set's tables; split as for NuscenesDataset.
    :raises InvalidKeyframeError: if a keyframe has no LiDAR sweep.
    :raises InvalidBagError: if a bag has no point cloud near its images.
    """
    if versions_in(path):
        dataset = NuscenesDataset(path, version, split)
        return [MomentFile(key.scene_name, partial(_of_sample, dataset, key))
                for key in dataset.keys]
    if path.suffix == '.mcap' or (path / 'metadata.yaml').is_file():
        return _of_bag(path)
    return [MomentFile(path.name, partial(_of_keyframe, path))]


def _of_sample(dataset: NuscenesDataset, key: SampleKey) -> Moment:
    fixed_from_ego = dataset.world_from_ego(key, LIDAR)
    ego_from_fixed = np.linalg.inv(fixed_from_ego)
    points_m = dataset.lidar_points_m(key) @ ego_from_fixed[:3, :3].T + ego_from_fixed[:3, 3]
    mount = dataset.rows.mount(dataset.key_readings(key)[LIDAR])
    return _moment(f'{key.scene_name}_{key.token[:8]}', dataset.frame(key),
                   LidarSweep(points_m, mount[:3, 3], fixed_from_ego),
                   dataset.boxes(key, LIDAR, measured_only=True))


def _of_keyframe(path: Path) -> Moment:
    keyframe = load_keyframe(path)
    if keyframe.sweep is None:
        raise InvalidKeyframeError(f'{path} has images and no LiDAR sweep to score them by')
    images = {name: cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR),
                                 cv2.COLOR_BGR2RGB) for name, jpeg in keyframe.jpegs.items()}
    rig = keyframe.rig
    return _moment(path.name, Frame(images, keyframe.stamps_ns, rig,
                                    keyframe.stamps_ns[rig.key_camera], keyframe.fixed_from_ego),
                   keyframe.sweep, keyframe.boxes)


def _moment(name: str, frame: Frame, sweep: LidarSweep, boxes: Boxes | None) -> Moment:
    output = None if frame.fixed_from_ego is None else sweep.fixed_from_ego
    return Moment(name, replace(frame, fixed_from_output=output), sweep, boxes)


def _of_bag(path: Path) -> Sequence[MomentFile]:
    """Return the sets of images of a bag that have a cloud near them."""
    with BagReader(path) as reader:
        topics = [topic for topic, kind in reader.topics.items() if kind == CLOUD]
        clouds = [(stamp_ns_of(reader.decode(message).header), message)
                  for message in reader.messages(topics[:1])]
    if not clouds:
        raise InvalidBagError(f'{path} has no {CLOUD}; a score needs the points of a LiDAR')
    bag, found = RigBag(path), []
    for key_ns in bag.key_stamps_ns():
        stamp_ns, message = min(clouds, key=lambda entry: abs(entry[0] - key_ns))
        if abs(stamp_ns - key_ns) < SAME_MOMENT_NS:
            found.append(MomentFile(path.name, partial(_of_set, bag, key_ns, message)))
    if not found:
        raise InvalidBagError(f'{path}: no cloud of {topics[0]} lies within '
                              f'{SAME_MOMENT_NS / 1e9:g} s of an image of {bag.rig.key_camera}')
    return found


def _of_set(bag: RigBag, key_ns: int, message: Any) -> Moment:
    with BagReader(bag.path) as reader:
        cloud = reader.decode(message)
    frame, sweep = next(iter(bag.frames({key_ns}))), _sweep_of(bag, cloud)
    file, boxes = bag.path / TRUTH_FILE, None
    if file.is_file():
        boxes = {truth.stamp_ns: truth.boxes for truth in load_truth(file)}.get(key_ns)
    if boxes is not None and frame.fixed_from_ego is not None:
        boxes = boxes.seen_from(np.linalg.inv(sweep.fixed_from_ego)
                                @ frame.fixed_from_ego[frame.rig.key_camera])
    return _moment(f'{bag.path.name}_{key_ns}', frame, sweep, boxes)


def _sweep_of(bag: RigBag, cloud: Any) -> LidarSweep:
    """
    Return the points of a cloud in the ego frame of its stamp.

    Where points have times of their own and the bag has poses, every point is put where the
    vehicle was when the sensor met it.
    """
    layout = np.dtype({'names': [field.name for field in cloud.fields],
                       'formats': [POINT_FIELDS[field.datatype] for field in cloud.fields],
                       'offsets': [field.offset for field in cloud.fields],
                       'itemsize': cloud.point_step})
    points = np.frombuffer(bytes(cloud.data), layout)
    local_m = np.column_stack([points[axis] for axis in 'xyz']).astype(np.float64)
    is_met = np.isfinite(local_m).all(axis=1)
    stamp_ns = stamp_ns_of(cloud.header)
    base_from_sensor = bag.transforms.lookup(BASE_FRAME, cloud.header.frame_id)
    steps = (_times_ns(points, stamp_ns)[is_met] - stamp_ns) // POSE_STEP_NS
    try:
        fixed_from_ego = bag.transforms.lookup(ODOM_FRAME, BASE_FRAME, stamp_ns)
        moved = {step: np.linalg.inv(fixed_from_ego) @ bag.transforms.lookup(
            ODOM_FRAME, BASE_FRAME, stamp_ns + int(step) * POSE_STEP_NS)
            for step in np.unique(steps)}
    except TransformUnavailableError:
        fixed_from_ego, moved = None, dict.fromkeys(np.unique(steps), np.eye(4))
    poses = np.empty((len(steps), 4, 4))
    for step, motion in moved.items():
        poses[steps == step] = motion @ base_from_sensor
    points_m = np.einsum('nij,nj->ni', poses[:, :3, :3], local_m[is_met]) + poses[:, :3, 3]
    return LidarSweep(points_m, poses[:, :3, 3], fixed_from_ego)


def _times_ns(points: np.ndarray, stamp_ns: int) -> np.ndarray:
    """Return when every point was met: by its own field, if there is one, else at the stamp."""
    name = next((name for name in TIME_NAMES if name in points.dtype.names), None)
    if name is None:
        return np.full(len(points), stamp_ns)
    times = points[name]
    if times.dtype == np.float64:  # seconds since 1970
        return (times * 1e9).astype(np.int64)
    scale = 1 if times.dtype.kind == 'u' else 1e9  # nanoseconds or seconds since the stamp
    return stamp_ns + (times * scale).astype(np.int64)
