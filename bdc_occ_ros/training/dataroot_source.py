# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Load training samples from a nuScenes data set on disk, the real one or one in its format."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.dataset.batch import TrainingBatch, TrueBoxes
from bdc_occ_ros.dataset.nuscenes_dataset import depth_map_m, NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.sample_cache import SampleCache
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.datatypes import Boxes, Frame
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.geometry.preprocessing import Preprocessor, rig_frustum
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.network.config import NetworkConfig


class _Cameras(NamedTuple):
    """Hold preprocessed images (N, H, W, 3) and their cameras, (N, 3, 3) and (N, 4, 4)."""

    images: np.ndarray
    input_from_camera: np.ndarray
    world_from_camera: np.ndarray


class DatarootSource:
    """
    Load the samples of a split, preprocessed as the node does it.

    Cameras and boxes are given in the ego frame of the LiDAR sweep, which is that of the labels;
    a network answers in whichever ego frame its rays are given.

    Boxes count if a LiDAR or radar point lies on them, as in nuScenes' own evaluation, and if
    their centre lies on the BEV grid. Occupancy labels are read only for networks with voxels.

    :param cache: Folder in which samples are kept as they leave here, or None; a sample of
        6 x 128 x 352 pixels takes 2 MB there.
    :raises InvalidConfigError: if the network's voxels or classes are not those of Occ3D.
    """

    def __init__(self, dataset: NuscenesDataset, config: NetworkConfig, *,
                 cache: Path | None = None) -> None:
        _require_labels_fit(config)
        self._dataset, self._config = dataset, config
        self._cache = None
        if cache is not None:
            tables = dataset.dataroot / dataset.version / 'sample_data.json'
            self._cache = SampleCache(cache, (config, LIDAR, tables.resolve(),
                                              tables.stat().st_mtime_ns))

    def __len__(self) -> int:
        return len(self._dataset)

    @property
    def scene_names(self) -> frozenset[str]:
        """Return the scenes that samples come from."""
        return frozenset(key.scene_name for key in self._dataset.keys)

    def scene_of(self, number: int) -> str:
        """Return the scene of a sample."""
        return self._dataset.keys[number].scene_name

    def load(self, numbers: Sequence[int], device: torch.device) -> TrainingBatch:
        """
        Read some samples.

        :param numbers: Places in the split, each below the length.
        :raises InvalidDatasetError: if a file is missing or damaged; InvalidImageError and
            InvalidLabelError likewise.
        """
        keys = [self._dataset.keys[number] for number in numbers]
        samples = [self._read(key) if self._cache is None
                   else self._cache.get(key.token, partial(self._read, key)) for key in keys]
        stacked = {name: torch.from_numpy(np.stack([sample[name] for sample in samples]))
                   for name in samples[0] if name not in ('boxes', 'labels')}
        boxes = [TrueBoxes(torch.from_numpy(sample['boxes']), torch.from_numpy(sample['labels']))
                 for sample in samples]
        return TrainingBatch(boxes=boxes, **stacked).to(device)

    def _read(self, key: SampleKey) -> dict[str, np.ndarray]:
        """Read one sample: the parts of a batch, and the labels of its boxes."""
        cameras = _preprocessed(self._dataset.frame(key), self._config)
        label_from_world = np.linalg.inv(self._dataset.world_from_ego(key, LIDAR))
        boxes = self._dataset.boxes(key, LIDAR, measured_only=True)
        return {'images': cameras.images, 'input_from_camera': cameras.input_from_camera,
                'key_ego_from_camera': label_from_world @ cameras.world_from_camera,
                'depths_m': self._depths_m(key, cameras), **self._voxels(key),
                **_on_the_grid(boxes, self._config)}

    def _voxels(self, key: SampleKey) -> dict[str, np.ndarray]:
        """Read the occupancy label; without need of one nothing is observed."""
        if self._config.occupancy is None:
            shape = VoxelGrid().shape
            return {'semantics': np.full(shape, FREE_LABEL, np.uint8),
                    'observed': np.zeros(shape, bool)}
        label = self._dataset.label(key)
        return {'semantics': label.semantics, 'observed': label.mask_camera}

    def _depths_m(self, key: SampleKey, cameras: _Cameras) -> np.ndarray:
        """Return the distance of the nearest LiDAR point in every feature cell, (N, h, w)."""
        points_m = self._dataset.lidar_points_m(key)
        depth = self._config.depth
        return np.stack([
            depth_map_m(points_m, camera_from_world, input_from_camera,
                        self._config.feature_shape, self._config.feature_stride,
                        (depth.start_m, depth.stop_m))
            for camera_from_world, input_from_camera in zip(
                np.linalg.inv(cameras.world_from_camera), cameras.input_from_camera)])


def _require_labels_fit(config: NetworkConfig) -> None:
    """Refuse a network whose voxels or classes are not those of the labels."""
    head = config.occupancy
    if head is None:
        return
    if config.voxel_grid() != VoxelGrid() or head.free_label != FREE_LABEL or (
            head.class_names != OCCUPANCY_CLASS_NAMES):
        raise InvalidConfigError(
            f'{config.name}: labels of Occ3D have {VoxelGrid()} and its 18 classes, 17 of them '
            f'free; the network has {config.voxel_grid()} and {head.num_classes} classes')


def _preprocessed(frame: Frame, config: NetworkConfig) -> _Cameras:
    """Bring the images of a frame to the size of the network input."""
    needed = rig_frustum(config.frustum, frame.rig.cameras).image.height_px
    if needed != config.image.height_px:
        raise InvalidConfigError(
            f'{config.name}: {config.image.height_px} rows cut more than sky off these cameras, '
            f'which the network is then given {needed} of; --set image.height_px={needed}')
    images, input_from_camera, world_from_camera = [], [], []
    for name, image in frame.images.items():
        camera = frame.rig[name]
        preprocess = Preprocessor(camera, config.image)
        images.append(preprocess(image))
        input_from_camera.append(preprocess.input_from_image @ camera.intrinsics)
        world_from_camera.append(frame.fixed_from_ego[name] @ camera.ego_from_camera)
    return _Cameras(*map(np.stack, (images, input_from_camera, world_from_camera)))


def _on_the_grid(boxes: Boxes, config: NetworkConfig) -> dict[str, np.ndarray]:
    """Return the objects that the network can find, (n, 9), and their labels among its own."""
    names = () if config.boxes is None else config.boxes.class_names
    labels = np.array([names.index(name) if name in names else -1
                       for name in boxes.class_names], np.int64)[boxes.labels]
    reach_m = np.array((config.bev.x_range_m, config.bev.y_range_m))
    place_m = boxes.centers_m[:, :2]
    found = (labels >= 0) & ((place_m >= reach_m[:, 0]) & (place_m < reach_m[:, 1])).all(axis=1)
    values = np.column_stack([boxes.centers_m, boxes.sizes_m, boxes.yaws_rad,
                              boxes.velocities_mps])
    return {'boxes': values[found].astype(np.float32), 'labels': labels[found]}
