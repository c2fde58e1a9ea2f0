# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Samples of a data set on disk come as the node would see them, with the truth beside them."""

import dataclasses
import json
import shutil

from made_scenes import CAR_SPEED_MPS, NUM_SAMPLES, VERSION, world_from_car, world_from_ego
import numpy as np
import pytest
import torch

from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.errors import InvalidConfigError, InvalidDatasetError, InvalidLabelError
from bdc_occ_ros.geometry.rig_geometry import GeometryCache
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.predictor import key_ego_from_ego
from bdc_occ_ros.training.dataroot_source import DatarootSource
from bdc_occ_ros.training.forward import ray_points

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
CPU = torch.device('cpu')


@pytest.fixture(scope='module')
def dataset(made_dataroot):
    return NuscenesDataset(made_dataroot, VERSION, 'check')


@pytest.fixture(scope='module')
def config():
    return load_network_config('bdc_occ_nano')


@pytest.fixture(scope='module')
def batch(dataset, config):
    return DatarootSource(dataset, config).load([1, 3], CPU)


def test_a_batch_has_the_shapes_and_types_that_training_expects(batch, dataset, config):
    assert len(DatarootSource(dataset, config)) == NUM_SAMPLES
    expected = {'images': ((2, 6, 128, 352, 3), torch.uint8),
                'input_from_camera': ((2, 6, 3, 3), torch.float64),
                'key_ego_from_camera': ((2, 6, 4, 4), torch.float64),
                'semantics': ((2, 200, 200, 16), torch.uint8),
                'observed': ((2, 200, 200, 16), torch.bool),
                'depths_m': ((2, 6, 16, 44), torch.float32)}
    for name, (shape, dtype) in expected.items():
        tensor = getattr(batch, name)
        assert tensor.shape == shape and tensor.dtype == dtype, name
    assert all(objects.boxes.dtype == torch.float32 and objects.labels.dtype == torch.int64
               for objects in batch.boxes)


def test_images_and_rays_are_those_of_the_node(batch, dataset, config):
    rays_m = ray_points(batch.input_from_camera, batch.key_ego_from_camera, config.frustum)
    for place, number in enumerate((1, 3)):
        frame = dataset.frame(dataset.keys[number])
        geometry = GeometryCache(config.frustum).of(frame.rig, frame.images)
        images = np.stack([preprocess(image) for preprocess, image
                           in zip(geometry.preprocessors, frame.images.values())])
        assert np.array_equal(batch.images[place].numpy(), images)
        in_label = dataclasses.replace(frame, fixed_from_output=world_from_ego(
            1_600_000_000_000_000 + number * 500_000))
        expected_m = geometry.rays.in_key_ego(key_ego_from_ego(in_label))
        assert torch.allclose(rays_m[place], expected_m, atol=1e-4)
    assert abs(float(batch.images[1].float().mean()) - 65) < 3  # samples are of known brightness


def test_labels_and_boxes_belong_to_the_sample(batch):
    assert batch.semantics[0, 101, 7, 3] == 4 and batch.semantics[1, 103, 7, 3] == 4
    assert batch.semantics[0, 103, 7, 3] == 17 and batch.observed.all()
    for place, number in enumerate((1, 3)):
        boxes, labels = batch.boxes[place]
        stamp_us = 1_600_000_000_000_000 + number * 500_000
        expected = np.linalg.inv(world_from_ego(stamp_us)) @ world_from_car(stamp_us)
        assert labels.tolist()[0] == 0
        assert np.allclose(boxes[0, :3], expected[:3, 3], atol=1e-4)
        assert np.allclose(boxes[0, 3:7], (4.0, 1.8, 1.5, 0.1), atol=1e-5)
        assert np.allclose(boxes[0, 7:], (CAR_SPEED_MPS, 0.0), atol=1e-3)


