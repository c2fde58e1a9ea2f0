# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What can be said of a voxel without looking: the class that it had most often elsewhere.

Whoever scores little more than this has learned where things usually are, and not to see.
"""

from collections.abc import Iterable

import numpy as np

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

Truth = tuple[np.ndarray, np.ndarray]  # class per voxel, and which voxels a camera observes


def voxel_prior(labels: Iterable[Truth]) -> np.ndarray:
    """
    Return the most frequent class of every voxel.

    :param labels: Of a training split, (200, 200, 16) uint8 and bool per sample.
    :return: (200, 200, 16) uint8; free where no sample observes the voxel, and the lower label
        where two classes are equally frequent.
    """
    shape = VoxelGrid().shape
    counts = np.zeros((int(np.prod(shape)), len(OCCUPANCY_CLASS_NAMES)), np.int32)
    for semantics, observed in labels:
        voxels = np.flatnonzero(observed)
        counts[voxels, semantics.reshape(-1)[voxels]] += 1
    most_frequent = np.where(counts.any(axis=1), counts.argmax(axis=1), FREE_LABEL)
    return most_frequent.astype(np.uint8).reshape(shape)
