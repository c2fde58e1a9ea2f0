# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write what a camera rig recorded as a bag, as this package or a public converter does."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from rosbags.interfaces import Qos, QosDurability, QosReliability

from bdc_occ_ros.bags import BASE_FRAME, CALIBRATION_FILE, messages, ODOM_FRAME, TRUTH_FILE
from bdc_occ_ros.bags.bag_file import BagFile, qos, require_new
from bdc_occ_ros.bags.formats import (
    ConverterFormat,
    OWN_FORMAT,
    OWN_FORMAT_WITH_FILE,
    READING_NS,
    READING_ORDER,
)
from bdc_occ_ros.bags.truth_file import save_truth, Truth
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.files import replacing
from bdc_occ_ros.geometry.calibration_file import save_calibration
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.image_decoding import decode_image, EncodedImage

QUEUE = {'reliable': 10, 'best_effort': 5}


class RecordedReading(NamedTuple):
    """
    Hold an image or a LiDAR sweep with its stamp and the vehicle's pose.

    :param data: JPEG, or points (N, 5) float32: x y z in the LiDAR frame, metres, intensity, ring.
    :param fixed_from_ego: Pose of the vehicle in the odometry frame, (4, 4), metres; None if
        unknown.
    """

    channel: str
    stamp_ns: int
    data: bytes | np.ndarray
    fixed_from_ego: np.ndarray | None


class BagSummary(NamedTuple):
    """
    Summarize what was written.

    :param num_truths: Sets with ground truth.
    :param duration_s: From the first exposure to the last.
    """

    path: str
    num_sets: int
    num_images: int
    num_truths: int
    duration_s: float


