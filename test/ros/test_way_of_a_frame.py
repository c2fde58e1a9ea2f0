# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
An image passes at most twelve of our files from the ROS callback to the published messages.

The node runs in this process, a rig publishes to it, and every output has a subscriber. A profile
hook sees every call of the executor's thread that happens within the callback of an image, and
every call of the threads that decode, predict and publish. A file is counted if one of its
functions is given the image: as a message, as an entry of a set, as a set, as pixels, as a frame,
as the network's input, as the prediction, or as the message that is published.

Not counted:

- the rooms of the network's stages: network, binary, kernels;
- what is asked about the image without being given it: its stamp's conversion, the offsets, the
  calibration, the poses, the geometry of the rig, the parameters; no image passes there;
- what is listed in BESIDE, with the reason there.
"""

from collections.abc import Mapping
from pathlib import Path
import re
import sys
import threading
from time import monotonic

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from simulated_rig import EXECUTORS, OFFSETS_NS, SimulatedRig
import torch

import bdc_occ_ros
from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.image_decoding import DecodedImage
from bdc_occ_ros.predictor import Prediction, TimedPrediction
from bdc_occ_ros.ros.inputs import CameraInput
from bdc_occ_ros.ros.node import OccupancyNode
from bdc_occ_ros.ros.outputs import OUTPUTS
from bdc_occ_ros.sync.image_sets import ImageGroup, ImageSet, SetEntry
from bdc_occ_ros.sync.stamp_checks import Arrival
from bdc_occ_ros.sync.synchronizer import Progress

PACKAGE = Path(bdc_occ_ros.__file__).parent
MAX_FILES = 12
NETWORK = ('network', 'binary', 'kernels')
BESIDE = {
    'sync/statistics.py': 'counts the set that is handed out, and is read by the diagnostics',
    'geometry/camera_rig.py': 'its read_only guards the arrays of a frame against writing',
}
CARRIERS = (Image, CompressedImage, Arrival, SetEntry, ImageGroup, ImageSet, Progress,
            DecodedImage, Frame, TimedPrediction, Prediction, Occupancy, Boxes,
            *(output.kind for output in OUTPUTS))
NUM_ROUNDS = 3  # one set may be in work and one in the slot when recording begins
TIMEOUT_S = 60.0


def files_that_readme_lists():
    """Return the numbered files of README's table, in its order."""
    return re.findall(r'^\| [0-9]+ \| \[.*?\]\(bdc_occ_ros/(.*?)\)',
                      (PACKAGE.parent / 'README.md').read_text(), re.MULTILINE)


def is_image(value, depth=1):
    """Tell whether a value is the image in one of its forms, or holds it."""
    if isinstance(value, CARRIERS):
        return True
    if isinstance(value, np.ndarray | torch.Tensor):
        return value.dtype in (np.uint8, torch.uint8) and value.ndim >= 3
    if depth and isinstance(value, Mapping):
        value = tuple(value.values())
    return bool(depth) and isinstance(value, tuple | list) and any(
        is_image(element, depth - 1) for element in value)


class Recorder:
    """Notes the files of the package whose functions are given the image."""

    def __init__(self):
        self.files = set()
        self.is_on = False
        self._callback = CameraInput._take.__code__
        self._thread = threading.local()

    def __call__(self, frame, event, _):
        """Be the profile hook of every thread."""
        if not self.is_on:
            return
        is_executor = threading.current_thread() is threading.main_thread()
        if frame.f_code is self._callback and event in ('call', 'return'):
            self._thread.is_in_callback = event == 'call'
        if event != 'call' or is_executor and not getattr(self._thread, 'is_in_callback', False):
            return
        module = sys.modules.get(frame.f_globals.get('__name__', ''))
        path = Path(getattr(module, '__file__', None) or '/')
        if path.is_relative_to(PACKAGE) and any(map(is_image, frame.f_locals.values())):
            self.files.add(path.relative_to(PACKAGE).as_posix())


@pytest.fixture
def node(rig_parameters):
    """Yield the occupancy node, with all outputs switched on."""
    given = rig_parameters | {'publish.markers': True, 'diagnostics_period_s': 30.0}
    rclpy.init(args=['--ros-args', *(part for name, value in given.items()
                                     for part in ('-p', f'{name}:={value}'))])
    node = OccupancyNode()
    yield node
    node.close()
    node.destroy_node()
    rclpy.try_shutdown()


def test_an_image_passes_at_most_twelve_files(node):
    recorder, published = Recorder(), {}
    threading.setprofile(recorder)  # before the threads start
    peer = rclpy.create_node('peer', use_global_arguments=False)
    rig = SimulatedRig(peer)
    for name in OFFSETS_NS:
        rig.mount(name)
    for output in OUTPUTS:
        peer.create_subscription(output.kind, output.topic, lambda message, topic=output.topic:
                                 published.setdefault(topic, message), QoSProfile(depth=1))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    executor.add_node(peer)
    EXECUTORS[peer] = executor  # the rig waits for the node, which this executor spins too

    def spin_until(condition):
        deadline_s = monotonic() + TIMEOUT_S
        while not condition() and monotonic() < deadline_s:
            rig.step()
            executor.spin_once(timeout_sec=0.005)
        assert condition()
    try:
        spin_until(lambda: len(published) == len(OUTPUTS))
        recorder.is_on = True
        sys.setprofile(recorder)
        for _ in range(NUM_ROUNDS):
            published.clear()
            spin_until(lambda: len(published) == len(OUTPUTS))
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        recorder.is_on = False
        executor.shutdown()
        peer.destroy_node()
    way = sorted(name for name in recorder.files
                 if name not in BESIDE and not name.startswith(NETWORK))
    assert way == sorted(files_that_readme_lists())
    assert len(way) <= MAX_FILES, way
