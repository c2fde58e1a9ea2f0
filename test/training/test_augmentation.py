# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A point in space keeps its pixel, its voxel and its box, whatever augmentation does."""

import dataclasses
import time

import numpy as np
import pytest
import torch

from bdc_occ_ros.dataset.batch import TrainingBatch, TrueBoxes
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.geometry.preprocessing import Preprocessor
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.training.augmentation import Augmentation, AugmentationConfig

NOTHING = AugmentationConfig(image_scale=(1.0, 1.0), image_rotation_deg=0.0, image_flip=0.0,
                             flip_x=0.0, flip_y=0.0)
CHANGES = {
    'scale and crop': {'image_scale': (0.8, 1.3)},
    'rotation': {'image_rotation_deg': 10.0},
    'image flip': {'image_flip': 1.0},
    'all of the image': {'image_scale': (0.8, 1.3), 'image_rotation_deg': 8.0, 'image_flip': 0.5},
    'front and rear': {'flip_x': 1.0},
    'left and right': {'flip_y': 1.0},
    'mirrored rig': {'mirror': 1.0},
    'everything': {'image_scale': (0.8, 1.3), 'image_rotation_deg': 8.0, 'image_flip': 0.5,
                   'flip_x': 0.5, 'flip_y': 0.5, 'mirror': 0.5},
}
LABEL = 4


def with_changes(**changes):
    return dataclasses.replace(NOTHING, **changes)


@pytest.fixture(scope='module')
def network():
    return load_network_config('bdc_occ_nano')


@pytest.fixture(scope='module')
def box_network(network):
    return dataclasses.replace(network, name='boxes_only', occupancy=None)


def pixels_of(batch, sample, points_m):
    """Return where points of the key ego frame appear, (N, P, 2), and how far ahead they are."""
    points = torch.cat([points_m.double(), torch.ones(len(points_m), 1)], dim=1)
    local = (torch.linalg.inv(batch.key_ego_from_camera[sample]) @ points.T)[:, :3]
    homogeneous = batch.input_from_camera[sample] @ local
    return (homogeneous[:, :2] / homogeneous[:, 2:]).transpose(1, 2), homogeneous[:, 2]


def well_inside(pixels, depths_m, margin_px):
    """Return which pixels lie in the picture of nano's size, ahead of the camera."""
    last = torch.tensor((351.0, 127.0))
    return (depths_m > 1) & ((pixels > margin_px) & (pixels < last - margin_px)).all(dim=-1)


@pytest.fixture(scope='module')
def made_batch(network, nuscenes_rig):
    """
    Return a batch in which every sample holds one point: a dot, a voxel, a box and a depth.

    The dot is a round spot, so that its middle can be found to a fraction of a pixel.
    """
    rng, grid = np.random.default_rng(0), VoxelGrid()
    count, size = 12, (network.image.height_px, network.image.width_px)
    scaled = np.stack([Preprocessor(c, network.image).input_from_image @ c.intrinsics
                       for c in nuscenes_rig.cameras])
    mounts = np.stack([c.ego_from_camera for c in nuscenes_rig.cameras])
    cells = np.column_stack([rng.integers(60, 140, count), rng.integers(60, 140, count),
                             rng.integers(2, 6, count)])
    points_m = torch.from_numpy(grid.centers_m(cells))
    batch = TrainingBatch(
        torch.zeros((count, 6, *size, 3), dtype=torch.uint8),
        torch.from_numpy(scaled).repeat(count, 1, 1, 1),
        torch.from_numpy(mounts).repeat(count, 1, 1, 1),
        torch.full((count, *grid.shape), 17, dtype=torch.uint8),
        torch.zeros((count, *grid.shape), dtype=torch.bool),
        [TrueBoxes(torch.tensor([[*point, 4.0, 2.0, 1.5, yaw, *(5 * np.array((np.cos(yaw),
                                                                              np.sin(yaw))))]],
                                dtype=torch.float32), torch.zeros(1, dtype=torch.long))
         for point, yaw in zip(points_m.tolist(), rng.uniform(-3, 3, count))],
        torch.zeros((count, 6, *network.feature_shape)))
    v, u = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in size), indexing='ij')
    for sample, cell in enumerate(cells):
        batch.semantics[sample][tuple(cell)] = LABEL
        batch.observed[sample][tuple(cell)] = True
        pixels, depths_m = pixels_of(batch, sample, points_m[sample, None])
        for camera in range(6):
            (u0, v0), depth_m = pixels[camera, 0], float(depths_m[camera, 0])
            if well_inside(pixels[camera, 0], depths_m[camera, 0], 10):  # a whole spot
                spot = 250 * torch.exp(-((u - u0) ** 2 + (v - v0) ** 2) / (2 * 2.5 ** 2))
                batch.images[sample, camera] = spot.round().byte()[..., None]
                row, column = int((v0 + 0.5) // 8), int((u0 + 0.5) // 8)
                batch.depths_m[sample, camera, row - 1:row + 2, column - 1:column + 2] = depth_m
    return batch


def spot_of(image):
    """Return the middle of the spot and its brightest value."""
    values = image[..., 0].double()
    v, u = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in values.shape),
                          indexing='ij')
    weight = torch.where(values > 20, values, 0.0)
    return (torch.stack([(weight * u).sum(), (weight * v).sum()]) / weight.sum(),
            float(values.max()))


