# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compute the overlap of rotated rectangles, and suppress the weaker of those that overlap.

A rectangle is a row x, y, length, width, yaw: centre and sizes in metres, radians from +x.
OpenCV's rotatedRectangleIntersection is not used: where edges lie within 1e-5 m of each other its
areas are off by up to the whole rectangle, and differ from version to version.
"""

import numpy as np

TOUCHING = 1e-9
BLOCK_SIZE = 32  # compared at once: few calls where boxes are sparse, few pairs where dense
CORNER_SIGNS = np.array(((0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, -0.5)))


def corners_of(rectangles: np.ndarray) -> np.ndarray:
    """
    Return the corners of rectangles, counterclockwise from front left.

    :param rectangles: (..., 5) float64.
    :return: (..., 4, 2) metres.
    """
    cosine, sine = np.cos(rectangles[..., 4]), np.sin(rectangles[..., 4])
    axes = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], -2)
    return rectangles[..., None, :2] + (CORNER_SIGNS * rectangles[..., None, 2:4]) @ axes


def overlap_of_pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """
    Return intersection over union of rectangle pairs.

    The intersection is convex; its corners are those corners of either that lie in the other,
    and the crossings of their edges.

    :param first: (P, 5) float64, as second.
    :return: (P,) float64, 0 to 1.
    """
    first_corners, second_corners = corners_of(first), corners_of(second)
    crossings, is_crossing = _edge_crossings(first_corners, second_corners)
    points = np.concatenate([first_corners, second_corners, crossings], axis=1)
    is_corner = np.concatenate([_contains(second, first_corners), _contains(first, second_corners),
                                is_crossing], axis=1)
    intersection = _convex_area(points, is_corner)
    union = first[:, 2] * first[:, 3] + second[:, 2] * second[:, 3] - intersection
    return np.clip(intersection / union, 0.0, 1.0)


def keep_strongest(rectangles: np.ndarray, scores: np.ndarray, max_overlap: float) -> np.ndarray:
    """
    Drop every rectangle that overlaps a stronger one that is kept.

    :param rectangles: (N, 5) float64.
    :param scores: (N,); ties go to the earlier one.
    :param max_overlap: Intersection over union above which the weaker one goes.
    :return: Indices of the kept ones, strongest first.
    """
    order = np.argsort(-scores, kind='stable')
    ordered = rectangles[order].astype(np.float64)
    reach_m = np.hypot(ordered[:, 2], ordered[:, 3]) / 2
    distance_m = np.linalg.norm(ordered[:, None, :2] - ordered[None, :, :2], axis=-1)
    is_near_and_weaker = np.triu(distance_m < reach_m[:, None] + reach_m, k=1)
    is_kept = np.ones(len(order), dtype=bool)
    for start in range(0, len(order), BLOCK_SIZE):
        block = start + np.flatnonzero(is_kept[start:start + BLOCK_SIZE])
        stronger, weaker = np.nonzero(is_near_and_weaker[block] & is_kept)
        is_overlapping = np.zeros((len(block), len(order)), dtype=bool)
        is_overlapping[stronger, weaker] = (
            overlap_of_pairs(ordered[block[stronger]], ordered[weaker]) > max_overlap)
        for index, drops in zip(block, is_overlapping):
            if is_kept[index]:
                is_kept &= ~drops
    return order[is_kept]


def _contains(rectangles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return which points, (P, M, 2), lie in or on the rectangles, (P, 5)."""
    offsets = points - rectangles[:, None, :2]
    cosine, sine = np.cos(rectangles[:, None, 4]), np.sin(rectangles[:, None, 4])
    along = offsets[..., 0] * cosine + offsets[..., 1] * sine
    across = offsets[..., 1] * cosine - offsets[..., 0] * sine
    return ((np.abs(along) <= rectangles[:, None, 2] / 2 + TOUCHING)
            & (np.abs(across) <= rectangles[:, None, 3] / 2 + TOUCHING))


def _edge_crossings(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where all edges cross, (P, 16, 2), and which of these lie on both edges, (P, 16)."""
    start, step = first[:, :, None], (np.roll(first, -1, axis=1) - first)[:, :, None]
    other_step = (np.roll(second, -1, axis=1) - second)[:, None]
    gap = second[:, None] - start
    turn = _cross(step, other_step)
    is_parallel = np.abs(turn) < TOUCHING
    divisor = np.where(is_parallel, 1.0, turn)
    fraction = _cross(gap, other_step) / divisor
    other_fraction = _cross(gap, step) / divisor
    on_both = (~is_parallel & (fraction >= 0) & (fraction <= 1)
               & (other_fraction >= 0) & (other_fraction <= 1))
    return (start + fraction[..., None] * step).reshape(-1, 16, 2), on_both.reshape(-1, 16)


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def _convex_area(points: np.ndarray, is_corner: np.ndarray) -> np.ndarray:
    """Return the area of the convex polygons whose corners are some of the points, unsorted."""
    count = np.maximum(is_corner.sum(axis=1), 1)[:, None]
    center = (points * is_corner[..., None]).sum(axis=1) / count
    spokes = np.where(is_corner[..., None], points - center[:, None], 0.0)
    angle = np.where(is_corner, np.arctan2(spokes[..., 1], spokes[..., 0]), np.inf)
    order = np.argsort(angle, axis=1)
    spokes = np.take_along_axis(spokes, order[..., None], axis=1)
    # A point that is no corner comes last: repeat the first corner there, which adds no area.
    is_sorted_corner = np.take_along_axis(is_corner, order, axis=1)
    spokes = np.where(is_sorted_corner[..., None], spokes, spokes[:, :1])
    return np.abs(_cross(spokes, np.roll(spokes, -1, axis=1)).sum(axis=1)) / 2
