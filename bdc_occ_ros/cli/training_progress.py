# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The progress of a training: a bar, or a line now and then where tqdm is missing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bdc_occ_ros.training.trainer import StepReport

LINE_EVERY = 10  # steps


@contextmanager
def training_progress(steps: int, *, is_shown: bool, title: str = 'training'
                      ) -> 'Iterator[Callable[[StepReport], None]]':
    """
    Show every step of a training.

    :param steps: How many there are.
    :param is_shown: Whether to show anything.
    :param title: What stands in front.
    :return: Context with what is to be told every step.
    """
    if not is_shown:
        yield lambda report: None
    elif find_spec('tqdm') is None:
        def tell(report: 'StepReport') -> None:
            if report.step % LINE_EVERY == 0:
                print(f'{title}: step {report.step} of {steps}: {_parts(report)}', flush=True)
        yield tell
    else:
        from tqdm import tqdm
        with tqdm(total=steps, desc=title, unit='step') as bar:
            def show(report: 'StepReport') -> None:
                bar.set_postfix_str(_parts(report), refresh=False)
                bar.update(report.step - bar.n)
            yield show


def _parts(report: 'StepReport') -> str:
    """Return the parts of the loss for people."""
    return ' '.join(f'{name} {value:.3g}' for name, value in report.parts.items())
