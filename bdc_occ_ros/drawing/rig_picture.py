# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw what each camera of a rig sees, and what all of them see together."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
import numpy as np

from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.files import replacing
from bdc_occ_ros.geometry.rig_coverage import CameraCoverage
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

PANEL_INCHES = 3.6
UNSEEN_RGB, SEEN_RGB, FREE_RGB = (30, 33, 40), (150, 130, 70), (70, 160, 90)


def draw_rig(path: Path, coverages: Sequence[CameraCoverage], grid: VoxelGrid, free: np.ndarray
             ) -> None:
    """
    Draw the image plane of every camera, and below it what it sees from above; last the rig.

    :param free: Columns that all cameras together can find free, (X, Y) bool.
    :raises UsageError: if the file cannot be written.
    """
    figure = Figure((PANEL_INCHES * (len(coverages) + 1), 2 * PANEL_INCHES), layout='constrained')
    figure.suptitle('above: pixels that the network is given; below, in metres: green can be '
                    'found free, yellow is seen in part')
    planes, views = figure.subplots(2, len(coverages) + 1)
    planes[-1].set_axis_off()
    every = CameraCoverage('all', {}, free, np.any([seen.observed for seen in coverages], 0), free)
    (low_x, low_y, _), (high_x, high_y, _) = grid.lower_m, grid.upper_m
    for plane, view, seen in zip(planes, views, (*coverages, every)):
        view.imshow(np.select(
            [seen.free[::-1, ::-1, None], seen.observed[::-1, ::-1].any(axis=2, keepdims=True)],
            [FREE_RGB, SEEN_RGB], UNSEEN_RGB), extent=(high_y, low_y, low_x, high_x))
        view.plot(0, 0, '^', color='white')
        view.set_title(f'{seen.name}: {seen.free.sum()} cells can be free', fontsize=9)
        if seen is not every:
            plane.imshow(np.where(seen.is_given[..., None], SEEN_RGB, UNSEEN_RGB))
            plane.set_title('{horizontal_deg} x {vertical_deg} degrees, pitch {pitch_deg}, '
                            '{height_m} m high'.format_map(seen.numbers), fontsize=9)
    with replacing(path, UsageError) as part:
        figure.savefig(part, format='png', dpi=80)
