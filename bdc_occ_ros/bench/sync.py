# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run the cases of the synchronizer and judge each against its known truth."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.sync.cases import make_cases, SyncCase
from bdc_occ_ros.sync.replay import causes_of, completable_triggers, replay
from bdc_occ_ros.sync.synthetic_triggers import NO_TRIGGER, SECOND, SyntheticImage

HEADINGS = ('case', 'stream', 'offered', 'due', 'formed', 'mixed', 'dropped', 'us/image',
            'added ms')
OTHER_HEADINGS = ('| formed', 'mixed', 'us/image')

OtherReplay = Callable[[SyncCase], 'OtherResult']


class OtherResult(NamedTuple):
    """
    Hold the sets that another synchronizer formed from a stream.

    :param us_per_message: Processor time per image.
    """

    sets: Sequence[Sequence[SyntheticImage]]
    us_per_message: float


class CaseRow(NamedTuple):
    """
    Report how the synchronizer did on one case.

    :param sets_offered: Triggers in the stream.
    :param sets_due: Of these, how many had every image come before a newer one was complete,
        once offsets are learned.
    :param sets_formed: Sets handed out with a new image of every camera.
    :param mixed: Sets handed out with images of different triggers.
    :param dropped: Triggers without a complete set.
    :param causes: Number of these by cause.
    :param us_per_message: Processor time per image.
    :param added_ms: Longest time between the last image of a complete set and the set.
    :param state: What the statistics say at the end.
    :param passed: Whether every due set was formed, none was mixed and no cause is unknown.
    """

    case: str
    title: str
    sets_offered: int
    sets_due: int
    sets_formed: int
    mixed: int
    dropped: int
    causes: dict[str, int]
    us_per_message: float
    added_ms: float
    state: str
    reasons: tuple[str, ...]
    passed: bool


def choose_cases(names: str, seed: int) -> list[SyncCase]:
    """
    Return cases by name.

    :param names: Names with commas between; T2 stands for T2a, T2b and so on. Empty means all.
    :param seed: Seed of their noise.
    :raises UsageError: if there is no such case.
    """
    cases = make_cases(seed)
    wanted = [name.strip().upper() for name in names.split(',') if name.strip()]
    groups = {case.name.rstrip('abcdefgh') for case in cases}
    known = {case.name.upper() for case in cases} | groups
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise UsageError(f'no case {", ".join(unknown)}; there are '
                         f'{", ".join(case.name for case in cases)}')
    return [case for case in cases if not wanted or case.name.upper() in wanted
            or case.name.rstrip('abcdefgh') in wanted]


def judge(case: SyncCase) -> CaseRow:
    """Run one case and compare with its truth."""
    result = replay(case.config, case.images, case.clock_ahead_ns)
    formed = {t for emitted in result.complete for t in emitted.triggers}
    due = _due_triggers(case)
    causes = causes_of(result, case.images, case.num_triggers)
    mixed = result.num_mixed if case.max_spread_ns is None else sum(
        emitted.image_set.spread_ns > case.max_spread_ns for emitted in result.emitted)
    return CaseRow(
        case.name, case.title, case.num_triggers, len(due), len(result.complete), mixed,
        sum(causes.values()), dict(causes), round(result.us_per_message, 2),
        max((emitted.added_ns for emitted in result.complete), default=0) / 1e6,
        result.statistics.state.value, result.statistics.reasons,
        due <= formed and mixed == 0 and 'unknown' not in causes)


def _due_triggers(case: SyncCase) -> set[int]:
    """Return the triggers that must become sets."""
    start_ns = case.images[0].arrival_ns + round(case.learning_s * SECOND)
    early = {image.trigger for image in case.images if image.arrival_ns < start_ns}
    completable = completable_triggers(case.images, case.config.cameras) - {NO_TRIGGER}
    return completable - early if case.learning_s else completable


def compare(case: SyncCase, other: OtherReplay) -> dict[str, Any]:
    """
    Run another synchronizer on a case.

    :return: Sets formed, those that are mixed, and processor time per image.
    """
    result = other(case)
    return {'sets_formed': len(result.sets),
            'mixed': sum(_is_mixed(case, images) for images in result.sets),
            'us_per_message': round(result.us_per_message, 2)}


def _is_mixed(case: SyncCase, images: Sequence[SyntheticImage]) -> bool:
    if case.max_spread_ns is None:
        return len({image.trigger for image in images}) > 1
    stamps = [image.stamp_ns for image in images]
    return max(stamps) - min(stamps) > case.max_spread_ns


def as_record(row: CaseRow, other: dict[str, Any] | None) -> dict[str, Any]:
    """
    Return a row for JSON.

    :param other: What message_filters made of the same stream, or None if it did not run.
    """
    return {**row._asdict(), 'message_filters': other}


def as_table(records: Sequence[dict[str, Any]]) -> str:
    """Return rows as text, with the causes of dropped sets below each."""
    has_other = any(record['message_filters'] for record in records)
    lines = [_line(HEADINGS + (OTHER_HEADINGS if has_other else ()))]
    for record in records:
        cells = [record['case'], record['title'], record['sets_offered'], record['sets_due'],
                 record['sets_formed'], record['mixed'], record['dropped'],
                 f'{record["us_per_message"]:.1f}', f'{record["added_ms"]:.1f}']
        if has_other:
            cells += [f'| {record["message_filters"]["sets_formed"]}',
                      record['message_filters']['mixed'],
                      f'{record["message_filters"]["us_per_message"]:.1f}']
        lines.append(_line(cells) + ('' if record['passed'] else '  FAILED'))
        lines += [f'{"":6}{count} x {cause}' for cause, count in record['causes'].items()]
    return '\n'.join(lines)


def _line(cells: Sequence[object]) -> str:
    widths = (6, 46, 8, 6, 7, 6, 8, 9, 9, 9, 6, 9)
    return ''.join(f'{cell!s:<{width}}' if index < 2 else f'{cell!s:>{width}}'
                   for index, (cell, width) in enumerate(zip(cells, widths))).rstrip()
