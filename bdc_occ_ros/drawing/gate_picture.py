# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw learned channel gates: how they spread, and what scenes and classes change."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np

from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.evaluation.channel_gates import ChannelGates
from bdc_occ_ros.files import replacing

ROW_INCHES = 2.6
WIDTH_INCHES = 17.0
MAX_NAMED = 20
BINS = np.linspace(0.0, 1.0, 41)


def draw_gates(path: str | Path, title: str, gates: ChannelGates, class_names: Sequence[str]
               ) -> None:
    """
    Draw a row per unit: a histogram, and heat maps of what scenes and classes differ by.

    Channels are sorted by their mean gate. The heat maps show differences from that mean.

    :raises UsageError: if the file cannot be written.
    """
    units = gates.by_unit
    figure = Figure((WIDTH_INCHES, ROW_INCHES * len(units) + 0.8), layout='constrained')
    figure.suptitle(title)
    rows = figure.subplots(len(units), 3, squeeze=False,
                           gridspec_kw={'width_ratios': (1, 2, 2)})
    for name, (spread, scenes, classes) in zip(units, rows):
        values = np.stack(units[name])
        mean = values.mean(axis=0)
        spread.hist(values.reshape(-1), BINS, color='#4477aa')
        spread.set(xlim=(0, 1), yticks=())
        spread.set_title(f'{name}\n{len(mean)} channels, {len(values)} samples', fontsize=8)
        _draw_differences(scenes, mean, gates.by_scene(name), 'scenes')
        _draw_differences(classes, mean, gates.by_class(name, class_names), 'classes')
    with replacing(path, UsageError) as place:
        figure.savefig(place, format='png', dpi=80)


def _draw_differences(axes: Axes, mean: np.ndarray, parts: Mapping[str, np.ndarray], kind: str
                      ) -> None:
    """Draw by how much the gates of every part differ from the mean, channels sorted by it."""
    differences = (np.stack(list(parts.values())) - mean)[:, np.argsort(mean)]
    reach = max(float(np.abs(differences).max()), 1e-6)
    image = axes.imshow(differences, cmap='RdBu_r', vmin=-reach, vmax=reach, aspect='auto',
                        interpolation='nearest')
    axes.figure.colorbar(image, ax=axes)
    axes.set_title(f'{kind}, difference from the mean', fontsize=8)
    axes.set_xlabel('channels, sorted by mean gate', fontsize=7)
    if len(parts) <= MAX_NAMED:
        axes.set_yticks(range(len(parts)), list(parts), fontsize=5)
