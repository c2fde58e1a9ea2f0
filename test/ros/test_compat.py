# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the distributions differ in, as far as this one can show it."""

from rclpy.parameter import Parameter
from std_msgs.msg import Int32

from bdc_occ_ros.ros import compat


def test_callbacks_learn_the_publishers_numbering(node, spin_until):
    received = []
    node.create_subscription(
        Int32, 'numbers',
        compat.message_callback(lambda message, info: received.append(
            (message.data, info[compat.SEQUENCE_NUMBER]))), 10)
    publisher = node.create_publisher(Int32, 'numbers', 10)
    assert spin_until(lambda: publisher.get_subscription_count() == 1)
    for data in range(4):
        publisher.publish(Int32(data=data))
    assert spin_until(lambda: len(received) == 4)
    first = received[0][1]
    assert received == [(data, first + data) for data in range(4)]


def test_without_message_info_the_number_is_none(monkeypatch):
    monkeypatch.setattr(compat, 'HAS_MESSAGE_INFO', False)
    received = []
    compat.message_callback(lambda *arguments: received.append(arguments))('message')
    assert received == [('message', {compat.SEQUENCE_NUMBER: None})]


def test_given_parameters_include_undeclared_ones(ros):
    node = ros.create_node('given', parameter_overrides=[Parameter('mistyped', value=3)])
    assert compat.given_parameters(node)['mistyped'] == 3
    assert not node.has_parameter('mistyped')
    node.destroy_node()
