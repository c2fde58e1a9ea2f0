# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Report the node's sets in, results out, latency, and reasons of missing results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

PERCENTILES = (50, 95, 99)
COUNTED = {  # where the node's diagnostics say that sets went: part, key, in our words
    ('output', 'skipped_for_newer'): 'replaced by a newer set while the network was busy',
    ('output', 'unwanted'): 'nobody subscribed',
    ('output', 'stale'): 'from before a jump in time',
}
REASON_PREFIXES = {'output': 'dropped: ', 'synchronizer': 'not formed: '}


@dataclass(frozen=True)
class RunReport:
    """
    Report the sets of images in and the results out of one run.

    :param sets_in: Sets in the bag that was played.
    :param latency_ms: From the key camera's exposure to the result's arrival: p50, p95, p99.
    :param since_last_image_ms: The same from the last exposure of the set.
    :param steps_ms: Duration of every step of the node, by name: p50, p95, p99.
    :param not_computed: Sets without a result, by reason.
    :param unaccounted: Sets that neither gave a result nor have a reason.
    """

    sets_in: int
    sets_out: int
    rate_in_hz: float
    rate_out_hz: float
    latency_ms: tuple[float, ...]
    since_last_image_ms: tuple[float, ...]
    steps_ms: Mapping[str, tuple[float, ...]]
    not_computed: Mapping[str, int]
    unaccounted: int

    def as_text(self) -> str:
        """Format the report as text."""
        lines = [f'  sets in            {self.sets_in:6d}   {self.rate_in_hz:6.2f} Hz',
                 f'  sets out           {self.sets_out:6d}   {self.rate_out_hz:6.2f} Hz']
        for name, values in (('from the key exposure', self.latency_ms),
                             ('from the last exposure', self.since_last_image_ms)):
            shown = '   '.join(f'p{p} {value:6.0f} ms' for p, value in zip(PERCENTILES, values))
            lines.append(f'  latency {name:23} {shown}')
        if self.steps_ms:
            steps = ', '.join(f'{step} {values[0]:.0f}' for step, values in self.steps_ms.items())
            lines.append(f'  node, p50 in ms    {steps}')
        lines += [f'  not computed       {count:6d}   {reason}'
                  for reason, count in self.not_computed.items()]
        return '\n'.join([*lines, f'  without a reason   {self.unaccounted:6d}'])


def report_run(key_stamps_ns: Sequence[int], received_ns: Mapping[int, int], set_spread_ns: int,
               diagnostics: Mapping[str, Mapping[str, str]],
               steps_ms: Mapping[str, Sequence[float]]) -> RunReport:
    """
    Report on a run.

    :param key_stamps_ns: Exposures of the key camera that were played.
    :param received_ns: When the result of an exposure arrived, by its stamp.
    :param set_spread_ns: From the first exposure of a set to its last.
    :param diagnostics: Newest values of the node by part.
    :param steps_ms: Durations of every step of the node, by name.
    """
    delays_ms = np.array([arrival - stamp for stamp, arrival in received_ns.items()]) / 1e6
    reasons = not_computed(diagnostics)
    num_out = len(set(received_ns) & set(key_stamps_ns))
    return RunReport(
        len(key_stamps_ns), num_out, _rate_hz(key_stamps_ns), _rate_hz(sorted(received_ns)),
        _percentiles(delays_ms), _percentiles(delays_ms - set_spread_ns / 1e6),
        {step: _percentiles(np.array(values)) for step, values in steps_ms.items()}, reasons,
        len(key_stamps_ns) - num_out - sum(reasons.values()))


def not_computed(diagnostics: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    """
    Return how many sets gave no result, by reason.

    :param diagnostics: Newest values of the node by part.
    """
    found = {words: int(diagnostics.get(part, {}).get(key, 0))
             for (part, key), words in COUNTED.items()}
    for part, prefix in REASON_PREFIXES.items():
        found |= {key: int(value) for key, value in diagnostics.get(part, {}).items()
                  if key.startswith(prefix)}
    return {reason: count for reason, count in found.items() if count}


def _rate_hz(stamps_ns: Sequence[int]) -> float:
    if len(stamps_ns) < 2:
        return 0.0
    return (len(stamps_ns) - 1) / ((stamps_ns[-1] - stamps_ns[0]) / 1e9)


def _percentiles(values: np.ndarray) -> tuple[float, ...]:
    if not len(values):
        return (float('nan'),) * len(PERCENTILES)
    return tuple(np.percentile(values, PERCENTILES).tolist())
