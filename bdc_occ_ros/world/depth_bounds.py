# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Where rays enter solids, as polynomials over a tile.

A convex solid is an intersection of a few simple ones, and along a ray each of these holds an
interval of inverse depth w. A half space that the origin lies outside of ends it from above, for
one enters there; any other half space ends it from below. So the ray enters at the least upper
end if no lower end exceeds it. The ends at planes are linear in (1, u, v) of the tile; those at a
quadric c w^2 + 2 b w + a = 0 are (-b +- root) / c with a root of a quadratic.
"""

import torch
from torch import Tensor

from bdc_occ_ros.world.solids import Shape

_BEYOND = 1e9
# Squared radius as p0 + p1 z + p2 z^2, by shape; boxes do not use theirs.
PROFILES = ((1.0, 0.0, 0.0), (1.0, 0.0, -1.0), (1.0, 0.0, 0.0), (0.25, -0.5, 0.25))


def local_coordinates(vectors: Tensor, cosine: Tensor, sine: Tensor, half_m: Tensor) -> Tensor:
    """
    Return vectors of the world in the frame of solids that they belong to, in half sizes.

    :param vectors: (..., 3).
    :param cosine: Of the yaw, (...).
    :param sine: Of the yaw, (...).
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


def box_bounds(origin: Tensor, rays: Tensor) -> Tensor:
    """
    Return the ends of boxes: three upper and six lower ones.

    :param origin: Origins in half sizes of the boxes, (N, 3) float64.
    :param rays: Axis, right and down in half sizes, (N, 3, 3) float64; columns as named.
    :return: Coefficients of 1, u, v, (N, 9, 3) float32; nothing is hit where the origin is inside.
    """
    upper, far, near = _ends_at_slabs(origin, rays)
    upper = upper * (origin.abs() > 1).any(-1)[:, None, None]
    return torch.cat((upper, far, near), 1).float()


def round_bounds(shape: Tensor, origin: Tensor, rays: Tensor) -> Tensor:
    """
    Return the ends of solids of revolution.

    :param shape: Of Shape, none of them a box, (N,) int64.
    :param origin: Origins in half sizes of the solids, (N, 3) float64.
    :param rays: Axis, right and down in half sizes, (N, 3, 3) float64; columns as named.
    :return: Coefficients of 1, u, v, u^2, u v, v^2, (N, 8, 6) float32, of: the squared root; upper
        and lower end without it; upper end at a cap and two lower ones; and, as constants, the
        factors of the root in the upper and the lower end.
    """
    p0, p1, p2 = torch.tensor(PROFILES, dtype=origin.dtype, device=origin.device)[shape].mT
    x, y, z = origin.unbind(-1)
    c = x * x + y * y - p0 - p1 * z - p2 * z * z
    c = torch.where(c.abs() < 1e-9, 1e-9, c)
    weight = torch.stack((x, y, -0.5 * p1 - p2 * z), -1)
    b = (weight[:, None] @ rays)[:, 0]
    metric = torch.stack((torch.ones_like(x), torch.ones_like(x), -p2), -1)
    a = rays.mT @ (metric[..., None] * rays)
    root = (b[:, :, None] * b[:, None] - c[:, None, None] * a) / (c * c)[:, None, None]
    is_ellipsoid, is_above = shape == Shape.ELLIPSOID, (shape == Shape.CONE) & (z > 1)
    is_within = (c < 0) & ~is_above
    is_inside = is_within & (is_ellipsoid | (z.abs() <= 1))
    bounds = torch.zeros(len(c), 8, 6, dtype=origin.dtype, device=origin.device)
    bounds[:, 0] = torch.stack((root[:, 0, 0], 2 * root[:, 0, 1], 2 * root[:, 0, 2],
                                root[:, 1, 1], 2 * root[:, 1, 2], root[:, 2, 2]), -1)
    upper, lower = -b / c[:, None], -b / c[:, None]
    upper[is_within] = upper.new_tensor((_BEYOND, 0.0, 0.0))
    upper[is_inside] = 0
    lower[(c < 0) & is_above] = lower.new_tensor((-_BEYOND, 0.0, 0.0))
    bounds[:, 1, :3], bounds[:, 2, :3] = upper, lower
    bounds[:, 3:6, :3] = torch.stack([end[:, 2] for end in _ends_at_slabs(origin, rays)], 1)
    bounds[is_ellipsoid, 3:6] = 0
    bounds[is_ellipsoid, 3, 0], bounds[is_ellipsoid, 4:6, 0] = _BEYOND, -_BEYOND
    bounds[:, 6, 0] = torch.where(c > 0, 1.0, -1.0) * ~is_within
    bounds[:, 7, 0] = torch.where(c > 0, -1.0, 1.0) * ~((c < 0) & is_above)
    return bounds.float()


def entry_of_boxes(bounds: Tensor, basis: Tensor) -> Tensor:
    """
    Return the inverse depths at which rays enter boxes; at most 0 where they do not.

    :param bounds: Ends of K boxes in each of B tiles, (B, 9, K, 3) float32.
    :param basis: Of the rays, (6, P) or (B, 6, P) float32.
    :return: (B, K, P) float32.
    """
    tiles, ends, boxes, _ = bounds.shape
    flat = bounds.reshape(tiles, ends * boxes, 3) @ basis[..., :3, :]
    ends_at = flat.view(tiles, ends, boxes, basis.shape[-1])
    entry = ends_at[:, :3].amin(1)
    return entry.mul_(entry >= ends_at[:, 3:].amax(1))


def entry_of_rounds(bounds: Tensor, basis: Tensor) -> Tensor:
    """
    Return the inverse depths at which rays enter solids of revolution; at most 0 for none.

    :param bounds: Ends of K solids in each of B tiles, (B, 8, K, 6) float32.
    :param basis: Of the rays, (6, P) or (B, 6, P) float32.
    :return: (B, K, P) float32.
    """
    tiles, ends, solids, _ = bounds.shape
    flat = bounds[:, :6].reshape(tiles, 6 * solids, 6) @ basis
    square, upper, lower, cap, far, near = flat.view(tiles, 6, solids, basis.shape[-1]).unbind(1)
    has_root = square >= 0
    root = square.clamp_min_(0).sqrt_()
    upper = torch.minimum(upper.addcmul_(root, bounds[:, 6, :, :1]), cap)
    lower = torch.maximum(lower.addcmul_(root, bounds[:, 7, :, :1]), far)
    has_root &= upper >= torch.maximum(lower, near)
    return upper.mul_(has_root)
