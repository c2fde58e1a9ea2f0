# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Train several networks alike: a list of what differs, and the scores of each.

All trainings of one seed take the same samples in the same order, the same steps and the same
schedule, and are scored on the same samples. Every training has a folder of its own and goes on
where it was stopped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
import json
from pathlib import Path
import re
from typing import Any

import numpy as np
import torch

from bdc_occ_ros.config_file import parse_dataclass, read_yaml, with_overrides
from bdc_occ_ros.dataset.batch import TrainingSource
from bdc_occ_ros.errors import InvalidConfigError, InvalidTrainingStateError
from bdc_occ_ros.files import read_arrays, read_json, reading, replacing, writing
from bdc_occ_ros.network.config import load_network_config, NetworkConfig
from bdc_occ_ros.network.network import validate_architecture
from bdc_occ_ros.training.loop import run_training, TrainingSession
from bdc_occ_ros.training.recipe import Recipe
from bdc_occ_ros.training.saved_training import origin_of, provenance_of
from bdc_occ_ros.training.source_scores import score_source, SourceScores
from bdc_occ_ros.training.trainer import StepReport, Trainer
from bdc_occ_ros.training.transfer import transfer_weights
from bdc_occ_ros.weights.checkpoint import Checkpoint, save_checkpoint

SHARED = ('image', 'feature_stride', 'depth', 'bev', 'occupancy', 'boxes')


@dataclass(frozen=True)
class Entry:
    """
    Describe one network of the list.

    :param name: What it is called in the table; also the name of its folder.
    :param changes: What differs from the network of the sweep: PATH=VALUE each.
    """

    name: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SweepConfig:
    """
    List networks and how all of them are trained.

    :param model: Network that all are changes of, by name or file.
    :param recipe: How each is trained; its seed is replaced by every one of the seeds.
    :param entries: The networks; the first is what others are compared with.
    :param seeds: Each network is trained once per seed.
    """

    model: str
    recipe: Recipe
    entries: tuple[Entry, ...]
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        names = [entry.name for entry in self.entries]
        if not names or not self.seeds or len({*names}) < len(names) or (
                len({*self.seeds}) < len(self.seeds)):
            raise InvalidConfigError(f'sweep: entries with names of their own and different seeds '
                                     f'are needed; got {names} and {self.seeds}')
        unfit = [name for name in names if not re.fullmatch(r'[\w][\w.-]*', name)]
        if unfit:
            raise InvalidConfigError(f'sweep: names become folders and consist of letters, digits '
                                     f'and _.-; got {unfit}')


@dataclass(frozen=True)
class Planned:
    """Describe one training of a sweep."""

    entry: str
    config: NetworkConfig
    recipe: Recipe

    @property
    def folder(self) -> Path:
        """Return its folder within that of the sweep."""
        return Path(self.entry, f'seed_{self.recipe.seed}')


@dataclass(frozen=True, eq=False)
class Samples:
    """
    Choose what all trainings learn from and what they are scored on.

    :param first_weights: What all trainings begin with as far as it fits; None for the seed's.
    """

    source: TrainingSource
    data: str
    validation: TrainingSource
    numbers: Sequence[int]
    validation_data: str
    first_weights: Checkpoint | None = None
    first_path: Path | None = None


def load_sweep(path: Path) -> SweepConfig:
    """
    Read a list of networks from a YAML file.

    :raises InvalidConfigError: if it is wrong.
    """
    return parse_dataclass(SweepConfig, read_yaml(path), str(path))


