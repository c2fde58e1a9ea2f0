# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node publishes comes back out of the recorded bag, latched topics too."""

import json
import threading
import time

import pytest
from std_msgs.msg import Float64
from vision_msgs.msg import Detection3D, Detection3DArray, LabelInfo

from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.ros.outputs import LATCHED
from bdc_occ_ros.ros.replay.output_recording import record_topics


@pytest.fixture
def publishing(node):
    """Publish detections again and again, and a latched label once, in a namespace."""
    labels = node.create_publisher(LabelInfo, '/car/label_info', LATCHED)
    labels.publish(LabelInfo(threshold=0.25))
    detections = node.create_publisher(Detection3DArray, '/car/detections', 10)
    other = node.create_publisher(Float64, '/heat', 10)
    stop = threading.Event()

    def publish():
        while not stop.wait(0.05):
            detections.publish(Detection3DArray(detections=[Detection3D(id='7')]))
            other.publish(Float64(data=3.5))

    thread = threading.Thread(target=publish)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_outputs_of_a_namespace_are_recorded(publishing, tmp_path, capsys):
    path = tmp_path / 'bag'
    assert main(['bag', 'record', '-o', str(path), '--namespace', 'car', '--seconds', '5',
                 '--json']) == 0
    counts = json.loads(capsys.readouterr().out)['counts']
    assert counts['/car/label_info'] == 1 and counts['/car/detections'] > 10
    assert counts['/car/occupancy'] == 0
    with BagReader(path) as bag:
        assert bag.qos['/car/label_info'].durability.name == 'TRANSIENT_LOCAL'
        kept = {m.topic: bag.decode(m) for m in bag.messages()}
    assert kept['/car/label_info'].threshold == 0.25
    assert kept['/car/detections'].detections[0].id == '7'


def test_chosen_topics_are_recorded_and_unpublished_ones_refused(publishing, tmp_path):
    counts = record_topics(tmp_path / 'bag', topics=['heat'], seconds=4.0)
    assert counts.keys() == {'/heat'} and counts['/heat'] > 5
    start_s = time.monotonic()
    with pytest.raises(UsageError, match=r"nobody publishes \['/cold'\]"):
        record_topics(tmp_path / 'other', topics=['cold'], seconds=1.0)
    assert time.monotonic() - start_s < 60.0 and not (tmp_path / 'other').exists()
