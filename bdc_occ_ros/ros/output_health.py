# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the outputs are: the network, its latency, and what was published."""

from collections.abc import Callable, Iterator
import time

import numpy as np

from bdc_occ_ros.ros.diagnostics import Finding, Health, Level
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.set_accounts import Accounts

DELAYS_TOLERATED = 3


class OutputHealth:
    """
    Looks at the outputs again and again.

    :param news: Returns by how much a counter, given by name and value, has grown since the
        last look.
    :param backend: What computes, in words.
    :param is_trained: Whether the weights were learned.
    """

    def __init__(self, news: Callable[[str, int], int], backend: str, is_trained: bool) -> None:
        self._news = news
        self._backend = backend
        self._is_trained = is_trained
        self._last_look_s = time.monotonic()

    def examine(self, config: NodeConfig, accounts: Accounts, num_skipped: int,
                num_cut_off: int) -> Iterator[Health]:
        """
        Return the health of the outputs.

        :param config: Parameters that hold now.
        :param accounts: What became of the sets.
        :param num_skipped: Sets that a newer one replaced before they were computed.
        :param num_cut_off: Points and cubes of the last set left out by a limit.
        """
        yield self._inference(config)
        yield self._latency(config, accounts)
        yield self._output(accounts, num_skipped, num_cut_off)

    def _inference(self, config: NodeConfig) -> Health:
        untrained = Finding(Level.WARN, 'the network is untrained: its output means nothing; set '
                                        'model.weights')
        return Health('inference', () if self._is_trained else (untrained,),
                      {'backend': self._backend, 'model': config.model.name,
                       'weights': config.model.weights or 'none',
                       'is_trained': str(self._is_trained)}, self._backend)

    def _latency(self, config: NodeConfig, accounts: Accounts) -> Health:
        if not accounts.latencies_ms:
            return Health('latency', (), summary='nothing computed yet')
        p50_ms, p95_ms = np.percentile(accounts.latencies_ms, (50, 95))
        late = Finding(Level.WARN, f'{accounts.delayed_in_a_row} outputs in a row took longer '
                                   f'than {config.latency_warn_ms:.0f} ms')
        return Health('latency', (late,) if accounts.delayed_in_a_row >= DELAYS_TOLERATED else (),
                      {'p50_ms': float(p50_ms), 'p95_ms': float(p95_ms),
                       'newest_ms': accounts.latencies_ms[-1]}, f'p50 {p50_ms:.0f} ms')

    def _output(self, accounts: Accounts, num_skipped: int, num_cut_off: int) -> Health:
        now_s = time.monotonic()
        elapsed_s, self._last_look_s = now_s - self._last_look_s, now_s
        rate_hz = self._news('computed', accounts.computed) / max(elapsed_s, 1e-3)
        dropped = self._news('dropped', accounts.num_dropped)
        findings = []
        if dropped:
            findings.append(Finding(Level.ERROR, f'{dropped} sets dropped, last: '
                                                 f'{accounts.last_drop}'))
        if num_cut_off:
            findings.append(Finding(Level.WARN, f'{num_cut_off} points cut off by max_points or '
                                                'max_markers'))
        idle = self._news('unwanted', accounts.unwanted) and not rate_hz
        return Health('output', tuple(findings), {
            'rate_hz': rate_hz, 'computed': accounts.computed, 'unwanted': accounts.unwanted,
            'skipped_for_newer': num_skipped, 'stale': accounts.stale,
            **{f'dropped: {reason}': count for reason, count in accounts.dropped.items()}},
            'nobody subscribes, nothing is computed' if idle else f'{rate_hz:.1f} Hz')