def planned(sweep: SweepConfig) -> Iterator[Planned]:
    """
    Iterate over the trainings: all networks with the first seed, then with the next.

    :raises InvalidConfigError: if a change is wrong, or touches what samples depend on.
    """
    base = load_network_config(sweep.model)
    if base.occupancy is None:
        raise InvalidConfigError(f'sweep: networks are compared by mIoU, and {base.name} has no '
                                 'voxels')
    configs = {entry.name: with_overrides(base, entry.changes) for entry in sweep.entries}
    for name, config in configs.items():
        validate_architecture(config)
        if any(getattr(config, part) != getattr(base, part) for part in SHARED):
            raise InvalidConfigError(f'sweep: {name}: all networks take the same samples, so '
                                     f'{", ".join(SHARED)} must stay as they are')
    for seed in sweep.seeds:
        for name, config in configs.items():
            yield Planned(name, config, replace(sweep.recipe, seed=seed))


def train_and_score(training: Planned, samples: Samples, root: Path, device: torch.device, *,
                    seconds: float | None, workers: int, machine: Mapping[str, str | int],
                    observe: Callable[[StepReport], None]) -> bool:
    """
    Carry one training to its end and score it in float32, or stop when the time is up.

    :param seconds: Time after which it stops behind a step, or None.
    :return: Whether it is scored.
    :raises InvalidTrainingStateError: if the folder holds something else.
    """
    folder = root / training.folder
    with writing(folder, InvalidTrainingStateError):
        folder.mkdir(parents=True, exist_ok=True)
    if load_scores(training, samples, root) is not None:
        return True
    trainer = Trainer(training.config, training.recipe, samples.source, device, workers=workers)
    origin = origin_of(samples.data, samples.first_weights)
    session = TrainingSession(folder, origin, seconds)
    is_resumed = session.state_path.exists()
    if samples.first_weights is not None and not is_resumed:
        trainer.start_from(transfer_weights(samples.first_weights, trainer.network).tensors)
    if not run_training(trainer, session, is_resumed=is_resumed, observe=observe):
        return False
    network, recipe = trainer.averaged.network, training.recipe
    provenance = provenance_of(trainer, origin, samples.first_weights, samples.first_path, machine)
    save_checkpoint(folder / 'weights.safetensors', Checkpoint(
        network.config, network.state_dict(), {**provenance, 'sweep_entry': training.entry}))
    scores = score_source(network, samples.validation, samples.numbers,
                          recipe.micro_batch or recipe.batch, device, 'float32')
    _save_scores(folder, scores, _identity(training, samples))
    return True


def load_scores(training: Planned, samples: Samples, root: Path) -> SourceScores | None:
    """
    Return the scores of a training, None if it is not scored yet.

    :raises InvalidTrainingStateError: if the scores are damaged or of another training.
    """
    folder = root / training.folder
    if not (folder / 'scores.json').exists():
        return None
    with reading(folder, InvalidTrainingStateError, 'remove the scores and sweep again'):
        document = read_json(folder / 'scores.json', InvalidTrainingStateError)
        counts = read_arrays(folder / 'counts.npz', InvalidTrainingStateError)['counts']
        identity, precisions = document['training'], document['average_precisions']
    if identity != _identity(training, samples):
        raise InvalidTrainingStateError(f'{folder} holds the scores of another network, recipe or '
                                        'data; give what it was made with, or another folder')
    return SourceScores(counts, precisions)


def _save_scores(folder: Path, scores: SourceScores, identity: dict[str, Any]) -> None:
    """Write the counts, then what they belong to."""
    with replacing(folder / 'counts.npz', InvalidTrainingStateError) as place:
        np.savez_compressed(place, counts=scores.counts)
    with replacing(folder / 'scores.json', InvalidTrainingStateError) as place:
        place.write_text(json.dumps({
            'training': identity, 'average_precisions': scores.average_precisions}, indent=2))


def _identity(training: Planned, samples: Samples) -> dict[str, Any]:
    """Return what makes a training this one, as JSON gives it back."""
    return json.loads(json.dumps({
        'config': asdict(training.config), 'recipe': asdict(training.recipe),
        'origin': asdict(origin_of(samples.data, samples.first_weights)),
        'validation': [samples.validation_data, list(samples.numbers)]}))
