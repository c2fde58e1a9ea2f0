# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Augment samples at random so that geometry still holds: what moves a picture moves its camera.

Three things change on their own: every picture with its matrix, the colours, and the world about
the vehicle with the cameras in it (BEVDet, arXiv:2112.11790, Sec. 3.2). A mirrored rig is the one
combination that gives what another vehicle could have seen: all pictures are mirrored and left
and right of the world as well, so that the picture of a left camera becomes that of a right one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.dataset.batch import TrainingBatch, TrueBoxes
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.training.image_motion import GRAY_WEIGHTS, image_motions, warp_depths, warp_images
from bdc_occ_ros.training.looks import Looks, SAMPLE_SEEDS, vary_looks

DRAWS_PER_CAMERA = 7
DRAWS_PER_SAMPLE = 5


@dataclass(frozen=True)
class AugmentationConfig:
    """
    Limit how much may change; the numbers that are there are those of the published recipes.

    :param image_scale: Smallest and largest factor.
    :param image_rotation_deg: Largest angle to either side.
    :param image_flip: Share of pictures that are mirrored, each on its own.
    :param flip_x: Share of samples in which front and rear change places.
    :param flip_y: Share of samples in which left and right change places.
    :param mirror: Share of samples in which the whole rig is mirrored, left and right.
    :param rotation_deg: Largest turn of the world to either side; only without voxels.
    :param scale: Smallest and largest size of the world; only without voxels.
    :param looks: How much the looks of pictures vary beyond that.
    :raises InvalidConfigError: if a share, change or range is impossible.
    """

    image_scale: tuple[float, float] = (0.864, 1.25)
    image_rotation_deg: float = 5.4
    image_flip: float = 0.5
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    flip_x: float = 0.5
    flip_y: float = 0.5
    mirror: float = 0.0
    rotation_deg: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    looks: Looks = field(default_factory=Looks)

    def __post_init__(self) -> None:
        for name in (item.name for item in fields(self) if item.name != 'looks'):
            value = getattr(self, name)
            if name.endswith('scale'):
                is_possible = 0 < value[0] <= value[1]
            else:
                is_possible = 0 <= value <= (180 if name.endswith('_deg') else 1)
            if not is_possible:
                raise InvalidConfigError(
                    f'augmentation: {name} must be a share from 0 to 1, an angle from 0 to '
                    f'180 or a range above 0; got {value}')


class _Draw(NamedTuple):
    """Hold what happens to the pictures (..., N) and worlds (...) of samples."""

    image_motions: np.ndarray
    colors: np.ndarray
    contrasts: np.ndarray
    mirrored: np.ndarray
    flips: np.ndarray
    ego_motions: np.ndarray
    scales: np.ndarray


