# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Save and load the ground truth of a bag's frames: one npz file without pickled objects.

Arrays of the file: stamps_ns (K,), has_occupancy (K,), labels and observed (O, 200, 200, 16) for
the stamps that have a grid, box_counts (K,), and box_<field> concatenated over all stamps.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Boxes, Occupancy
from bdc_occ_ros.errors import BdcOccError, InvalidBagError
from bdc_occ_ros.files import read_arrays, reading
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

BOX_FIELDS = ('centers_m', 'sizes_m', 'yaws_rad', 'velocities_mps', 'scores', 'labels')
MAX_BYTES = 2 * 2**30


class Truth(NamedTuple):
    """Hold the ground truth of one key camera exposure; the grid is None where unlabelled."""

    stamp_ns: int
    occupancy: Occupancy | None
    boxes: Boxes


def save_truth(truths: Sequence[Truth], path: str | Path) -> None:
    """Write ground truth, ordered by stamp."""
    grids = [truth.occupancy for truth in truths if truth.occupancy is not None]
    shape = (0, *VoxelGrid().shape)
    np.savez_compressed(
        path,
        stamps_ns=np.array([truth.stamp_ns for truth in truths], np.int64),
        has_occupancy=np.array([truth.occupancy is not None for truth in truths]),
        labels=np.stack([g.labels for g in grids]) if grids else np.zeros(shape, np.uint8),
        observed=np.stack([g.observed for g in grids]) if grids else np.zeros(shape, bool),
        box_counts=np.array([len(truth.boxes) for truth in truths], np.int64),
        **{f'box_{name}': np.concatenate([getattr(truth.boxes, name) for truth in truths])
           for name in BOX_FIELDS})


def load_truth(path: str | Path) -> tuple[Truth, ...]:
    """
    Read ground truth.

    :raises InvalidBagError: if it is not one, or its arrays do not fit together.
    """
    with reading(path, InvalidBagError):
        return tuple(_truths(read_arrays(Path(path), InvalidBagError, MAX_BYTES)))


def _truths(arrays: dict[str, np.ndarray]) -> list[Truth]:
    """Cut the arrays of the file into one truth per stamp."""
    stamps, counts = arrays['stamps_ns'], arrays['box_counts']
    if (stamps.ndim != 1 or counts.shape != stamps.shape or (counts < 0).any()
            or len(arrays['box_scores']) != counts.sum()):
        raise BdcOccError('stamps and box counts disagree')
    grids = iter(zip(arrays['labels'], arrays['observed']))
    truths = []
    for row, (stamp, stop) in enumerate(zip(stamps.tolist(), np.cumsum(counts).tolist())):
        chosen = slice(stop - int(counts[row]), stop)
        boxes = Boxes(*(arrays[f'box_{name}'][chosen] for name in BOX_FIELDS),
                      DETECTION_CLASS_NAMES, stamp)
        occupancy = None
        if arrays['has_occupancy'][row]:
            labels, observed = next(grids, (None, None))
            if labels is None:
                raise BdcOccError('there are fewer grids than stamps that should have one')
            occupancy = Occupancy(VoxelGrid(), labels, observed, OCCUPANCY_CLASS_NAMES,
                                  FREE_LABEL, stamp)
        truths.append(Truth(stamp, occupancy, boxes))
    return truths
