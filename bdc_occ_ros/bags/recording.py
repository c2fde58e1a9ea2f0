# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads what the node published back out of a recorded bag."""

from collections import defaultdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
import re

import numpy as np

from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
from bdc_occ_ros.classes import FREE_LABEL
from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Boxes
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.datatypes import VoxelGrid
from bdc_occ_ros.errors import InvalidBagError

CLOUD_TYPE = 'sensor_msgs/msg/PointCloud2'
BOXES_TYPE = 'vision_msgs/msg/Detection3DArray'
NUMBER_TYPE = 'std_msgs/msg/Float64'
CLOUD_NAME = 'occupancy'
BOXES_NAME = 'detections'
STEP_TOPIC = re.compile(r'/debug/processing_time/(?P<step>\w+)_ms$')
FLOAT32, UINT32 = 7, 6
FORMATS = {FLOAT32: '<f4', UINT32: '<u4'}


@dataclass(frozen=True)
class Recording:
    """
    Results by the stamp of the key camera's exposure.

    :param occupancies: Grids; cells that the cloud leaves out count as not seen.
    :param boxes: Objects; the message carries no velocity.
    :param received_ns: When the cloud arrived, in the time of the bag.
    :param steps_ms: How long every step of the node took, by the step's name.
    """

    occupancies: dict[int, Occupancy] = field(default_factory=dict)
    boxes: dict[int, Boxes] = field(default_factory=dict)
    received_ns: dict[int, int] = field(default_factory=dict)
    steps_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def load_recording(path: str | Path) -> Recording:
    """
    Read the clouds of topic occupancy, the boxes of topic detections, and the node's times.

    :param path: A bag that holds the node's results in the ego frame.
    :raises InvalidBagError: if it cannot be read or a message is not one of the node's.
    """
    recording = Recording()
    with BagReader(path) as bag:
        for message in bag.messages([t for t, kind in bag.topics.items() if _is_read(t, kind)]):
            decoded = bag.decode(message)
            if found := STEP_TOPIC.search(message.topic):
                recording.steps_ms[found['step']].append(decoded.data)
                continue
            stamp_ns = decoded.header.stamp.sec * 10**9 + decoded.header.stamp.nanosec
            if message.msgtype == CLOUD_TYPE:
                recording.occupancies[stamp_ns] = occupancy_of(decoded, stamp_ns)
                recording.received_ns[stamp_ns] = message.stamp_ns
            else:
                recording.boxes[stamp_ns] = boxes_of(decoded, stamp_ns)
    return recording


def _is_read(topic: str, msgtype: str) -> bool:
    """Return whether a topic is one of those that a recording is made of."""
    if STEP_TOPIC.search(topic):
        return msgtype == NUMBER_TYPE
    return (topic.rpartition('/')[2], msgtype) in ((CLOUD_NAME, CLOUD_TYPE),
                                                   (BOXES_NAME, BOXES_TYPE))


def occupancy_of(cloud: object, stamp_ns: int) -> Occupancy:
    """
    Return the grid that a cloud of the node shows.

    :param cloud: PointCloud2 with fields x, y, z and label, in the ego frame.
    :param stamp_ns: Its stamp.
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
    Return the boxes of a Detection3DArray of the node.

    :param message: The message, in the ego frame.
    :param stamp_ns: Its stamp.
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
