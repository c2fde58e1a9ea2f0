# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Samples for training: the same whoever asks, as the network takes them, and kept on disk."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bdc_occ_ros.errors import InvalidDatasetError, UsageError
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.world.sensor_timing import published_rigs
from bdc_occ_ros.world.world_source import nearest_m, WorldSource

CPU = torch.device('cpu')
SEEDS = (3, 4)
PER_SCENE = 4


@pytest.fixture(scope='module')
def config():
    config = load_network_config('bdc_occ_nano')
    return replace(config, image=replace(config.image, height_px=64, width_px=176))


@pytest.fixture(scope='module')
def source(config):
    return WorldSource(SEEDS, config.frustum, published_rigs(), PER_SCENE)


@pytest.fixture(scope='module')
def batch(source):
    return source.load([1, 6], CPU)


def assert_equal(batch, other):
    for field in fields(batch):
        mine, theirs = getattr(batch, field.name), getattr(other, field.name)
        if field.name == 'boxes':
            assert len(mine) == len(theirs)
            assert all(torch.equal(*pair) for boxes in zip(mine, theirs) for pair in zip(*boxes))
        else:
            assert mine.dtype == theirs.dtype and torch.equal(mine, theirs), field.name


def test_a_batch_has_the_shapes_that_training_expects(source, batch):
    assert len(source) == len(SEEDS) * PER_SCENE and len(batch) == 2
    assert batch.images.shape == (2, 6, 64, 176, 3) and batch.images.dtype == torch.uint8
    assert batch.images.float().std() > 10
    assert batch.depths_m.shape == (2, 6, 8, 22)
    assert batch.semantics.shape == batch.observed.shape == (2, 200, 200, 16)
    assert batch.key_ego_from_camera.dtype == torch.float64
    assert all(len(boxes.boxes) == len(boxes.labels) for boxes in batch.boxes)
    assert sum(len(boxes.boxes) for boxes in batch.boxes) > 0


def test_the_same_number_gives_the_same_sample(source, config, batch):
    other = WorldSource(SEEDS, config.frustum, published_rigs(), PER_SCENE)
    assert_equal(other.load([6], CPU), source.load([6], CPU))
    assert_equal(batch.part(1, 2), source.load([6], CPU))
    assert not torch.equal(source.load([5], CPU).images, batch.images[1:])
    alone = WorldSource(SEEDS[1:], config.frustum, published_rigs(), PER_SCENE)
    assert_equal(alone.load([2], CPU), batch.part(1, 2))


def test_rigs_take_turns_and_keyframes_spread_over_the_drive(source):
    rigs = published_rigs()
    assert [source.timing(number).time_s for number in range(4)] == [0.0, 5.0, 10.0, 15.0]
    assert source.timing(0).rig.fingerprint == rigs[0].fingerprint
    assert source.timing(4).rig.fingerprint == rigs[1].fingerprint
    assert source.timing(5).scene is source.timing(4).scene is not source.timing(3).scene


@pytest.fixture
def made_scenes(monkeypatch):
    """Return the seeds of scenes as they are made, which are quick to make now."""
    made = []
    monkeypatch.setattr('bdc_occ_ros.world.world_source.Scene', SimpleNamespace(
        from_seed=lambda seed, variety: made.append(seed) or seed + 1000))
    return made


def test_the_scene_that_nobody_asked_for_the_longest_makes_room(config, made_scenes, monkeypatch):
    monkeypatch.setattr('bdc_occ_ros.world.world_source.SCENES_KEPT', 2)
    source = WorldSource(range(3), config.frustum, published_rigs(), 1)
    assert [source.timing(number).scene for number in (0, 1, 0, 2, 0, 1)] == [
        1000, 1001, 1000, 1002, 1000, 1001]
    assert made_scenes == [0, 1, 2, 1]


def test_threads_may_share_a_source_with_room_for_one_scene(config, made_scenes, monkeypatch):
    monkeypatch.setattr('bdc_occ_ros.world.world_source.SCENES_KEPT', 1)
    source = WorldSource(range(8), config.frustum, published_rigs(), 1)
    with ThreadPoolExecutor(8) as pool:
        timings = list(pool.map(source.timing, [number % 8 for number in range(4000)]))
    assert [timing.scene for timing in timings] == [1000 + number % 8 for number in range(4000)]
    assert len(made_scenes) > 8


