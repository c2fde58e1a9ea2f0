# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Write made-up drives as a nuScenes data set with Occ3D labels, scene by scene.

A scene is written whole or not at all: what an interrupted run left behind is made again, what is
finished is left alone, and the same seed gives the same bytes.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
from bdc_occ_ros.dataset.occ3d_label import label_path, Occ3dLabel, save_label
from bdc_occ_ros.dataset.scene_writer import (
    Annotation,
    SampleRecord,
    SceneDescription,
    SceneWriter,
    SensorReading,
)
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.errors import InvalidDatasetError
from bdc_occ_ros.files import quoted, read_json, reading, replacing
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.sync.synthetic_triggers import NUSCENES_STEP_MS, START_NS
from bdc_occ_ros.world.keyframes import KeyframeBatch, Objects, visibility_grade
from bdc_occ_ros.world.lidar import lidar_observed, points_per_object, simulate_sweep, Sweep
from bdc_occ_ros.world.scene import Scene
from bdc_occ_ros.world.seeds import scene_name, sources_fingerprint
from bdc_occ_ros.world.sensor_timing import ego_from_lidar, SensorTiming
from bdc_occ_ros.world.world_source import KEYFRAME_PERIOD_S

SETTINGS_FILE = 'world.json'
JPEG_QUALITY = 92
SCENE_PERIOD_US = 60_000_000


@dataclass(frozen=True)
class DatarootSettings:
    """
    Configure what the scenes of one data set have in common.

    :param version: Folder of the tables.
    :param keyframes: Samples per scene, two a second.
    :param sweeps: Firings of all sensors between two samples, up to 5.
    :param rig: Name of the vehicle, or all for one after another.
    :param device: Where it is rendered: the last bits of images differ.
    :param world: Version of the world: seeds give other scenes in another.
    """

    version: str
    width_px: int
    height_px: int
    keyframes: int
    sweeps: int
    rig: str
    device: str
    world: str = field(default_factory=sources_fingerprint)


def require_settings(dataroot: Path, settings: DatarootSettings) -> None:
    """
    Write the settings of a data set, or compare them with those that it was begun with.

    :raises InvalidDatasetError: if it was begun with others, is not of this kind, or cannot be
        written.
    """
    file = dataroot / settings.version / SETTINGS_FILE
    if not file.exists():
        if (file.parent / 'scene.json').exists():
            raise InvalidDatasetError(f'{file.parent} holds the tables of another data set, which '
                                      'would be lost; give another folder')
        with replacing(file, InvalidDatasetError, parents=True) as place:
            place.write_text(json.dumps(asdict(settings)))
    with reading(file, InvalidDatasetError, 'give another folder'):
        found = dict(read_json(file, InvalidDatasetError))
    if found != (own := asdict(settings)):
        others = {name: value for name, value in found.items() if value != own.get(name)}
        raise InvalidDatasetError(f'{file.parent} was begun with {quoted(others)}; got '
                                  f'{settings}; give another folder, or delete it')


