# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What weights say of where they come from."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
import json
from pathlib import Path
import sys

from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.training.saved_training import Origin
from bdc_occ_ros.training.trainer import Trainer
from bdc_occ_ros.weights.checkpoint import Checkpoint


def provenance_of(trainer: Trainer, origin: Origin, first: Checkpoint | None,
                  first_path: Path | None, machine: Mapping[str, str | int]) -> dict[str, str]:
    """
    Say where the weights of a training come from, in the words that a model card prints.

    :param trainer: After its last step.
    :param origin: What it comes from.
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
    if not said.isdecimal():
        raise InvalidWeightsError(f'the provenance of the first weights says samples_seen '
                                  f'{said[:50]!r}, which is no number')
    return int(said)
