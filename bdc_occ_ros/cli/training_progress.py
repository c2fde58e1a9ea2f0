# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Show the progress of a training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bdc_occ_ros.training.trainer import StepReport


@contextmanager
def training_progress(steps: int, *, is_shown: bool, title: str = 'training'
                      ) -> 'Iterator[Callable[[StepReport], None]]':
    """
    Show every step of a training in a bar.

    :param title: What stands in front.
    :return: Context with what is to be called after every step.
    """
    from tqdm import tqdm
    with tqdm(total=steps, desc=title, unit='step', disable=not is_shown) as bar:
        def show(report: 'StepReport') -> None:
            parts = (f'{name} {value:.3g}' for name, value in report.parts.items())
            bar.set_postfix_str(' '.join(parts), refresh=False)
            bar.update(report.step - bar.n)
        yield show
