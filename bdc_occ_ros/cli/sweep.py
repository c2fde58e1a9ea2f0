# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Train a list of networks alike, score them on the same samples and print one table.

The list names a network, a recipe, seeds, and what differs from entry to entry; one comes with
the package, config/sweep_nano.yaml, which a CPU can carry out at half of all widths:

    bdc-occ sweep nano --data world:0-999 --validate world:100000-100099 --out runs/sweep
    bdc-occ sweep nano --model bdc_occ_nano_half --tune steps=2000 --tune batch=4 ...

Every training of one seed takes the same samples in the same order and as many steps. mIoU comes
with the interval in which 95 % of redrawn validation scenes let it lie, and so does its
difference to the first entry. mAP follows nuScenes' rules for boxes on the network's grid.
Scores are taken in float32, whatever precision the recipe trains in.

A stopped sweep resumes when the same one is run again; entries that are scored are not trained
again, and the table shows whatever is scored so far. A training whose loss is not finite is named,
and the others go on.
"""

import argparse
import json
from pathlib import Path
import time
from typing import TYPE_CHECKING

from bdc_occ_ros.cli.training_arguments import (
    add_data_arguments,
    add_session_arguments,
    chosen_device,
    data_choice,
    use_threads,
)
from bdc_occ_ros.cli.training_progress import training_progress
from bdc_occ_ros.errors import NonFiniteLossError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from bdc_occ_ros.training.sweep import Planned, Samples, SweepConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('list', help='nano, or a file with a list')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR',
                        help='a folder per entry and seed: log, state, weights, scores')
    add_data_arguments(parser.add_argument_group('data'), needs_validation=True)
    group = parser.add_argument_group('what of the list')
    group.add_argument('--model', help='this network instead, by name or file')
    group.add_argument('--tune', action='append', default=[], metavar='PATH=VALUE',
                       help='change a value of the recipe, as in steps=500')
    group.add_argument('--init', type=Path, metavar='FILE',
                       help='begin all with these weights, as far as they fit')
    group.add_argument('--only', nargs='+', metavar='NAME', help='these entries')
    group.add_argument('--seeds', type=int, nargs='+', metavar='N', help='these seeds instead')
    add_session_arguments(parser.add_argument_group('this session'))
    parser.add_argument('--json', action='store_true', help='print JSON instead of a table')


def run(args: argparse.Namespace) -> int:
    """
    Train what is not trained yet, and print the table of what is scored.

    :return: Exit status 0, also where the time was up before the end; 1 if a training failed.
    """
    from bdc_occ_ros.training.saved_training import samples_seen_by
    from bdc_occ_ros.training.sweep import load_scores, planned
    from bdc_occ_ros.training.sweep_table import rows_as_json, rows_as_text, sweep_rows
    use_threads(args)
    sweep = _chosen(args)
    trainings, samples = list(planned(sweep)), _samples(args, sweep)
    failures = _train(args, trainings, samples, chosen_device(args.device))
    scored = [(training, scores) for training in trainings
              if (scores := load_scores(training, samples, args.out)) is not None]
    scenes = [samples.validation.scene_of(number) for number in samples.numbers]
    rows = sweep_rows(scored, scenes, sweep.entries[0].name,
                      samples_seen_by(samples.first_weights))
    if args.json:
        print(json.dumps({'rows': rows_as_json(rows), 'planned': len(trainings),
                          'scored': len(scored), 'failed': failures}, indent=2))
        return 1 if failures else 0
    print(rows_as_text(rows))
    for folder, reason in failures.items():
        print(f'{folder} failed: {reason}')
    if len(scored) + len(failures) < len(trainings):
        print(f'{len(scored)} of {len(trainings)} trainings are scored; the same command goes on')
    return 1 if failures else 0


def _chosen(args: argparse.Namespace) -> 'SweepConfig':
    """Return the list with what the arguments change."""
    from dataclasses import replace

    from bdc_occ_ros.config_file import with_overrides
    from bdc_occ_ros.share import share_path
    from bdc_occ_ros.training.sweep import load_sweep
    sweep = load_sweep(share_path('config', 'sweep_nano.yaml') if args.list == 'nano'
                       else Path(args.list))
    sweep = replace(sweep, model=args.model or sweep.model,
                    recipe=with_overrides(sweep.recipe, args.tune),
                    seeds=tuple(args.seeds or sweep.seeds))
    names = [entry.name for entry in sweep.entries]
    if unknown := set(args.only or ()) - set(names):
        raise UsageError(f'--only: {sorted(unknown)} are not in the list; it has {names}')
    return replace(sweep, entries=tuple(entry for entry in sweep.entries
                                        if args.only is None or entry.name in args.only))


def _samples(args: argparse.Namespace, sweep: 'SweepConfig') -> 'Samples':
    """Return what all trainings learn from and are scored on."""
    from bdc_occ_ros.dataset.batch import evenly_spread
    from bdc_occ_ros.network.config import load_network_config
    from bdc_occ_ros.training.sweep import Samples
    from bdc_occ_ros.training.training_data import require_apart
    from bdc_occ_ros.weights.checkpoint import load_checkpoint
    config = load_network_config(sweep.model)
    data = data_choice(args, args.data, args.split)
    validation = data_choice(args, args.validate, args.validate_split)
    learned, tried = data.open(config), validation.open(config)
    require_apart(data.scenes(learned), validation.scenes(tried))
    return Samples(learned, str(data), tried, evenly_spread(args.validate_samples, len(tried)),
                   str(validation),
                   None if args.init is None else load_checkpoint(args.init), args.init)


def _train(args: argparse.Namespace, trainings: 'Sequence[Planned]', samples: 'Samples',
           device: 'torch.device') -> dict[str, str]:
    """Run trainings one after the other until the time is up; return failures."""
    from bdc_occ_ros.bench.machine import describe_machine
    from bdc_occ_ros.training.sweep import train_and_score
    failures: dict[str, str] = {}
    machine = describe_machine(args.threads or 0)
    stop_s = None if args.minutes is None else time.monotonic() + 60 * args.minutes
    for place, training in enumerate(trainings, start=1):
        left_s = None if stop_s is None else stop_s - time.monotonic()
        if left_s is not None and left_s <= 0:
            break
        with training_progress(training.recipe.steps, is_shown=not args.json,
                               title=f'{place}/{len(trainings)} {training.folder}') as observe:
            try:
                train_and_score(training, samples, args.out, device, seconds=left_s,
                                workers=args.workers, machine=machine, observe=observe)
            except NonFiniteLossError as error:
                failures[str(training.folder)] = str(error)
    return failures
