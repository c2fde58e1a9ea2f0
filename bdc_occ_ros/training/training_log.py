# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The log of a training: one JSON object per line, and TensorBoard files where wanted."""

from collections.abc import Mapping
import json
import os
from pathlib import Path

from bdc_occ_ros.errors import InvalidTrainingStateError


class TrainingLog:
    """
    Lines about steps; what an interrupted run wrote beyond its last saved step is taken out.

    :param folder: Where log.jsonl is, or will be.
    :param step: Steps that have been taken so far.
    :param with_tensorboard: Whether to write for TensorBoard as well, in the same folder.
    :raises InvalidTrainingStateError: if the log that is there is damaged.
    """

    def __init__(self, folder: Path, step: int, *, with_tensorboard: bool = False) -> None:
        self._path = folder / 'log.jsonl'
        kept = self._lines_up_to(step)
        self._board = None
        if with_tensorboard:
            from torch.utils.tensorboard import SummaryWriter
            self._board = SummaryWriter(str(folder), purge_step=step + 1)
        partial = self._path.with_suffix('.partial')
        partial.write_text(''.join(kept), encoding='utf-8')
        os.replace(partial, self._path)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """
        Add a line.

        :param step: Steps that have been taken.
        """
        with self._path.open('a', encoding='utf-8') as file:
            file.write(json.dumps({'step': step, **values}) + '\n')
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is left."""
        if self._board is not None:
            self._board.close()

    def _lines_up_to(self, step: int) -> list[str]:
        """Return the whole lines that are there, without those about later steps."""
        if not self._path.is_file():
            return []
        try:
            lines = self._path.read_text(encoding='utf-8').split('\n')[:-1]
            return [f'{line}\n' for line in lines if json.loads(line)['step'] <= step]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InvalidTrainingStateError(
                f'{self._path}: every line is a JSON object with a step: {error}; repair the '
                'file, or move it away to begin a new one') from error
