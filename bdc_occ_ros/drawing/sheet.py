# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw a sheet: the cameras above, and grids side by side below."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import cv2
from matplotlib.figure import Figure
import numpy as np

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES, OCCUPANCY_COLORS_RGB
from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.drawing.birds_eye import birds_eye
from bdc_occ_ros.drawing.perspective import (
    camera_from_ego,
    ColoredPoints,
    draw_boxes,
    draw_points,
    draw_voxels,
    voxel_picture,
)
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.files import replacing
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

WIDTH_PX = 2400
TITLE_PX = 84
CAPTION_PX = 56
GRID_PX = 590
LEGEND_PX = 76
GAP_PX = 8
DOTS_PER_INCH = 100
PAGE_COLOR = '#14161b'
TEXT_COLOR = '#e8eaee'
NOTICE_COLOR = '#ffb02e'
NUSCENES_ROWS = (('CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT'),
                 ('CAM_BACK_LEFT', 'CAM_BACK', 'CAM_BACK_RIGHT'))


class Column(NamedTuple):
    """Hold one grid and its boxes, either or both."""

    caption: str
    occupancy: Occupancy | None
    boxes: Boxes | None


class Overlay(NamedTuple):
    """
    Define what is drawn into the images.

    :param voxels: Grid whose occupied cells are drawn, or None.
    :param fixed_from_ego: Pose of the ego frame of all, (4, 4), in the fixed frame of the
        images' poses; None where it is that of the key camera's exposure.
    :param first_rows_px: By camera the first row that the network is given; darker above it.
    :param points: Points in the same frame with colours, or None.
    """

    boxes: Boxes | None = None
    voxels: Occupancy | None = None
    fixed_from_ego: np.ndarray | None = None
    first_rows_px: Mapping[str, float] = MappingProxyType({})
    points: ColoredPoints | None = None


def draw_sheet(path: str | Path, title: str, frame: Frame | None, overlay: Overlay,
               columns: Sequence[Column], notice: str = '') -> None:
    """
    Draw the cameras with an overlay, and every column's cubes and bird's eye, into a PNG.

    :param frame: The images, or None to leave them out.
    :param notice: Warning; drawn large under the title.
    :raises UsageError: if the file cannot be written.
    """
    rows = [] if frame is None else _image_rows(frame, overlay)
    images_px = [max(picture.shape[0] for picture in row.values()) + GAP_PX for row in rows]
    grids_px = CAPTION_PX + GRID_PX + LEGEND_PX if columns else 0
    page = _Page(TITLE_PX + (CAPTION_PX if notice else 0) + sum(images_px) + grids_px)
    page.text(20, 18, title, 26)
    top = TITLE_PX
    if notice:
        page.text(20, top - 8, notice, 24, NOTICE_COLOR)
        top += CAPTION_PX
    for row, height in zip(rows, images_px):
        left = 0
        for name, picture in row.items():
            page.picture(left, top, picture)
            page.text(left + 14, top + 12, name, 15)
            left += picture.shape[1] + GAP_PX
        top += height
    if columns:
        _draw_columns(page, columns, top)
        page.legend(top + grids_px - LEGEND_PX)
    page.save(path)


class _Page:
    """Draw on a figure at positions in pixels from its upper left corner."""

    def __init__(self, height_px: int) -> None:
        self._height = height_px
        self._figure = Figure((WIDTH_PX / DOTS_PER_INCH, height_px / DOTS_PER_INCH),
                              dpi=DOTS_PER_INCH, facecolor=PAGE_COLOR)

    def text(self, left: int, top: int, words: str, size: float, color: str = TEXT_COLOR) -> None:
        self._figure.text(left / WIDTH_PX, 1 - top / self._height, words, color=color, va='top',
                          fontsize=size * 72 / DOTS_PER_INCH, fontweight='bold')

    def picture(self, left: int, top: int, image: np.ndarray) -> None:
        self._figure.figimage(image, left, self._height - top - image.shape[0], origin='upper')

    def legend(self, top: int) -> None:
        step = (WIDTH_PX - 40) / 9
        for label, name in enumerate(OCCUPANCY_CLASS_NAMES[:FREE_LABEL]):
            left, line = 20 + round(label % 9 * step), top + 12 + label // 9 * 30
            self.picture(left, line,
                         np.full((20, 28, 3), OCCUPANCY_COLORS_RGB[label], np.uint8))
            self.text(left + 38, line, name.replace('_', ' '), 19)

    def save(self, path: str | Path) -> None:
        with replacing(path, UsageError) as place:
            self._figure.savefig(place, format='png')


def _image_rows(frame: Frame, overlay: Overlay) -> list[Mapping[str, np.ndarray]]:
    """Return rows of resized images with boxes; a missing camera leaves a dark place."""
    names = frame.rig.names
    if set(names) == {name for row in NUSCENES_ROWS for name in row}:
        rows = NUSCENES_ROWS
    else:
        rows = [names[start:start + 3] for start in range(0, len(names), 3)]
    return [{name: _image(frame, name, overlay) for name in row} for row in rows]


def _image(frame: Frame, name: str, overlay: Overlay) -> np.ndarray:
    width = (WIDTH_PX - 2 * GAP_PX) // 3
    camera = frame.rig[name]
    small = camera.resized(width, round(width * camera.height_px / camera.width_px))
    if name not in frame.images:
        return np.full((small.height_px, width, 3), 12, np.uint8)
    picture = cv2.resize(frame.images[name], (width, small.height_px),
                         interpolation=cv2.INTER_AREA)
    first_row_px = overlay.first_rows_px.get(name, 0.0) * small.height_px / camera.height_px
    picture[:round(first_row_px)] //= 3
    pose = camera_from_ego(frame, name, overlay.fixed_from_ego)
    if overlay.voxels is not None:
        picture = draw_voxels(picture, overlay.voxels, small.intrinsics, pose)
    if overlay.points is not None:
        picture = draw_points(picture, overlay.points, small.intrinsics, pose)
    if overlay.boxes is not None:
        picture = draw_boxes(picture, overlay.boxes, small.intrinsics, pose)
    return picture


def _draw_columns(page: _Page, columns: Sequence[Column], top: int) -> None:
    """Draw every column: caption, and below it the cubes with the bird's eye to their right."""
    width = (WIDTH_PX - GAP_PX * (len(columns) - 1)) // len(columns)
    for place, column in enumerate(columns):
        left = place * (width + GAP_PX)
        page.text(left + 20, top + 14, column.caption, 23)
        grid = VoxelGrid()
        if column.occupancy is not None:
            grid, cubes_px = column.occupancy.grid, width - GRID_PX - GAP_PX
            page.picture(left, top + CAPTION_PX,
                         voxel_picture(column.occupancy, column.boxes, cubes_px, GRID_PX))
            left += cubes_px + GAP_PX
        page.picture(left, top + CAPTION_PX,
                     birds_eye(grid, column.occupancy, column.boxes, GRID_PX))
