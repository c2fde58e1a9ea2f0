# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node publishes comes back out of the recorded bag, latched topics too."""

import json
import signal
import subprocess
import sys

import pytest
from std_msgs.msg import Float64
from vision_msgs.msg import Detection3D, Detection3DArray, LabelInfo

from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.ros.outputs import LATCHED
from bdc_occ_ros.ros.replay.bag_recorder import record_topics

NUM_MESSAGES, PERIOD_S = 60, 0.05
TIMEOUT_S = 120.0


@pytest.fixture
def heat(node):
    return node.create_publisher(Float64, '/heat', NUM_MESSAGES)


def record_until_sent(publisher, message, spin_until, *arguments):
    """Run the verb, publish once it listens, interrupt it when it has everything."""
    recorder = subprocess.Popen(
        [sys.executable, '-m', 'bdc_occ_ros.cli', 'bag', 'record', '--json', *arguments],
        stdout=subprocess.PIPE, text=True)
    try:
        assert spin_until(publisher.get_subscription_count, TIMEOUT_S)
        for _ in range(NUM_MESSAGES):  # a sixth of which it has to take in this time
            publisher.publish(message)
            spin_until(lambda: False, PERIOD_S)
        recorder.send_signal(signal.SIGINT)
        return json.loads(recorder.communicate(timeout=TIMEOUT_S)[0])['counts']
    finally:
        recorder.kill()


def test_outputs_of_a_namespace_are_recorded(node, spin_until, tmp_path):
    labels = node.create_publisher(LabelInfo, '/car/detections/label_info', LATCHED)
    labels.publish(LabelInfo(threshold=0.25))
    detections = node.create_publisher(Detection3DArray, '/car/detections', NUM_MESSAGES)
    path = tmp_path / 'bag'
    counts = record_until_sent(
        detections, Detection3DArray(detections=[Detection3D(id='7')]), spin_until,
        '-o', str(path), '--namespace', 'car')
    assert counts['/car/detections/label_info'] == 1
    assert counts['/car/detections'] > NUM_MESSAGES / 6
    assert counts['/car/occupancy'] == 0
    with BagReader(path) as bag:
        assert bag.qos['/car/detections/label_info'].durability.name == 'TRANSIENT_LOCAL'
        kept = {m.topic: bag.decode(m) for m in bag.messages()}
    assert kept['/car/detections/label_info'].threshold == 0.25
    assert kept['/car/detections'].detections[0].id == '7'


def test_chosen_topics_are_recorded_and_unpublished_ones_refused(heat, spin_until, tmp_path):
    counts = record_until_sent(heat, Float64(data=3.5), spin_until, '-o', str(tmp_path / 'bag'),
                               '--topics', 'heat')
    assert counts.keys() == {'/heat'} and counts['/heat'] > NUM_MESSAGES / 6
    assert record_topics(tmp_path / 'short', topics=['heat'], seconds=0.1) == {'/heat': 0}
    with pytest.raises(UsageError, match=r"nobody publishes \['/cold'\]"):
        record_topics(tmp_path / 'other', topics=['cold'], seconds=1.0)
    assert not (tmp_path / 'other').exists()
