# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Messages on every subscription of a real node, handed to its callbacks without a middleware.

Each case has a node of its own. Between hostile messages come sound ones, and at the end the node
must have dealt with every set, say what it has to say in few words, and publish what all cameras
see.
"""

import os
from pathlib import Path
import sys
import threading
import time
import traceback

from diagnostic_msgs.msg import DiagnosticArray
from fuzzing import FindingError, message_fault, Target
from hostile_messages import hostile_message, odd_camera
from nav_msgs.msg import Odometry
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.subscription import Subscription
from ros.conftest import reserve_domain
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from simulated_rig import (
    BAG_START_NS,
    HEIGHT_PX,
    image_message,
    INTRINSICS,
    mount_quaternion,
    MS,
    OFFSETS_NS,
    PERIOD_NS,
    RAW,
    transform,
    WIDTH_PX,
    YAWS_RAD,
)
from std_msgs.msg import Empty
from tf2_msgs.msg import TFMessage
from watcher import is_settled, num_in_sector

from bdc_occ_ros.ros.compat import SEQUENCE_NUMBER
from bdc_occ_ros.ros.conversions import make_header, to_nanoseconds, to_stamp
from bdc_occ_ros.ros.node import OccupancyNode

MODEL = Path(__file__).parents[1] / 'resources' / 'model_tiny.yaml'
PARAMETERS = {
    'autostart': 'false', 'use_sim_time': 'true', 'cameras': f'[{", ".join(OFFSETS_NS)}]',
    'key_camera': 'LEFT', 'model.name': MODEL, 'model.threads': 1, 'model.warmup_iterations': 0,
    'sync.offsets': 'profile', 'sync.tolerance_ms': 4.0, 'sync.window_ms': 30.0,
    'sync.deadline_ms': 40.0, 'ego_motion_wait_ms': 1.0, 'diagnostics_period_s': 0.05,
    **{f'camera.{name}.offset_ms': ns / MS for name, ns in OFFSETS_NS.items()}}
MAX_DIAGNOSTICS = 20_000  # characters of one message, three cameras
ROUNDS_TO_RECOVER = 60
WAIT_S = 30.0  # only a failure takes that long
UPRIGHT = (0.0, 0.0, 0.0, 1.0)


class Rig:
    """
    Make sound messages of three cameras by topic, as time goes on.

    :ivar now_ns: The time of /clock.
    """

    def __init__(self):
        self.now_ns = BAG_START_NS

    def round(self):
        """Return the messages of the next trigger, topic and message, in the order of sending."""
        self.now_ns += PERIOD_NS
        mounts = [transform('base_link', name, 0, (np.cos(yaw), np.sin(yaw), 1.5),
                            mount_quaternion(yaw)) for name, yaw in YAWS_RAD.items()]
        sent = [('/clock', Clock(clock=to_stamp(self.now_ns))),
                ('/tf_static', TFMessage(transforms=mounts))]
        for name, offset_ns in OFFSETS_NS.items():
            stamp_ns = self.now_ns + offset_ns
            header = make_header(stamp_ns, name)
            pose = transform('odom', 'base_link', stamp_ns, (0.0, 0.0, 0.0), UPRIGHT)
            odometry = Odometry(header=make_header(stamp_ns, 'odom'), child_frame_id='base_link')
            odometry.pose.pose.orientation.w = 1.0
            sent += [('/tf', TFMessage(transforms=[pose])), ('/odom', odometry),
                     (f'/camera/{name}/camera_info', CameraInfo(
                         header=header, width=WIDTH_PX, height=HEIGHT_PX, k=INTRINSICS,
                         r=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))),
                     (image_topic(name), image_message(name, stamp_ns))]
        return sent


def image_topic(name):
    return f'/camera/{name}/image' + '/compressed' * (name not in RAW)


class Listener:
    """Hear what the node publishes, and be there as the publisher that its cameras look for."""

    def __init__(self):
        self.node = rclpy.create_node('listener')
        self.clouds, self.parts = [], {}
        self.node.create_subscription(PointCloud2, 'occupancy', self.clouds.append, 10)
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._take, 10)
        for name in OFFSETS_NS:
            self.node.create_publisher(Image if name in RAW else CompressedImage,
                                       image_topic(name), 10)

    def _take(self, message):
        said = [status.message for status in message.status] + [
            text for status in message.status for pair in status.values
            for text in (pair.key, pair.value)]
        size = sum(map(len, said))
        if size > MAX_DIAGNOSTICS:
            raise FindingError(f'diagnostics of more than {MAX_DIAGNOSTICS} characters')
        faults = [text for text in said if text and len(text) < 1000 and message_fault(text)]
        if faults:
            raise FindingError(f'diagnostics that are not one line of text\n{ascii(faults[0])}')
        self.parts = {status.name.partition(': ')[2]: {
            pair.key: pair.value for pair in status.values} for status in message.status}


class FuzzedNode:
    """The node, with what spins it and what it is sent."""

    def __init__(self, listener):
        self.rig, self.listener = Rig(), listener
        listener.clouds.clear()
        listener.parts = {}
        self.node = OccupancyNode()
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.executor.add_node(listener.node)
        self.node.trigger_configure()
        self.node.trigger_activate()
        self.spin_until(lambda: {image_topic(name) for name in OFFSETS_NS} <= self.topics(),
                        'it does not subscribe to its cameras')

    def topics(self):
        return {subscription.topic_name for subscription in self.node.subscriptions}

    def spin_until(self, condition, failure):
        deadline_s = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > deadline_s:
                raise FindingError(f'{failure}{inference_place()}\n{self.listener.parts}')
            self.executor.spin_once(0.01)

    def send(self, topic, message):
        """Hand a message to the callback of the subscription to a topic, if there is one."""
        for subscription in list(self.node.subscriptions):
            if subscription.topic_name == topic:
                if subscription._callback_type == Subscription.CallbackType.MessageOnly:
                    subscription.callback(message)
                else:
                    subscription.callback(message, {SEQUENCE_NUMBER: None})
        self.executor.spin_once(0.0)

    def settle(self):
        """Wait until every set that was formed is dealt with."""
        self.listener.parts = {}
        self.spin_until(lambda: is_settled(self.listener.parts), 'a set is not dealt with')

    def recover(self):
        """Send sound messages only until all cameras are seen."""
        for _ in range(ROUNDS_TO_RECOVER):
            self.listener.clouds.clear()
            for topic, message in self.rig.round():
                self.send(topic, message)
            self.settle()
            if any(to_nanoseconds(cloud.header.stamp) == self.rig.now_ns
                   and all(num_in_sector(cloud, name) for name in OFFSETS_NS)
                   for cloud in self.listener.clouds):
                return
        raise FindingError(f'sound cameras are not seen in {ROUNDS_TO_RECOVER} triggers')

    def close(self):
        self.executor.remove_node(self.listener.node)
        self.node.close()
        self.executor.shutdown(0.0)
        self.node.destroy_node()


def inference_place():
    """Return at which line of the package the inference thread is, and where it came from."""
    thread = next((t for t in threading.enumerate() if t.name == 'inference'), None)
    if thread is None:
        return ', and there is no inference thread'
    stack = traceback.extract_stack(sys._current_frames()[thread.ident])
    inside = next(frame for frame in reversed(stack) if '/bdc_occ_ros/' in frame.filename)
    return (f', the inference thread is at {Path(inside.filename).name}:{inside.lineno}\n'
            + ''.join(traceback.format_list(stack)))


def prepare(folder):
    """Start ROS in a domain of its own."""
    os.environ.update(ROS_DOMAIN_ID=str(reserve_domain()), ROS_LOG_DIR=str(folder),
                      ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST')
    words = [word for name, value in PARAMETERS.items() for word in ('-p', f'{name}:={value}')]
    rclpy.init(args=['--ros-args', *words])
    return Listener()


def hostile_round(rng, rig):
    """Return the messages of a trigger of which some are hostile, left out, repeated or moved."""
    sent = rig.round()
    what = rng.random()
    if what < 0.2:
        name = rng.choice(sorted(OFFSETS_NS))
        places = [place for place, (topic, _) in enumerate(sent)
                  if topic in (f'/camera/{name}/camera_info', image_topic(name))]
        odd = odd_camera(rng, *(sent[place][1] for place in places))
        for place, message in zip(places, odd):
            sent[place] = (sent[place][0], message)
        return sent
    if what < 0.25:
        frame = transform('base_link', 'x', 0, (float('nan'), 0.0, 0.0), UPRIGHT)
        many = [transform('base_link', f'{rng.random()}', 0, (float('nan'), 0.0, 0.0), UPRIGHT)
                for _ in range(500)]
        return [*sent, ('/tf', TFMessage(transforms=[frame, *many]))]
    for _ in range(rng.choice((1, 1, 3, 8))):
        place = rng.randrange(len(sent))
        topic, message = sent[place]
        how = rng.random()
        if how < 0.75:
            sent[place] = (topic, spared(hostile_message(rng, message)))
        elif how < 0.85:
            del sent[place]
        elif how < 0.95:
            sent.insert(rng.randrange(len(sent)), sent[place])
        else:
            sent.append(('/reset', Empty()))
    if rng.random() < 0.1:
        rng.shuffle(sent)
    return sent


def spared(message):
    """Leave out loops of the vehicle's own frames, which cannot be told from the truth."""
    for stamped in getattr(message, 'transforms', ()):
        if stamped.child_frame_id.strip('/') in ('base_link', 'odom'):
            stamped.header.frame_id = 'odom'
    return message


def attempt(rng, listener, folder):
    """Send hostile rounds between sound ones to a new node, then see that it still works."""
    fuzzed = FuzzedNode(listener)
    try:
        for topic in fuzzed.topics() - {topic for topic, _ in fuzzed.rig.round()} - {'/reset'}:
            raise FindingError(f'nothing is sent on {topic}')
        for _ in range(rng.choice((2, 5, 10))):
            for topic, message in hostile_round(rng, fuzzed.rig):
                fuzzed.send(topic, message)
            if rng.random() < 0.7:
                fuzzed.settle()
        fuzzed.recover()
        return told(listener.parts)
    finally:
        fuzzed.close()


def told(parts):
    """Return for which errors sets were dropped."""
    reasons = sorted(name for name in parts.get('output', ()) if name.startswith('dropped: '))
    return ' '.join(reasons) or 'no set dropped'


TARGET = Target(prepare, attempt, cases=8, max_cpu_s=60.0, max_wall_s=240.0)
