# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read the health of the node, its inputs and its outputs, and publish it as diagnostics."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
import logging
import re
import sys
import time
from typing import Any, TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
import numpy as np
from rclpy.clock import Clock, ClockType

from bdc_occ_ros.ros.inputs import Inputs
from bdc_occ_ros.ros.lifecycle import ReportingLifecycleNode
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.outputs import OutputPublishers
from bdc_occ_ros.ros.parameters import LiveParameters
from bdc_occ_ros.ros.pipeline import Pipeline, PipelineStatistics
from bdc_occ_ros.sync.statistics import State, SynchronizerStatistics

if TYPE_CHECKING:
    from bdc_occ_ros.predictor import Predictor

DELAYS_TOLERATED = 3
MAX_TEXT_LENGTH = 1000  # of an entry; frames and encodings are named by strangers

logger = logging.getLogger(__name__)


class Level(IntEnum):
    """Enumerate severities; the numbers are those of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


SEVERITIES = {Level.OK: logging.INFO, Level.WARN: logging.WARNING, Level.ERROR: logging.ERROR}
SYNC_LEVELS = {State.OK: Level.OK, State.DEGRADED: Level.WARN, State.STALLED: Level.ERROR}


def _status(part: str, entries: Iterable[tuple[Level, str]], values: Mapping[str, Any],
            summary: str = 'OK') -> DiagnosticStatus:
    """
    Return the status of a part; its level is that of the worst entry.

    :param entries: What is not as it should be; nothing where the text is empty.
    :param summary: What to say when nothing is wrong.
    """
    wrong = sorted(((level, text[:MAX_TEXT_LENGTH]) for level, text in entries if text),
                   reverse=True)
    return DiagnosticStatus(
        level=bytes([wrong[0][0] if wrong else Level.OK]), name=part,
        message='; '.join(text for _, text in wrong) or summary,
        values=[KeyValue(key=key, value=f'{value:.3f}' if isinstance(value, float)
                         else str(value)) for key, value in values.items()])


class HealthLog:
    """Log every change of a part's level, once, with how long the level before has lasted."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[Level, float]] = {}

    def follow(self, statuses: Iterable[DiagnosticStatus]) -> None:
        """Compare with the statuses of the call before; a part that is new was OK."""
        now_s, before = time.monotonic(), self._since
        self._since = {}
        for status in statuses:
            level = Level(status.level[0])
            last, since_s = before.get(status.name, (Level.OK, now_s))
            self._since[status.name] = level, since_s if level == last else now_s
            if level != last:
                logger.log(SEVERITIES[level], '%s: %s after %.1f s of %s: %s', status.name,
                           level.name, now_s - since_s, last.name, status.message)