class RigBagWriter:
    """
    Write the bag of a rig; use it in a with statement.

    One keyframe is kept back, since some converters write the pose of the next one with it.

    :param start_ns: Stamp of the first exposure.
    :param calibration: 'tf' writes camera_info and /tf_static into the bag, 'file' writes
        calibration.yaml beside it instead; with a converter's format, beside what that writes.
    :param converter: Converter to imitate, faults included; None writes this package's format.
    :param ego_from_lidar: Mount of the LiDAR whose sweeps will come, (4, 4), metres, or None;
        only some converters write sweeps.
    :raises UsageError: if the folder exists already, and on entering if it cannot be made.
    """

    def __init__(self, path: str | Path, rig: CameraRig, start_ns: int, *,
                 calibration: str = 'tf', converter: ConverterFormat | None = None,
                 ego_from_lidar: np.ndarray | None = None) -> None:
        self._has_file = calibration == 'file'
        self._format = converter or (OWN_FORMAT_WITH_FILE if self._has_file else OWN_FORMAT)
        self._path = Path(path)
        require_new(self._path)
        self._stack = ExitStack()
        self._rig, self._start_ns, self._last_ns = rig, start_ns, start_ns
        self._mounts = {camera.name: camera.ego_from_camera for camera in rig.cameras}
        self._has_lidar = ego_from_lidar is not None and self._format.lidar_topic is not None
        if self._has_lidar:
            self._mounts[LIDAR] = ego_from_lidar
        self._num_sets = self._num_images = 0
        self._last_keyframe: tuple[int, np.ndarray] | None = None
        self._waiting: list[tuple[int, str, Any]] = []
        self.truths: list[Truth] = []  # what is in it at the end is written beside the bag

    @property
    def summary(self) -> BagSummary:
        """Return the summary of what has been written so far."""
        return BagSummary(str(self._path), self._num_sets, self._num_images,
                          len(self.truths), (self._last_ns - self._start_ns) / 1e9)

    def __enter__(self) -> 'RigBagWriter':
        with ExitStack() as stack:
            place = stack.enter_context(replacing(self._path, UsageError))
            stack.push(partial(self._save_truths, place / TRUTH_FILE))
            self._file = stack.enter_context(BagFile(place, self._format.storage))
            self._begin()
            if self._has_file:
                save_calibration(self._rig, place / CALIBRATION_FILE)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._release(next_keyframe=None)

    def _begin(self) -> None:
        """Announce the topics, and write the calibration ahead of the first image."""
        file, form = self._file, self._format
        early_ns = self._start_ns - form.lead_in_ns
        image_type = messages.COMPRESSED_IMAGE if form.encoding == 'jpeg' else messages.IMAGE
        for name in self._rig.names:
            file.connect(self._named(form.image_topic, name), image_type, self._qos())
            if form.info_topic:
                file.connect(self._named(form.info_topic, name), messages.CAMERA_INFO, self._qos())
        if self._has_lidar:
            file.connect(self._named(form.lidar_topic, LIDAR), messages.CLOUD, self._qos())
        if form.transforms != 'none':
            file.connect('/tf', messages.TF_MESSAGE, self._qos(100))
        if form.transforms == 'static':
            file.connect('/tf_static', messages.TF_MESSAGE, qos(1, QosDurability.TRANSIENT_LOCAL))
            self._add(early_ns, '/tf_static', messages.tf(self._mounts_at(early_ns)))
        for name in self._rig.names if form.info_topic and form.lead_in_ns else ():
            self._add_info(name, early_ns, early_ns)
        if form.odometry_topic:
            file.connect(form.odometry_topic, messages.ODOMETRY, self._qos())

    def write_set(self, images: Sequence[RecordedReading], is_keyframe: bool = True,
                  scan: RecordedReading | None = None) -> None:
        """
        Write the images of one trigger.

        :param images: In the order of their stamps.
        :param is_keyframe: Whether the set is annotated, two of which there are per second.
        :param scan: Sweep of the LiDAR at the keyframe, or None.
        :raises UsageError: if an image has no pose and the converter needs it.
        """
        form, last = self._format, images[-1]
        if form.needs_poses and any(image.fixed_from_ego is None for image in images):
            raise UsageError('bags of converters hold a pose for every image; this recording '
                             'does not know them')
        self._last_ns = last.stamp_ns
        if is_keyframe:
            self._release((last.stamp_ns, last.fixed_from_ego))
        elif form.is_keyframes_only:
            return
        self._num_sets += 1
        self._num_images += len(images)
        is_read = form.recorded == 'reading'
        if is_read:
            images = sorted(images, key=lambda image: READING_ORDER.index(image.channel))
        for place, reading in enumerate([*images, scan] if scan else images):
            recorded_ns = reading.stamp_ns
            if is_read:
                recorded_ns = last.stamp_ns + (place + 1) * READING_NS
            elif form.recorded == 'keyframe' and is_keyframe and reading is not scan:
                recorded_ns = last.stamp_ns
            self._add_reading(reading, recorded_ns)

    def write_sweep(self, scan: RecordedReading) -> None:
        """Write a later sweep of the LiDAR between keyframes, if the converter takes those."""
        if not self._format.is_keyframes_only:
            self._add_reading(scan, scan.stamp_ns)

    def _add_reading(self, reading: RecordedReading, recorded_ns: int) -> None:
        """Queue a reading, its camera_info and what is sent about the vehicle at its time."""
        form, name = self._format, reading.channel
        stamp_ns = {'exposure': reading.stamp_ns, 'zero': 0, 'writing': recorded_ns}[form.stamps]
        topic, frame = form.image_topic, self._named(form.frame, name)
        self._add_poses(reading, recorded_ns)
        if name == LIDAR:
            topic = form.lidar_topic
            message = messages.cloud(stamp_ns, frame, reading.data, form.lidar_layout)
        elif form.encoding == 'jpeg':
            message = messages.compressed_image(stamp_ns, frame, reading.data)
        else:
            pixels = decode_image(EncodedImage(reading.data), name)
            message = messages.image(stamp_ns, frame, pixels[..., ::-1], form.encoding)
        if form.info_topic and name != LIDAR:
            self._add_info(name, stamp_ns, recorded_ns)
        self._add(recorded_ns, self._named(topic, name), message)

    def _add_info(self, name: str, stamp_ns: int, recorded_ns: int) -> None:
        form = self._format
        self._add(recorded_ns, self._named(form.info_topic, name), messages.camera_info(
            stamp_ns, self._named(form.frame, name), self._rig[name], form.rectification,
            form.distortion_model, form.num_distortion))

    def _add_poses(self, reading: RecordedReading, recorded_ns: int) -> None:
        """Queue the transforms and the odometry that go with a reading."""
        form, pose = self._format, reading.fixed_from_ego
        if pose is None:
            return
        stamp_ns = recorded_ns if form.stamps == 'writing' else reading.stamp_ns
        if form.odometry_topic:
            self._add(recorded_ns, form.odometry_topic, messages.odometry(
                stamp_ns, form.world_frame, BASE_FRAME, pose))
        if form.transforms in ('none', 'keyframes'):
            return
        parent = ODOM_FRAME if form.transforms == 'every_pose' else form.world_frame
        tree = [messages.transform(stamp_ns, parent, BASE_FRAME, pose)]
        if form.transforms in ('every_pose', 'live'):
            root = messages.transform(stamp_ns, form.world_frame, ODOM_FRAME, np.eye(4))
            tree = [root, *tree, *self._mounts_at(stamp_ns)]
        self._add(recorded_ns, '/tf', messages.tf(tree))

    def _mounts_at(self, stamp_ns: int) -> list[Any]:
        return [messages.transform(
            stamp_ns, BASE_FRAME, self._named(self._format.frame or '{lower}', name), mount)
            for name, mount in self._mounts.items()]

    def _release(self, next_keyframe: tuple[int, np.ndarray] | None) -> None:
        """Write what waited for the next keyframe, now that it is known."""
        if self._format.transforms == 'keyframes' and self._last_keyframe is not None:
            poses = [entry for entry in (self._last_keyframe, next_keyframe) if entry is not None]
            tree = [part for stamp_ns, pose in poses for part in (
                messages.transform(stamp_ns, self._format.world_frame, BASE_FRAME, pose),
                *self._mounts_at(stamp_ns))]
            self._add(self._last_keyframe[0], '/tf', messages.tf(tree))
        for recorded_ns, topic, message in sorted(self._waiting, key=lambda entry: entry[0]):
            self._file.write(topic, recorded_ns, message)
        self._waiting = []
        self._last_keyframe = next_keyframe

    def _save_truths(self, path: Path, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None and self.truths:
            save_truth(self.truths, path)

    def _add(self, recorded_ns: int, topic: str, message: Any) -> None:
        self._waiting.append((recorded_ns, topic, message))

    def _named(self, pattern: str, name: str) -> str:
        return pattern.format(name=name, lower=name.lower(),
                              number=list(self._mounts).index(name))

    def _qos(self, depth: int | None = None) -> Qos | None:
        if self._format.reliability is None:
            return None
        return qos(depth or QUEUE[self._format.reliability],
                   reliability=QosReliability[self._format.reliability.upper()])
