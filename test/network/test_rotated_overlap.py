# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Overlaps of rectangles against hand-computed areas and shapely."""

import cv2
import numpy as np
import pytest

from bdc_occ_ros.network.rotated_overlap import corners_of, keep_strongest, overlap_of_pairs

QUARTER = np.pi / 2
OCTAGON = 8 * (np.sqrt(2) - 1)  # area shared by two squares of side 2, one turned by 45 degrees


def random_rectangles(seed, count, spread_m=3.0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(-spread_m, spread_m, (count, 2)),
                            rng.uniform(0.3, 5.0, (count, 2)), rng.uniform(-4, 4, count)])


@pytest.mark.parametrize(('first', 'second', 'expected'), [
    ((0, 0, 4, 2, 0), (0, 0, 4, 2, 0), 1.0),
    ((0, 0, 4, 2, 0.3), (0, 0, 4, 2, 0.3 + np.pi), 1.0),
    ((0, 0, 4, 2, 0), (2, 0, 4, 2, 0), 4 / 12),
    ((0, 0, 4, 2, 0), (1, 1, 4, 2, 0), 3 / 13),
    ((0, 0, 4, 2, 0), (0, 0, 4, 2, QUARTER), 4 / 12),
    ((0, 0, 2, 2, 0), (0, 0, 2, 2, QUARTER / 2), OCTAGON / (8 - OCTAGON)),
    ((0, 0, 4, 4, 0), (0.5, -0.5, 2, 1, 0.7), 2 / 16),
    ((0, 0, 4, 2, 0), (4, 0, 4, 2, 0), 0.0),
    ((0, 0, 4, 2, 0), (9, 9, 4, 2, 0.5), 0.0),
    ((100, -50, 4, 2, 1.1), (100, -50, 2, 4, 1.1 + QUARTER), 1.0),
])
def test_overlap_of_cases_worked_out_by_hand(first, second, expected):
    pairs = np.array((first, second), dtype=float)[:, None]
    assert overlap_of_pairs(*pairs)[0] == pytest.approx(expected, abs=1e-9)
    assert overlap_of_pairs(*pairs[::-1])[0] == pytest.approx(expected, abs=1e-9)


def test_overlap_agrees_with_opencv_on_random_pairs():
    first, second = random_rectangles(1, 1000), random_rectangles(2, 1000)
    overlap = overlap_of_pairs(first, second)
    assert 0.3 < (overlap > 0).mean() < 0.9
    for a, b, ours in zip(first, second, overlap):
        status, points = cv2.rotatedRectangleIntersection(
            (a[:2], a[2:4], np.degrees(a[4])), (b[:2], b[2:4], np.degrees(b[4])))
        shared = cv2.contourArea(cv2.convexHull(points)) if status else 0.0
        assert ours == pytest.approx(shared / (a[2] * a[3] + b[2] * b[3] - shared), abs=1e-3)


def test_overlap_agrees_with_shapely_where_it_is_installed():
    shapely = pytest.importorskip('shapely', reason='shapely is not installed')
    first, second = random_rectangles(3, 300), random_rectangles(4, 300)
    for a, b, ours in zip(corners_of(first), corners_of(second), overlap_of_pairs(first, second)):
        a, b = shapely.Polygon(a), shapely.Polygon(b)
        assert ours == pytest.approx(a.intersection(b).area / a.union(b).area, abs=1e-9)


def test_shapely_keeps_the_same_rectangles():
    shapely = pytest.importorskip('shapely', reason='shapely is not installed')
    rectangles = random_rectangles(7, 200, spread_m=9.0)
    scores = np.random.default_rng(7).uniform(size=200)
    polygons, kept = [shapely.Polygon(corners) for corners in corners_of(rectangles)], []
    for index in np.argsort(-scores):
        own = polygons[index]
        if all(own.intersection(polygons[other]).area <= 0.2 * own.union(polygons[other]).area
               for other in kept):
            kept.append(index)
    assert 20 < len(kept) < 180
    assert keep_strongest(rectangles, scores, 0.2).tolist() == kept


def test_corners_run_counterclockwise_from_front_left():
    corners = corners_of(np.array((10.0, 5.0, 4.0, 2.0, QUARTER)))
    np.testing.assert_allclose(corners, ((9, 7), (9, 3), (11, 3), (11, 7)), atol=1e-12)


def test_a_dropped_rectangle_drops_nobody():
    row = np.array([(1.2 * n, 0.0, 4.0, 2.0, 0.0) for n in range(4)])  # neighbours share 7/13
    scores = np.array((0.9, 0.8, 0.7, 0.6))
    assert keep_strongest(row, scores, 0.5).tolist() == [0, 2]
    assert keep_strongest(row, scores, 0.6).tolist() == [0, 1, 2, 3]
    assert keep_strongest(row, scores[::-1], 0.5).tolist() == [3, 1]


def test_many_rectangles_give_what_the_plain_loop_gives():
    for seed, spread_m in ((5, 6.0), (6, 30.0)):
        rectangles = random_rectangles(seed, 150, spread_m)
        scores = np.random.default_rng(seed).uniform(size=150)
        kept = []
        for index in np.argsort(-scores):
            candidate = np.repeat(rectangles[index][None], len(kept), axis=0)
            if not kept or overlap_of_pairs(rectangles[kept], candidate).max() <= 0.2:
                kept.append(index)
        assert 10 < len(kept) < 149
        np.testing.assert_array_equal(keep_strongest(rectangles, scores, 0.2), kept)


def test_no_rectangles_are_no_trouble():
    assert len(keep_strongest(np.zeros((0, 5)), np.zeros(0), 0.2)) == 0
