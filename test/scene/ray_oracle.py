# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ray casting as in a textbook: every ray against every box and the road."""

import numpy as np


def distances_along(origin_m, directions, objects, time_s):
    """
    Return how far rays go, in units of their directions, inf where they hit nothing.

    :param origin_m: World, (3,).
    :param directions: World, (N, 3).
    :param objects: Scene objects.
    :param time_s: Time of the scene.
    """
    with np.errstate(divide='ignore', invalid='ignore'):
        down = -origin_m[2] / directions[:, 2]
        nearest = np.where(down > 0, down, np.inf)
        for item in objects:
            object_from_world = np.linalg.inv(item.world_from_object(time_s))
            start = object_from_world[:3, :3] @ origin_m + object_from_world[:3, 3]
            along = directions @ object_from_world[:3, :3].T
            for part in item.parts:
                center, half = np.array(part.center_m), np.array(part.size_m) / 2
                first, second = (center - half - start) / along, (center + half - start) / along
                enter = np.minimum(first, second).max(axis=1)
                leave = np.maximum(first, second).min(axis=1)
                hit = (enter > 0) & (enter <= leave)
                nearest = np.where(hit & (enter < nearest), enter, nearest)
    return nearest
