# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Right answers in a file."""

import numpy as np
import pytest

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.truth_file import load_truth, save_truth
from bdc_occ_ros.errors import InvalidBagError


def test_truths_with_and_without_a_grid(drive_bag, tmp_path):
    full, = load_truth(drive_bag / TRUTH_FILE)
    bare = full._replace(stamp_ns=full.stamp_ns + 5, occupancy=None)
    later = full._replace(stamp_ns=full.stamp_ns + 9)
    save_truth([full, bare, later], tmp_path / 'truth.npz')
    loaded = load_truth(tmp_path / 'truth.npz')
    assert [t.stamp_ns - full.stamp_ns for t in loaded] == [0, 5, 9]
    assert [t.occupancy is None for t in loaded] == [False, True, False]
    for truth in loaded:
        assert np.array_equal(truth.boxes.sizes_m, full.boxes.sizes_m)
    assert np.array_equal(loaded[2].occupancy.labels, full.occupancy.labels)


@pytest.mark.parametrize('change', [
    {'box_counts': np.array([3])}, {'stamps_ns': np.array([1, 2])},
    {'labels': np.zeros((1, 2, 2, 2), np.uint8)},
    {'labels': np.zeros((0, 200, 200, 16), np.uint8)},
    {'box_counts': np.array([-1])}, {'box_scores': np.array([[7.0]])},
    {'labels': np.full((1, 200, 200, 16), 99, np.uint8)},
    {'labels': np.array([{}], dtype=object)},
])
def test_arrays_that_do_not_fit(drive_bag, tmp_path, change):
    with np.load(drive_bag / TRUTH_FILE) as arrays:
        np.savez(tmp_path / 'truth.npz', **(dict(arrays) | change))
    with pytest.raises(InvalidBagError, match='truth.npz'):
        load_truth(tmp_path / 'truth.npz')


def test_files_that_are_no_archive(tmp_path):
    (tmp_path / 'truth.npz').write_bytes(b'PK nonsense')
    for path in (tmp_path / 'truth.npz', tmp_path / 'absent.npz'):
        with pytest.raises(InvalidBagError):
            load_truth(path)
