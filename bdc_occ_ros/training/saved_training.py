# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Save and resume trainings, and say where they and their weights come from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from io import BytesIO
import json
from pathlib import Path
import re
import sys
from typing import Any
import zipfile

import torch

from bdc_occ_ros.errors import InvalidTrainingStateError, InvalidWeightsError, one_line
from bdc_occ_ros.files import quoted, read_bytes, reading, replacing
from bdc_occ_ros.training.trainer import Trainer
from bdc_occ_ros.weights.checkpoint import Checkpoint
from bdc_occ_ros.weights.weights_file import tensors_sha256

FORMAT = 'bdc_occ_ros training 3'
MAX_BYTES = 2 ** 34
NAMES = {'format', 'config', 'recipe', 'origin', 'state'}


@dataclass(frozen=True)
class Origin:
    """
    Identify what a training comes from besides its config and recipe.

    :param first_weights: SHA-256 of the weights that it began with, or seed.
    :param teacher: SHA-256 of the teacher's weights, or none.
    """

    data: str
    first_weights: str = 'seed'
    teacher: str = 'none'


def origin_of(data: str, first_weights: Checkpoint | None, teacher: Checkpoint | None = None
              ) -> Origin:
    """Name what a training comes from."""
    return Origin(data, 'seed' if first_weights is None else tensors_sha256(first_weights.tensors),
                  'none' if teacher is None else tensors_sha256(teacher.tensors))


def provenance_of(trainer: Trainer, origin: Origin, first: Checkpoint | None,
                  first_path: Path | None, machine: Mapping[str, str | int]) -> dict[str, str]:
    """
    Return where the weights of a training come from, in the words that a model card prints.

    :param first: What it began with; None for the seed's.
    :param machine: What describe_machine said before the first step: sources may change meanwhile.
    """
    recipe = trainer.recipe
    return {
        'command': ' '.join(['bdc-occ', *sys.argv[1:]]), 'commit': str(machine['commit']),
        'data': origin.data, 'recipe': json.dumps(asdict(recipe)),
        'steps': f'{trainer.step} of {recipe.steps}',
        'samples_seen': str(samples_seen_by(first) + trainer.step * recipe.batch),
        'seed': str(recipe.seed), 'init': 'seed' if first_path is None else first_path.name,
        'init_sha256': origin.first_weights, 'teacher_sha256': origin.teacher,
        'device': str(machine['cpu']) if trainer.device.type == 'cpu' else str(trainer.device),
        'processes': str(trainer.group.size), 'torch': str(machine['torch']),
        'date': datetime.now(timezone.utc).date().isoformat()}


def samples_seen_by(weights: Checkpoint | None) -> int:
    """
    Return how many samples weights have learned from, as they say.

    :param weights: None for a seed's.
    :return: 0 where they do not say.
    :raises InvalidWeightsError: if what they say is no number.
    """
    said = '0' if weights is None else weights.provenance.get('samples_seen', '0')
    if not re.fullmatch('[0-9]{1,18}', said):
        raise InvalidWeightsError(f'the provenance of the first weights says samples_seen '
                                  f'{quoted(said)}, which is no number')
    return int(said)


def save_training(path: Path, trainer: Trainer, origin: Origin) -> None:
    """
    Write all that the next step depends on; an older file is replaced in one step.

    :raises InvalidTrainingStateError: if it cannot be written; an older one stays.
    """
    content = BytesIO()  # to a file, PyTorch says of a full disk what it says of a mistake
    torch.save({'format': FORMAT, 'config': asdict(trainer.config),
                'recipe': asdict(trainer.recipe), 'origin': asdict(origin),
                'state': trainer.state()}, content)
    with replacing(path, InvalidTrainingStateError) as place:
        place.write_bytes(content.getbuffer())


def resume_training(path: Path, trainer: Trainer, origin: Origin) -> None:
    """
    Restore a trainer from a saved training.

    :raises InvalidTrainingStateError: if there is none, or it is damaged, or of another training.
    """
    saved = _read(path)
    own = {'config': asdict(trainer.config), 'recipe': asdict(trainer.recipe),
           'origin': asdict(origin)}
    with reading(path, InvalidTrainingStateError):
        for name, value in own.items():
            if saved[name] != value:
                raise InvalidTrainingStateError(
                    f'{path} holds another training: its {name} '
                    f'{_difference(saved[name], value)}; give what it was started with, or choose '
                    'another folder')
    with reading(f'{path}: the state does not fit the network', InvalidTrainingStateError):
        _require_fitting(saved['state'], trainer)
        trainer.restore(saved['state'])


def _require_fitting(state: Mapping[str, Any], trainer: Trainer) -> None:
    """Refuse a step and moments that the trainer cannot have had."""
    step = state['step']
    if type(step) is not int or not 0 <= step <= trainer.recipe.steps:
        raise InvalidTrainingStateError(
            f'step is a number up to {trainer.recipe.steps}; got {quoted(step)}')
    parameters = [each for group in trainer.optimizer.param_groups for each in group['params']]
    for number, moments in state['optimizer']['state'].items():
        shape = parameters[number].shape
        if {name: moment.shape for name, moment in moments.items()} != {
                'step': torch.Size(), 'exp_avg': shape, 'exp_avg_sq': shape}:
            raise InvalidTrainingStateError(f'the optimizer has other moments of {tuple(shape)}')


def _read(path: Path) -> dict[str, Any]:
    """Read what torch.save wrote, tensors on the CPU and plain values; nothing in it is run."""
    if path.is_dir():
        raise InvalidTrainingStateError(f'{path} is a folder, as older versions wrote; end that '
                                        'training with its version, or choose another folder')
    data = BytesIO(read_bytes(path, InvalidTrainingStateError, MAX_BYTES))
    with reading(path, InvalidTrainingStateError, 'copy it again'):
        with zipfile.ZipFile(data) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise InvalidTrainingStateError(f'damaged: {damaged} has another checksum')
        data.seek(0)
        saved = torch.load(data, map_location='cpu', weights_only=True)
    if not isinstance(saved, dict) or saved.get('format') != FORMAT or saved.keys() != NAMES:
        raise InvalidTrainingStateError(f'{path}: format {FORMAT!r} with {sorted(NAMES)} is '
                                        'needed; give what this version has written')
    return saved


def _difference(saved: Any, own: Any) -> str:
    """Say in which value two configs differ."""
    if not isinstance(saved, dict) or not isinstance(own, dict):
        return f'is {quoted(saved)}, not {quoted(own)}'
    name = next(n for n in {**saved, **own}
                if (n in saved, saved.get(n)) != (n in own, own.get(n)))
    return f'{one_line(str(name))} {_difference(saved.get(name), own.get(name))}'
