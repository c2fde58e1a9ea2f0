# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bound the depths at which rays enter solids, by polynomials over a tile.

A convex solid is an intersection of a few simple ones, and along a ray each of these holds an
interval of inverse depth w. A half space that the origin lies outside of ends it from above, for
one enters there; any other half space ends it from below. So the ray enters at the least upper
end if no lower end exceeds it. The ends at planes are linear in (1, u, v) of the tile; those at a
quadric c w^2 + 2 b w + a = 0 are (-b +- root) / c with a root of a quadratic.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from bdc_occ_ros.world.solids import Shape

_BEYOND = 1e9
# Squared radius as p0 + p1 z + p2 z^2, by shape; boxes do not use theirs.
PROFILES = ((1.0, 0.0, 0.0), (1.0, 0.0, -1.0), (1.0, 0.0, 0.0), (0.25, -0.5, 0.25))


def local_coordinates(vectors: Tensor, cosine: Tensor, sine: Tensor, half_m: Tensor) -> Tensor:
    """
    Return vectors of the world, (..., 3), in the frames of their solids, in half sizes.

    :param cosine: Of the yaw, (...), as is the sine.
    :param half_m: Half sizes, (..., 3).
    """
    x, y, z = vectors.unbind(-1)
    return torch.stack((cosine * x + sine * y, cosine * y - sine * x, z), -1) / half_m


