# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Explain in words why a rig is not well, from the counters of the synchronizer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean, median

from bdc_occ_ros.sync.config import MS
from bdc_occ_ros.sync.image_sets import AddResult
from bdc_occ_ros.sync.offset_estimation import estimate_offsets, is_unambiguous, Observation
from bdc_occ_ros.sync.statistics import Tally

SLOW_SHARE = 0.75
REJECTED_SHARE = 0.1
INCOMPLETE_SHARE = 0.05
WELL = (AddResult.JOINED, AddResult.COMPLETED, AddResult.LEARNING)


def explain(tally: Tally, now_ns: int) -> list[str]:
    """
    Say what is wrong with cameras and sets.

    :param now_ns: Time on the steady clock.
    :return: Sentences; none if all is well.
    """
    reasons = [*_silences(tally, now_ns), *_rates(tally, now_ns), *_rejections(tally),
               *_incomplete_sets(tally)]
    if not reasons and tally.is_stalled(now_ns):
        reasons.append(f'no set for {(now_ns - tally.last_set_ns) / 1e9:.1f} s')
    return reasons


def _silences(tally: Tally, now_ns: int) -> list[str]:
    waiting = [name for name, camera in tally.cameras.items() if not camera.num_images]
    reasons = [f'waiting for the first image of {", ".join(waiting)}'] if waiting else []
    return reasons + [f'{name} silent for {camera.age_ns(now_ns) / 1e9:.1f} s'
                      for name, camera in tally.cameras.items() if camera.is_silent(now_ns)]


def _rates(tally: Tally, now_ns: int) -> list[str]:
    rates_hz = {name: 1e9 / camera.interval_ns for name, camera in tally.cameras.items()
                if camera.interval_ns and not camera.is_silent(now_ns)}
    fastest_hz = max(rates_hz.values(), default=0.0)
    return [f'{name} delivers {rate_hz:.1f} Hz, the fastest camera {fastest_hz:.1f} Hz'
            for name, rate_hz in rates_hz.items() if rate_hz < SLOW_SHARE * fastest_hz]


def _rejections(tally: Tally) -> list[str]:
    reasons = []
    for name, camera in tally.cameras.items():
        for result, count in Counter(camera.recent_results).items():
            share = count / len(camera.recent_results)
            if result not in WELL and share > REJECTED_SHARE:
                reasons.append(f'{name}: {share:.0%} of its recent images are left out: '
                               f'{result.value}')
    return reasons


def _incomplete_sets(tally: Tally) -> list[str]:
    incomplete = tally.incomplete
    if len(incomplete) <= INCOMPLETE_SHARE * len(tally.recent):
        return []
    text = f'{len(incomplete)} of the last {len(tally.recent)} sets were not complete'
    absent = Counter(name for outcome in incomplete for name in outcome.absent)
    if absent:
        text += f', mostly without {absent.most_common(1)[0][0]}'
    causes = Counter(outcome.reason.value for outcome in incomplete if outcome.reason)
    if causes:
        text += f'; {causes.most_common(1)[0][0]}'
    return [text]


def explain_offsets(tally: Tally, offsets_ns: Mapping[str, int], key: str,
                    limit_ns: float) -> list[str]:
    """
    Say which cameras fire at another time than their offset says, though still within tolerance.

    :param key: Camera that offsets count from.
    :param limit_ns: Smaller deviations are well.
    """
    reasons = []
    for name, camera in tally.cameras.items():
        if camera.lags_ns and name in offsets_ns and key in offsets_ns:
            measured_ns = fmean(camera.lags_ns)
            given_ns = offsets_ns[name] - offsets_ns[key]
            if abs(measured_ns - given_ns) > limit_ns:
                reasons.append(_deviation(name, key, measured_ns, given_ns))
    return reasons


def explain_clocks(tally: Tally, limit_ns: float) -> list[str]:
    """
    Say which camera's clock is off, judged by when its images arrive.

    Whole triggers off, it would pass for well synchronized by its stamps.

    :param limit_ns: Smaller differences are differences of transport.
    """
    delays_ns = {name: fmean(camera.delays_ns) for name, camera in tally.cameras.items()
                 if camera.delays_ns}
    usual_ns = median(delays_ns.values()) if delays_ns else 0.0
    return [f'{name}: stamps are {abs(delay_ns - usual_ns) / MS:.0f} ms '
            f'{"ahead of" if delay_ns < usual_ns else "behind"} those of the other cameras, '
            'judged by arrival; is its clock set?'
            for name, delay_ns in delays_ns.items() if abs(delay_ns - usual_ns) > limit_ns]


def explain_contradictions(observations: Mapping[str, Sequence[Observation]],
                           offsets_ns: Mapping[str, int], key: str,
                           tolerance_ns: int) -> list[str]:
    """
    Say which given offsets the stamps of a failing rig contradict.

    :param observations: Recent images by camera; none are looked at where none are given.
    :param key: Camera that offsets count from.
    """
    reasons = []
    for camera, seen in observations.items():
        found = estimate_offsets(observations[key], seen, tolerance_ns)
        given_ns = offsets_ns[camera] - offsets_ns[key]
        if (found and is_unambiguous(found)
                and abs(found[0].offset_ns - given_ns) > tolerance_ns):
            reasons.append(_deviation(camera, key, found[0].offset_ns, given_ns))
    return reasons


def _deviation(camera: str, key: str, measured_ns: float, given_ns: float) -> str:
    return (f'{camera} is exposed {measured_ns / MS:.1f} ms after {key}, its offset says '
            f'{given_ns / MS:.1f} ms')