def require_agreement(batch):
    """Check dot, voxel, box and depth of every sample against each other; return the dots."""
    grid, num_dots = VoxelGrid(), 0
    for sample in range(len(batch)):
        cell = (batch.semantics[sample] == LABEL).nonzero()
        assert len(cell) == 1 and batch.observed[sample].sum() == 1
        assert batch.observed[sample][tuple(cell[0])]
        point_m = torch.from_numpy(grid.centers_m(cell.numpy()))
        box = batch.boxes[sample].boxes[0]
        assert torch.allclose(box[:3], point_m[0], atol=1e-4)
        heading = torch.stack([box[6].cos(), box[6].sin()])
        assert torch.allclose(box[7:], 5 * heading, atol=1e-4)
        pixels, depths_m = pixels_of(batch, sample, point_m)
        for camera in range(6):
            if not well_inside(pixels[camera, 0], depths_m[camera, 0], 10):
                continue
            found_px, brightest = spot_of(batch.images[sample, camera])
            if brightest > 100:
                num_dots += 1
                assert (found_px - pixels[camera, 0]).abs().max() < 0.3
                column, row = ((pixels[camera, 0] + 0.5) // 8).long().tolist()
                found_m = batch.depths_m[sample, camera, row, column]
                assert found_m == pytest.approx(float(depths_m[camera, 0]), abs=1e-3)
    return num_dots


def test_the_made_up_batch_agrees_with_itself(made_batch):
    assert require_agreement(made_batch) >= 10


@pytest.mark.parametrize('changes', CHANGES.values(), ids=CHANGES)
def test_pixel_voxel_box_and_depth_still_belong_together(made_batch, network, changes):
    augment = Augmentation(with_changes(**changes), network, seed=3)
    num_dots = 0
    for first in (0, 100):
        moved = augment(made_batch, range(first, first + len(made_batch)))
        assert not torch.equal(moved.input_from_camera, made_batch.input_from_camera) or (
            not torch.equal(moved.key_ego_from_camera, made_batch.key_ego_from_camera))
        num_dots += require_agreement(moved)
    assert num_dots >= 10


def test_turned_and_scaled_worlds_carry_boxes_and_cameras(made_batch, box_network):
    config = with_changes(rotation_deg=22.5, scale=(0.9, 1.1), flip_x=0.5, flip_y=0.5)
    moved = Augmentation(config, box_network, seed=5)(made_batch, range(len(made_batch)))
    assert not moved.observed.any()
    for sample in range(len(moved)):
        before, after = made_batch.boxes[sample].boxes[0], moved.boxes[sample].boxes[0]
        growth = after[3] / before[3]
        assert 0.9 <= growth <= 1.1
        assert torch.allclose(after[3:6], before[3:6] * growth)
        assert float(after[7:].norm()) == pytest.approx(5 * float(growth), rel=1e-4)
        assert float(torch.atan2(after[8], after[7])) == pytest.approx(float(after[6]), abs=1e-4)
        tip = torch.stack([before[:3], before[:3] + torch.tensor([*before[7:], 0.0])])
        moved_tip = torch.stack([after[:3], after[:3] + torch.tensor([*after[7:], 0.0])])
        pixels, _ = pixels_of(made_batch, sample, tip)
        moved_pixels, _ = pixels_of(moved, sample, moved_tip)
        assert torch.allclose(pixels, moved_pixels, atol=1e-2)


def test_nothing_asked_is_nothing_changed(made_batch, network):
    same = Augmentation(NOTHING, network, seed=0)(made_batch, range(len(made_batch)))
    for name in ('images', 'input_from_camera', 'key_ego_from_camera', 'semantics', 'observed',
                 'depths_m'):
        assert torch.equal(getattr(same, name), getattr(made_batch, name)), name


@pytest.mark.parametrize('name', ['image_flip', 'flip_x', 'flip_y', 'mirror'])
def test_a_flip_done_twice_gives_everything_back(made_batch, network, name):
    augment = Augmentation(with_changes(**{name: 1.0}), network, seed=0)
    numbers = range(len(made_batch))
    once = augment(made_batch, numbers)
    twice = augment(once, numbers)
    moved_images = name in ('image_flip', 'mirror')
    assert torch.equal(once.images, made_batch.images.flip(3) if moved_images
                       else made_batch.images)
    assert torch.equal(twice.images, made_batch.images)
    assert torch.equal(twice.semantics, made_batch.semantics)
    assert torch.equal(twice.depths_m, made_batch.depths_m)
    for matrix in ('input_from_camera', 'key_ego_from_camera'):
        assert torch.allclose(getattr(twice, matrix), getattr(made_batch, matrix), atol=1e-9)
        assert not torch.allclose(getattr(once, matrix), getattr(made_batch, matrix)) or (
            matrix == 'key_ego_from_camera' and name == 'image_flip') or (
            matrix == 'input_from_camera' and name in ('flip_x', 'flip_y'))
    for before, after in zip(made_batch.boxes, twice.boxes):
        assert torch.allclose(before.boxes, after.boxes, atol=1e-5)


@pytest.mark.parametrize('name, signs', [('flip_x', (-1, 1)), ('flip_y', (1, -1)),
                                         ('mirror', (1, -1))])
def test_every_octant_goes_to_the_one_that_it_should(made_batch, network, name, signs):
    moved = Augmentation(with_changes(**{name: 1.0}), network, 0)(made_batch,
                                                                  range(len(made_batch)))
    octants = set()
    for before, after in zip(made_batch.boxes, moved.boxes):
        octants.add(tuple(before.boxes[0, :2].sign().int().tolist()))
        assert torch.allclose(after.boxes[0, :2], before.boxes[0, :2] * torch.tensor(signs))
        assert float(after.boxes[0, 2]) == float(before.boxes[0, 2])
    assert len(octants) == 4, 'the made-up points must lie all around'


def test_a_mirrored_rig_is_one_that_a_vehicle_could_have(made_batch, network):
    moved = Augmentation(with_changes(mirror=1.0), network, 0)(made_batch, range(len(made_batch)))
    mounts = moved.key_ego_from_camera
    assert torch.allclose(torch.linalg.det(mounts[..., :3, :3]), torch.ones(()).double())
    assert (moved.input_from_camera[..., 0, 0] > 0).all()
    before, after = made_batch.key_ego_from_camera[0], mounts[0]
    front_left, front_right = 0, 2
    assert before[front_left, 1, 3] > 0 > after[front_left, 1, 3]
    # the front left camera looks where the front right one looked, as far as a rig is symmetric
    assert float(after[front_left, :3, 2] @ before[front_right, :3, 2]) > 0.99
    flipped = Augmentation(with_changes(flip_y=1.0), network, 0)(made_batch,
                                                                 range(len(made_batch)))
    assert (torch.linalg.det(flipped.key_ego_from_camera[..., :3, :3]) < 0).all()


def test_colours_change_about_the_grey_and_geometry_does_not(made_batch, network):
    few = made_batch.part(0, 4)
    colorful = dataclasses.replace(few, images=torch.randint(
        90, 160, few.images.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1)))
    brighter = Augmentation(with_changes(brightness=0.3), network, 2)(colorful, range(4))
    ratio = brighter.images.float().mean((2, 3, 4)) / colorful.images.float().mean((2, 3, 4))
    assert 0.7 <= ratio.min() < 0.85 and 1.15 < ratio.max() <= 1.31
    spread = Augmentation(with_changes(contrast=0.3), network, 2)(colorful, range(4))
    assert torch.allclose(spread.images.float().mean((2, 3, 4)),
                          colorful.images.float().mean((2, 3, 4)), atol=1.0)
    ratio = spread.images.float().std((2, 3)) / colorful.images.float().std((2, 3))
    assert ratio.min() < 0.85 and ratio.max() > 1.15
    faded = Augmentation(with_changes(saturation=1.0), network, 2)(colorful, range(4))
    ratio = faded.images.float().std(-1).mean((2, 3)) / colorful.images.float().std(-1).mean(
        (2, 3))
    assert ratio.min() < 0.3 and ratio.max() > 1.5
    assert torch.equal(faded.input_from_camera, colorful.input_from_camera)


