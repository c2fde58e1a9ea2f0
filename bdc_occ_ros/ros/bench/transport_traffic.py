# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Publish and count camera images, the two ends of the transport measurement, each a process.

Cameras publish; a listener counts. Both use the quality of service of camera drivers and of the
node: best effort, keep the last five. Two counts of the middleware tell what became of the
missing messages: the publisher's sequence numbers say how many there were, and the message_lost
event how many of them never came out of the transport. The others arrived, but were overwritten
because the listener was busy.
"""

import array
from collections.abc import Mapping
from functools import partial
import json
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from bdc_occ_ros.ros.compat import (
    message_callback,
    SEQUENCE_NUMBER,
    SubscriptionEventCallbacks,
)

TRIGGER_SPACING_S = 0.008  # as in nuScenes, whose six cameras fire within 43 ms
MATCH_TIMEOUT_S = 60.0
SETTLE_S = 1.0
NUM_MARKERS = 4
MARKER_PERIOD_S = 0.25
MARKER = 'marker'  # frame of the small messages that follow the images
RATES = ('received_hz', 'latency_p50_ms', 'latency_p99_ms', 'listener_cpu_percent')
TYPES = {'raw': Image, 'jpeg': CompressedImage}

ImageMessage = Image | CompressedImage


def image_message(message_format: str, width_px: int, height_px: int) -> ImageMessage:
    """
    Return a picture of gentle noise; as a JPEG it is about as large as one of a street.

    :param message_format: 'raw' for bgr8, or 'jpeg'.
    """
    import cv2
    noise = np.random.default_rng(0).integers(
        0, 255, (height_px // 16 + 1, width_px // 16 + 1, 3), np.uint8)
    picture = cv2.resize(noise, (width_px, height_px))
    if message_format == 'jpeg':
        data = cv2.imencode('.jpg', picture)[1]
        return CompressedImage(format='jpeg', data=array.array('B', data.tobytes()))
    return Image(width=width_px, height=height_px, encoding='bgr8', step=3 * width_px,
                 data=array.array('B', picture.tobytes()))


def publish(stream: SimpleNamespace) -> dict[str, object]:
    """
    Publish one picture for every camera for some seconds.

    :return: What was sent and how much of a core that took.
    :raises TimeoutError: if nobody subscribes within MATCH_TIMEOUT_S.
    """
    node = rclpy.create_node('bench_cameras', namespace=stream.namespace)
    message = image_message(stream.format, *stream.size)
    outputs = [node.create_publisher(type(message), f'camera_{index}', qos_profile_sensor_data)
               for index in range(stream.cameras)]
    deadline_s = time.monotonic() + MATCH_TIMEOUT_S
    while not all(output.get_subscription_count() for output in outputs):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f'nobody subscribed within {MATCH_TIMEOUT_S} s')
        time.sleep(0.05)
    time.sleep(SETTLE_S)
    num_frames = max(2, round(stream.seconds * stream.rate_hz))
    start_s, start_busy_s = time.monotonic(), time.process_time()
    drive(outputs, message, num_frames, stream.rate_hz)
    wall_s, busy_s = time.monotonic() - start_s, time.process_time() - start_busy_s
    for index in range(NUM_MARKERS):  # they alone reveal that images before them were lost
        time.sleep(MARKER_PERIOD_S)
        marker = type(message)(header=Header(frame_id=MARKER))
        marker.header.stamp.sec = index
        for output in outputs:
            output.publish(marker)
    time.sleep(MARKER_PERIOD_S)
    return {'sent': num_frames * stream.cameras, 'sent_hz': num_frames / wall_s,
            'publisher_cpu_percent': 100 * busy_s / wall_s}


def drive(outputs: list[Publisher], message: ImageMessage, num_frames: int,
          rate_hz: float) -> None:
    """
    Publish in bursts, the cameras one after another.

    :param rate_hz: Bursts per second.
    """
    spacing_s = min(TRIGGER_SPACING_S, 1.0 / rate_hz / len(outputs))
    start_s = time.monotonic()
    for frame in range(num_frames):
        for camera, output in enumerate(outputs):
            due_s = start_s + frame / rate_hz + camera * spacing_s
            time.sleep(max(0.0, due_s - time.monotonic()))
            stamp = message.header.stamp
            stamp.sec, stamp.nanosec = divmod(time.time_ns(), 1_000_000_000)
            output.publish(message)


class CameraTraffic:
    """Hold what the listener counted of one camera."""

    def __init__(self) -> None:
        self.published: int | None = None
        self.num_markers = 0
        self.reported_lost = 0

    @property
    def lost(self) -> int:
        """Return the number of images that never came out of the transport."""
        return max(0, self.reported_lost - (NUM_MARKERS - self.num_markers))

    def on_lost(self, event: object) -> None:
        """Take over what the middleware has counted."""
        self.reported_lost = event.total_count


class Listener(Node):
    """
    Count what arrives, how late it is and what is missing.

    :param stream: format, size, namespace and cameras.
    """

    def __init__(self, stream: SimpleNamespace) -> None:
        super().__init__('bench_listener', namespace=stream.namespace)
        self._cameras = [CameraTraffic() for _ in range(stream.cameras)]
        self._latencies_ms: list[float] = []
        self._times_s: list[tuple[float, float]] = []  # steady and processor time of each image
        self._num_damaged = 0
        self._num_bytes = len(
            image_message(stream.format, *stream.size).data)
        for index, camera in enumerate(self._cameras):
            self.create_subscription(
                TYPES[stream.format], f'camera_{index}',
                message_callback(partial(self._take, camera)), qos_profile_sensor_data,
                event_callbacks=SubscriptionEventCallbacks(message_lost=camera.on_lost))

    def _take(self, camera: CameraTraffic, message: ImageMessage,
              info: Mapping[str, int | None]) -> None:
        number = info.get(SEQUENCE_NUMBER)
        now_ns = time.time_ns()
        stamp = message.header.stamp
        if message.header.frame_id == MARKER:
            camera.num_markers += 1
            camera.published = None if number is None else number - stamp.sec - 1
            return
        self._num_damaged += len(message.data) != self._num_bytes
        self._latencies_ms.append((now_ns - stamp.sec * 1_000_000_000 - stamp.nanosec) / 1e6)
        self._times_s.append((time.monotonic(), time.process_time()))

    def result(self) -> dict[str, object]:
        """Return the counts; published is None where the middleware does not number."""
        published = [camera.published for camera in self._cameras]
        num_received = len(self._latencies_ms)
        result = {'published': None if None in published else sum(published),
                  'received': num_received, 'damaged': self._num_damaged,
                  'lost': sum(camera.lost for camera in self._cameras)}
        if num_received < 2:
            return result | dict.fromkeys(RATES, float('nan'))
        span_s, busy_s = np.subtract(self._times_s[-1], self._times_s[0])
        p50_ms, p99_ms = np.percentile(self._latencies_ms, (50, 99))
        return result | dict(zip(RATES, (
            (num_received - 1) / span_s / len(self._cameras), p50_ms, p99_ms,
            100 * busy_s / span_s)))


def listen(stream: SimpleNamespace) -> dict[str, object]:
    """Count until standard input ends; return the counts."""
    listener = Listener(stream)
    is_over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), is_over.set()), daemon=True).start()
    while not is_over.is_set():
        rclpy.spin_once(listener, timeout_sec=0.1)
    return listener.result()


def main() -> None:
    """Run one end of the measurement, publish or listen, and print its counts as JSON."""
    end, stream = sys.argv[1], SimpleNamespace(**json.loads(sys.argv[2]))
    rclpy.init()
    print(json.dumps((publish if end == 'publish' else listen)(stream)))
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
