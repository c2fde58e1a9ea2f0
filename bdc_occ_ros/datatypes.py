# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Define the data of the pipeline: a frame of images in, an occupancy grid and boxes out.

All are frozen and check themselves when they are made; arrays are made read-only, so a value
that was valid stays valid. Frames of reference: camera x right, y down, z forward (optical,
REP 103); ego x forward, y left, z up. `a_from_b` maps coordinates of b into a.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from bdc_occ_ros.errors import (
    InvalidBoxesError,
    InvalidFrameError,
    InvalidGridError,
    InvalidImageError,
)
from bdc_occ_ros.geometry.camera_rig import CameraRig, read_only, rigid_transform
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid


@dataclass(frozen=True, eq=False)
class Frame:
    """
    Hold the images, calibrations and poses of one trigger.

    :param images: RGB image by camera name, (H, W, 3) uint8, of the size of its camera in the
        rig. A camera that did not deliver is left out; at least one must be there.
    :param stamps_ns: Exposure time by camera name, for every image.
    :param rig: Calibration of all cameras.
    :param fixed_from_ego: Ego pose at the exposure of every image's camera and of the key camera,
        (4, 4) metres, in any frame that does not move; None if the motion between exposures is
        to be ignored.
    :param stamp_ns: Exposure time of the key camera, which stamps the output.
    :param fixed_from_output: Ego pose in whose frame the output is wanted, (4, 4) metres, as that
        of a label which belongs to another sensor; None for that of the key camera.
    :raises InvalidFrameError: if names do not fit together or a stamp is negative.
    :raises InvalidImageError: if an image has another shape or dtype than its camera.
    :raises InvalidPoseError: if a pose is not a rigid transform.
    """

    images: Mapping[str, np.ndarray]
    stamps_ns: Mapping[str, int]
    rig: CameraRig
    stamp_ns: int
    fixed_from_ego: Mapping[str, np.ndarray] | None = None
    fixed_from_output: np.ndarray | None = None

    def __post_init__(self) -> None:
        names = self.rig.names
        unknown = sorted(set(self.images) - set(names))
        if unknown or not self.images:
            raise InvalidFrameError(
                f'a frame needs images of cameras of its rig {names}; got {sorted(self.images)}')
        if set(self.stamps_ns) != set(self.images):
            raise InvalidFrameError(
                f'every image needs a stamp: images {sorted(self.images)}, '
                f'stamps {sorted(self.stamps_ns)}')
        if self.stamp_ns < 0 or min(self.stamps_ns.values()) < 0:
            raise InvalidFrameError('stamps count nanoseconds from 1970 and cannot be negative')
        images = {n: self._checked_image(n) for n in names if n in self.images}
        object.__setattr__(self, 'images', MappingProxyType(images))
        object.__setattr__(self, 'stamps_ns', MappingProxyType(dict(self.stamps_ns)))
        if self.fixed_from_ego is not None:
            self._check_poses(self.fixed_from_ego)
        if self.fixed_from_output is not None:
            if self.fixed_from_ego is None:
                raise InvalidFrameError('output in another ego frame needs the ego poses of the '
                                        'images; give fixed_from_ego as well')
            object.__setattr__(self, 'fixed_from_output', rigid_transform(
                self.fixed_from_output, 'fixed_from_output'))

    def _checked_image(self, name: str) -> np.ndarray:
        image, camera = self.images[name], self.rig[name]
        expected = (camera.height_px, camera.width_px, 3)
        if image.shape != expected or image.dtype != np.uint8:
            raise InvalidImageError(
                f'{name}: the calibration belongs to images {expected} uint8; got '
                f'{image.shape} {image.dtype}')
        return read_only(image)

    def _check_poses(self, poses: Mapping[str, np.ndarray]) -> None:
        missing = sorted({*self.images, self.rig.key_camera} - set(poses))
        if missing:
            raise InvalidFrameError(f'ego poses are missing for {missing}')
        checked = {n: rigid_transform(pose, f'{n}: fixed_from_ego') for n, pose in poses.items()}
        object.__setattr__(self, 'fixed_from_ego', MappingProxyType(checked))

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the names of the rig's cameras without an image."""
        return tuple(name for name in self.rig.names if name not in self.images)