def test_the_number_of_a_sample_decides_and_not_its_place(made_batch, network):
    augment = Augmentation(AugmentationConfig(brightness=0.2), network, seed=7)
    whole = augment(made_batch, range(12))
    part = made_batch.part(5, 6)
    alone = augment(part, [5])
    assert torch.equal(alone.images[0], whole.images[5])
    assert torch.equal(alone.semantics[0], whole.semantics[5])
    assert torch.equal(alone.key_ego_from_camera[0], whole.key_ego_from_camera[5])
    assert not torch.equal(augment(part, [6]).images, alone.images)
    other_seed = Augmentation(AugmentationConfig(brightness=0.2), network, seed=8)
    assert not torch.equal(other_seed(part, [5]).images, alone.images)


def test_what_voxels_cannot_follow_is_refused(network):
    with pytest.raises(InvalidConfigError, match='voxels, which follow flips only'):
        Augmentation(with_changes(rotation_deg=5.0), network, 0)
    with pytest.raises(InvalidConfigError, match='voxels, which follow flips only'):
        Augmentation(with_changes(scale=(0.9, 1.1)), network, 0)
    lopsided = dataclasses.replace(network, bev=dataclasses.replace(
        network.bev, x_range_m=(-20.0, 60.0)))
    with pytest.raises(InvalidConfigError, match='flip_x needs a grid'):
        Augmentation(with_changes(flip_x=0.5), lopsided, 0)
    Augmentation(with_changes(flip_y=0.5), lopsided, 0)
    with pytest.raises(InvalidConfigError, match='brightness must be'):
        with_changes(brightness=-0.1)
    with pytest.raises(InvalidConfigError, match='image_scale must be'):
        with_changes(image_scale=(0.0, 1.0))


def test_it_takes_little_of_the_time_that_a_sample_has(made_batch, network):
    augment = Augmentation(AugmentationConfig(brightness=0.2), network, seed=7)
    shortest_s = np.inf
    for number in range(3):
        start_s = time.process_time()
        augment(made_batch, range(number, number + 12))
        shortest_s = min(shortest_s, time.process_time() - start_s)
    assert shortest_s / len(made_batch) < 0.1  # usually a tenth of that
