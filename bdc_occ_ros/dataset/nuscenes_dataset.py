# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Read the samples of a nuScenes data set, real or made in its format, through the nuScenes devkit.

Samples are frames as the node would make them: six images, each with the ego pose of its own
exposure. Boxes are given in the ego frame of the key camera's exposure; Occ3D labels lie in that
of the LiDAR sweep, about 45 ms later, in which a vehicle at 10 m/s drives half a metre.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.dataset.check.tables import CURE
from bdc_occ_ros.dataset.nuscenes_tables import NuscenesTables, pose_of, Row
from bdc_occ_ros.dataset.occ3d_label import label_path, load_label, Occ3dLabel
from bdc_occ_ros.dataset.taxonomy import CAMERAS, LIDAR
from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.errors import InvalidDatasetError
from bdc_occ_ros.files import reading
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.image_decoding import decode_image, EncodedImage


class SampleKey(NamedTuple):
    """Identify a sample by its key in the tables and its scene."""

    token: str
    scene_name: str


class NuscenesDataset:
    """
    Read the samples of a split.

    :param dataroot: Folder with samples, sweeps and the folder of tables.
    :param version: Name of that folder, for example v1.0-mini.
    :param split: One of nuScenes' own, or one that splits.json beside the tables defines; None
        takes every scene.
    :raises InvalidDatasetError: if the folder is none, the split is unknown, or has no scenes.
    """

    def __init__(self, dataroot: str | Path, version: str, split: str | None) -> None:
        self.dataroot, self.version, self.split = Path(dataroot), version, split
        self.rows = NuscenesTables(dataroot, version)
        self.tables = self.rows.devkit
        names = set(self.rows.scene_names(split))
        self.keys: Sequence[SampleKey] = tuple(
            SampleKey(token, scene['name']) for scene in self.tables.scene
            if scene['name'] in names for token in self.rows.sample_tokens(scene))
        if not self.keys:
            raise InvalidDatasetError(
                f'{self.dataroot / version} has none of the {len(names)} scenes of {split}; it '
                f'has {[scene["name"] for scene in self.tables.scene][:5]}')

    def __len__(self) -> int:
        return len(self.keys)

    def frame(self, key: SampleKey) -> Frame:
        """
        Read the images of a sample with calibration and ego poses.

        :raises InvalidDatasetError: if an image is missing.
        :raises InvalidImageError: if an image is damaged.
        """
        readings = {name: self._reading(key, name) for name in CAMERAS}
        rig = CameraRig(tuple(self.rows.camera(name, reading)
                              for name, reading in readings.items()), CAMERAS[0])
        return Frame(
            {name: self._image(reading) for name, reading in readings.items()},
            {name: reading['timestamp'] * 1000 for name, reading in readings.items()}, rig,
            readings[CAMERAS[0]]['timestamp'] * 1000,
            {name: self.rows.ego_pose(reading) for name, reading in readings.items()})

    def key_readings(self, key: SampleKey) -> dict[str, Row]:
        """Return the row of every camera and the LiDAR that a sample has, by channel."""
        data = self.rows.row('sample', key.token)['data']
        return {channel: self.rows.row('sample_data', data[channel])
                for channel in (*CAMERAS, LIDAR) if channel in data}

    def world_from_ego(self, key: SampleKey, channel: str) -> np.ndarray:
        """Return the pose of the vehicle when a sensor was read, (4, 4), metres."""
        return self.rows.ego_pose(self._reading(key, channel))

    def boxes(self, key: SampleKey, channel: str = CAMERAS[0], measured_only: bool = False
              ) -> Boxes:
        """
        Read the annotated objects that the detection task knows.

        :param channel: Sensor at whose reading the ego frame is meant: the key camera for what a
            network answers, LIDAR for the frame of the occupancy label.
        :param measured_only: Leave out objects on which no LiDAR or radar point lies, as the
            evaluation of nuScenes does.
        :return: In that ego frame; velocities nan where unknown.
        """
        from nuscenes.eval.detection.utils import category_to_detection_name
        reading = self._reading(key, channel)
        ego_from_world = np.linalg.inv(self.rows.ego_pose(reading))
        names, values = [], [np.empty((0, 9))]
        for token in self.rows.row('sample', key.token)['anns']:
            row = self.rows.row('sample_annotation', token)
            name = category_to_detection_name(row['category_name'])
            is_wanted = not measured_only or row['num_lidar_pts'] + row['num_radar_pts'] > 0
            if name is not None and is_wanted:
                names.append(name)
                values.append(self._box(row, ego_from_world)[None])
        boxes = np.concatenate(values)
        return Boxes(boxes[:, :3], boxes[:, 3:6], boxes[:, 6], boxes[:, 7:], np.ones(len(names)),
                     np.array([DETECTION_CLASS_NAMES.index(n) for n in names], np.int64),
                     DETECTION_CLASS_NAMES, reading['timestamp'] * 1000)

    def label(self, key: SampleKey) -> Occ3dLabel:
        """
        Read the occupancy label of a sample.

        :raises InvalidLabelError: if it is missing or damaged.
        """
        return load_label(self.label_path(key))

    def label_path(self, key: SampleKey) -> Path:
        """Return where the occupancy label of a sample lies, if it has one."""
        return label_path(self.dataroot, key.scene_name, key.token)

    def occupancy(self, key: SampleKey, stamp_ns: int) -> Occupancy | None:
        """
        Return the label of a sample where a camera observes it, None where nobody labelled it.

        :raises InvalidLabelError: if it is damaged.
        """
        if not self.label_path(key).is_file():
            return None
        label = self.label(key)
        return Occupancy(VoxelGrid(), label.semantics, label.mask_camera, OCCUPANCY_CLASS_NAMES,
                         FREE_LABEL, stamp_ns)

    def key_exposure(self, key: SampleKey) -> tuple[int, np.ndarray]:
        """
        Return when and where the key camera took its image of a sample.

        :return: Nanoseconds, and the pose of the vehicle, world_from_ego, (4, 4), metres.
        """
        reading = self._reading(key, CAMERAS[0])
        return reading['timestamp'] * 1000, self.rows.ego_pose(reading)

    def key_ego_from_label_ego(self, key: SampleKey) -> np.ndarray:
        """
        Return where the vehicle was at the LiDAR sweep, seen from the key camera's exposure.

        :return: Pose of the ego frame of the occupancy label in that of the key camera's
            exposure, (4, 4), metres.
        :raises InvalidDatasetError: if the sample has no LiDAR sweep.
        """
        key_ego_from_world = np.linalg.inv(self.world_from_ego(key, CAMERAS[0]))
        return key_ego_from_world @ self.world_from_ego(key, LIDAR)

    def lidar_points_m(self, key: SampleKey) -> np.ndarray:
        """
        Read the LiDAR sweep of a sample.

        :return: In the world frame, (N, 3), metres.
        :raises InvalidDatasetError: if the file is missing or no sweep.
        """
        reading = self._reading(key, LIDAR)
        world_from_lidar = self.rows.ego_pose(reading) @ self.rows.mount(reading)
        return self.rows.lidar_points(reading)[:, :3] @ world_from_lidar[:3, :3].T + (
            world_from_lidar[:3, 3])

    def lidar_origins_m(self, key: SampleKey) -> np.ndarray:
        """
        Return where the LiDAR was at every sample of the scene.

        :param key: Sample in whose LiDAR ego frame they are given.
        :return: (N, 3), metres, in the order of time.
        """
        ego_from_world = np.linalg.inv(self.rows.ego_pose(self._reading(key, LIDAR)))
        scene = self.rows.row('scene', self.rows.row('sample', key.token)['scene_token'])
        readings = [self._reading(SampleKey(token, key.scene_name), LIDAR)
                    for token in self.rows.sample_tokens(scene)]
        return np.array([
            (ego_from_world @ self.rows.ego_pose(reading) @ self.rows.mount(reading))[:3, 3]
            for reading in readings])

    def _reading(self, key: SampleKey, channel: str) -> Row:
        data = self.rows.row('sample', key.token)['data']
        if channel not in data:
            raise InvalidDatasetError(f'sample {key.token} of {key.scene_name} has no {channel}')
        return self.rows.row('sample_data', data[channel])

    def _image(self, reading: Row) -> np.ndarray:
        return decode_image(EncodedImage(self.rows.bytes_of(reading)),
                            str(self.rows.file(reading)))

    def _box(self, row: Row, ego_from_world: np.ndarray) -> np.ndarray:
        """Return centre, length, width, height, yaw and velocity of an annotation, (9,)."""
        ego_from_box = ego_from_world @ pose_of(row)
        width, length, height = row['size']
        with reading(self.dataroot / self.version, InvalidDatasetError, CURE):
            velocity = ego_from_world[:3, :3] @ self.tables.box_velocity(row['token'])
        yaw = np.arctan2(ego_from_box[1, 0], ego_from_box[0, 0])
        return np.array([*ego_from_box[:3, 3], length, width, height, yaw, *velocity[:2]])


