# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A made-up rig of three cameras that publishes what real ones would, faults included."""

from collections.abc import Callable
from dataclasses import dataclass
import time
from weakref import WeakKeyDictionary

import cv2
from geometry_msgs.msg import TransformStamped
from lifecycle_msgs.srv import GetState
import numpy as np
from rclpy.client import Client
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, qos_profile_sensor_data, QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tf2_msgs.msg import TFMessage

from bdc_occ_ros.geometry.rotations import quaternion_from_matrix
from bdc_occ_ros.ros.conversions import make_header, to_nanoseconds, to_stamp

ImageMessage = Image | CompressedImage

WIDTH_PX, HEIGHT_PX = 128, 64
MS = 1_000_000
PERIOD_NS = 50 * MS
BAG_START_NS = 1_532_402_927_000_000_000
ANSWER_S, NUM_ASKED = 2.0, 60
EXECUTORS: WeakKeyDictionary[Node, Executor] = WeakKeyDictionary()
OFFSETS_NS = {'LEFT': 0, 'FRONT': 8 * MS, 'RIGHT': 15 * MS}
RAW = ('RIGHT',)
YAWS_RAD = {'LEFT': 2.0, 'FRONT': 0.0, 'RIGHT': -2.0}
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
INTRINSICS = (64.0, 0.0, 64.0, 0.0, 64.0, 32.0, 0.0, 0.0, 1.0)


