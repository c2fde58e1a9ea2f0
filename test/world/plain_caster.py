# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The plain way to cast rays: every ray against every solid, one by one, in double precision."""

import numpy as np

from bdc_occ_ros.world.ray_casting import GROUND, SKY
from bdc_occ_ros.world.solids import Shape

PROFILES = {Shape.ELLIPSOID: (1, 0, -1), Shape.CYLINDER: (1, 0, 0), Shape.CONE: (.25, -.5, .25)}


def interval(shape, origin, direction):
    """Return where a ray is inside a solid of half size one, (first, last), or None."""
    first, last = -np.inf, np.inf
    axes = range(3) if shape == Shape.BOX else (2,)
    for axis in axes:
        if direction[axis] == 0:
            if abs(origin[axis]) > 1:
                return None
            continue
        ends = sorted((np.array((-1, 1)) - origin[axis]) / direction[axis])
        first, last = max(first, ends[0]), min(last, ends[1])
    spans = [(first, last)]
    if shape != Shape.BOX:
        p0, p1, p2 = PROFILES[shape]
        (x, y, z), (dx, dy, dz) = origin, direction
        a = dx * dx + dy * dy - p2 * dz * dz
        b = x * dx + y * dy - 0.5 * p1 * dz - p2 * z * dz
        c = x * x + y * y - p0 - p1 * z - p2 * z * z
        if b * b - a * c < 0:
            ranges = [] if a > 0 else [(-np.inf, np.inf)]
        else:
            low, high = sorted(((-b - np.sqrt(b * b - a * c)) / a,
                                (-b + np.sqrt(b * b - a * c)) / a))
            ranges = [(low, high)] if a > 0 else [(-np.inf, low), (high, np.inf)]
        spans = [(max(first, low), min(last, high)) for low, high in ranges]
    spans = [span for span in spans if span[1] > span[0]]
    return spans[0] if spans else None


def cast_ray(solids, origin_m, direction):
    """Return the first length along a ray at which it meets something, and what."""
    nearest, which = np.inf, SKY
    if origin_m[2] > 0 and direction[2] < -1e-9:
        nearest, which = -origin_m[2] / direction[2], GROUND
    for index in range(len(solids)):
        cosine, sine = np.cos(solids.yaw_rad[index].item()), np.sin(solids.yaw_rad[index].item())
        turn = np.array(((cosine, sine, 0), (-sine, cosine, 0), (0, 0, 1)))
        half_m = solids.half_m[index].double().numpy()
        inside = interval(Shape(solids.shape[index].item()),
                          turn @ (origin_m - solids.center_m[index].double().numpy()) / half_m,
                          turn @ direction / half_m)
        if inside is not None and 0 < inside[0] < nearest:
            nearest, which = inside[0], index
    return nearest, which
