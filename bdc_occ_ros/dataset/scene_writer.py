# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write one scene: its files at once, its rows of the tables at the end."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bdc_occ_ros.dataset.taxonomy import attribute_of, CATEGORY_OF_CLASS, LIDAR, token
from bdc_occ_ros.errors import InvalidDatasetError, UsageError
from bdc_occ_ros.files import replacing
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.rotations import quaternion_from_matrix

SCENES_FOLDER = 'scenes'

Row = dict[str, Any]


class SensorReading(NamedTuple):
    """
    Hold one image or LiDAR sweep.

    :param data: JPEG bytes, or points (N, 5) float32: x y z in the LiDAR frame, metres,
        intensity, ring.
    :param world_from_ego: Pose of the vehicle then, (4, 4), metres.
    """

    stamp_us: int
    data: bytes | np.ndarray
    world_from_ego: np.ndarray


class Annotation(NamedTuple):
    """
    Describe one object at the time of a sample.

    :param instance: Name of the object, the same in all samples of the scene.
    :param class_name: Class of the detection task.
    :param world_from_box: Pose of its centre, x ahead, (4, 4), metres.
    :param num_lidar_points: LiDAR points on it.
    :param visibility: 1 (hardly) to 4 (all of it), as nuScenes grades it.
    """

    instance: str
    class_name: str
    world_from_box: np.ndarray
    size_m: tuple[float, float, float]
    speed_mps: float
    num_lidar_points: int
    visibility: int = 4


class SampleRecord(NamedTuple):
    """
    Hold the readings and annotations of one sample.

    :param stamp_us: Time of the sample, that of the LiDAR sweep.
    :param images: By camera.
    :param sweeps: Images between this sample and the next, by camera, in the order of time.
    """

    stamp_us: int
    images: Mapping[str, SensorReading]
    lidar: SensorReading | None
    annotations: Sequence[Annotation]
    sweeps: Sequence[tuple[str, SensorReading]] = ()


class SceneDescription(NamedTuple):
    """
    Describe what stays the same during a scene.

    :param name: Unique in the data set, for example scene-0001.
    :param ego_from_lidar: Mount of the LiDAR, (4, 4), metres.
    """

    name: str
    description: str
    rig: CameraRig
    ego_from_lidar: np.ndarray
    vehicle: str
    location: str