def picture(seed: int) -> np.ndarray:
    """Return blurred noise, BGR."""
    noise = np.random.default_rng(seed).integers(0, 256, (HEIGHT_PX // 8, WIDTH_PX // 8, 3))
    return cv2.resize(noise.astype(np.uint8), (WIDTH_PX, HEIGHT_PX))


def image_message(name: str, stamp_ns: int) -> ImageMessage:
    """Return what a camera sends: RIGHT raw images, the others JPEGs."""
    pixels, header = picture(list(OFFSETS_NS).index(name)), make_header(stamp_ns, name)
    if name in RAW:
        return Image(header=header, width=WIDTH_PX, height=HEIGHT_PX, encoding='bgr8',
                     step=3 * WIDTH_PX, data=pixels.tobytes())
    return CompressedImage(header=header, format='jpeg',
                           data=cv2.imencode('.jpg', pixels)[1].tobytes())


def mount_quaternion(yaw_rad: float) -> np.ndarray:
    """Return the rotation of a level camera with optical axes, x y z w."""
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    return quaternion_from_matrix(np.array(
        [[sine, 0.0, cosine], [-cosine, 0.0, sine], [0.0, -1.0, 0.0]]))


def transform(parent: str, child: str, stamp_ns: int, position_m: tuple[float, float, float],
              rotation_xyzw: np.ndarray) -> TransformStamped:
    message = TransformStamped(header=make_header(stamp_ns, parent), child_frame_id=child)
    place, turn = message.transform.translation, message.transform.rotation
    place.x, place.y, place.z = map(float, position_m)
    turn.x, turn.y, turn.z, turn.w = map(float, rotation_xyzw)
    return message


@dataclass
class Fault:
    """
    What one camera does wrong.

    :param is_dead: It sends nothing.
    :param every: It sends every so many triggers only.
    :param copies: How often it sends every image.
    :param late_ns: How long after its trigger an image is sent.
    :param stamp: Turns the stamp into the one that is sent.
    :param image: Turns the message into the one that is sent.
    """

    is_dead: bool = False
    every: int = 1
    copies: int = 1
    late_ns: int = 0
    stamp: Callable[[int], int] = lambda stamp_ns: stamp_ns
    image: Callable[[ImageMessage], ImageMessage] = lambda message: message


def executor_of(node: Node) -> Executor:
    """Return what spins this node, and no other."""
    if node not in EXECUTORS:
        EXECUTORS[node] = SingleThreadedExecutor(context=node.context)
        EXECUTORS[node].add_node(node)
    return EXECUTORS[node]


def wait_for_the_node(node: Node, state: Client) -> None:
    """
    Return once the occupancy node, if there is one, has taken all that was sent to it.

    It answers requests in one thread with its subscriptions and after them. An answer may be lost
    while the two ends are still finding each other, so it is asked for again.

    :param node: Node that sent, which nobody else spins.
    :param state: Client of the occupancy node's get_state.
    """
    if not state.service_is_ready():
        return
    for _ in range(NUM_ASKED):
        future = state.call_async(GetState.Request())
        executor_of(node).spin_until_future_complete(future, ANSWER_S)
        if future.done():
            return
    raise AssertionError('the node does not answer')


class SimulatedRig:
    """
    Publishes compressed images, camera_info and TF, twenty triggers per second.

    No trigger follows before the node has taken the one before, so that a busy machine makes a
    test slow, and not different.

    :param node: Node that publishes.
    :param image_qos: Quality of service of images and camera_info.
    :param is_simulated: Whether time is that of /clock, which every step moves on to what is due
        next; else it is system time.
    :param has_info_publishers: Whether it is the one that publishes camera_info.
    """

    def __init__(self, node: Node, image_qos: QoSProfile = qos_profile_sensor_data,
                 is_simulated: bool = False, has_info_publishers: bool = True) -> None:
        self._node = node
        self.clock_publisher = node.create_publisher(Clock, '/clock', 10) if is_simulated else None
        self._state = node.create_client(GetState, 'bdc_occ/get_state')
        self.simulated_ns = BAG_START_NS
        self.faults = {name: Fault() for name in OFFSETS_NS}
        self.intrinsics = dict.fromkeys(OFFSETS_NS, INTRINSICS)
        self.info_fields: dict[str, dict] = {name: {} for name in OFFSETS_NS}
        self.has_ego_motion = True
        self.has_infos = has_info_publishers
        self.speed_mps = 0.0
        self.stamps_ns: list[int] = []
        self.shift_ns = 0
        self._trigger_ns = self.clock()
        self._waiting: list[tuple[int, int, str, ImageMessage]] = []
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._tf_static = node.create_publisher(TFMessage, '/tf_static', latched)
        self._tf = node.create_publisher(TFMessage, '/tf', 100)
        self._infos = {name: node.create_publisher(
            CameraInfo, f'camera/{name}/camera_info', image_qos)
            for name in OFFSETS_NS if has_info_publishers}
        self._images = {name: node.create_publisher(
            *((Image, f'camera/{name}/image') if name in RAW else
              (CompressedImage, f'camera/{name}/image/compressed')), image_qos)
            for name in OFFSETS_NS}

    def mount(self, name: str, rotation_xyzw: np.ndarray | None = None) -> None:
        """Publish where a camera is; a rotation may be given in place of the right one."""
        self.send_static([self.mounted(name, rotation_xyzw)])

    def mounted(self, name: str, rotation_xyzw: np.ndarray | None = None) -> TransformStamped:
        """Return where a camera is."""
        yaw_rad = YAWS_RAD[name]
        rotation = mount_quaternion(yaw_rad) if rotation_xyzw is None else rotation_xyzw
        position_m = (np.cos(yaw_rad), np.sin(yaw_rad), 1.5)
        return transform('base_link', name, 0, position_m, rotation)

    def send_static(self, transforms: list[TransformStamped]) -> None:
        """Publish other transforms that do not move."""
        self._tf_static.publish(TFMessage(transforms=transforms))

    def send_bytes(self, name: str, data: bytes) -> None:
        """Publish bytes in place of an image."""
        self._images[name].publish(data)

    def clock(self) -> int:
        """Return the time as this rig sees it, nanoseconds."""
        now_ns = time.time_ns() if self.clock_publisher is None else self.simulated_ns
        return now_ns + self.shift_ns

    def position_m(self, stamp_ns: int) -> float:
        """Return how far the vehicle has come, along x."""
        return self.speed_mps * (stamp_ns % 10**12) / 1e9

    def step(self) -> None:
        """Send what is due; after the last image of a trigger, wait until the node has it."""
        if self.clock_publisher is not None:
            self._pass_time()
        now_ns = self.clock()
        if now_ns - self._trigger_ns >= PERIOD_NS or now_ns < self._trigger_ns:
            self._trigger_ns = now_ns
            self._trigger(len(self.stamps_ns))
            self.stamps_ns.append(now_ns)
        due = sorted((waiting for waiting in self._waiting if waiting[0] <= now_ns),
                     key=lambda waiting: waiting[:2])
        self._waiting = [waiting for waiting in self._waiting if waiting[0] > now_ns]
        for _, _, name, message in due:
            self._send(name, message)
        if due and all(waiting[0] >= self._trigger_ns + PERIOD_NS for waiting in self._waiting):
            wait_for_the_node(self._node, self._state)

    def _pass_time(self) -> None:
        """Let the time of /clock pass until the next image or trigger."""
        next_ns = min([self._trigger_ns + PERIOD_NS, *(waiting[0] for waiting in self._waiting)])
        self.simulated_ns += min(max(next_ns - self.clock(), 0), PERIOD_NS)
        self.clock_publisher.publish(Clock(clock=to_stamp(self.simulated_ns)))

    def jump(self) -> None:
        """Forget what waits, as a recording that starts over does."""
        self._waiting.clear()
        self._trigger_ns = self.clock()

    def _trigger(self, count: int) -> None:
        for place, (name, offset_ns) in enumerate(OFFSETS_NS.items()):
            fault = self.faults[name]
            if fault.is_dead or count % fault.every:
                continue
            stamp_ns = self._trigger_ns + offset_ns
            message = fault.image(image_message(name, fault.stamp(stamp_ns)))
            for copy in range(fault.copies):
                self._waiting.append(
                    (stamp_ns + fault.late_ns, 10 * place + copy, name, message))

    def _send(self, name: str, message: ImageMessage) -> None:
        stamp_ns = to_nanoseconds(message.header.stamp)
        if self.has_ego_motion:
            position_m = (self.position_m(stamp_ns), 0.0, 0.0)
            self._tf.publish(TFMessage(transforms=[transform(
                'odom', 'base_link', stamp_ns, position_m, (0.0, 0.0, 0.0, 1.0))]))
        if self.has_infos:
            self._infos[name].publish(CameraInfo(**{
                'header': message.header, 'width': WIDTH_PX, 'height': HEIGHT_PX,
                'k': self.intrinsics[name], 'r': IDENTITY, **self.info_fields[name]}))
        self._images[name].publish(message)
