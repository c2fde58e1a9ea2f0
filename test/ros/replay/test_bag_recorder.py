# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node publishes comes back out of the recorded bag, latched topics too."""

import json
import signal
import subprocess
import sys
import threading

import pytest
from std_msgs.msg import Float64
from vision_msgs.msg import Detection3D, Detection3DArray, LabelInfo

from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.errors import InvalidBagError, UsageError
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


@pytest.mark.parametrize('rate', [1, 40])
def test_a_killed_recording_holds_all_but_its_last_second(heat, spin_until, tmp_path, rate):
    """Whether the last chunk was full, or nothing came after the last message."""
    path = tmp_path / 'bag'
    recorder = subprocess.Popen([sys.executable, '-m', 'bdc_occ_ros.cli', 'bag', 'record',
                                 '--topics', 'heat', '-o', str(path)])
    try:
        assert spin_until(heat.get_subscription_count, TIMEOUT_S)
        heat.publish(Float64(data=0.5))
        for number in range(rate):
            heat.publish(Float64(data=float(number)))

        def written():
            try:
                with BagReader(path) as bag:
                    return bag.counts['/heat']
            except InvalidBagError:  # nothing of it is on the disk yet
                return 0
        assert spin_until(lambda: written() == rate + 1, TIMEOUT_S)
    finally:
        recorder.send_signal(signal.SIGKILL)
        recorder.wait(TIMEOUT_S)
    with BagReader(path) as bag:
        assert [bag.decode(message).data for message in bag.messages()] == [0.5, *range(rate)]
        assert 'without a metadata.yaml' in bag.remarks[0] and 'is cut off' in bag.remarks[1]


def test_a_full_disk_ends_a_recording_that_can_be_read(heat, node, spin_until, tmp_path,
                                                       small_files):
    timer = node.create_timer(0.01, lambda: heat.publish(Float64(data=2.5)))
    spinning = threading.Thread(target=spin_until, args=(lambda: not timer_runs, TIMEOUT_S))
    timer_runs = [True]
    spinning.start()
    try:
        with small_files(6000), pytest.raises(UsageError, match='cannot be written: File too '
                                              'large; what came before can be read'):
            record_topics(tmp_path / 'bag', topics=['heat'])
    finally:
        timer_runs.clear()
        spinning.join()
        node.destroy_timer(timer)
    with BagReader(tmp_path / 'bag') as bag:
        assert bag.counts['/heat'] == len(list(bag.messages())) > 20