def depth_map_m(points_m: np.ndarray, camera_from_points: np.ndarray,
                input_from_camera: np.ndarray, shape: tuple[int, int], stride_px: int,
                limits_m: tuple[float, float]) -> np.ndarray:
    """
    Project points of a LiDAR sweep into one camera and keep the nearest per cell of features.

    :param points_m: In a frame that does not move, (P, 3), metres.
    :param camera_from_points: Pose of that frame in the camera at the camera's own exposure.
    :param input_from_camera: From directions in the camera's frame to pixels, (3, 3).
    :param shape: Rows and columns of cells of stride_px pixels both ways.
    :param limits_m: Points nearer than the first or not nearer than the second are left out.
    :return: Distance along the optical axis, (rows, columns) float32; 0 where no point is.
    """
    local_m = points_m @ camera_from_points[:3, :3].T + camera_from_points[:3, 3]
    ahead_m = local_m[(local_m[:, 2] >= limits_m[0]) & (local_m[:, 2] < limits_m[1])]
    homogeneous = ahead_m @ input_from_camera.T
    pixels = np.floor(homogeneous[:, :2] / homogeneous[:, 2:] + 0.5)
    column, row = (pixels // stride_px).astype(np.int64).T
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    nearest_m = np.full(shape, np.inf, np.float32)
    np.minimum.at(nearest_m, (row[inside], column[inside]), ahead_m[inside, 2].astype(np.float32))
    return np.where(np.isinf(nearest_m), np.float32(0), nearest_m)
