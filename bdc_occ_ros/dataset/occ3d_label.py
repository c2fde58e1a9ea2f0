# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read and write occupancy labels in Occ3D's form: gts/<scene>/<sample>/labels.npz."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.errors import InvalidLabelError
from bdc_occ_ros.files import read_arrays, reading, replacing

SHAPE = (200, 200, 16)
ARRAYS = ('semantics', 'mask_lidar', 'mask_camera')
MAX_BYTES = 10_000_000  # of the arrays, unpacked


class Occ3dLabel(NamedTuple):
    """
    Hold the label of one sample, indexed [x][y][z] in the ego frame of its LiDAR sweep.

    :param semantics: Class per voxel, (200, 200, 16) uint8.
    :param mask_lidar: Whether the LiDAR observes it, the same shape, bool.
    :param mask_camera: Whether a camera observes it, the same shape, bool.
    """

    semantics: np.ndarray
    mask_lidar: np.ndarray
    mask_camera: np.ndarray


def label_path(dataroot: Path, scene_name: str, sample_token: str) -> Path:
    """Return where the label of a sample lies."""
    return dataroot / 'gts' / scene_name / sample_token / 'labels.npz'


def save_label(path: Path, label: Occ3dLabel) -> None:
    """Write a label; folders are made."""
    with replacing(path, InvalidLabelError, parents=True) as place, place.open('wb') as file:
        np.savez_compressed(file, **{name: getattr(label, name).astype(np.uint8)
                                     for name in ARRAYS})


def load_label(path: Path) -> Occ3dLabel:
    """
    Read a label and check it.

    :raises InvalidLabelError: if it is missing, damaged, or not on the grid.
    """
    with reading(path, InvalidLabelError):
        found = read_arrays(path, InvalidLabelError, MAX_BYTES)
        arrays = {name: found[name] for name in ARRAYS}
    for name, array in arrays.items():
        highest = len(OCCUPANCY_CLASS_NAMES) - 1 if name == 'semantics' else 1
        if array.shape != SHAPE or array.dtype != np.uint8 or array.max() > highest:
            raise InvalidLabelError(f'{path}: {name} must be {SHAPE} uint8 up to {highest}; got '
                                    f'{array.shape} {array.dtype}')
    return Occ3dLabel(arrays['semantics'], arrays['mask_lidar'].astype(bool),
                      arrays['mask_camera'].astype(bool))
