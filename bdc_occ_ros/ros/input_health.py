# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the inputs are: every camera, the synchronizer, the calibration and the ego motion."""

from collections.abc import Callable, Iterator
import re

from bdc_occ_ros.ros.diagnostics import Finding, Health, Level
from bdc_occ_ros.ros.reception import Reception
from bdc_occ_ros.ros.set_accounts import Accounts
from bdc_occ_ros.sync.synchronizer_statistics import (
    CameraStatistics,
    State,
    SynchronizerStatistics,
)

SYNC_LEVELS = {State.OK: Level.OK, State.DEGRADED: Level.WARN, State.STALLED: Level.ERROR}


class InputHealth:
    """
    Looks at the inputs again and again.

    :param news: Returns by how much a counter, given by name and value, has grown since the
        last look.
    """

    def __init__(self, reception: Reception, news: Callable[[str, int], int]) -> None:
        self._reception = reception
        self._news = news

    def examine(self, accounts: Accounts) -> Iterator[Health]:
        """
        Return the health of the inputs.

        :param accounts: What became of the images.
        """
        statistics = self._reception.synchronizer.statistics()
        self._reception.calibration.cameras()  # brings the problems up to date without images
        for name, camera in statistics.cameras.items():
            yield self._camera(name, camera, statistics, accounts)
        yield self._synchronizer(statistics)
        yield self._calibration()
        yield self._ego_motion()

    def _camera(self, name: str, statistics: CameraStatistics, all_: SynchronizerStatistics,
                accounts: Accounts) -> Health:
        source, calibration = self._reception.inputs[name], self._reception.calibration
        refused = self._news(f'refused {name}', accounts.refused.get(name, 0))
        lost = self._news(f'lost {name}', source.lost)
        findings = [
            (Level.ERROR, calibration.problems().get(name, '')),
            (Level.ERROR, f'{refused} images could not be used, last: '
                          f'{accounts.last_refusal.get(name)}' if refused else ''),
            (Level.ERROR, source.problem),
            *((Level.WARN, reason) for reason in all_.reasons
              if re.search(rf'\b{re.escape(name)}\b', reason)),
            (Level.WARN, f'{lost} images were lost on the way' if lost else ''),
            (Level.WARN, calibration.remarks().get(name, '')),
            (Level.WARN, accounts.remarks.get(name, '')),
        ]
        values = {
            'topic': source.subscribed_to or 'none', 'rate_hz': statistics.rate_hz,
            'age_ms': 'never' if statistics.age_ns is None else statistics.age_ns / 1e6,
            'images': source.received, 'lost': source.lost,
            'sets_without_it': statistics.num_missing, 'refused': accounts.refused.get(name, 0),
            'out_of_order': statistics.num_out_of_order,
            'offset_ms': 'unknown' if statistics.offset_ns is None
                         else statistics.offset_ns / 1e6,
            **{result.name.lower(): count for result, count in statistics.results.items()}}
        return Health(f'camera {name}', _present(findings), values)

    def _synchronizer(self, statistics: SynchronizerStatistics) -> Health:
        level = SYNC_LEVELS[statistics.state]
        findings = [(level, reason) for reason in statistics.reasons]
        return Health('synchronizer', _present(findings), {
            'state': statistics.state.value, 'complete': statistics.num_complete,
            'partial': statistics.num_partial, 'held': statistics.num_held,
            'max_spread_ms': statistics.max_spread_ns / 1e6, 'waiting': statistics.num_open,
            'waiting_bytes': statistics.size_bytes, 'epoch': statistics.epoch,
            'uses_receive_time': statistics.uses_receive_time,
            **{f'not formed: {cause.value}': count
               for cause, count in statistics.unformed.items()}})

    def _calibration(self) -> Health:
        calibration = self._reception.calibration
        changes = self._news('calibration changes', calibration.num_changes)
        findings = [
            *((Level.ERROR, text) for text in calibration.problems().values()),
            *((Level.WARN, f'transform refused: {text}')
              for text in self._reception.transforms.refusals.values()),
            (Level.WARN, f'changed {changes} times' if changes else ''),
            *((Level.WARN, f'{name}: {text}') for name, text in calibration.remarks().items()),
        ]
        return Health('calibration', _present(findings),
                      {'source': calibration.source, 'changes': calibration.num_changes})

    def _ego_motion(self) -> Health:
        motion = self._reception.ego_motion
        return Health('ego motion', _present([(Level.WARN, motion.problem)]), {
            'source': motion.source, 'compensated': motion.num_compensated,
            'ignored': motion.num_ignored, 'waited': motion.num_waited})


def _present(findings: list[tuple[Level, str]]) -> tuple[Finding, ...]:
    """Return the findings that say something."""
    return tuple(Finding(level, text) for level, text in findings if text)
