# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run a training from its first step, or the last saved one, to its end or until time is up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import json
import math
from pathlib import Path
import time

import torch

from bdc_occ_ros.dataset.batch import TrainingSource
from bdc_occ_ros.errors import InvalidConfigError, InvalidTrainingStateError
from bdc_occ_ros.evaluation.voxel_iou import ConfusionMatrix
from bdc_occ_ros.files import parse_json, read_bytes, reading, replacing, writing
from bdc_occ_ros.training.batches import sample_numbers
from bdc_occ_ros.training.forward import estimate_statistics
from bdc_occ_ros.training.saved_training import Origin, resume_training, save_training
from bdc_occ_ros.training.source_scores import score_source
from bdc_occ_ros.training.trainer import StepReport, Trainer

MAX_LOG_BYTES = 2 ** 30  # millions of lines


@dataclass(frozen=True)
class Validation:
    """
    Choose what the averaged weights are validated on.

    :param source: Samples that the training does not see.
    :raises InvalidConfigError: if it is never.
    """

    source: TrainingSource
    numbers: Sequence[int]
    every: int

    def __post_init__(self) -> None:
        _require_steps(validation=self.every)


@dataclass(frozen=True)
class TrainingSession:
    """
    Limit how long a training goes on at a time, and choose what it writes.

    :param folder: Where the training is saved and logged.
    :param origin: What the training comes from; a resumed one must have the same.
    :param seconds: Time after which it stops behind a step, or None.
    :raises InvalidConfigError: if a number of steps is below 1.
    """

    folder: Path
    origin: Origin
    seconds: float | None = None
    save_every: int = 250
    log_every: int = 10
    validation: Validation | None = None
    with_tensorboard: bool = False

    def __post_init__(self) -> None:
        _require_steps(save=self.save_every, log=self.log_every)

    @property
    def state_path(self) -> Path:
        """Return the file of the saved state."""
        return self.folder / 'state'


class TrainingLog:
    """
    Log steps as JSON, one object per line, and for TensorBoard where wanted.

    What an interrupted run wrote beyond its last saved step is taken out.

    :raises InvalidTrainingStateError: if the log is damaged, or cannot be written.
    """

    def __init__(self, folder: Path, step: int, *, with_tensorboard: bool = False) -> None:
        self._path = folder / 'log.jsonl'
        kept = self._lines_up_to(step)
        self._board = None
        if with_tensorboard:
            from torch.utils.tensorboard import SummaryWriter
            self._board = SummaryWriter(str(folder), purge_step=step + 1)
        with replacing(self._path, InvalidTrainingStateError) as place:
            place.write_text(''.join(kept), encoding='utf-8')

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add a line about the last of the steps that have been taken."""
        known = {name: value if math.isfinite(value) else None for name, value in values.items()}
        with (writing(self._path, InvalidTrainingStateError, 'the saved state is kept'),
              self._path.open('a', encoding='utf-8') as file):
            file.write(json.dumps({'step': step, **known}) + '\n')
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush TensorBoard's files."""
        if self._board is not None:
            self._board.close()

    def _lines_up_to(self, step: int) -> list[str]:
        """Return the whole lines that are there, without those about later steps."""
        if not self._path.is_file():
            return []
        with reading(self._path, InvalidTrainingStateError, 'every line is a JSON object with a '
                     'step; repair the file, or move it away to begin a new one'):
            text = read_bytes(self._path, InvalidTrainingStateError, MAX_LOG_BYTES).decode()
            return [f'{line}\n' for line in text.split('\n')[:-1] if parse_json(
                line, self._path, InvalidTrainingStateError)['step'] <= step]


def run_training(trainer: Trainer, session: TrainingSession, *, is_resumed: bool,
                 observe: Callable[[StepReport], None]) -> bool:
    """
    Train until the last step or until the time is up, and save.

    :param observe: Is told every step.
    :return: Whether the training is complete; then its statistics have been estimated anew, if
        the recipe says so.
    :raises NonFiniteLossError: if a loss is not finite.
    :raises InvalidTrainingStateError: if there is nothing to resume, or it is another training.
    """
    stop_s = None if session.seconds is None else time.monotonic() + session.seconds
    if is_resumed:
        resume_training(session.state_path, trainer, session.origin)
    log = None
    if trainer.group.rank == 0:
        log = TrainingLog(session.folder, trainer.step, with_tensorboard=session.with_tensorboard)
    is_up = False
    try:
        while trainer.step < trainer.recipe.steps and not is_up:
            report = trainer.take_step()
            is_up = _is_time_up(trainer, stop_s)
            observe(report)
            _write_down(trainer, session, log, report, is_last=is_up)
    finally:
        trainer.close()
        if log is not None:
            log.close()
    trainer.group.add(torch.zeros(1, device=trainer.device))  # by now the first one has saved
    is_complete = trainer.step >= trainer.recipe.steps
    if is_complete and trainer.recipe.bn_batches:
        recipe, source = trainer.recipe, trainer.source
        size = recipe.micro_batch or recipe.batch // trainer.group.size
        estimate_statistics(trainer.averaged.network, (
            source.load(sample_numbers(index * size, size, len(source), recipe.seed + 1),
                        trainer.device) for index in range(recipe.bn_batches)), recipe.precision)
    return is_complete


def validate(trainer: Trainer, validation: Validation) -> float:
    """Return the mIoU of the averaged weights, 0 to 1; the processes share the samples."""
    group, recipe = trainer.group, trainer.recipe
    scores = score_source(trainer.averaged.network, validation.source,
                          validation.numbers[group.rank::group.size],
                          recipe.micro_batch or recipe.batch // group.size, trainer.device,
                          recipe.precision, with_boxes=False)
    own = torch.from_numpy(scores.counts.sum(axis=0)).to(trainer.device)
    total = ConfusionMatrix(len(own))
    total.counts += group.add(own).cpu().numpy()
    return total.mean_iou(trainer.config.occupancy.free_label)


def _require_steps(**periods: int) -> None:
    for name, period in periods.items():
        if period < 1:
            raise InvalidConfigError(f'{name}: at least 1 step lies from one time to the next; '
                                     f'got {period}')


def _is_time_up(trainer: Trainer, stop_s: float | None) -> bool:
    """Return whether any process wants to stop, in all of them at the same step."""
    wants = stop_s is not None and time.monotonic() >= stop_s
    if trainer.group.size == 1:
        return wants
    return bool(trainer.group.add(torch.tensor([float(wants)], device=trainer.device)).item())


def _write_down(trainer: Trainer, session: TrainingSession, log: TrainingLog | None,
                report: StepReport, *, is_last: bool) -> None:
    """Validate, log and save, where it is time for it; steps beyond the last save come again."""
    is_last = is_last or report.step == trainer.recipe.steps
    values = {}
    if is_last or report.step % session.log_every == 0:
        values = {'samples': report.step * trainer.recipe.batch, 'loss': report.loss,
                  **report.parts, 'gradient_norm': report.gradient_norm,
                  'learning_rate': report.learning_rate}
    validation = session.validation
    if validation is not None and (report.step % validation.every == 0
                                   or report.step == trainer.recipe.steps):
        values['miou'] = validate(trainer, validation)
    if log is not None and values:
        log.write(report.step, {**values, 'time_s': time.time()})
    if log is not None and (is_last or report.step % session.save_every == 0):
        save_training(session.state_path, trainer, session.origin)
