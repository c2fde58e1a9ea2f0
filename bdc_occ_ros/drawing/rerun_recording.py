# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Record cameras, truth and prediction over time for the Rerun viewer."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import rerun as rr
import rerun.blueprint as rrb

from bdc_occ_ros.classes import OCCUPANCY_COLORS_RGB
from bdc_occ_ros.datatypes import Boxes, Occupancy
from bdc_occ_ros.drawing.perspective import box_color
from bdc_occ_ros.geometry.camera_rig import CameraRig

TIMELINE = 'exposure'
WORLD = 'ego'


class RerunRecording(AbstractContextManager):
    """
    Record an .rrd file; use it in a with statement.

    :param notice: Warning, shown in a view of its own; empty for none.
    """

    def __init__(self, path: str | Path, rig: CameraRig, notice: str) -> None:
        self._stream = rr.RecordingStream('bdc_occ_ros')
        self._stream.save(path, default_blueprint=_layout(rig))
        self._stream.log(WORLD, rr.ViewCoordinates.FLU, static=True)
        if notice:
            self._stream.log('notice', rr.TextDocument(notice), static=True)
        for camera in rig.cameras:
            self._stream.log(
                f'{WORLD}/{camera.name}',
                rr.Transform3D(translation=camera.ego_from_camera[:3, 3],
                               mat3x3=camera.ego_from_camera[:3, :3]),
                rr.Pinhole(image_from_camera=camera.intrinsics,
                           resolution=(camera.width_px, camera.height_px),
                           image_plane_distance=1.5), static=True)

    def __exit__(self, *raised: object) -> None:
        self._stream.flush(blocking=True)
        self._stream.disconnect()

    def log_image(self, name: str, stamp_ns: int, jpeg: bytes) -> None:
        """Record an image of a camera at its exposure."""
        self._at(stamp_ns)
        self._stream.log(f'{WORLD}/{name}',
                         rr.EncodedImage(contents=jpeg, media_type='image/jpeg'))

    def log_occupancy(self, name: str, occupancy: Occupancy) -> None:
        """Record the surface of a grid as points."""
        self._at(occupancy.stamp_ns)
        cells = np.argwhere(_surface(occupancy.occupied))
        colors = np.array(OCCUPANCY_COLORS_RGB, np.uint8)[occupancy.labels[tuple(cells.T)]]
        self._stream.log(f'{WORLD}/{name}/voxels',
                         rr.Points3D(occupancy.grid.centers_m(cells), colors=colors,
                                     radii=min(occupancy.grid.cell_size_m) / 2))

    def log_boxes(self, name: str, boxes: Boxes) -> None:
        """Record objects."""
        self._at(boxes.stamp_ns)
        turns = np.zeros((len(boxes), 4))
        turns[:, 2], turns[:, 3] = np.sin(boxes.yaws_rad / 2), np.cos(boxes.yaws_rad / 2)
        self._stream.log(f'{WORLD}/{name}/boxes', rr.Boxes3D(
            centers=boxes.centers_m, sizes=boxes.sizes_m, quaternions=turns,
            colors=[box_color(boxes, index) for index in range(len(boxes))],
            labels=[boxes.class_names[label] for label in boxes.labels], show_labels=False))

    def log_numbers(self, stamp_ns: int, values: Mapping[str, float]) -> None:
        """Record numbers to plot, by name."""
        self._at(stamp_ns)
        for name, value in values.items():
            self._stream.log(f'numbers/{name}', rr.Scalars(value))

    def _at(self, stamp_ns: int) -> None:
        self._stream.set_time(TIMELINE, timestamp=np.datetime64(stamp_ns, 'ns'))


def _surface(occupied: np.ndarray) -> np.ndarray:
    """Return the occupied cells that have a neighbour which is not, (X, Y, Z) bool."""
    padded = np.pad(occupied, 1)
    inner = np.logical_and.reduce([np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
                                   for axis in range(3) for step in (1, -1)])
    return occupied & ~inner


def _layout(rig: CameraRig) -> rrb.Blueprint:
    """Return truth and prediction side by side above the cameras."""
    images = [rrb.Spatial2DView(origin=f'{WORLD}/{name}', name=name) for name in rig.names]
    grids = [rrb.Spatial3DView(origin=WORLD, name=name,
                               contents=[f'{WORLD}/{name}/**', f'{WORLD}/CAM*'])
             for name in ('truth', 'prediction')]
    return rrb.Blueprint(
        rrb.Vertical(rrb.Horizontal(*grids), rrb.Grid(*images, grid_columns=3),
                     rrb.Horizontal(rrb.TimeSeriesView(origin='numbers', name='latency'),
                                    rrb.TextDocumentView(origin='notice', name='notice')),
                     row_shares=(4, 4, 1)), collapse_panels=True)