def _ends_at_slabs(origin: Tensor, rays: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return upper ends and the two lower ends of every slab -1 to 1, each (..., 3)."""
    side = torch.where(origin < 0, -1.0, 1.0)
    is_outside = (origin.abs() > 1)[..., None]
    gap = side - origin
    gap = torch.where(gap.abs() < 1e-9, side * 1e-9, gap)
    near, far = rays / gap[..., None], rays / (-side - origin)[..., None]
    beyond = torch.zeros_like(near)
    beyond[..., 0] = _BEYOND
    return (torch.where(is_outside, near, beyond), far, torch.where(is_outside, far, near))


def box_bounds(shape: Tensor, origin: Tensor, rays: Tensor) -> Tensor:
    """
    Return the ends of boxes: three upper and six lower ones, (N, 9, 3).

    Nothing is hit where the origin is inside.
    """
    upper, far, near = _ends_at_slabs(origin, rays)
    upper = upper * (origin.abs() > 1).any(-1)[:, None, None]
    return torch.cat((upper, far, near), 1).float()


def _quadric(shape: Tensor, origin: Tensor, rays: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return c, (N,), and b, (N, 3), of c w^2 + 2 b w + a over inverse depth, and (root / c)^2."""
    p0, p1, p2 = torch.tensor(PROFILES, dtype=origin.dtype, device=origin.device)[shape].mT
    x, y, z = origin.unbind(-1)
    c = x * x + y * y - p0 - p1 * z - p2 * z * z
    c = torch.where(c.abs() < 1e-9, 1e-9, c)
    b = (torch.stack((x, y, -0.5 * p1 - p2 * z), -1)[:, None] @ rays)[:, 0]
    right, down = (0, 0, 0, 1, 1, 2), (0, 1, 2, 1, 2, 2)
    along, across = rays[:, :, right], rays[:, :, down]
    a = (along[:, :2] * across[:, :2]).sum(1) - p2[:, None] * along[:, 2] * across[:, 2]
    square = (b[:, right] * b[:, down] - c[:, None] * a) / (c * c)[:, None]
    return (c, b, square * square.new_tensor((1, 2, 2, 1, 2, 1)))


def ellipsoid_bounds(shape: Tensor, origin: Tensor, rays: Tensor) -> Tensor:
    """Return the squared root and the upper end without it of ellipsoids, (N, 2, 6)."""
    c, b, square = _quadric(shape, origin, rays)
    bounds = torch.zeros(len(shape), 2, 6, dtype=origin.dtype, device=origin.device)
    bounds[:, 0] = square
    bounds[:, 1, :3] = -b / c[:, None]
    bounds *= (c > 0)[:, None, None]
    return bounds.float()


def round_bounds(shape: Tensor, origin: Tensor, rays: Tensor) -> Tensor:
    """
    Return the ends of cylinders and cones, (N, 8, 6).

    These are: the squared root; upper and lower end without it; upper end at a cap and two lower
    ones; and, as constants, the factors of the root in the upper and the lower end.
    """
    c, b, square = _quadric(shape, origin, rays)
    # Above its tip the mirror image of a cone holds the origin, but the cone does not.
    is_above = (c < 0) & (shape == Shape.CONE) & (origin[:, 2] > 1)
    is_within = (c < 0) & ~is_above
    bounds = torch.zeros(len(c), 8, 6, dtype=origin.dtype, device=origin.device)
    bounds[:, 0] = square
    bounds[:, 1:3, :3] = (-b / c[:, None])[:, None]
    bounds[:, 1, :3] *= ~is_within[:, None]
    bounds[:, 1, 0] += _BEYOND * (is_within & (origin[:, 2].abs() > 1))
    bounds[:, 2, :3] *= ~is_above[:, None]
    bounds[:, 2, 0] -= _BEYOND * is_above
    bounds[:, 3:6, :3] = torch.stack(_ends_at_slabs(origin[:, 2], rays[:, 2]), 1)
    sign = torch.where(c > 0, 1.0, -1.0)
    bounds[:, 6, 0] = sign * ~is_within
    bounds[:, 7, 0] = -sign * ~is_above
    return bounds.float()


def entry_of_boxes(bounds: Tensor, basis: Tensor) -> Tensor:
    """Return the inverse depths at which rays enter boxes."""
    tiles, ends, boxes, _ = bounds.shape
    flat = bounds.reshape(tiles, ends * boxes, 3) @ basis[..., :3, :]
    ends_at = flat.view(tiles, ends, boxes, basis.shape[-1])
    entry = ends_at[:, :3].amin(1)
    return entry.mul_(entry >= ends_at[:, 3:].amax(1))


def entry_of_ellipsoids(bounds: Tensor, basis: Tensor) -> Tensor:
    """Return the inverse depths at which rays enter ellipsoids."""
    square = bounds[:, 0] @ basis
    middle = bounds[:, 1, :, :3] @ basis[..., :3, :]
    has_root = square >= 0
    return middle.add_(square.clamp_min_(0).sqrt_()).mul_(has_root)


def entry_of_rounds(bounds: Tensor, basis: Tensor) -> Tensor:
    """Return the inverse depths at which rays enter cylinders and cones."""
    tiles, _, solids, _ = bounds.shape
    flat = bounds[:, :6].reshape(tiles, 6 * solids, 6) @ basis
    square, upper, lower, cap, far, near = flat.view(tiles, 6, solids, basis.shape[-1]).unbind(1)
    has_root = square >= 0
    root = square.clamp_min_(0).sqrt_()
    upper = torch.minimum(upper.addcmul_(root, bounds[:, 6, :, :1]), cap)
    lower = torch.maximum(lower.addcmul_(root, bounds[:, 7, :, :1]), far)
    has_root &= upper >= torch.maximum(lower, near)
    return upper.mul_(has_root)


class Kind(NamedTuple):
    """
    Define a kind of solids by how rays enter them.

    :param bounds: Returns the coefficients of 1, u, v and, of what is round, u^2, u v, v^2 of E
        ends, (N, E, 3 or 6) float32, from shapes, (N,), origins, (N, 3) float64, and axis, right
        and down of tiles as columns, (N, 3, 3) float64, in half sizes of the solids.
    :param entry: Returns the inverse depths at which rays enter K solids in each of B tiles,
        (B, K, P) float32, at most 0 where they do not, from these coefficients, (B, E, K, 3 or 6),
        and the basis of the rays, (6, P) or (B, 6, P).
    """

    shapes: tuple[Shape, ...]
    bounds: Callable[[Tensor, Tensor, Tensor], Tensor]
    entry: Callable[[Tensor, Tensor], Tensor]

    def holds(self, shape: Tensor) -> Tensor:
        """Return which solids are of this kind, given their shapes, (N,) int64."""
        return (shape >= min(self.shapes)) & (shape <= max(self.shapes))


KINDS = (Kind((Shape.BOX,), box_bounds, entry_of_boxes),
         Kind((Shape.ELLIPSOID,), ellipsoid_bounds, entry_of_ellipsoids),
         Kind((Shape.CYLINDER, Shape.CONE), round_bounds, entry_of_rounds))
