# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The start of the node is timed whole and by its parts."""

import pytest

from bdc_occ_ros.errors import MeasurementError
from bdc_occ_ros.ros.bench.start import measure_starts, TOTAL

PARTS = {'interpreter', 'import rclpy', 'import torch', 'node', 'read weights', 'kernels',
         'warm-up', 'configure', 'activate'}


def test_the_parts_of_a_start_add_up():
    parts_ms = measure_starts('', 1)
    *parts, last = parts_ms
    assert last == TOTAL and PARTS < set(parts)
    assert min(parts_ms.values()) > 0
    assert sum(parts_ms[part] for part in parts) == pytest.approx(parts_ms[TOTAL])


def test_a_node_that_does_not_start_is_an_error_with_its_reason():
    with pytest.raises(MeasurementError, match='absent_network'):
        measure_starts('absent_network', 1)
