# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Things while a world is built: rows of numbers, one per solid, and where each thing stands.

The parts of a thing are given in its own frame: origin on the ground below its centre, x ahead,
z up, metres.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from bdc_occ_ros.world.solids import Material, NO_INSTANCE, Shape, Solids

Span = tuple[float, float]
Rgb = tuple[float, float, float]
Parts = Sequence[tuple[float, ...]]


def part(shape: Shape, x_m: Span, y_m: Span, z_m: Span, material: Material, rgb: Rgb,
         yaw_rad: float = 0.0) -> tuple[float, ...]:
    """
    Return the row of one solid.

    :param shape: Its shape.
    :param x_m: From where to where it reaches along its x, before it is turned.
    :param y_m: The same along y.
    :param z_m: The same along z.
    :param material: What it is made of.
    :param yaw_rad: Turn about the vertical through its own centre.
    """
    return ((x_m[0] + x_m[1]) / 2, (y_m[0] + y_m[1]) / 2, (z_m[0] + z_m[1]) / 2,
            (x_m[1] - x_m[0]) / 2, (y_m[1] - y_m[0]) / 2, (z_m[1] - z_m[0]) / 2,
            yaw_rad, shape, material, *rgb)


class Model(NamedTuple):
    """
    A thing of one of the detection classes.

    :param size_m: Length, width and height of the box about it.
    :param parts: Its solids in its own frame, all within the box.
    """

    class_name: str
    size_m: tuple[float, float, float]
    parts: Parts


@dataclass(frozen=True, eq=False)
class Assembly:
    """
    The parts of many things, ready to be put where the things are at some instant.

    :param rows: Solids in the frames of their things, (R, 12).
    :param owner: Which thing every row belongs to, (R,).
    :param label: Occupancy class of every row, (R,).
    """

    rows: np.ndarray
    owner: np.ndarray
    label: np.ndarray

    @staticmethod
    def of(things: Sequence[tuple[Parts, int]]) -> 'Assembly':
        """
        Return the parts of things.

        :param things: Parts and occupancy class of every thing.
        """
        counts = [len(parts) for parts, _ in things]
        rows = np.array([row for parts, _ in things for row in parts]).reshape(-1, 12)
        labels = np.array([label for _, label in things], np.int64)
        return Assembly(rows, np.repeat(np.arange(len(things)), counts),
                        np.repeat(labels, counts))

    def solids(self, poses: np.ndarray, wanted: np.ndarray | None = None,
               has_instance: bool = True) -> Solids:
        """
        Return the solids in the world.

        :param poses: x, y and yaw of every thing, (things, 3).
        :param wanted: Which things are wanted, (things,) bool; all if not given.
        :param has_instance: Whether the number of a thing is an instance.
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