class SceneWriter:
    """
    Write a scene, sample by sample.

    :param version: Folder of the tables, for example v1.0-mini.
    """

    def __init__(self, dataroot: Path, version: str, scene: SceneDescription) -> None:
        self._dataroot, self._scene = dataroot, scene
        self._rows_file = dataroot / version / SCENES_FOLDER / f'{scene.name}.json'
        self._tables: dict[str, list[Row]] = defaultdict(list)
        self._last_row: dict[tuple[str, str], Row] = {}
        self._instances: dict[str, Row] = {}
        self._log_token, self._scene_token = (token(table, scene.name)
                                              for table in ('log', 'scene'))
        for camera in scene.rig.cameras:
            self._add_sensor(camera.name, camera.ego_from_camera, camera)
        self._add_sensor(LIDAR, scene.ego_from_lidar, None)

    def write_sample(self, sample: SampleRecord) -> str:
        """
        Write the files of a sample and note its rows; samples come in the order of time.

        :return: Its key.
        :raises InvalidDatasetError: if a file cannot be written.
        """
        key = token('sample', self._scene.name, sample.stamp_us)
        self._link('sample', self._scene.name, {
            'token': key, 'timestamp': sample.stamp_us, 'scene_token': self._scene_token})
        for name, image in sample.images.items():
            self._write_reading(key, name, image, is_keyframe=True)
        if sample.lidar is not None:
            self._write_reading(key, LIDAR, sample.lidar, is_keyframe=True)
        for annotation in sample.annotations:
            self._annotate(key, sample.stamp_us, annotation)
        for name, image in sample.sweeps:
            self._write_reading(key, name, image, is_keyframe=False)
        return key

    def close(self) -> None:
        """
        Note the scene itself and write its rows; without this call the scene does not exist.

        :raises UsageError: if it has no samples.
        :raises InvalidDatasetError: if they cannot be written.
        """
        samples, scene = self._tables['sample'], self._scene
        if not samples:
            raise UsageError(f'{scene.name} has no samples')
        self._tables['scene'] = [{
            'token': self._scene_token, 'log_token': self._log_token,
            'nbr_samples': len(samples), 'first_sample_token': samples[0]['token'],
            'last_sample_token': samples[-1]['token'], 'name': scene.name,
            'description': scene.description}]
        self._tables['log'] = [{
            'token': self._log_token, 'logfile': scene.name, 'vehicle': scene.vehicle,
            'date_captured': '2026-01-01', 'location': scene.location}]
        with replacing(self._rows_file, InvalidDatasetError, parents=True) as place:
            place.write_text(json.dumps(self._tables))

    def _add_sensor(self, channel: str, ego_from_sensor: np.ndarray, camera: Camera | None
                    ) -> None:
        self._tables['sensor'].append({
            'token': token('sensor', channel), 'channel': channel,
            'modality': 'lidar' if camera is None else 'camera'})
        self._tables['calibrated_sensor'].append({
            'token': token('calibrated_sensor', self._scene.name, channel),
            'sensor_token': token('sensor', channel), **_pose_row(ego_from_sensor),
            'camera_intrinsic': [] if camera is None else camera.intrinsics.tolist()})

    def _write_reading(self, sample_token: str, channel: str, reading: SensorReading,
                       is_keyframe: bool) -> None:
        """Write a file, its pose and its row."""
        is_lidar = channel == LIDAR
        folder = 'samples' if is_keyframe else 'sweeps'
        suffix = 'pcd.bin' if is_lidar else 'jpg'
        name = f'{folder}/{channel}/{self._scene.name}__{channel}__{reading.stamp_us}.{suffix}'
        with replacing(self._dataroot / name, InvalidDatasetError, parents=True) as place:
            place.write_bytes(np.asarray(reading.data, np.float32).tobytes() if is_lidar
                              else reading.data)
        key = token('sample_data', self._scene.name, channel, reading.stamp_us)
        self._tables['ego_pose'].append({'token': key, 'timestamp': reading.stamp_us,
                                         **_pose_row(reading.world_from_ego)})
        camera = None if is_lidar else self._scene.rig[channel]
        self._link('sample_data', channel, {
            'token': key, 'sample_token': sample_token, 'ego_pose_token': key,
            'calibrated_sensor_token': token('calibrated_sensor', self._scene.name, channel),
            'timestamp': reading.stamp_us, 'fileformat': 'pcd' if is_lidar else 'jpg',
            'is_key_frame': is_keyframe, 'filename': name,
            'height': 0 if camera is None else camera.height_px,
            'width': 0 if camera is None else camera.width_px})

    def _annotate(self, sample_token: str, stamp_us: int, annotation: Annotation) -> None:
        """Note an object, and the instance it is of when it is seen for the first time."""
        instance = token('instance', self._scene.name, annotation.instance)
        key = token('sample_annotation', self._scene.name, annotation.instance, stamp_us)
        first = self._instances.get(instance)
        if first is None:
            first = {'token': instance, 'nbr_annotations': 0, 'first_annotation_token': key,
                     'category_token': token('category',
                                             CATEGORY_OF_CLASS[annotation.class_name])}
            self._instances[instance] = first
            self._tables['instance'].append(first)
        first['nbr_annotations'] += 1
        first['last_annotation_token'] = key
        attribute = attribute_of(annotation.class_name, annotation.speed_mps)
        length, width, height = annotation.size_m
        self._link('sample_annotation', instance, {
            'token': key, 'sample_token': sample_token, 'instance_token': instance,
            'visibility_token': str(annotation.visibility),
            'attribute_tokens': [token('attribute', attribute)] if attribute else [],
            **_pose_row(annotation.world_from_box), 'size': [width, length, height],
            'num_lidar_pts': annotation.num_lidar_points, 'num_radar_pts': 0})

    def _link(self, table: str, chain: str, row: Row) -> None:
        """Add a row that knows the one before and the one after it in its chain."""
        before = self._last_row.get((table, chain))
        row |= {'prev': before['token'] if before else '', 'next': ''}
        if before:
            before['next'] = row['token']
        self._last_row[table, chain] = row
        self._tables[table].append(row)


def _pose_row(pose: np.ndarray) -> Row:
    """Return a rigid transform as nuScenes notes it: w x y z and metres."""
    x, y, z, w = quaternion_from_matrix(pose[:3, :3]).tolist()
    return {'translation': pose[:3, 3].tolist(), 'rotation': [w, x, y, z]}
