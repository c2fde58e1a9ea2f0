# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The transform tree against tf2_ros, where that is installed."""

from geometry_msgs.msg import TransformStamped
import numpy as np
import pytest
from rclpy.duration import Duration
from rclpy.time import Time

from bdc_occ_ros.errors import TransformUnavailableError
from bdc_occ_ros.geometry.rotations import matrix_from_quaternion
from bdc_occ_ros.geometry.transforms import TransformTree
from bdc_occ_ros.ros.conversions import make_header

tf2_ros = pytest.importorskip('tf2_ros', reason='tf2_ros is not among the wheels')

MS = 1_000_000
START_NS = 1_000_000 * MS
MOVING = (('map', 'odom'), ('odom', 'base_link'), ('base_link', 'arm'))
STATIC = (('base_link', 'left'), ('base_link', 'right'), ('arm', 'tool'))
FRAMES = ('map', 'odom', 'base_link', 'arm', 'left', 'right', 'tool')


@pytest.fixture(scope='module')
def trees():
    """Feed the same random motion to both."""
    generator = np.random.default_rng(11)
    tree, buffer = TransformTree(), tf2_ros.Buffer(Duration(seconds=10))

    def feed(parent, child, stamp_ns, is_static):
        message = TransformStamped(header=make_header(stamp_ns, parent), child_frame_id=child)
        quaternion = generator.normal(size=4)
        quaternion /= np.linalg.norm(quaternion)
        position = generator.normal(size=3)
        place, turn = message.transform.translation, message.transform.rotation
        place.x, place.y, place.z = position.tolist()
        turn.x, turn.y, turn.z, turn.w = quaternion.tolist()
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = matrix_from_quaternion(quaternion), position
        tree.set_transform(parent, child, stamp_ns, matrix, static=is_static)
        (buffer.set_transform_static if is_static else buffer.set_transform)(message, 'test')

    for parent, child in STATIC:
        feed(parent, child, 0, True)
    for place, (parent, child) in enumerate(MOVING):
        for count in range(100):  # each edge with a rate and an end of its own
            feed(parent, child, START_NS + count * (30 + 7 * place) * MS, False)
    return tree, buffer


def oracle(buffer, target, source, stamp_ns):
    """Return what tf2 answers as a matrix, or None where it has no answer."""
    try:
        answer = buffer.lookup_transform(target, source, Time(nanoseconds=stamp_ns)).transform
    except tf2_ros.TransformException:
        return None
    matrix = np.eye(4)
    turn, place = answer.rotation, answer.translation
    matrix[:3, :3] = matrix_from_quaternion(np.array([turn.x, turn.y, turn.z, turn.w]))
    matrix[:3, 3] = place.x, place.y, place.z
    return matrix


@pytest.mark.parametrize('seed', range(5))
def test_every_lookup_agrees_with_tf2(trees, seed):
    tree, buffer = trees
    generator = np.random.default_rng(seed)
    num_answered = num_refused = 0
    for _ in range(200):
        target, source = generator.choice(FRAMES, size=2)
        stamp_ns = START_NS + int(generator.integers(-500, 5000)) * MS
        expected = oracle(buffer, str(target), str(source), stamp_ns)
        if expected is None:
            with pytest.raises(TransformUnavailableError):
                tree.lookup(target, source, stamp_ns)
            num_refused += 1
        else:
            np.testing.assert_allclose(tree.lookup(target, source, stamp_ns), expected, atol=1e-6)
            num_answered += 1
    assert num_answered > 50 and num_refused > 20


def test_the_newest_common_time_agrees_with_tf2(trees):
    tree, buffer = trees
    for target in FRAMES:
        for source in FRAMES:
            expected = oracle(buffer, target, source, 0)
            np.testing.assert_allclose(tree.lookup(target, source), expected, atol=1e-6)
