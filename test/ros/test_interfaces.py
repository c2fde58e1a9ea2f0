# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""tf2_msgs and vision_msgs are the real ones: same type hashes, whole over DDS."""

from geometry_msgs.msg import TransformStamped
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import (
    Detection3D,
    Detection3DArray,
    LabelInfo,
    ObjectHypothesisWithPose,
    VisionClass,
)

from bdc_occ_ros.bags.messages import message_types

# Computed by the rosbags library from the upstream definitions (geometry2 0.36 and vision_msgs
# 4.1.1, their Jazzy releases): an implementation other than the generators' own.
UPSTREAM_HASHES = {
    TFMessage: 'RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087',
    Detection3DArray: 'RIHS01_793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018',
    LabelInfo: 'RIHS01_3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783',
}


def tf_message():
    message = TFMessage(transforms=[TransformStamped(child_frame_id='base_link')])
    transform = message.transforms[0]
    transform.header.frame_id = 'odom'
    transform.header.stamp.sec = 1_531_883_530
    transform.transform.translation.y = -2.5
    return message


def detections():
    result = ObjectHypothesisWithPose()
    result.hypothesis.class_id = 'traffic_cone'
    result.hypothesis.score = 0.75
    result.pose.covariance[35] = 0.125
    detection = Detection3D(id='7', results=[result, ObjectHypothesisWithPose()])
    detection.bbox.center.position.x = 12.25
    detection.bbox.size.z = 1.5
    message = Detection3DArray(detections=[detection, Detection3D()])
    message.header.frame_id = 'base_link'
    return message


def label_info():
    return LabelInfo(threshold=0.25, class_map=[
        VisionClass(class_id=3, class_name='bus'), VisionClass(class_id=65535)])


@pytest.mark.parametrize('make', [tf_message, detections, label_info])
def test_a_message_goes_over_dds_whole(node, spin_until, make):
    sent, received = make(), []
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(type(sent), 'there', received.append, latched)
    node.create_publisher(type(sent), 'there', latched).publish(sent)
    assert spin_until(lambda: received)
    assert received == [sent]


@pytest.mark.parametrize('message_type', UPSTREAM_HASHES)
def test_the_type_hash_on_the_wire_is_upstreams(node, spin_until, message_type):
    node.create_publisher(message_type, 'hashed', 1)
    assert spin_until(lambda: node.get_publishers_info_by_topic('hashed'))
    info, = node.get_publishers_info_by_topic('hashed')
    assert str(info.topic_type_hash) == UPSTREAM_HASHES[message_type]


def test_field_lists_hash_to_the_same_elsewhere():
    store = message_types()
    for message_type, upstream in UPSTREAM_HASHES.items():
        name = f'{message_type.__module__.split(".")[0]}/msg/{message_type.__name__}'
        assert store.hash_rihs01(name) == upstream