@dataclass(frozen=True, eq=False)
class LidarSweep:
    """
    Hold what a LiDAR met, in the ego frame of one instant.

    :param points_m: Returns, (N, 3) float64, metres.
    :param origins_m: Where the sensor was at each of them, (N, 3), or one place for all, (3,).
    :param fixed_from_ego: Pose of that ego frame in the fixed frame of the images' poses, (4, 4);
        None where the vehicle's motion is not known.
    :raises InvalidFrameError: if shapes disagree or a number is not finite.
    """

    points_m: np.ndarray
    origins_m: np.ndarray
    fixed_from_ego: np.ndarray | None = None

    def __post_init__(self) -> None:
        points_m = read_only(self.points_m, np.float64)
        if points_m.ndim != 2 or points_m.shape[1] != 3 or (
                np.shape(self.origins_m) not in ((3,), points_m.shape)):
            raise InvalidFrameError(f'a sweep needs points (N, 3) and their origins; got '
                                    f'{points_m.shape} and {np.shape(self.origins_m)}')
        origins_m = np.broadcast_to(np.asarray(self.origins_m, np.float64), points_m.shape)
        if not np.isfinite(points_m).all() or not np.isfinite(origins_m).all():
            raise InvalidFrameError('points of a sweep and their origins must be finite')
        object.__setattr__(self, 'points_m', points_m)
        object.__setattr__(self, 'origins_m', read_only(origins_m))


@dataclass(frozen=True, eq=False)
class Occupancy:
    """
    Hold a semantic occupancy grid in the ego frame of the key camera's exposure.

    :param grid: Where the cells are.
    :param labels: Class per cell, (X, Y, Z) uint8, index into class_names.
    :param observed: Whether a contributing camera sees the cell, (X, Y, Z) bool; where none does
        the label means nothing and must not be reported as free.
    :param free_label: The label of empty space.
    :param stamp_ns: Time of the key camera's exposure.
    :param confidence: Probability of the label, (X, Y, Z) floating, or None.
    :raises InvalidGridError: if shapes, dtypes or labels do not fit.
    """

    grid: VoxelGrid
    labels: np.ndarray
    observed: np.ndarray
    class_names: tuple[str, ...]
    free_label: int
    stamp_ns: int
    confidence: np.ndarray | None = None

    def __post_init__(self) -> None:
        expected = {'labels': np.uint8, 'observed': np.bool_}
        for name, dtype in expected.items():
            array = getattr(self, name)
            if array.shape != self.grid.shape or array.dtype != dtype:
                raise InvalidGridError(
                    f'{name} must be {self.grid.shape} {np.dtype(dtype)}; got {array.shape} '
                    f'{array.dtype}')
            object.__setattr__(self, name, read_only(array))
        if not 0 <= self.free_label < len(self.class_names):
            raise InvalidGridError(
                f'free_label {self.free_label} is none of {len(self.class_names)} classes')
        if self.labels.max() >= len(self.class_names):
            raise InvalidGridError(
                f'labels go up to {self.labels.max()}, but there are {len(self.class_names)} '
                'class names')
        if self.confidence is not None:
            if self.confidence.shape != self.grid.shape:
                raise InvalidGridError(
                    f'confidence must be {self.grid.shape}; got {self.confidence.shape}')
            object.__setattr__(self, 'confidence', read_only(self.confidence))

    @property
    def occupied(self) -> np.ndarray:
        """Return the cells that a camera sees and that are not free, (X, Y, Z) bool."""
        return self.observed & (self.labels != self.free_label)

    def resampled(self, own_from_other: np.ndarray) -> 'Occupancy':
        """
        Return the same grid of cells in another ego frame, filled from the nearest cells.

        Only the vehicle moves between the two; other road users stay where they are.

        :param own_from_other: Pose of the other ego frame in that of this grid, (4, 4), metres.
        :return: Cells whose centre lies outside of this grid are free and not observed.
        :raises InvalidPoseError: if the pose is not a rigid transform.
        """
        own_from_other = rigid_transform(own_from_other, 'own_from_other')
        centers_m = self.grid.centers_m(np.stack(np.indices(self.grid.shape), axis=-1))
        indices, inside = self.grid.indices_of(
            centers_m @ own_from_other[:3, :3].T + own_from_other[:3, 3])
        cells = tuple(indices[inside].T)

        def moved(array: np.ndarray, outside: float) -> np.ndarray:
            result = np.full_like(array, outside)
            result[inside] = array[cells]
            return result

        return replace(self, labels=moved(self.labels, self.free_label),
                       observed=moved(self.observed, False),
                       confidence=None if self.confidence is None else moved(self.confidence, 0))


