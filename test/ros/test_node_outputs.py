# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a healthy node publishes, for whom, and what it is asked by services and parameters."""

from pathlib import Path
import re

import numpy as np
import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.qos import QoSProfile
from sensor_msgs.msg import PointCloud2
from simulated_rig import OFFSETS_NS, SimulatedRig
from std_msgs.msg import Empty, Float64
from vision_msgs.msg import Detection3DArray, LabelInfo
from visualization_msgs.msg import MarkerArray
from watcher import LATCHED, Watcher

from bdc_occ_ros.bags.snapshot import load_snapshot
from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.ros.conversions import to_nanoseconds

NAMESPACE = '/car'
NODE = f'{NAMESPACE}/bdc_occ'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('outputs')


@pytest.fixture(scope='module')
def process(folder, start_node, rig_parameters):
    """Run the node in a namespace, by system time; a set has time on a busy machine too."""
    parameters = rig_parameters | {'snapshot_folder': folder, 'model.confidence': 'true',
                                   'sync.deadline_ms': 2000.0}
    with start_node(folder / 'log', parameters,
                    arguments=('-r', f'__ns:={NAMESPACE}')) as process:
        yield process


@pytest.fixture(scope='module')
def rig(ros, process):
    """Publish reliably; the node asks for best effort and takes both."""
    node = ros.create_node('rig', namespace=NAMESPACE)
    rig = SimulatedRig(node, QoSProfile(depth=10))
    for name in OFFSETS_NS:
        rig.mount(name)
    yield rig
    node.destroy_node()


@pytest.fixture
def watcher(rig, node):
    watcher = Watcher(node, rig)
    assert watcher.spin_until(lambda: 'output' in watcher.statuses)
    return watcher


def set_parameter(watcher, name, value):
    kinds = {bool: ('bool_value', ParameterType.PARAMETER_BOOL),
             float: ('double_value', ParameterType.PARAMETER_DOUBLE)}
    field, kind = kinds[type(value)]
    request = SetParameters.Request(parameters=[Parameter(
        name=name, value=ParameterValue(type=kind, **{field: value}))])
    return watcher.call(f'{NODE}/set_parameters', SetParameters, request).results[0]


def test_nothing_is_computed_without_subscribers(watcher):
    assert watcher.spin_until(lambda: int(watcher.value('output', 'unwanted')) > 5)
    assert int(watcher.value('output', 'computed')) == 0
    assert watcher.statuses['output'].message == 'nobody subscribes, nothing is computed'


def test_a_snapshot_is_computed_though_nobody_subscribes(watcher, rig):
    for count in (1, 2):
        num_triggers = len(rig.stamps_ns)
        answer = watcher.call(f'{NODE}/save_snapshot')
        assert answer.success, answer.message
        assert load_snapshot(answer.message).frame.stamp_ns in rig.stamps_ns[num_triggers - 3:]
        watcher.next_diagnostics()
        assert watcher.value('output', 'computed') == str(count)


def test_a_snapshot_without_images_says_why_there_is_none(watcher):
    watcher.rest()
    assert watcher.spin_until(lambda: watcher.says('synchronizer', 'FRONT silent'))
    answer = watcher.call(f'{NODE}/save_snapshot')
    assert not answer.success and re.match(r'no sets come: .*FRONT silent for \d', answer.message)


def test_results_carry_stamp_and_frame_of_the_key_camera(watcher, rig, node):
    results = {}
    kinds = {'occupancy': PointCloud2, 'occupancy/obstacles': PointCloud2,
             'detections': Detection3DArray}
    for topic, kind in kinds.items():
        node.create_subscription(kind, f'{NAMESPACE}/{topic}',
                                 lambda message, topic=topic: results.update({topic: message}), 1)
    assert watcher.spin_until(lambda: len(results) == len(kinds))
    for message in results.values():
        assert message.header.frame_id == 'base_link'
        assert to_nanoseconds(message.header.stamp) in rig.stamps_ns  # LEFT has no offset
    assert [field.name for field in results['occupancy'].fields] == [
        'x', 'y', 'z', 'rgb', 'label', 'confidence']


def test_grid_and_labels_reach_those_who_come_late(watcher, rig, node):
    watcher.subscribe(f'{NAMESPACE}/')
    assert watcher.spin_until(lambda: watcher.grids)
    watcher.rest()
    late, labels = Watcher(node), []
    late.subscribe(f'{NAMESPACE}/')
    node.create_subscription(
        LabelInfo, f'{NAMESPACE}/detections/label_info', labels.append, LATCHED)
    assert late.spin_until(lambda: late.grids and labels)
    assert late.grids[-1] == watcher.grids[-1] and not late.clouds
    assert labels[0].class_map[0].class_name == 'car'


