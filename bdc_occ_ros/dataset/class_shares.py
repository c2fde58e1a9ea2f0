# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Count how often classes occur, beside Occ3D-nuScenes."""

from collections.abc import Iterable

import torch
from torch import Tensor

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES

# Voxels per class in the training part of Occ3D-nuScenes, in the order of the classes.
OCC3D_COUNTS = (
    944004, 1897170, 152386, 2391677, 16957802, 724139, 189027, 2074468, 413451, 2384460, 5916653,
    175883646, 4275424, 51393615, 61411620, 105975596, 116424404, 1892500630)


class ClassShares:
    """Count observed voxels by class, and the keyframes that show each class."""

    def __init__(self) -> None:
        self.voxels = torch.zeros(len(OCCUPANCY_CLASS_NAMES), dtype=torch.long)
        self.keyframes = torch.zeros(len(OCCUPANCY_CLASS_NAMES), dtype=torch.long)
        self.num_keyframes = 0
        self.num_voxels = 0

    def add(self, semantics: Tensor, observed: Tensor) -> None:
        """Count keyframes: class per voxel, and whether a camera observes it, (B, X, Y, Z)."""
        for labels, seen in zip(semantics, observed):
            counts = torch.bincount(labels[seen].long(), minlength=len(self.voxels)).cpu()
            self.voxels += counts
            self.keyframes += counts > 0
            self.num_keyframes += 1
            self.num_voxels += labels.numel()

    @property
    def observed_share(self) -> float:
        """Return the share of observed voxels among all."""
        return int(self.voxels.sum()) / max(1, self.num_voxels)

    @property
    def free_share(self) -> float:
        """Return the share of free voxels among the observed ones."""
        return int(self.voxels[FREE_LABEL]) / max(1, int(self.voxels.sum()))

    def ratios(self) -> list[float]:
        """Return per class its share among the occupied voxels over that in Occ3D."""
        expected = _among_occupied(torch.tensor(OCC3D_COUNTS))
        return (_among_occupied(self.voxels) / expected).tolist()

    def shares(self) -> list[float]:
        """Return the share of every class but free among the occupied voxels."""
        return _among_occupied(self.voxels).tolist()

    def lines(self) -> Iterable[str]:
        """Return a table, and the classes that are rarer or more frequent than three times."""
        yield (f'{self.num_keyframes} keyframes, {self.observed_share:.1%} of the voxels observed,'
               f' {self.free_share:.1%} of these free (Occ3D: '
               f'{OCC3D_COUNTS[FREE_LABEL] / sum(OCC3D_COUNTS):.1%} of what it counts)')
        yield f'{"class":22}{"share":>9}{"Occ3D":>9}{"ratio":>8}{"keyframes":>11}'
        expected = _among_occupied(torch.tensor(OCC3D_COUNTS)).tolist()
        for row, (here, there, ratio) in enumerate(zip(self.shares(), expected, self.ratios())):
            mark = '' if 1 / 3 <= ratio <= 3 else '  !'
            yield (f'{OCCUPANCY_CLASS_NAMES[row]:22}{here:9.3%}{there:9.3%}{ratio:8.2f}'
                   f'{int(self.keyframes[row]):11}{mark}')


def _among_occupied(counts: Tensor) -> Tensor:
    occupied = counts[:FREE_LABEL].double()
    return occupied / occupied.sum().clamp(min=1)
