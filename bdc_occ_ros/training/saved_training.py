# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A training on disk: all that its next step depends on, and which training it is."""

from dataclasses import asdict
import io
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from bdc_occ_ros.errors import InvalidTrainingStateError
from bdc_occ_ros.training.shards import read_shards
from bdc_occ_ros.training.shards import write_shards
from bdc_occ_ros.training.trainer import Trainer

FORMAT = 'bdc_occ_ros training 1'


def save_training(folder: Path, trainer: Trainer, data: str) -> None:
    """
    Write a training; an older one in that folder is replaced in one step.

    :param folder: Where, in parts.
    :param trainer: Between two steps.
    :param data: Name of the samples' source.
    """
    stream = io.BytesIO()
    torch.save({'format': FORMAT, 'config': asdict(trainer.config),
                'recipe': asdict(trainer.recipe), 'data': data, 'state': trainer.state()}, stream)
    write_shards(folder, stream.getvalue())


def resume_training(folder: Path, trainer: Trainer, data: str) -> None:
    """
    Bring a trainer to where a training was saved.

    :param folder: That save_training wrote.
    :param trainer: Of the same config, recipe and source.
    :param data: Name of the samples' source.
    :raises InvalidTrainingStateError: if there is none, or it is damaged, or of another training.
    """
    saved = _read(folder)
    own = {'config': asdict(trainer.config), 'recipe': asdict(trainer.recipe), 'data': data}
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


def _read(folder: Path) -> dict[str, Any]:
    """Return what was saved, tensors and plain values only."""
    try:
        saved = torch.load(io.BytesIO(read_shards(folder)), map_location='cpu', weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise InvalidTrainingStateError(f'{folder}: no training can be read: {error}') from error
    names = {'format', 'config', 'recipe', 'data', 'state'}
    if not isinstance(saved, dict) or saved.get('format') != FORMAT or saved.keys() != names:
        raise InvalidTrainingStateError(f'{folder}: format {FORMAT!r} is needed')
    return saved


def _difference(saved: Any, own: Any) -> str:
    """Say in which value two configs differ."""
    if not isinstance(saved, dict) or not isinstance(own, dict):
        return f'is {saved!r}, not {own!r}'
    name = next(n for n in {**saved, **own} if saved.get(n) != own.get(n))
    return f'{name} {_difference(saved.get(name), own.get(name))}'
