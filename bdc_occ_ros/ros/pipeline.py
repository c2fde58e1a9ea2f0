# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Decode, predict and publish the newest set in a thread of its own; count what came of it."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
import logging
import os
import threading
import time
import traceback
from typing import NamedTuple, TYPE_CHECKING

import numpy as np
from rclpy.node import Node
from rclpy.task import Future

from bdc_occ_ros.datatypes import Frame, Occupancy
from bdc_occ_ros.errors import InvalidCalibrationError, InvalidFrameError, UsageError
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.image_decoding import decode_for_camera, DecodedImage
from bdc_occ_ros.ros.boundary import Boundary, described
from bdc_occ_ros.ros.inputs import Inputs, Item, LatestSlot
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.outputs import OutputPublishers
from bdc_occ_ros.ros.parameters import LiveParameters
from bdc_occ_ros.sync.image_sets import ImageSet
from bdc_occ_ros.sync.statistics import State

if TYPE_CHECKING:  # PyTorch is loaded when the node is configured, not when it is started
    from bdc_occ_ros.predictor import Prediction, Predictor

MAX_DECODERS = 4
LATENCIES_KEPT = 100
MAX_REMARKS_LOGGED = 10  # per camera, whose images may change all the time
CHECK_PERIOD_S = 0.2
GRID_AGE_S = 2.0

logger = logging.getLogger(__name__)


class Result(NamedTuple):
    """Hold a frame that was computed and what came of it."""

    frame: Frame
    prediction: 'Prediction'


