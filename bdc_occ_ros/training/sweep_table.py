# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tabulate scores and costs of the networks of a sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bdc_occ_ros.evaluation.paired_bootstrap import ConfidenceInterval, PairedBootstrap
from bdc_occ_ros.network.cost import Cost, profile_network, total_cost
from bdc_occ_ros.training.source_scores import SourceScores
from bdc_occ_ros.training.sweep import Planned

COLUMNS = {'network': -18, 'seeds': 6, 'mIoU': 7, '95 %': 15, 'to first': 10, ' 95 %': 17,
           'mAP': 7, 'params M': 10, 'packed MB': 11, 'full G': 8, 'bit*bit G': 11,
           'bit*real G': 12, 'samples': 9}

COSTS = ('params', 'packed_bytes', 'macs_full', 'macs_1bit', 'macs_mixed')


@dataclass(frozen=True)
class Row:
    """
    Sum up one network, mean over its seeds.

    :param gain: mIoU above that of the first network, of the seeds that both have; None for want
        of one.
    :param mean_ap: 0 to 1; None without boxes.
    :param cost: For one set of images.
    :param samples_seen: By one training, those behind its first weights included.
    """

    name: str
    seeds: tuple[int, ...]
    miou: ConfidenceInterval
    miou_by_seed: tuple[float, ...]
    gain: ConfidenceInterval | None
    mean_ap: float | None
    average_precisions: Mapping[str, float]
    cost: Cost
    samples_seen: int


def sweep_rows(results: Sequence[tuple[Planned, SourceScores]], scenes: Sequence[str], first: str,
               samples_before: int = 0) -> list[Row]:
    """
    Compare what is scored.

    Samples of one scene show the same streets: scenes are drawn for the intervals, not samples.

    :param results: Trainings of networks with an occupancy head, scored on the same samples.
    :param first: Name of the network that the others are compared with; without results of it
        there is no comparison.
    :return: A row per network, in the order of the first training of each.
    """
    scored: dict[str, dict[int, SourceScores]] = {}
    plans: dict[str, Planned] = {}
    for training, scores in results:
        scored.setdefault(training.entry, {})[training.recipe.seed] = scores
        plans.setdefault(training.entry, training)
    if not scored:
        return []
    bootstrap = PairedBootstrap(len({*scenes}), results[0][0].config.occupancy.free_label)
    counts = {name: {seed: _by_scene(scores.counts, scenes) for seed, scores in of_seeds.items()}
              for name, of_seeds in scored.items()}
    return [_row(plans[name], [scores.average_precisions for scores in of_seeds.values()],
                 counts[name], counts.get(first, {}), bootstrap, samples_before)
            for name, of_seeds in scored.items()]


def _by_scene(counts: np.ndarray, scenes: Sequence[str]) -> np.ndarray:
    """Add up the confusion matrices of every scene, (scenes, classes, classes)."""
    names, places = np.unique(list(scenes), return_inverse=True)
    sums = np.zeros((len(names), *counts.shape[1:]), counts.dtype)
    np.add.at(sums, places, counts)
    return sums


def _row(training: Planned, precisions: Sequence[Mapping[str, float]],
         counts: Mapping[int, np.ndarray], first: Mapping[int, np.ndarray],
         bootstrap: PairedBootstrap, samples_before: int) -> Row:
    """Sum up one network."""
    pairs = [(counts[seed], first[seed]) for seed in counts if seed in first]
    means = {name: float(np.mean([one[name] for one in precisions])) for name in precisions[0]}
    return Row(
        training.entry, tuple(counts), _percent(bootstrap.interval(list(counts.values()))),
        tuple(100 * bootstrap.interval([one]).value for one in counts.values()),
        _percent(bootstrap.difference(*map(list, zip(*pairs)))) if pairs else None,
        float(np.mean(list(means.values()))) if means else None, means,
        total_cost(profile_network(training.config)),
        samples_before + training.recipe.steps * training.recipe.batch)


def _percent(interval: ConfidenceInterval) -> ConfidenceInterval:
    return ConfidenceInterval(*(100 * value for value in interval))


def rows_as_json(rows: Sequence[Row]) -> list[dict]:
    """Return rows for JSON, intervals with their names."""
    return [{name: value._asdict() if isinstance(value, ConfidenceInterval) else value
             for name, value in vars(row).items() if name != 'cost'}
            | {name: getattr(row.cost, name) for name in COSTS} for row in rows]


def rows_as_text(rows: Sequence[Row]) -> str:
    """Format the rows as a table."""
    return '\n'.join(map(_line, [list(COLUMNS), *map(_cells, rows)]))


def _line(cells: Sequence[str]) -> str:
    return ''.join(f'{cell:<{-width}}' if width < 0 else f'{cell:>{width}}'
                   for cell, width in zip(cells, COLUMNS.values()))


def _cells(row: Row) -> list[str]:
    """Format one network."""
    miou, gain, cost = row.miou, row.gain, row.cost
    compared = ['-', ''] if gain is None else [
        f'{gain.value:+.2f}', f'{gain.low:+.2f} to {gain.high:+.2f}']
    gigas = (f'{macs / 1e9:.3f}' for macs in (cost.macs_full, cost.macs_1bit, cost.macs_mixed))
    return [row.name, str(len(row.seeds)), f'{miou.value:.2f}',
            f'{miou.low:.2f} to {miou.high:.2f}', *compared,
            '-' if row.mean_ap is None else f'{row.mean_ap:.3f}', f'{cost.params / 1e6:.3f}',
            f'{cost.packed_bytes / 1e6:.3f}', *gigas, str(row.samples_seen)]
