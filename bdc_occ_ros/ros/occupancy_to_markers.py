# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Occupancy as cubes, for viewers that cannot show clouds as boxes."""

from geometry_msgs.msg import Vector3
import numpy as np
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.ros.occupancy_to_clouds import class_colors_rgb, nearest_cells
from bdc_occ_ros.ros.poses_to_messages import point_message, pose_message


def color_message(color_rgb: np.ndarray, alpha: float) -> ColorRGBA:
    """
    Return a colour.

    :param color_rgb: Red, green and blue, 0 to 255.
    :param alpha: Opacity, 0 to 1.
    """
    red, green, blue = (float(value) / 255.0 for value in color_rgb)
    return ColorRGBA(r=red, g=green, b=blue, a=alpha)


def occupancy_to_markers(occupancy: Occupancy, header: Header, max_markers: int = 0,
                         output_from_ego: np.ndarray | None = None) -> tuple[MarkerArray, int]:
    """
    Return all that is seen and not free as one CUBE_LIST per class.

    A DELETEALL comes first, since RViz keeps what a later message does not name.

    :param occupancy: The grid in the ego frame.
    :param header: Stamp, and the frame that output_from_ego maps into.
    :param max_markers: Keep only so many cubes, the nearest ones; 0 sets no limit.
    :param output_from_ego: Pose of the ego frame in the output frame, (4, 4), or None.
    :return: The markers, and how many cubes the limit cut off.
    """
    grid = occupancy.grid
    indices, num_dropped = nearest_cells(occupancy.occupied, grid, max_markers)
    centers_m = grid.centers_m(np.stack(np.unravel_index(indices, grid.shape), axis=-1))
    labels = occupancy.labels.reshape(-1)[indices]
    colors_rgb = class_colors_rgb(occupancy.class_names)
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for label in np.unique(labels):
        x, y, z = map(float, grid.cell_size_m)
        markers.append(Marker(
            header=header, ns=occupancy.class_names[label], id=int(label),
            type=Marker.CUBE_LIST, action=Marker.ADD, pose=pose_message(output_from_ego),
            scale=Vector3(x=x, y=y, z=z), color=color_message(colors_rgb[label], 1.0),
            points=[point_message(center) for center in centers_m[labels == label]]))
    return MarkerArray(markers=markers), num_dropped