def test_images_labels_and_depths_fit_together(batch):
    """Project the middle of observed standing voxels; the depth there is that of their class."""
    close = []
    for row in range(2):
        occupied = batch.observed[row] & (batch.semantics[row] != 17)
        occupied[:, :, :4] = False
        points_m = -torch.tensor([40.0, 40.0, 1.0]) + 0.4 * (occupied.nonzero() + 0.5)
        camera_from_ego = torch.linalg.inv(batch.key_ego_from_camera[row]).float()
        for camera in range(6):
            local = points_m @ camera_from_ego[camera, :3, :3].T + camera_from_ego[camera, :3, 3]
            pixel = local @ batch.input_from_camera[row, camera].float().T
            u, v = pixel[:, 0] / pixel[:, 2], pixel[:, 1] / pixel[:, 2]
            inside = (pixel[:, 2] > 2) & (u >= 0) & (u < 176) & (v >= 0) & (v < 64)
            nearest = batch.depths_m[row, camera, (v[inside] / 8).long(), (u[inside] / 8).long()]
            close.append(nearest < pixel[inside, 2] + 0.7)
    close = torch.cat(close)
    assert len(close) > 200 and close.float().mean() > 0.97


def test_boxes_lie_on_the_voxels_of_their_class(source):
    from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, OCCUPANCY_CLASS_NAMES
    batch = source.load([0, 3, 5, 7], CPU)
    shares = []
    for boxes, semantics in zip(batch.boxes, batch.semantics):
        for box, label in zip(*boxes):
            name = DETECTION_CLASS_NAMES[label]
            assert (box[:2].abs() < 40).all() and -1.0 < box[2] < 5.0
            index = ((box[:3] + torch.tensor([40.0, 40.0, 1.0])) / 0.4).long()
            around = semantics[tuple(slice(max(i - 2, 0), i + 3) for i in index)]
            shares.append((around == OCCUPANCY_CLASS_NAMES.index(name)).any())
    assert len(shares) > 10 and np.mean(shares) > 0.95


def test_nearest_depths_are_those_of_the_closest_pixel():
    inverse = torch.zeros(1, 4, 8)
    inverse[0, 1, 2], inverse[0, 3, 1], inverse[0, 0, 5] = 0.5, 0.1, 0.25
    assert nearest_m(inverse, 4).tolist() == [[[2.0, 4.0]]]
    assert nearest_m(torch.zeros(1, 4, 4), 4).tolist() == [[[0.0]]]


def test_a_cache_gives_the_same_samples_without_making_them(source, config, tmp_path, monkeypatch):
    first = WorldSource(SEEDS, config.frustum, published_rigs(), PER_SCENE, tmp_path)
    made = first.load([6, 1], CPU)
    assert len(list(tmp_path.rglob('*.npz'))) == 2
    assert_equal(made, source.load([6, 1], CPU))
    again = WorldSource(SEEDS, config.frustum, published_rigs(), PER_SCENE, tmp_path)
    monkeypatch.setattr(again, '_made', lambda *_: pytest.fail('made again'))
    assert_equal(again.load([6, 1], CPU), made)


def test_a_cache_holds_versions_of_the_world_apart(config, batch, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(WorldSource, '_made', lambda *_: made.append(1) or batch.part(0, 1))
    for version in ('before', 'after', 'before'):
        monkeypatch.setattr('bdc_occ_ros.world.world_source.sources_fingerprint',
                            lambda version=version: version)
        WorldSource(SEEDS, config.frustum, published_rigs(), PER_SCENE, tmp_path).load([0], CPU)
    assert len(made) == len(list(tmp_path.rglob('*.npz'))) == 2


def test_a_cache_holds_sizes_apart_and_refuses_damaged_samples(config, tmp_path):
    source = WorldSource(SEEDS, config.frustum, published_rigs(), PER_SCENE, tmp_path)
    source.load([0], CPU)
    file = next(tmp_path.rglob('*.npz'))
    lower = replace(config, image=replace(config.image, height_px=32))
    other = WorldSource(SEEDS, lower.frustum, published_rigs(), PER_SCENE, tmp_path)
    assert other.load([0], CPU).images.shape[2] == 32
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(InvalidDatasetError, match='damaged'):
        source.load([0], CPU)


@pytest.mark.parametrize('seeds, count', (((), 4), ((1,), 0), ((1,), 41)))
def test_impossible_numbers_are_refused(config, seeds, count):
    with pytest.raises(UsageError, match='keyframes per scene'):
        WorldSource(seeds, config.frustum, published_rigs(), count)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_a_gpu_makes_nearly_the_same_samples(source, batch):
    other = source.load([1, 6], torch.device('cuda')).to('cpu')
    assert (other.semantics != batch.semantics).float().mean() < 1e-3
    assert (other.observed != batch.observed).float().mean() < 1e-3
    assert (other.images.float() - batch.images.float()).abs().median() <= 1
    assert [len(boxes.labels) for boxes in other.boxes] == [
        len(boxes.labels) for boxes in batch.boxes]
