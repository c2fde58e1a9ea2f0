# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read the node's results from a recorded bag."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
import re

import numpy as np

from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.messages import CLOUD, FLOAT32, stamp_ns_of
from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Boxes, Occupancy
from bdc_occ_ros.errors import InvalidBagError
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

BOXES_TYPE = 'vision_msgs/msg/Detection3DArray'
NUMBER_TYPE = 'std_msgs/msg/Float64'
MARKERS_TYPE = 'visualization_msgs/msg/MarkerArray'
TYPES = {'occupancy': CLOUD, 'detections': BOXES_TYPE, 'detections/markers': MARKERS_TYPE}
ARROW_SPACE = '/velocity'
ARROW, CUBE, ADD = 0, 1, 0
STEP_TOPIC = re.compile(r'/debug/processing_time/(?P<step>\w+)_ms$')
FORMATS = {FLOAT32: '<f4', 6: '<u4'}  # by PointField's datatype


@dataclass(frozen=True)
class Recording:
    """
    Hold the node's results by the stamp of the key camera's exposure.

    :param occupancies: Grids; cells that the cloud leaves out count as not seen.
    :param boxes: Objects; velocities are those of their markers, nan where none were recorded.
    :param received_ns: When the cloud arrived, in the time of the bag.
    :param steps_ms: How long every step of the node took, by the step's name.
    """

    occupancies: dict[int, Occupancy] = field(default_factory=dict)
    boxes: dict[int, Boxes] = field(default_factory=dict)
    received_ns: dict[int, int] = field(default_factory=dict)
    steps_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def has_velocities(self) -> bool:
        """Return whether the velocity of every box is known."""
        return not any(np.isnan(boxes.velocities_mps).any() for boxes in self.boxes.values())


def load_recording(path: str | Path) -> Recording:
    """
    Read topics occupancy, detections, detections/markers, and the node's times.

    :param path: A bag that holds the node's results in the ego frame.
    :raises InvalidBagError: if it cannot be read or a message is not one of the node's.
    """
    recording, velocities = Recording(), {}
    with BagReader(path) as bag:
        for message in bag.messages([t for t, kind in bag.topics.items() if _is_read(t, kind)]):
            decoded = bag.decode(message)
            if found := STEP_TOPIC.search(message.topic):
                recording.steps_ms[found['step']].append(decoded.data)
            elif message.msgtype == CLOUD:
                stamp_ns = stamp_ns_of(decoded.header)
                recording.occupancies[stamp_ns] = occupancy_of(decoded, stamp_ns)
                recording.received_ns[stamp_ns] = message.stamp_ns
            elif message.msgtype == BOXES_TYPE:
                stamp_ns = stamp_ns_of(decoded.header)
                recording.boxes[stamp_ns] = boxes_of(decoded, stamp_ns)
            elif decoded.markers:
                stamp_ns = stamp_ns_of(decoded.markers[0].header)
                velocities[stamp_ns] = velocities_of(decoded)
    for stamp_ns, boxes in recording.boxes.items():
        if len(velocities.get(stamp_ns, ())) == len(boxes) > 0:
            recording.boxes[stamp_ns] = replace(boxes, velocities_mps=velocities[stamp_ns])
    return recording


def _is_read(topic: str, msgtype: str) -> bool:
    if STEP_TOPIC.search(topic):
        return msgtype == NUMBER_TYPE
    return any(f'/{topic}'.endswith(f'/{name}') and msgtype == kind
               for name, kind in TYPES.items())