def test_lidar_depths_lie_where_the_points_are_seen(made_dataroot, tmp_path, config):
    shutil.copytree(made_dataroot, tmp_path / 'copy')
    dataset = NuscenesDataset(tmp_path / 'copy', VERSION, 'check')
    sweep = np.zeros((300, 5), np.float32)
    sweep[:, :3] = np.random.default_rng(0).uniform((-40, -40, -3), (40, 40, 3), (300, 3))
    for path in (tmp_path / 'copy/samples/LIDAR_TOP').iterdir():
        path.write_bytes(sweep.tobytes())
    batch = DatarootSource(dataset, config).load([1], CPU)
    label_from_world = np.linalg.inv(dataset.world_from_ego(dataset.keys[1], 'LIDAR_TOP'))
    in_label = label_from_world @ np.column_stack([dataset.lidar_points_m(dataset.keys[1]),
                                                   np.ones(300)]).T
    num_cells = 0
    for camera in range(6):
        local = np.linalg.inv(batch.key_ego_from_camera[0, camera].numpy()) @ in_label
        u, v, depth_m = batch.input_from_camera[0, camera].numpy() @ local[:3]
        expected = np.zeros((16, 44))
        for column, row, distance_m in zip(np.rint(u / depth_m), np.rint(v / depth_m), depth_m):
            cell = int(row // 8), int(column // 8)
            if 1 <= distance_m < 45 and 0 <= cell[0] < 16 and 0 <= cell[1] < 44:
                expected[cell] = min(expected[cell] or np.inf, distance_m)
        assert np.allclose(batch.depths_m[0, camera], expected, atol=1e-3)
        num_cells += np.count_nonzero(expected)
    assert num_cells > 100


def test_only_measured_boxes_on_the_grid_count(made_dataroot, tmp_path, config):
    shutil.copytree(made_dataroot, tmp_path / 'copy')
    path = tmp_path / 'copy' / VERSION / 'sample_annotation.json'
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([row | {'num_lidar_pts': row['num_lidar_pts'] * (
        row['num_lidar_pts'] != 9)} for row in rows]))
    dataset = NuscenesDataset(tmp_path / 'copy', VERSION, 'check')
    names = [config.boxes.class_names[label] for label
             in DatarootSource(dataset, config).load([0], CPU).boxes[0].labels]
    assert 'car' not in names and len(dataset.boxes(dataset.keys[0])) == 2
    narrow = dataclasses.replace(config, occupancy=None, bev=dataclasses.replace(
        config.bev, x_range_m=(-40.0, 8.0)))
    source = DatarootSource(dataset, narrow)
    assert len(source.load([0], CPU).boxes[0].labels) == 0


def test_a_network_for_boxes_needs_no_labels_and_one_for_voxels_no_boxes(
        made_dataroot, tmp_path, config):
    shutil.copytree(made_dataroot, tmp_path / 'copy')
    shutil.rmtree(tmp_path / 'copy' / 'gts')
    dataset = NuscenesDataset(tmp_path / 'copy', VERSION, 'check')
    alone = DatarootSource(dataset, dataclasses.replace(config, occupancy=None)).load([0], CPU)
    assert not alone.observed.any() and len(alone.boxes[0].labels) > 0
    with pytest.raises(InvalidLabelError, match='labels.npz'):
        DatarootSource(dataset, config).load([0], CPU)


def test_a_cache_gives_the_same_samples_without_the_files(made_dataroot, tmp_path, config):
    shutil.copytree(made_dataroot, tmp_path / 'copy')
    dataset = NuscenesDataset(tmp_path / 'copy', VERSION, 'check')
    source = DatarootSource(dataset, config, cache=tmp_path / 'cache')
    first = source.load([0, 2], CPU)
    shutil.rmtree(tmp_path / 'copy' / 'samples')
    again = DatarootSource(dataset, config, cache=tmp_path / 'cache').load([0, 2], CPU)
    for name in ('images', 'input_from_camera', 'key_ego_from_camera', 'semantics', 'observed',
                 'depths_m'):
        assert torch.equal(getattr(first, name), getattr(again, name)), name
    assert all(torch.equal(a.boxes, b.boxes) for a, b in zip(first.boxes, again.boxes))
    with pytest.raises(InvalidDatasetError, match='No such file|no image'):
        source.load([1], CPU)  # was not kept
    smaller = dataclasses.replace(config, image=dataclasses.replace(config.image, height_px=96))
    with pytest.raises(InvalidDatasetError, match='No such file|no image'):
        DatarootSource(dataset, smaller, cache=tmp_path / 'cache').load([0], CPU)
    damaged = next((tmp_path / 'cache').rglob(f'{dataset.keys[0].token}.npz'))
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(InvalidDatasetError, match='delete it'):
        source.load([0], CPU)


def test_a_network_on_another_grid_is_refused(dataset, config):
    other = dataclasses.replace(config, bev=dataclasses.replace(
        config.bev, x_range_m=(-20.0, 60.0)))
    with pytest.raises(InvalidConfigError, match='labels of Occ3D'):
        DatarootSource(dataset, other)


def test_a_network_that_would_be_given_other_rows_in_the_node_is_refused(dataset, config):
    flat = dataclasses.replace(config, image=dataclasses.replace(config.image, height_px=64))
    with pytest.raises(InvalidConfigError, match='--set image.height_px=208'):
        DatarootSource(dataset, flat).load([0], CPU)
