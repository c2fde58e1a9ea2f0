# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Findings, how they become a diagnostic status, and the topic that carries it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node


class Level(IntEnum):
    """How bad it is; the numbers are those of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    level: Level
    text: str


@dataclass(frozen=True)
class Health:
    """
    How one part of the node is.

    :param part: Name of the part.
    :param findings: What is wrong with it; nothing is OK.
    :param summary: What to say when nothing is wrong.
    """

    part: str
    findings: tuple[Finding, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    summary: str = 'OK'

    def to_message(self, node_name: str) -> DiagnosticStatus:
        """
        Return the status; its level is that of the worst finding.

        :param node_name: What comes before the part in the name of the status.
        """
        level = max((finding.level for finding in self.findings), default=Level.OK)
        text = '; '.join(finding.text for finding in sorted(self.findings, reverse=True))
        return DiagnosticStatus(
            level=bytes([level]), name=f'{node_name}: {self.part}', message=text or self.summary,
            hardware_id=node_name,
            values=[KeyValue(key=key, value=_text(value)) for key, value in self.values.items()])


def _text(value: Any) -> str:
    return f'{value:.3f}' if isinstance(value, float) else str(value)


class Growth:
    """Counters as they were at the last look, for a report of what is new."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def __call__(self, name: str, value: int) -> int:
        """
        Return by how much a counter has grown.

        :param value: How far it is now.
        """
        before, self._seen[name] = self._seen.get(name, 0), value
        return value - before


class Diagnostics:
    """
    Publishes /diagnostics periodically by the steady clock, so that a paused bag is reported too.

    :param period_s: Time between two messages.
    :param examine: Returns the health of every part.
    """

    def __init__(self, node: Node, period_s: float,
                 examine: Callable[[], Iterable[Health]]) -> None:
        self._node = node
        self._examine = examine
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._timer = node.create_timer(
            period_s, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def set_period(self, period_s: float) -> None:
        """
        Publish more or less often.

        :param period_s: Time between two messages.
        """
        self._timer.timer_period_ns = round(period_s * 1e9)

    def destroy(self) -> None:
        """Stop publishing."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)

    def _publish(self) -> None:
        message = DiagnosticArray(
            status=[health.to_message(self._node.get_fully_qualified_name().removeprefix('/'))
                    for health in self._examine()])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