def occupancy_of(cloud: object, stamp_ns: int) -> Occupancy:
    """
    Return the grid that a cloud of the node shows.

    :param cloud: PointCloud2 with fields x, y, z and label, in the ego frame.
    :raises InvalidBagError: if a field is missing, a point lies outside the grid, or the bytes
        do not fit the number of points.
    """
    fields = {f.name: f for f in cloud.fields}
    names = ('x', 'y', 'z', 'label')
    formats = [FORMATS.get(fields[name].datatype) for name in names if name in fields]
    if len(formats) < len(names) or None in formats or cloud.is_bigendian:
        raise InvalidBagError(f'a cloud with little-endian x, y, z (FLOAT32) and label (UINT32) '
                              f'is needed; got {sorted(fields)}')
    offsets = [fields[name].offset for name in names]
    if cloud.width * cloud.height * cloud.point_step != len(cloud.data):
        raise InvalidBagError(f'{cloud.width}x{cloud.height} points of {cloud.point_step} bytes '
                              f'need another size than {len(cloud.data)} bytes')
    if max(offsets) + 4 > cloud.point_step:
        raise InvalidBagError(f'fields at {offsets} do not fit into {cloud.point_step} bytes')
    points = np.frombuffer(np.asarray(cloud.data).tobytes(), np.dtype(
        {'names': names, 'formats': formats, 'offsets': offsets, 'itemsize': cloud.point_step}))
    grid = VoxelGrid()
    positions_m = np.stack([points[axis] for axis in 'xyz'], axis=-1)
    indices, inside = grid.indices_of(positions_m)
    if not inside.all() or (points['label'] >= len(OCCUPANCY_CLASS_NAMES)).any():
        raise InvalidBagError('a cloud of the node has points inside the grid of Occ3D with known '
                              'labels; is this another cloud, or in another frame?')
    labels = np.full(grid.shape, FREE_LABEL, np.uint8)
    observed = np.zeros(grid.shape, bool)
    labels[tuple(indices.T)] = points['label']
    observed[tuple(indices.T)] = True
    return Occupancy(grid, labels, observed, OCCUPANCY_CLASS_NAMES, FREE_LABEL, stamp_ns)


def boxes_of(message: object, stamp_ns: int) -> Boxes:
    """
    Return the boxes of a Detection3DArray of the node, in the ego frame.

    :raises InvalidBagError: if a class is unknown or a detection has no hypothesis.
    """
    rows, labels = [], []
    for detection in message.detections:
        if not detection.results:
            raise InvalidBagError('a detection without a class cannot be drawn')
        hypothesis = detection.results[0].hypothesis
        if hypothesis.class_id not in DETECTION_CLASS_NAMES:
            raise InvalidBagError(
                f'{hypothesis.class_id!r} is no class of {DETECTION_CLASS_NAMES}')
        center, turn = detection.bbox.center.position, detection.bbox.center.orientation
        size = detection.bbox.size
        rows.append((center.x, center.y, center.z, size.x, size.y, size.z,
                     2 * np.arctan2(turn.z, turn.w), hypothesis.score))
        labels.append(DETECTION_CLASS_NAMES.index(hypothesis.class_id))
    values = np.array(rows, np.float64).reshape(-1, 8)
    return Boxes(values[:, :3], values[:, 3:6], values[:, 6], np.full((len(rows), 2), np.nan),
                 values[:, 7], np.array(labels, np.int64), DETECTION_CLASS_NAMES, stamp_ns)


def velocities_of(message: object) -> np.ndarray:
    """
    Return the velocities that the node's markers of detections show.

    :return: One row per cube, in their order, (N, 2) metres per second; 0 for one without arrow.
    :raises InvalidBagError: if an arrow has no two ends.
    """
    arrows = {}
    for marker in message.markers:
        if marker.type == ARROW and marker.ns.endswith(ARROW_SPACE):
            if len(marker.points) != 2:
                raise InvalidBagError(f'an arrow has two ends; got {len(marker.points)}')
            start, end = marker.points
            arrows[marker.ns, marker.id] = (end.x - start.x, end.y - start.y)
    rows = [arrows.get((f'{marker.ns}{ARROW_SPACE}', marker.id), (0.0, 0.0))
            for marker in message.markers if marker.type == CUBE and marker.action == ADD]
    return np.array(rows, np.float64).reshape(-1, 2)