class Augmentation:
    """
    Make the same changes for the same seed and number, on any device.

    :raises InvalidConfigError: if the world is to be turned or scaled under voxels, or mirrored
        on a grid that does not lie symmetrically about the vehicle.
    """

    def __init__(self, config: AugmentationConfig, network: NetworkConfig, seed: int) -> None:
        if network.occupancy is not None:
            _require_flips_only(config, network)
        self._config, self._seed = config, seed
        self._stride_px, self._has_voxels = network.feature_stride, network.occupancy is not None

    def __call__(self, batch: TrainingBatch, numbers: Sequence[int]) -> TrainingBatch:
        """
        Return a changed batch.

        :param batch: As a source gives it; it stays as it is.
        :param numbers: One per sample, which with the seed decides what happens; a training that
            counts the samples it has seen never repeats itself.
        :return: The changed batch on the same device; for a network without voxels, whose world
            may turn and grow, none of them is observed any more.
        """
        device = batch.images.device
        draws = [self._draw(number, batch.images.shape[1:4]) for number in numbers]
        drawn = {name: torch.from_numpy(np.stack(values)).to(device)
                 for name, values in zip(_Draw._fields, zip(*draws))}
        motions, world = drawn['image_motions'], drawn['ego_motions']
        flips = [draw.flips.tolist() for draw in draws]
        swap = _camera_swap(drawn['mirrored'])
        images = warp_images(batch.images, motions, drawn['colors'], drawn['contrasts'])
        if self._config.looks != Looks():
            images = torch.stack([
                vary_looks(pictures, self._config.looks, self._seed * SAMPLE_SEEDS + number)
                for pictures, number in zip(images, numbers)])
        return TrainingBatch(
            images, motions @ batch.input_from_camera @ swap[..., :3, :3],
            _moved_cameras(batch.key_ego_from_camera, world) @ swap,
            _flipped_voxels(batch.semantics, flips),
            _flipped_voxels(batch.observed, flips) & self._has_voxels,
            [TrueBoxes(_moved_boxes(objects.boxes, motion.float(), scale.float()), objects.labels)
             for objects, motion, scale in zip(batch.boxes, world, drawn['scales'])],
            None if batch.depths_m is None else warp_depths(batch.depths_m, motions,
                                                            self._stride_px))

    def _draw(self, number: int, shape: Sequence[int]) -> _Draw:
        """Decide what happens to N pictures of H by W; every draw has a place of its own."""
        config, (num_cameras, height_px, width_px) = self._config, shape
        rng = np.random.default_rng((self._seed, number))
        world = rng.random(DRAWS_PER_SAMPLE)
        shares = rng.random((num_cameras, DRAWS_PER_CAMERA)).T
        mirrored = world[0] < config.mirror
        flips = np.array([world[1] < config.flip_x, (world[2] < config.flip_y) ^ mirrored])
        angle = math.radians(_around(world[3], config.rotation_deg))
        scale = _within(world[4], config.scale)
        turn = np.array([[math.cos(angle), -math.sin(angle), 0],
                         [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
        signs = np.diag([*np.where(flips, -1.0, 1.0), 1.0])
        motions = image_motions(
            _within(shares[0], config.image_scale), shares[1],
            (shares[2] < config.image_flip) ^ mirrored,
            np.radians(_around(shares[3], config.image_rotation_deg)),
            height_px, width_px)
        colors = _color_matrices(1 + _around(shares[4], config.brightness),
                                 1 + _around(shares[5], config.saturation))
        return _Draw(motions, colors, 1 + _around(shares[6], config.contrast), mirrored, flips,
                     scale * signs @ turn, scale)


def _require_flips_only(config: AugmentationConfig, network: NetworkConfig) -> None:
    """Refuse what voxels cannot follow."""
    if config.rotation_deg or config.scale != (1.0, 1.0):
        raise InvalidConfigError(
            f'{network.name} has voxels, which follow flips only; set rotation_deg to 0 and scale '
            f'to 1, 1 (got {config.rotation_deg} and {config.scale})')
    for name, share, reach_m in (('flip_x', config.flip_x, network.bev.x_range_m),
                                 ('flip_y', config.flip_y + config.mirror,
                                  network.bev.y_range_m)):
        if share and reach_m[0] != -reach_m[1]:
            raise InvalidConfigError(f'{network.name}: {name} needs a grid that lies '
                                     f'symmetrically about the vehicle; got {reach_m}')


def _within(share: np.ndarray | float, limits: tuple[float, float]) -> np.ndarray | float:
    return limits[0] + share * (limits[1] - limits[0])


def _around(share: np.ndarray | float, largest: float) -> np.ndarray | float:
    return (2 * share - 1) * largest


def _color_matrices(brightness: np.ndarray, saturation: np.ndarray) -> np.ndarray:
    """Return what a colour is multiplied by, (N, 3, 3): the gray stays, the rest is stretched."""
    stretch = saturation[:, None, None]
    gray = np.tile(GRAY_WEIGHTS, (3, 1))
    return brightness[:, None, None] * (stretch * np.eye(3) + (1 - stretch) * gray)


def _camera_swap(mirrored: Tensor) -> Tensor:
    """Return flips of the camera's own x axis, which keep mirrored cameras right-handed."""
    swap = torch.eye(4, dtype=torch.float64, device=mirrored.device).repeat(len(mirrored), 1, 1, 1)
    swap[:, 0, 0, 0] = torch.where(mirrored, -1.0, 1.0).double()
    return swap


def _moved_cameras(key_ego_from_camera: Tensor, motions: Tensor) -> Tensor:
    """Move cameras, (B, N, 4, 4), by linear maps of the ego frame, (B, 3, 3), float64."""
    moved = key_ego_from_camera.clone()
    moved[..., :3, :] = motions[:, None] @ key_ego_from_camera[..., :3, :]
    return moved


def _flipped_voxels(voxels: Tensor, flips: Sequence[Sequence[bool]]) -> Tensor:
    """Mirror grids, (B, X, Y, Z): per sample front and rear, and left and right, or not."""
    return torch.stack([grid.flip([axis for axis, flipped in enumerate(pair) if flipped])
                        for grid, pair in zip(voxels, flips)])


def _moved_boxes(boxes: Tensor, motion: Tensor, scale: Tensor) -> Tensor:
    """Move the objects of one sample, (n, 9); the motion, (3, 3), includes the scale."""
    yaw = boxes[:, 6]
    heading = torch.stack([yaw.cos(), yaw.sin()], dim=1) @ motion[:2, :2].T
    return torch.cat([boxes[:, :3] @ motion.T, boxes[:, 3:6] * scale,
                      torch.atan2(heading[:, 1:], heading[:, :1]),
                      boxes[:, 7:] @ motion[:2, :2].T], dim=1)
