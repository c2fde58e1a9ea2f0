# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A training on disk: all that its next step depends on, and which training it is."""

from dataclasses import asdict, dataclass
import io
from pathlib import Path
from typing import Any

import torch

from bdc_occ_ros.errors import InvalidTrainingStateError
from bdc_occ_ros.training.shards import read_torch, write_shards
from bdc_occ_ros.training.trainer import Trainer
from bdc_occ_ros.weights.checkpoint import Checkpoint
from bdc_occ_ros.weights.weights_file import tensors_sha256

FORMAT = 'bdc_occ_ros training 3'
NAMES = {'format', 'config', 'recipe', 'origin', 'state'}


@dataclass(frozen=True)
class Origin:
    """
    What a training comes from besides its config and recipe.

    :param data: Name of the samples' source.
    :param first_weights: SHA-256 of the weights that it began with, or seed.
    :param teacher: SHA-256 of the teacher's weights, or none.
    """

    data: str
    first_weights: str = 'seed'
    teacher: str = 'none'


def origin_of(data: str, first_weights: Checkpoint | None, teacher: Checkpoint | None = None
              ) -> Origin:
    """
    Name what a training comes from.

    :param data: Name of the samples' source.
    :param first_weights: What it begins with; None for the seed's.
    :param teacher: What it distils from, or None.
    """
    return Origin(data, 'seed' if first_weights is None else tensors_sha256(first_weights.tensors),
                  'none' if teacher is None else tensors_sha256(teacher.tensors))


def save_training(folder: Path, trainer: Trainer, origin: Origin) -> None:
    """
    Write a training; an older one in that folder is replaced in one step.

    :param origin: What it comes from.
    """
    stream = io.BytesIO()
    torch.save({'format': FORMAT, 'config': asdict(trainer.config),
                'recipe': asdict(trainer.recipe), 'origin': asdict(origin),
                'state': trainer.state()}, stream)
    write_shards(folder, stream.getvalue())


def resume_training(folder: Path, trainer: Trainer, origin: Origin) -> None:
    """
    Bring a trainer to where a training was saved.

    :param trainer: Of the same config and recipe.
    :raises InvalidTrainingStateError: if there is none, or it is damaged, or of another training.
    """
    saved = read_torch(folder, FORMAT, NAMES)
    own = {'config': asdict(trainer.config), 'recipe': asdict(trainer.recipe),
           'origin': asdict(origin)}
    for name, value in own.items():
        if saved[name] != value:
            raise InvalidTrainingStateError(
                f'{folder} holds another training: its {name} {_difference(saved[name], value)}; '
                f'give what it was started with, or choose another folder')
    try:
        trainer.restore(saved['state'])
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InvalidTrainingStateError(
            f'{folder}: the state does not fit the network: {error}') from error


def _difference(saved: Any, own: Any) -> str:
    """Say in which value two configs differ."""
    if not isinstance(saved, dict) or not isinstance(own, dict):
        return f'is {saved!r}, not {own!r}'
    name = next(n for n in {**saved, **own} if saved.get(n) != own.get(n))
    return f'{name} {_difference(saved.get(name), own.get(name))}'
