# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Train a network on made-up scenes or on a data set in nuScenes' format.

--validate tries the averaged weights now and then, with the statistics of batch normalization as
they were averaged; where the recipe estimates those anew (bn_batches) it does so at the end, after
the last validation, so that weights.safetensors can score otherwise than the log says.

The folder that --out names receives the log, the state (from which --resume goes on, to the same
weights as without a stop) and weights.safetensors, which export, evaluate and the node take:

    bdc-occ train --config bdc_occ_nano --data world:0-999 --out runs/nano --steps 5000
    bdc-occ train --config bdc_occ_nano --data DATAROOT --out runs/real --steps 5000

--set changes a value of the network's config, --tune one of the recipe's:

    --set nano.bev_unit.is_binary=false --tune losses.depth=0.5 --tune schedule=constant

Several processes share the samples of every step when torchrun starts them:

    torchrun --nproc-per-node 2 -m bdc_occ_ros.cli train ...
"""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bdc_occ_ros.cli.training_arguments import (
    add_data_arguments,
    add_session_arguments,
    chosen_device,
    data_choice,
    use_threads,
)
from bdc_occ_ros.cli.training_progress import training_progress
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.files import writing

if TYPE_CHECKING:
    import torch

    from bdc_occ_ros.dataset.batch import TrainingSource
    from bdc_occ_ros.evaluation.process_group import ProcessGroup
    from bdc_occ_ros.network.config import NetworkConfig
    from bdc_occ_ros.training.loop import TrainingSession
    from bdc_occ_ros.training.recipe import Recipe
    from bdc_occ_ros.training.saved_training import Origin
    from bdc_occ_ros.training.trainer import Trainer
    from bdc_occ_ros.weights.checkpoint import Checkpoint

RECIPE_NAMES = ('published', 'cpu', 'lite')
SHORT_FORMS = {'steps': 'steps', 'batch': 'batch', 'micro_batch': 'micro_batch',
               'lr': 'learning_rate', 'seed': 'seed', 'precision': 'precision'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--config', required=True, help='network, by name or file')
    parser.add_argument('--set', action='append', default=[], metavar='PATH=VALUE',
                        help="change a value of the network's config")
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='where all goes')
    data = parser.add_argument_group('data')
    add_data_arguments(data, needs_validation=False)
    data.add_argument('--validate-every', type=int, default=1000, metavar='N',
                      help='steps from one validation to the next (default 1000)')
    _add_recipe_arguments(parser.add_argument_group('recipe'))
    _add_session_arguments(parser.add_argument_group('this session'))


def _add_recipe_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare how it is trained."""
    group.add_argument('--recipe', metavar='FILE', help='recipe, YAML, or one that comes '
                       'with the package: published, by the authors of BDC, cpu, of the '
                       'weights that ship, or lite, for photographs')
    group.add_argument('--tune', action='append', default=[], metavar='PATH=VALUE',
                       help='change a value of the recipe')
    group.add_argument('--steps', type=int, metavar='N', help='updates of the weights')
    group.add_argument('--batch', type=int, metavar='N', help='samples per step')
    group.add_argument('--micro-batch', type=int, metavar='N',
                       help='samples in the network at once')
    group.add_argument('--lr', type=float, help='learning rate at its highest')
    group.add_argument('--seed', type=int, help='of first weights and order')
    group.add_argument('--precision', choices=('float32', 'bfloat16'))
    group.add_argument('--init', type=Path, metavar='FILE', help='begin with these weights')
    group.add_argument('--teacher', type=Path, metavar='FILE',
                       help='weights to distil from, with --tune losses.distillation=1')


