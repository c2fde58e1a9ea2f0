# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small occupancies with known content."""

import numpy as np

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

GRID = VoxelGrid()
LABEL = {name: label for label, name in enumerate(OCCUPANCY_CLASS_NAMES)}


def occupancy(cells=(), unseen=(), grid=GRID, **others):
    """Return free space with classes at indices, all seen but the given slices."""
    labels = np.full(grid.shape, FREE_LABEL, np.uint8)
    observed = np.ones(grid.shape, bool)
    for where, name in cells:
        labels[where] = LABEL[name]
    for where in unseen:
        observed[where] = False
    return Occupancy(grid, labels, observed, OCCUPANCY_CLASS_NAMES, FREE_LABEL, 5, **others)


def random_occupancy(seed, grid=GRID, share=0.05):
    """Return random classes in a share of the cells, a tenth of them not seen."""
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(grid.shape) < share,
                      rng.integers(0, FREE_LABEL, grid.shape), FREE_LABEL).astype(np.uint8)
    return Occupancy(grid, labels, rng.random(grid.shape) < 0.9, OCCUPANCY_CLASS_NAMES,
                     FREE_LABEL, 5, confidence=rng.random(grid.shape).astype(np.float16))