class SceneMaker:
    """Write the files of one scene, with the images of a rig at the size of the settings."""

    def __init__(self, dataroot: Path, settings: DatarootSettings, seed: int, rig: CameraRig,
                 device: torch.device) -> None:
        self._dataroot, self._settings, self._seed, self._device = dataroot, settings, seed, device
        self._scene, self._name = Scene.from_seed(seed), scene_name(seed)
        self._rig = rig.resized(settings.width_px, settings.height_px)
        self._writer = SceneWriter(dataroot, settings.version, SceneDescription(
            self._name, f'made-up drive, seed {seed}', self._rig, ego_from_lidar(),
            'made-up vehicle', 'made-up city'))

    def make(self) -> Iterator[int]:
        """
        Write the scene, which is complete once the iteration has ended.

        :return: The number of every sample once its files are written.
        """
        for number in range(self._settings.keyframes):
            self._make_sample(number)
            yield number
        self._writer.close()

    def _make_sample(self, number: int) -> None:
        keyframe = self._keyframe(number * KEYFRAME_PERIOD_S)
        truth = keyframe.truth(keyframe.timings[0].world_from_lidar_ego[None])
        images, lidar, sweep = self._readings(keyframe)
        record = SampleRecord(
            lidar.stamp_us, images, lidar,
            _annotations(truth.objects[0], truth.seen[0],
                         points_per_object(sweep, truth.objects[0].instance)),
            list(self._sweeps(number)))
        token = self._writer.write_sample(record)
        save_label(label_path(self._dataroot, self._name, token), Occ3dLabel(
            _array(truth.classes[0]), _array(lidar_observed(truth.classes[0], sweep)),
            _array(truth.observed[0])))

    def _sweeps(self, number: int) -> Iterator[tuple[str, SensorReading]]:
        """Return what the sensors read between a sample and the next, in the order of time."""
        if number + 1 == self._settings.keyframes:
            return
        for step_ms in NUSCENES_STEP_MS[1:self._settings.sweeps + 1]:
            images, lidar, _ = self._readings(
                self._keyframe(number * KEYFRAME_PERIOD_S + step_ms * 1e-3))
            yield from sorted(images.items(), key=lambda item: item[1].stamp_us)
            yield LIDAR, lidar

    def _keyframe(self, time_s: float) -> KeyframeBatch:
        return KeyframeBatch.of([SensorTiming(self._scene, self._rig, time_s)], self._device)

    def _readings(self, keyframe: KeyframeBatch
                  ) -> tuple[dict[str, SensorReading], SensorReading, Sweep]:
        """Return what cameras and LiDAR read at one firing, and the sweep as simulated."""
        timing, names = keyframe.timings[0], self._rig.names
        first = (self._seed * 1_000_000 + round(timing.time_s * 1000)) * (len(names) + 1)
        intrinsics = np.stack([camera.intrinsics for camera in self._rig.cameras])
        rendering = keyframe.images(
            intrinsics[None], (self._settings.height_px, self._settings.width_px),
            [first + camera for camera in range(len(names))])
        readings = {name: SensorReading(self._stamp_us(timing.exposure_s(name)),
                                        encode_jpeg(_array(image)), timing.world_from_ego(name))
                    for name, image in zip(names, rendering.images)}
        sweep = simulate_sweep(timing, keyframe.states[0], first + len(names))
        lidar = SensorReading(self._stamp_us(timing.lidar_time_s), sweep.points,
                              timing.world_from_lidar_ego)
        return readings, lidar, sweep

    def _stamp_us(self, time_s: float) -> int:
        return START_NS // 1000 + self._seed * SCENE_PERIOD_US + round(time_s * 1e6)


def make_scene(dataroot: Path, settings: DatarootSettings, seed: int, rig: CameraRig, device: str
               ) -> int:
    """Write one scene in a process of its own, and return how many samples it has."""
    torch.set_num_threads(1)
    return len(list(SceneMaker(dataroot, settings, seed, rig, torch.device(device)).make()))


def encode_jpeg(image: np.ndarray) -> bytes:
    """Compress an RGB image, (H, W, 3) uint8."""
    import cv2  # the world itself needs none
    parameters = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return cv2.imencode('.jpg', image[..., ::-1], parameters)[1].tobytes()


def _annotations(objects: Objects, seen: np.ndarray, num_points: np.ndarray) -> list[Annotation]:
    """Return the objects that a camera or the LiDAR notices."""
    return [Annotation(
        str(objects.instance[row]), DETECTION_CLASS_NAMES[objects.label[row]],
        objects.world_from_box[row], tuple(objects.size_m[row].tolist()),
        float(np.linalg.norm(objects.velocity_mps[row])), int(num_points[row]),
        visibility_grade(seen[row])) for row in np.flatnonzero((seen > 0) | (num_points > 0))]


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
