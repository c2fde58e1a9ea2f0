# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The prior is the most frequent class of every observed voxel, and looks at nothing."""

import numpy as np

from bdc_occ_ros.dataset.occ3d_label import Occ3dLabel
from bdc_occ_ros.evaluation.controls import voxel_prior

SHAPE = (200, 200, 16)


def truth(label, observed=True):
    return Occ3dLabel(np.full(SHAPE, label, np.uint8), None, np.full(SHAPE, observed))


def test_the_most_frequent_class_of_every_voxel_wins():
    rng = np.random.default_rng(0)
    labels = [Occ3dLabel(rng.integers(0, 18, SHAPE, dtype=np.uint8), None,
                         rng.random(SHAPE) < 0.5)
              for _ in range(5)]
    prior = voxel_prior(labels)
    assert prior.shape == SHAPE and prior.dtype == np.uint8
    for voxel in rng.integers(0, SHAPE, (50, 3)):
        seen = [semantics[tuple(voxel)] for semantics, _, observed in labels
                if observed[tuple(voxel)]]
        expected = np.bincount(seen, minlength=18).argmax() if seen else 17
        assert prior[tuple(voxel)] == expected


def test_what_nobody_observes_is_free():
    assert (voxel_prior([truth(4, observed=False)]) == 17).all()
    assert (voxel_prior([truth(4, observed=False), truth(11)]) == 11).all()
    assert (voxel_prior([truth(4), truth(11), truth(11)]) == 11).all()
    assert (voxel_prior([]) == 17).all()
