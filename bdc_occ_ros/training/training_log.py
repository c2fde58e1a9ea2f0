# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The log of a training: one JSON object per line, and TensorBoard files where wanted."""

from collections.abc import Mapping
import json
import os
from pathlib import Path


class TrainingLog:
    """
    Lines about steps; what an interrupted run wrote beyond its last saved step is taken out.

    :param folder: Where log.jsonl is, or will be.
    :param step: Steps that have been taken so far.
    :param with_tensorboard: Whether to write for TensorBoard as well, in the same folder.
    """

    def __init__(self, folder: Path, step: int, *, with_tensorboard: bool = False) -> None:
        self._path = folder / 'log.jsonl'
        self._board = None
        if with_tensorboard:
            from torch.utils.tensorboard import SummaryWriter
            self._board = SummaryWriter(str(folder), purge_step=step + 1)
        kept = [line for line in self._lines() if json.loads(line)['step'] <= step]
        partial = self._path.with_suffix('.partial')
        partial.write_text(''.join(kept), encoding='utf-8')
        os.replace(partial, self._path)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """
        Add a line.

        :param step: Steps that have been taken.
        :param values: By name.
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

    def _lines(self) -> list[str]:
        """Return the whole lines that are there."""
        if not self._path.is_file():
            return []
        lines = self._path.read_text(encoding='utf-8').splitlines(keepends=True)
        return [line for line in lines if line.endswith('\n')]