class ChainDiagnostics:
    """Read the status of everything that runs while the node is active."""

    def __init__(self, live: LiveParameters, inputs: Inputs, pipeline: Pipeline,
                 predictor: 'Predictor', outputs: OutputPublishers) -> None:
        self._live = live
        self._inputs = inputs
        self._pipeline = pipeline
        self._predictor = predictor
        self._outputs = outputs
        self._counted: Counter[str] = Counter()
        self._last_look_s = time.monotonic()

    def read(self) -> Iterator[DiagnosticStatus]:
        """Return the status of every part; called once per diagnostics message."""
        config, done = self._live.config, self._pipeline.statistics.copy()
        formed = self._inputs.synchronizer.statistics()
        self._inputs.calibration.cameras()  # brings the problems up to date without images
        for name in formed.cameras:
            yield self._camera(name, formed, done)
        yield self._synchronizer(formed)
        yield _status('subscriptions', [
            (Level.ERROR, text) for text in self._inputs.qos_mismatches.values()], {})
        yield self._calibration()
        yield self._ego_motion()
        yield self._inference(config)
        yield self._latency(config, done)
        yield self._output(done)

    def _delta(self, counter: str, value: int) -> int:
        """Return by how much a counter has grown since it was last read."""
        before, self._counted[counter] = self._counted[counter], value
        return value - before

    def _camera(self, name: str, formed: SynchronizerStatistics,
                done: PipelineStatistics) -> DiagnosticStatus:
        statistics, source = formed.cameras[name], self._inputs.cameras[name]
        calibration = self._inputs.calibration
        refused = self._delta(f'refused {name}', source.refused)
        lost = self._delta(f'lost {name}', source.lost)
        return _status(f'camera {name}', [
            (Level.ERROR, calibration.problems().get(name, '')),
            (Level.ERROR, f'{refused} images could not be used, last: '
                          f'{source.last_refusal}' if refused else ''),
            (Level.ERROR, source.problem),
            *((Level.WARN, reason) for reason in formed.reasons
              if re.search(rf'\b{re.escape(name)}\b', reason)),
            (Level.WARN, f'{lost} images were lost on the way; raw ones above 0.5 MB need '
             'config/fastdds_profile.xml at their sender: set FASTRTPS_DEFAULT_PROFILES_FILE there'
             if lost else ''),
            (Level.WARN, calibration.remarks().get(name, '')),
            (Level.WARN, done.remarks.get(name, '')),
        ], {
            'topic': source.subscribed_to or 'none', 'rate_hz': statistics.rate_hz,
            'age_ms': 'never' if statistics.age_ns is None else statistics.age_ns / 1e6,
            'images': source.received, 'lost': source.lost,
            'sets_without_it': statistics.num_missing, 'refused': source.refused,
            'out_of_order': statistics.num_out_of_order,
            'offset_ms': 'unknown' if statistics.offset_ns is None
                         else statistics.offset_ns / 1e6,
            **{result.name.lower(): count for result, count in statistics.results.items()}})

    def _synchronizer(self, formed: SynchronizerStatistics) -> DiagnosticStatus:
        level = SYNC_LEVELS[formed.state]
        return _status('synchronizer', [(level, reason) for reason in formed.reasons], {
            'state': formed.state.value, 'complete': formed.num_complete,
            'partial': formed.num_partial, 'held': formed.num_held,
            'max_spread_ms': formed.max_spread_ns / 1e6, 'waiting': formed.num_open,
            'waiting_bytes': formed.size_bytes, 'epoch': formed.epoch,
            'uses_receive_time': formed.uses_receive_time,
            **{f'not formed: {reason.value}': count
               for reason, count in formed.dropped.items()}})

    def _calibration(self) -> DiagnosticStatus:
        calibration = self._inputs.calibration
        transforms = self._inputs.transforms
        changes = self._delta('calibration changes', calibration.num_changes)
        return _status('calibration', [
            *((Level.ERROR, text) for text in calibration.problems().values()),
            *((Level.WARN, f'transform refused: {text}')
              for text in transforms.refusals.values()),
            (Level.WARN, f'changed {changes} times' if changes else ''),
            *((Level.WARN, f'{name}: {text}') for name, text in calibration.remarks().items()),
        ], {'source': calibration.source, 'changes': calibration.num_changes,
            'transforms_refused': transforms.num_refused})

    def _ego_motion(self) -> DiagnosticStatus:
        motion = self._inputs.ego_motion
        return _status('ego motion', [(Level.WARN, motion.problem)], {
            'source': motion.source, 'compensated': motion.num_compensated,
            'ignored': motion.num_ignored, 'waited': motion.num_waited})

    def _inference(self, config: NodeConfig) -> DiagnosticStatus:
        backend, is_trained = self._predictor.backend, self._predictor.is_trained
        return _status('inference', [(
            Level.WARN, '' if is_trained else
            'the network is untrained: its output means nothing; set model.weights')],
            {'backend': backend, 'model': config.model.name,
             'weights': config.model.weights or 'none', 'is_trained': is_trained}, backend)

    def _latency(self, config: NodeConfig, done: PipelineStatistics) -> DiagnosticStatus:
        if not done.latencies_ms:
            return _status('latency', (), {}, 'nothing computed yet')
        p50_ms, p95_ms = np.percentile(done.latencies_ms, (50, 95))
        late = (f'{done.delayed_in_a_row} outputs in a row took longer than '
                f'{config.latency_warn_ms:.0f} ms')
        return _status(
            'latency', [(Level.WARN, late if done.delayed_in_a_row >= DELAYS_TOLERATED else '')],
            {'p50_ms': float(p50_ms), 'p95_ms': float(p95_ms), 'newest_ms': done.latencies_ms[-1]},
            f'p50 {p50_ms:.0f} ms')

    def _output(self, done: PipelineStatistics) -> DiagnosticStatus:
        now_s = time.monotonic()
        elapsed_s, self._last_look_s = now_s - self._last_look_s, now_s
        rate_hz = self._delta('computed', done.computed) / max(elapsed_s, 1e-3)
        dropped = self._delta('dropped', done.dropped.total())
        num_cut_off = self._outputs.num_cut_off
        idle = self._delta('unwanted', done.unwanted) and not rate_hz
        seen, settings = self._pipeline.last_occupancy, self._live.config.grid
        can_be_free = seen and seen.grid.free_columns(seen.observed, settings.max_height_m)
        return _status('output', [
            (Level.ERROR, f'{dropped} sets dropped, last: {done.last_drop}' if dropped else ''),
            (Level.WARN, f'{num_cut_off} points cut off by max_points or max_markers'
             if num_cut_off else ''),
            (Level.WARN, 'no cell of occupancy/grid can be free: nowhere is level ground seen and '
             'all above it to grid.max_height_m; `bdc-occ rig` draws what the cameras see'
             if seen and not can_be_free.any() else ''),
        ], {
            'rate_hz': rate_hz, 'computed': done.computed, 'unwanted': done.unwanted,
            'skipped_for_newer': self._inputs.slot.num_replaced, 'stale': done.stale,
            **{f'dropped: {reason}': count for reason, count in done.dropped.items()}},
            'nobody subscribes, nothing is computed' if idle else f'{rate_hz:.1f} Hz')


class Diagnostics:
    """
    Publish /diagnostics periodically by the steady clock, so that a paused bag is reported too.

    :param node: Node whose lifecycle is reported.
    """

    def __init__(self, node: ReportingLifecycleNode, period_s: float) -> None:
        self.chain: ChainDiagnostics | None = None  # while the node is active
        self._node = node
        self._health_log = HealthLog()
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._timer = node.create_timer(
            period_s, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def set_period(self, period_s: float) -> None:
        """Publish more or less often."""
        self._timer.timer_period_ns = round(period_s * 1e9)

    def destroy(self) -> None:
        """Stop publishing."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)

    def _lifecycle(self) -> DiagnosticStatus:
        clock = self._node.get_clock()
        is_waiting = clock.ros_time_is_active and clock.now().nanoseconds == 0
        return _status('lifecycle', [
            (Level.ERROR, self._node.last_failure),
            (Level.ERROR, 'use_sim_time is set, but nothing comes on /clock; play the bag with '
                          '--clock' if is_waiting else ''),
        ], {'interpreter': sys.executable}, self._node.state_label)

    def _publish(self) -> None:
        name = self._node.get_fully_qualified_name().removeprefix('/')
        message = DiagnosticArray(
            status=[self._lifecycle(), *(self.chain.read() if self.chain else ())])
        self._health_log.follow(message.status)
        for status in message.status:
            status.name, status.hardware_id = f'{name}: {status.name}', name
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