def test_labels_and_classes_are_joined_with_their_names(watcher, node):
    names, results = {}, {}
    for of in ('occupancy', 'detections'):
        node.create_subscription(
            LabelInfo, f'{NAMESPACE}/{of}/label_info', lambda message, of=of: names.update({of: {
                each.class_id: each.class_name for each in message.class_map}}), LATCHED)
    for kind, topic in ((PointCloud2, 'occupancy'), (Detection3DArray, 'detections')):
        node.create_subscription(kind, f'{NAMESPACE}/{topic}',
                                 lambda message, topic=topic: results.update({topic: message}), 1)
    assert watcher.spin_until(lambda: len(names) == len(results) == 2)
    assert names['occupancy'] == dict(enumerate(OCCUPANCY_CLASS_NAMES))
    assert names['detections'] == dict(enumerate(DETECTION_CLASS_NAMES))
    cloud = results['occupancy']
    offset, = (field.offset for field in cloud.fields if field.name == 'label')
    labels = np.frombuffer(cloud.data, np.uint32).reshape(cloud.width, -1)[:, offset // 4]
    assert len(labels) and {names['occupancy'][label] for label in labels.tolist()} <= {
        *OCCUPANCY_CLASS_NAMES} - {'free'}
    assert {each.results[0].hypothesis.class_id
            for each in results['detections'].detections} <= set(names['detections'].values())


def test_durations_are_published(watcher, node):
    durations = {}
    topics = ('cyclic_time_ms', 'pipeline_latency_ms', *(
        f'processing_time/{step}_ms' for step in (
            'decode', 'preprocess', 'inference', 'postprocess', 'publish', 'total')))
    watcher.subscribe(f'{NAMESPACE}/')
    for topic in topics:
        node.create_subscription(
            Float64, f'{NODE}/debug/{topic}',
            lambda message, topic=topic: durations.update({topic: message.data}), 10)
    assert watcher.spin_until(lambda: len(durations) == len(topics)), durations
    assert all(value > 0.0 for value in durations.values())
    assert durations['pipeline_latency_ms'] < 60_000.0  # not since 1970


def test_parameters_take_effect_while_running(watcher, node):
    markers = []
    node.create_subscription(MarkerArray, f'{NAMESPACE}/occupancy/markers', markers.append, 1)
    watcher.subscribe(f'{NAMESPACE}/')
    watcher.fresh_clouds(3)
    assert not markers
    assert set_parameter(watcher, 'publish.markers', True).successful
    assert watcher.spin_until(lambda: markers)
    assert set_parameter(watcher, 'sync.max_rate_hz', 2.0).successful
    assert watcher.spin_until(lambda: 0.0 < float(watcher.value('output', 'rate_hz')) < 6.0)
    assert set_parameter(watcher, 'sync.max_rate_hz', 0.0).successful
    refused = set_parameter(watcher, 'score_threshold', 2.0)
    assert not refused.successful and 'score_threshold' in refused.reason


def test_labels_follow_the_threshold_as_soon_as_it_is_set(watcher, node):
    labels = []
    node.create_subscription(
        LabelInfo, f'{NAMESPACE}/detections/label_info', labels.append, LATCHED)
    assert watcher.spin_until(lambda: labels) and labels[-1].threshold == pytest.approx(0.3)
    watcher.step = lambda: None  # no set needs to come
    assert set_parameter(watcher, 'score_threshold', 0.5).successful
    assert watcher.spin_until(lambda: labels[-1].threshold == pytest.approx(0.5))
    assert set_parameter(watcher, 'score_threshold', 0.3).successful


def test_fixed_parameter_says_that_it_is_fixed(watcher):
    refused = set_parameter(watcher, 'undistort', False)
    assert not refused.successful and refused.reason


def test_snapshot_holds_what_was_seen_and_said(watcher, folder, rig):
    watcher.subscribe(f'{NAMESPACE}/')
    watcher.fresh_clouds(2)
    answer = watcher.call(f'{NODE}/save_snapshot')
    assert answer.success, answer.message
    assert Path(answer.message).parent == folder
    snapshot = load_snapshot(answer.message)
    assert set(snapshot.frame.images) == set(OFFSETS_NS)
    assert snapshot.frame.fixed_from_ego is not None
    assert snapshot.occupancy.stamp_ns == snapshot.frame.stamp_ns in rig.stamps_ns


@pytest.mark.parametrize('ask', ['service', 'topic'])
def test_reset_begins_an_epoch(watcher, node, ask):
    epoch = int(watcher.value('synchronizer', 'epoch'))
    if ask == 'service':
        assert watcher.call(f'{NODE}/reset').success
    else:
        publisher = node.create_publisher(Empty, f'{NAMESPACE}/reset', 1)
        assert watcher.spin_until(publisher.get_subscription_count)
        publisher.publish(Empty())
    assert watcher.spin_until(lambda: int(watcher.value('synchronizer', 'epoch')) == epoch + 1)
    watcher.subscribe(f'{NAMESPACE}/')
    watcher.fresh_clouds(2)


def test_untrained_network_is_announced(watcher, process):
    assert watcher.says('inference', 'untrained')
    assert 'is untrained' in process.log


def test_every_image_is_accounted_for(watcher):
    for name in OFFSETS_NS:
        assert watcher.spin_until(
            lambda name=name: int(watcher.value(f'camera {name}', 'images')) > 10)
        assert watcher.value(f'camera {name}', 'lost') == '0'


def test_all_cameras_contribute(watcher):
    watcher.subscribe(f'{NAMESPACE}/')
    watcher.whole_cloud(OFFSETS_NS)