def _add_session_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare how long it goes on and where."""
    group.add_argument('--resume', action='store_true',
                       help='go on from the state in --out, or begin where there is none')
    add_session_arguments(group)
    group.add_argument('--save-every', type=int, default=250, metavar='N',
                       help='steps between saved states (default 250)')
    group.add_argument('--tensorboard', action='store_true', help="write TensorBoard's files too")


def run(args: argparse.Namespace) -> int:
    """
    Train, print the progress and write the weights.

    :return: Exit status 0, also where the time was up before the last step.
    """
    from bdc_occ_ros.config_file import with_overrides
    from bdc_occ_ros.evaluation.process_group import process_group
    from bdc_occ_ros.network.config import load_network_config
    from bdc_occ_ros.network.network import validate_architecture
    use_threads(args)
    config = with_overrides(load_network_config(args.config), args.set)
    validate_architecture(config)
    recipe = _recipe(args)
    device = chosen_device(args.device)
    with writing(args.out, UsageError):
        args.out.mkdir(parents=True, exist_ok=True)
    with process_group('nccl' if device.type == 'cuda' else 'gloo') as group:
        _train(args, config, recipe, device, group)
    return 0


def _train(args: argparse.Namespace, config: 'NetworkConfig', recipe: 'Recipe',
           device: 'torch.device', group: 'ProcessGroup') -> None:
    """Train in this process; the first one writes files and prints."""
    from bdc_occ_ros.bench.machine import describe_machine
    from bdc_occ_ros.training.forward import uses_bfloat16
    from bdc_occ_ros.training.loop import run_training
    from bdc_occ_ros.training.saved_training import origin_of, provenance_of
    from bdc_occ_ros.training.trainer import Trainer
    from bdc_occ_ros.weights.checkpoint import (
        Checkpoint,
        load_checkpoint,
        restore_network,
        save_checkpoint,
    )
    machine = describe_machine(args.threads or 0)
    first, teacher = (None if path is None else load_checkpoint(path)
                      for path in (args.init, args.teacher))
    data = data_choice(args, args.data, args.split)
    trainer = Trainer(config, recipe, data.open(config), device, group=group,
                      teacher=None if teacher is None else restore_network(teacher),
                      workers=args.workers)
    session = _session(args, config, origin_of(str(data), first, teacher), trainer.source)
    is_resumed = _is_resumed(args, session)
    if first is not None and not is_resumed:
        _take_over(first, args.init, trainer, is_told=group.rank == 0)
    if group.rank == 0:
        is_short = uses_bfloat16(recipe.precision, device)
        is_emulated = is_short and not uses_bfloat16('auto', device)
        print(f'precision: {"bfloat16" if is_short else "float32"}' + (
            ', which this machine emulates slowly; auto takes float32' if is_emulated else ''))
    with training_progress(recipe.steps, is_shown=group.rank == 0) as observe:
        is_complete = run_training(trainer, session, is_resumed=is_resumed, observe=observe)
    if group.rank == 0:
        words = provenance_of(trainer, session.origin, first, args.init, machine)
        words['teacher'] = 'none' if args.teacher is None else args.teacher.name
        path = args.out / 'weights.safetensors'
        save_checkpoint(path, Checkpoint(config, trainer.averaged.network.state_dict(), words))
        print(f'written: {path}' + ('' if is_complete else
              f' after step {trainer.step} of {recipe.steps}; --resume goes on'))


def _recipe(args: argparse.Namespace) -> 'Recipe':
    """Return the recipe of the file, with what the arguments change."""
    from bdc_occ_ros.config_file import parse_dataclass, read_yaml, with_overrides
    from bdc_occ_ros.share import share_path
    from bdc_occ_ros.training.recipe import Recipe
    values = {}
    if args.recipe is not None:
        path = (share_path('config', f'training_{args.recipe}.yaml')
                if args.recipe in RECIPE_NAMES else Path(args.recipe))
        if not os.path.isfile(path):
            raise UsageError(f'--recipe: no file {args.recipe}; give one, or a name of '
                             f'{RECIPE_NAMES}')
        values = read_yaml(path)
    values |= {name: getattr(args, short) for short, name in SHORT_FORMS.items()
               if getattr(args, short) is not None}
    return with_overrides(parse_dataclass(Recipe, values, args.recipe or 'recipe'), args.tune)


def _session(args: argparse.Namespace, config: 'NetworkConfig', origin: 'Origin',
             learned: 'TrainingSource') -> 'TrainingSession':
    """Return how long this goes on and what is written."""
    from bdc_occ_ros.dataset.batch import evenly_spread
    from bdc_occ_ros.training.loop import TrainingSession, Validation
    from bdc_occ_ros.training.training_data import require_apart
    validation = None
    if args.validate is not None and config.occupancy is None:
        raise UsageError(f'--validate: {config.name} has no voxels, and what is tried is mIoU; '
                         'leave it out, and score boxes with evaluate')
    if args.validate is not None:
        choice = data_choice(args, args.validate, args.validate_split)
        source = choice.open(config)
        require_apart(data_choice(args, args.data, args.split).scenes(learned),
                      choice.scenes(source))
        validation = Validation(source, evenly_spread(args.validate_samples, len(source)),
                                args.validate_every)
    return TrainingSession(args.out, origin,
                           None if args.minutes is None else 60 * args.minutes, args.save_every,
                           validation=validation, with_tensorboard=args.tensorboard)


def _is_resumed(args: argparse.Namespace, session: 'TrainingSession') -> bool:
    """Return whether there is a state to go on from; refuse to write over one."""
    is_there = session.state_path.exists()
    if is_there and not args.resume:
        raise UsageError(f'{args.out} holds a training; go on with --resume, or give another '
                         f'folder')
    return is_there


def _take_over(first: 'Checkpoint', path: Path, trainer: 'Trainer', *, is_told: bool) -> None:
    """Begin with what fits of other weights, and say what does not."""
    from bdc_occ_ros.training.transfer import transfer_weights
    transfer = transfer_weights(first, trainer.network)
    trainer.start_from(transfer.tensors)
    if is_told:
        print(f'{path}: {len(transfer.tensors)} tensors taken over, {len(transfer.fresh)} begin '
              f'anew, {len(transfer.unused)} have no place here')
        for title, names in (('anew', transfer.fresh), ('no place', transfer.unused)):
            print('\n'.join(f'  {title}: {name}' for name in names), end='\n' if names else '')