@dataclass(frozen=True, eq=False)
class Boxes:
    """
    Hold objects in an ego frame: that of the key camera's exposure, unless they were moved.

    :param centers_m: Geometric centres, (N, 3), metres.
    :param sizes_m: Length (x), width (y) and height (z), (N, 3), metres.
    :param yaws_rad: Rotation about +z, 0 along +x, (N,).
    :param velocities_mps: Velocity x y over ground, (N, 2); nan where unknown.
    :param scores: Confidence, (N,), 0 to 1.
    :param labels: Index into class_names, (N,) integer.
    :param stamp_ns: Time of the key camera's exposure.
    :raises InvalidBoxesError: if lengths disagree or values are impossible.
    """

    centers_m: np.ndarray
    sizes_m: np.ndarray
    yaws_rad: np.ndarray
    velocities_mps: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    stamp_ns: int

    def __post_init__(self) -> None:
        count = len(self.scores)
        shapes = {'centers_m': (count, 3), 'sizes_m': (count, 3), 'yaws_rad': (count,),
                  'velocities_mps': (count, 2), 'scores': (count,), 'labels': (count,)}
        for name, shape in shapes.items():
            dtype = np.int64 if name == 'labels' else np.float32
            array = read_only(getattr(self, name), dtype)
            if array.shape != shape:
                raise InvalidBoxesError(f'{name} must be {shape}; got {array.shape}')
            if name not in ('labels', 'velocities_mps') and not np.isfinite(array).all():
                raise InvalidBoxesError(f'{name} must be finite')
            object.__setattr__(self, name, array)
        if (self.sizes_m <= 0).any():
            raise InvalidBoxesError('box sizes must be positive')
        if ((self.scores < 0) | (self.scores > 1)).any():
            raise InvalidBoxesError('scores must lie in 0 to 1')
        if ((self.labels < 0) | (self.labels >= len(self.class_names))).any():
            raise InvalidBoxesError(
                f'labels must index {len(self.class_names)} class names; got '
                f'{sorted(set(self.labels.tolist()))}')

    def __len__(self) -> int:
        return len(self.scores)

    def points_m(self, places: np.ndarray) -> np.ndarray:
        """
        Return points of every box in the ego frame, (N, P, 3).

        :param places: In lengths, widths and heights from the centre, (P, 3).
        """
        x, y, z = np.moveaxis(places * self.sizes_m[:, None], -1, 0)
        cos, sin = np.cos(self.yaws_rad)[:, None], np.sin(self.yaws_rad)[:, None]
        turned = np.stack((cos * x - sin * y, sin * x + cos * y, z), axis=-1)
        return turned + self.centers_m[:, None]

    def only(self, chosen: np.ndarray) -> 'Boxes':
        """Return the chosen objects, (N,) bool or indices."""
        return replace(self, **{name: value[chosen] for name, value in vars(self).items()
                                if isinstance(value, np.ndarray)})

    def seen_from(self, other_from_own: np.ndarray) -> 'Boxes':
        """
        Return the same objects in another ego frame.

        :param other_from_own: Pose of the frame they are in, in the other, (4, 4), metres.
        :raises InvalidPoseError: if the pose is not a rigid transform.
        """
        other_from_own = rigid_transform(other_from_own, 'other_from_own')
        rotation, moved_m = other_from_own[:3, :3], other_from_own[:3, 3]
        headings = np.stack((np.cos(self.yaws_rad), np.sin(self.yaws_rad)), -1)
        turned = headings @ rotation[:2, :2].T
        return replace(self, centers_m=self.centers_m @ rotation.T + moved_m,
                       yaws_rad=np.arctan2(turned[:, 1], turned[:, 0]),
                       velocities_mps=self.velocities_mps @ rotation[:2, :2].T)
