# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Define the geometry of a world besides its ground: upright convex solids, as a struct of tensors.

A solid is a box, or a solid of revolution about its own z axis: ellipsoid, cylinder or cone,
stretched along its axes. Solids turn about the vertical only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import torch
from torch import Tensor


class Shape(IntEnum):
    """
    Enumerate shapes of solids within their half sizes; local z runs from -1 to 1.

    The squared radius of the round ones at local z is 1 - z^2 (ellipsoid), 1 (cylinder) and
    ((1 - z) / 2)^2 (cone).
    """

    BOX = 0
    ELLIPSOID = 1
    CYLINDER = 2
    CONE = 3


class Material(IntEnum):
    """Enumerate surface materials of solids; the ground has its own colours."""

    PLAIN = 0
    PAINT = 1
    GLASS = 2
    RUBBER = 3
    FACADE = 4
    BRICK = 5
    CONCRETE = 6
    WOOD = 7
    FOLIAGE = 8
    EARTH = 9
    CLOTH = 10
    STRIPES = 11
    LAMP = 12


NO_INSTANCE = -1


@dataclass(frozen=True, eq=False)
class Solids:
    """
    Hold solids in one frame, usually the world's: x y on the ground, z up, metres.

    :param center_m: Centres, (N, 3) float32.
    :param half_m: Half sizes along the own axes, (N, 3) float32, positive.
    :param yaw_rad: Rotation about +z, (N,) float32.
    :param shape: One of Shape, (N,) int64.
    :param label: Occupancy class, (N,) int64.
    :param instance: Number of the object that it is a part of, (N,) int64; NO_INSTANCE for what
        has no box.
    :param material: One of Material, (N,) int64.
    :param albedo: Reflected share of red, green and blue, (N, 3) float32, 0 to 1, linear.
    """

    center_m: Tensor
    half_m: Tensor
    yaw_rad: Tensor
    shape: Tensor
    label: Tensor
    instance: Tensor
    material: Tensor
    albedo: Tensor

    def __len__(self) -> int:
        return len(self.yaw_rad)

    def to(self, device: torch.device | str) -> 'Solids':
        """Return the solids on a device."""
        return Solids(*(getattr(self, item.name).to(device) for item in fields(self)))

    def select(self, index: Tensor) -> 'Solids':
        """Return the solids of some indices, or of a mask."""
        return Solids(*(getattr(self, item.name)[index] for item in fields(self)))

    @staticmethod
    def joined(parts: Sequence['Solids']) -> 'Solids':
        """Concatenate solids on one device."""
        return Solids(*(torch.cat([getattr(part, item.name) for part in parts])
                        for item in fields(Solids)))
