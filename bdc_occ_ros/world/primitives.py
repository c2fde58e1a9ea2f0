# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Describe objects by primitives: one row of numbers per box, ellipsoid, cylinder or cone.

The primitives of a model are given in its own frame: origin on the ground below its centre, x
ahead, z up, metres.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.world.solids import Material, NO_INSTANCE, Shape, Solids

Span = tuple[float, float]
Rgb = tuple[float, float, float]
Coat = tuple[Material, Rgb]
Primitive = tuple[float, ...]


def primitive(shape: Shape, x_m: Span | float, y_m: Span | float, z_m: Span | float, coat: Coat,
              yaw_rad: float = 0.0) -> Primitive:
    """
    Return the row of one primitive.

    :param x_m: Its extent along x before it is turned; a number reaches as far to either side.
    :param y_m: The same along y.
    :param z_m: The same along z; a number reaches up from the ground.
    :param coat: Material and albedo of its surface.
    :param yaw_rad: Turn about the vertical through its own centre.
    """
    x0, x1 = x_m if isinstance(x_m, tuple) else (-x_m, x_m)
    y0, y1 = y_m if isinstance(y_m, tuple) else (-y_m, y_m)
    z0, z1 = z_m if isinstance(z_m, tuple) else (0, z_m)
    material, rgb = coat
    return ((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2, (x1 - x0) / 2, (y1 - y0) / 2,
            (z1 - z0) / 2, yaw_rad, shape, material, *rgb)


box = partial(primitive, Shape.BOX)
ellipsoid = partial(primitive, Shape.ELLIPSOID)
cylinder = partial(primitive, Shape.CYLINDER)
cone = partial(primitive, Shape.CONE)


def around(middle_m: float, half_m: float) -> Span:
    """Return the extent that reaches as far on either side of a middle."""
    return middle_m - half_m, middle_m + half_m


def mirrored(*rows: Primitive) -> list[Primitive]:
    """Return primitives reflected to the other side of y = 0, and as they are."""
    return [(row[0], -row[1], *row[2:]) for row in rows] + [*rows]


def plain(*rgb: float) -> Coat:
    """Return a coat without gloss or grain: of a colour, or grey for one number."""
    return Material.PLAIN, rgb if len(rgb) == 3 else rgb * 3


class Model(NamedTuple):
    """
    Describe the shape of an object.

    :param class_name: One of the occupancy classes.
    :param size_m: Length, width and height of its box, which holds all primitives; None for what
        is annotated by voxels alone.
    """

    class_name: str
    primitives: Sequence[Primitive]
    size_m: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class RigidBodies:
    """
    Hold the primitives of many models, to be posed together.

    :param rows: Primitives in the frames of their models, (R, 12).
    :param owner: Index of the model that every row belongs to, (R,).
    :param label: Occupancy class of every row, (R,).
    """

    rows: np.ndarray
    owner: np.ndarray
    label: np.ndarray

    @staticmethod
    def of(models: Sequence[Model]) -> 'RigidBodies':
        """Gather the primitives of models."""
        counts = [len(model.primitives) for model in models]
        rows = np.array([row for model in models for row in model.primitives]).reshape(-1, 12)
        labels = np.array([OCCUPANCY_CLASS_NAMES.index(model.class_name) for model in models],
                          np.int64)
        return RigidBodies(rows, np.repeat(np.arange(len(models)), counts),
                           np.repeat(labels, counts))

    def solids(self, poses: np.ndarray, wanted: np.ndarray | None = None,
               has_instance: bool = True) -> Solids:
        """
        Return the solids in the world.

        :param poses: x, y and yaw of every model, (models, 3).
        :param wanted: Mask of the models that are wanted, (models,) bool; all if not given.
        :param has_instance: Whether the index of a model is the instance of its solids.
        """
        kept = slice(None) if wanted is None else wanted[self.owner]
        rows, owner, label = self.rows[kept], self.owner[kept], self.label[kept]
        x_m, y_m, yaw_rad = poses[owner].T
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        center_m = np.stack([x_m + cos * rows[:, 0] - sin * rows[:, 1],
                             y_m + sin * rows[:, 0] + cos * rows[:, 1], rows[:, 2]], 1)
        instance = owner if has_instance else np.full(len(owner), NO_INSTANCE)
        return Solids(
            torch.from_numpy(center_m).float(), torch.from_numpy(rows[:, 3:6]).float(),
            torch.from_numpy(rows[:, 6] + yaw_rad).float(),
            torch.from_numpy(rows[:, 7]).long(), torch.from_numpy(label).long(),
            torch.from_numpy(instance).long(), torch.from_numpy(rows[:, 8]).long(),
            torch.from_numpy(rows[:, 9:12]).float())