@dataclass
class PipelineStatistics:
    """
    Count what became of the sets and images that the pipeline took.

    :param computed: Sets that gave an output.
    :param unwanted: Sets not computed because nobody subscribed.
    :param stale: Sets from before a jump in time.
    :param dropped: Sets that could not be computed, by reason.
    :param last_drop: The last reason in words.
    :param remarks: What had to be assumed about the last image, by camera.
    :param delayed_in_a_row: Newest outputs that took longer than the budget, without a break.
    :param latencies_ms: Exposure to output of the newest sets.
    """

    computed: int = 0
    unwanted: int = 0
    stale: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    last_drop: str = ''
    remarks: dict[str, str] = field(default_factory=dict)
    delayed_in_a_row: int = 0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    _num_told: Counter[str] = field(default_factory=Counter, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def count_computed(self, latency_ms: float, budget_ms: float) -> None:
        """Count an output."""
        with self._lock:
            self.computed += 1
            self.latencies_ms.append(latency_ms)
            self.delayed_in_a_row = self.delayed_in_a_row + 1 if latency_ms > budget_ms else 0

    def count_dropped(self, error: Exception) -> None:
        """Count a set that could not be computed."""
        with self._lock:
            self.dropped[type(error).__name__] += 1
            self.last_drop = described(error)

    def note_remark(self, camera: str, remark: str) -> None:
        """
        Keep what had to be assumed about an image, and warn when that is new.

        :param remark: In words; empty if nothing had to.
        """
        with self._lock:
            is_news = bool(remark) and remark != self.remarks.get(camera, '')
            self.remarks[camera] = remark
            self._num_told[camera] += is_news
        if is_news and self._num_told[camera] <= MAX_REMARKS_LOGGED:
            logger.warning('%s: %s', camera, remark)

    def copy(self) -> 'PipelineStatistics':
        """Return the numbers as they are now."""
        with self._lock:
            return replace(self, dropped=self.dropped.copy(), remarks=self.remarks.copy(),
                           latencies_ms=self.latencies_ms.copy())


class InferenceThread:
    """
    Process the newest item of a slot, one at a time, from construction until stop.

    :param node: Node that logs, and whose executor is stopped by an unforeseen error.
    :param check: Called after every item, and where none comes every fifth of a second.
    """

    def __init__(self, node: Node, slot: LatestSlot[Item], work: Callable[[Item], None],
                 check: Callable[[], None] = lambda: None) -> None:
        self._node = node
        self._slot = slot
        self._work = work
        self._check = check
        self._crash: Exception | None = None
        self._crashed = node.create_guard_condition(self._raise_crash)
        self._thread = threading.Thread(target=self._run, name='inference', daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> bool:
        """
        Let the item in work finish and end the thread.

        :param timeout_s: Longest wait; None waits as long as it takes.
        :return: Whether the thread has ended.
        """
        self._slot.close()
        self._thread.join(timeout_s)
        self._node.destroy_guard_condition(self._crashed)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._slot.is_closed:
                item = self._slot.get(CHECK_PERIOD_S)
                if item is not None:
                    self._work(item)
                self._check()
        except Exception as error:  # noqa: BLE001 - handed to the thread that can end the process
            if not self._node.context.ok():
                return  # ROS was shut down in the middle of a set
            self._node.get_logger().fatal(f'inference: {traceback.format_exc()}')
            self._crash = error
            self._crashed.trigger()

    def _raise_crash(self) -> None:
        """Raise in the executor's thread, which ends the process visibly."""
        raise RuntimeError('the inference thread has died; see above') from self._crash


def rig_of_images(rig: CameraRig, images: Mapping[str, DecodedImage]) -> CameraRig:
    """
    Return a rig whose cameras fit the sizes of the images; the same object if they do already.

    :raises InvalidCalibrationError: if an image's camera is not in the rig.
    """
    if all(rig[name].fingerprint == image.camera.fingerprint for name, image in images.items()):
        return rig
    sized = {name: image.camera for name, image in images.items()}
    return CameraRig(tuple(sized.get(camera.name, camera) for camera in rig.cameras),
                     rig.key_camera)


class Pipeline:
    """
    Compute and publish the outputs of sets, one at a time.

    A camera whose image or calibration cannot be trusted is treated as one that did not deliver:
    its error is counted under its name, and the missing policy decides about the set.

    :param node: Node that logs and whose clock dates the outputs.
    :param inputs: Where sets, calibration and poses are taken from.
    """

    def __init__(self, node: Node, live: LiveParameters, inputs: Inputs, predictor: 'Predictor',
                 outputs: OutputPublishers) -> None:
        self.last_occupancy: Occupancy | None = None
        self._asked: list[Future] = []
        self.statistics = PipelineStatistics()
        self._node = node
        self._boundary = Boundary(node)
        self._live = live
        self._inputs = inputs
        self._predictor = predictor
        self._outputs = outputs
        is_reduced = live.config.image_decoding == 'reduced'
        self._decode_reduction = predictor.decode_reduction if is_reduced else lambda camera: 1
        self._rig: CameraRig | None = None
        self._calibrated = b''
        self._last_output_s: float | None = None
        self._decoders = ThreadPoolExecutor(min(MAX_DECODERS, os.cpu_count() or 1), 'decode')
        self._thread = InferenceThread(node, inputs.slot, self.process, self._check)

    def stop(self, timeout_s: float | None = None) -> None:
        """
        Let the set in work finish and end the threads.

        :param timeout_s: Longest wait; None waits as long as it takes.
        """
        self._thread.stop(timeout_s)
        self._refuse_asked('the node was stopped before the next set')
        self._decoders.shutdown(wait=False, cancel_futures=True)

    def next_result(self) -> Future:
        """Let the next set be computed, wanted or not; get its Result or a UsageError."""
        self._asked.append(Future())
        return self._asked[-1]

    def _refuse_asked(self, reason: str) -> None:
        while self._asked:
            self._asked.pop().set_exception(UsageError(reason))

    def _check(self) -> None:
        """Withdraw a grid that no newer one has followed, and refuse results when no sets come."""
        max_rate_hz = self._live.config.sync.max_rate_hz
        age_s = max(GRID_AGE_S, 2.0 / max_rate_hz) if max_rate_hz else GRID_AGE_S
        self._outputs.withdraw_grid(f'no newer one has followed for {age_s:.1f} s', age_s)
        if self._asked:
            formed = self._inputs.synchronizer.statistics()
            if formed.state is State.STALLED:
                self._refuse_asked(f'no sets come: {"; ".join(formed.reasons)}')

    def process(self, image_set: ImageSet) -> None:
        """
        Compute a set if an output has subscribers or its result was asked for.

        An error in its data drops and counts it.
        """
        config = self._live.config
        if not (self._asked or self._outputs.wanted(config)):
            self.statistics.unwanted += 1
        elif self._is_stale(image_set):
            self.statistics.stale += 1
        else:
            with self._boundary.around('set', self._drop):
                self._compute(image_set, config)

    def _drop(self, error: Exception) -> None:
        self.statistics.count_dropped(error)
        reason = f'set dropped: {described(error)}'
        self._refuse_asked(reason)
        self._node.get_logger().warning(reason, throttle_duration_sec=5.0)

    def _is_stale(self, image_set: ImageSet) -> bool:
        """Tell whether a set is from before the last jump in time."""
        return image_set.epoch != self._inputs.synchronizer.epoch

    def _compute(self, image_set: ImageSet, config: NodeConfig) -> None:
        start_s = time.perf_counter()
        frame = self._frame(image_set, config)
        decoded_s = time.perf_counter()
        pose = self._output_from_ego(frame.stamp_ns, config)
        timed = self._predictor.run(frame)
        if self._is_stale(image_set):
            self.statistics.stale += 1
            return
        while self._asked:
            self._asked.pop().set_result(Result(frame, timed.prediction))
        self.last_occupancy = timed.prediction.occupancy
        predicted_s = time.perf_counter()
        self._outputs.publish(timed.prediction, config, pose)
        end_s = time.perf_counter()
        oldest_ns = min(frame.stamps_ns.values())
        latency_ms = (self._node.get_clock().now().nanoseconds - oldest_ns) / 1e6
        self.statistics.count_computed(latency_ms, config.latency_warn_ms)
        if config.publish.debug:
            steps_ms = {'decode': (decoded_s - start_s) * 1e3, **timed.timings_ms,
                        'publish': (end_s - predicted_s) * 1e3, 'total': (end_s - start_s) * 1e3}
            self._outputs.publish_durations(
                steps_ms, latency_ms,
                None if self._last_output_s is None else (end_s - self._last_output_s) * 1e3)
        self._last_output_s = end_s

    def _frame(self, image_set: ImageSet, config: NodeConfig) -> Frame:
        """
        Decode the images of a set and add calibration and ego poses.

        The sizes in which cameras came are remembered, so that the rig, and with it the geometry
        computed from it, stays the same when a camera is missing.
        """
        calibrated = self._inputs.calibration.cameras()
        images = self._decode(image_set, calibrated)
        refused = [name for name in image_set.entries if name not in images]
        policy, min_cameras = config.sync.missing_policy, config.sync.min_cameras
        if refused and (policy != 'partial' or len(images) < min_cameras):
            raise InvalidFrameError(
                f'{", ".join(refused)} cannot be used; sync.missing_policy is {policy} with at '
                f'least {min_cameras} cameras')
        key = config.key_camera if config.key_camera in calibrated else next(iter(images))
        stamps_ns = {name: image_set.entries[name].stamp_ns for name in images}
        stamp_ns = stamps_ns.get(key, image_set.key_stamp_ns)
        poses = self._inputs.ego_motion.poses({key: stamp_ns, **stamps_ns})
        rig = CameraRig(tuple(calibrated.values()), key)
        if rig.fingerprint != self._calibrated:
            self._rig, self._calibrated = rig, rig.fingerprint
        self._rig = rig_of_images(self._rig, images)
        return Frame({name: image.pixels for name, image in images.items()}, stamps_ns, self._rig,
                     stamp_ns, poses)

    def _decode(self, image_set: ImageSet,
                calibrated: Mapping[str, Camera]) -> dict[str, DecodedImage]:
        """Return the images that can be used and count the others."""
        def decode(name: str) -> DecodedImage:
            if name not in calibrated:
                raise InvalidCalibrationError(f'{name} is not calibrated')
            return decode_for_camera(image_set.entries[name].payload, calibrated[name],
                                     self._decode_reduction, colors)

        colors, images = self._live.config.compressed_colors, {}
        decoding = {name: self._decoders.submit(decode, name) for name in image_set.entries}
        for name, future in decoding.items():
            with self._boundary.around(name, self._inputs.cameras[name].refuse):
                image = future.result()
                self._predictor.prepare(image.camera)
                self.statistics.note_remark(name, image.remark)
                images[name] = image
        return images

    def _output_from_ego(self, stamp_ns: int, config: NodeConfig) -> np.ndarray | None:
        """Return the pose of the ego frame in the output frame; None where both are the same."""
        if config.frame == config.base_frame:
            return None
        return self._inputs.transforms.lookup_until(
            time.monotonic() + config.ego_motion_wait_ms / 1e3, config.frame, config.base_frame,
            stamp_ns)
