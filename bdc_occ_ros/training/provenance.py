# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What weights say of where they come from."""

from dataclasses import asdict
from datetime import datetime
from datetime import timezone
import json
from pathlib import Path
import sys

from bdc_occ_ros.checkpoint import Checkpoint
from bdc_occ_ros.measurement.machine import describe_machine
from bdc_occ_ros.training.saved_training import Origin
from bdc_occ_ros.training.trainer import Trainer


def provenance_of(trainer: Trainer, origin: Origin, first: Checkpoint | None,
                  first_path: Path | None) -> dict[str, str]:
    """
    Say where the weights of a training come from, in the words that a model card prints.

    :param trainer: After its last step.
    :param origin: What it comes from.
    :param first: What it began with; None for the seed's.
    :param first_path: File of those.
    """
    machine = describe_machine(threads=0)
    recipe = trainer.recipe
    before = 0 if first is None else int(first.provenance.get('samples_seen', 0))
    return {
        'command': ' '.join(['bdc-occ', *sys.argv[1:]]), 'commit': str(machine['commit']),
        'data': origin.data, 'recipe': json.dumps(asdict(recipe)),
        'steps': f'{trainer.step} of {recipe.steps}',
        'samples_seen': str(before + trainer.step * recipe.batch), 'seed': str(recipe.seed),
        'init': 'seed' if first_path is None else first_path.name,
        'init_sha256': origin.first_weights, 'teacher_sha256': origin.teacher,
        'device': str(machine['cpu']) if trainer.device.type == 'cpu' else str(trainer.device),
        'processes': str(trainer.group.size), 'torch': str(machine['torch']),
        'date': datetime.now(timezone.utc).date().isoformat()}
