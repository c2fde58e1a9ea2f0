# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The node with a network that also writes down what it was given: python FILE OUTPUT MODEL ...

Its steady clock is that of /clock too, so that images arrive when the bag says, and not when a
busy machine lets them through.
"""

import json
from pathlib import Path
import sys
import time

NODES = []
steady_ns = time.monotonic_ns
time.monotonic_ns = lambda: NODES[0].get_clock().now().nanoseconds if NODES else steady_ns()

from bdc_occ_ros.predictor import key_ego_from_ego, Predictor  # noqa: E402
from bdc_occ_ros.ros.__main__ import main  # noqa: E402
import bdc_occ_ros.ros.node as node  # noqa: E402


class SimulatedNode(node.OccupancyNode):
    """Gives the time."""

    def __init__(self):
        super().__init__()
        NODES.append(self)


class FrameKeeper(Predictor):
    """Writes a line of JSON per frame, and computes only while it warms up, to be quick."""

    def __init__(self, model, output):
        super().__init__(model)
        self._output, self._result = output.open('w'), None

    def run(self, frame):
        if self._result is None:
            self._result = super().run(frame)
            return self._result
        motion = key_ego_from_ego(frame)
        self._output.write(json.dumps({
            'stamps_ns': dict(frame.stamps_ns),
            'brightness': {name: float(image.mean()) for name, image in frame.images.items()},
            'order': list(frame.images),
            'intrinsics': {c.name: c.intrinsics.tolist() for c in frame.rig.cameras},
            'ego_from_camera': {c.name: c.ego_from_camera.tolist() for c in frame.rig.cameras},
            'key_ego_from_ego': None if motion is None else motion.tolist()}) + '\n')
        self._output.flush()
        return self._result


if __name__ == '__main__':
    output, model = map(Path, sys.argv[1:3])
    node.OccupancyNode = SimulatedNode
    node.load_predictor = lambda _: FrameKeeper(model, output)
    main(sys.argv[2:])
