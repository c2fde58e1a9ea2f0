# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What torch.save writes: published checkpoints and saved trainings."""

import io
from pathlib import Path
import zipfile

from authors_names import binary_bev, neck, shapes_of
from damage import damaged, HOSTILE
from fuzzing import Target
from made_source import MadeSource
import torch

from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.training.recipe import Recipe
from bdc_occ_ros.training.saved_training import Origin, resume_training, save_training
from bdc_occ_ros.training.trainer import Trainer
from bdc_occ_ros.weights.authors_checkpoint import (
    account_for,
    read_authors_checkpoint,
    recognise_network,
)

MODEL = Path(__file__).parents[1] / 'resources' / 'model_tiny.yaml'
# Pickle programs that call, build, refer to nothing, nest or claim lengths.
PROGRAMS = (
    b'cos\nsystem\n(S"true"\ntR.', b'cbuiltins\neval\n(S"1"\ntR.', b'(d.', b'(l.', b'N.', b'.',
    b'\x80\x02}q\x00.', b'0', b'a.', b'\x80\x05.', b'\x80\xff.', b'(' * 50_000 + b'.', b'Q.',
    b'\x80\x02' + b']' * 50_000 + b'a' * 49_999 + b'.', b'h\xff.', b'j\xff\xff\xff\xff.', b'I\n.',
    b'\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.', b'T\xff\xff\xff\x7f.', b'Fnan\n.', b'V\\ud800\n.',
    b'(K\x01K\x02d.', b'ctorch._utils\n_rebuild_tensor_v2\n(tR.', b'c\n\n.', b']\x8c\x00b.',
    b'ccollections\nOrderedDict\n)R(K\x01K\x02u.', b'ctorch\nFloatStorage\n.',
    b'ctorch._utils\n_rebuild_parameter\n(NNNtR.')
ODD_TENSORS = (torch.zeros(0), torch.zeros(2, 3).to_sparse(), torch.full((2,), float('nan')),
               torch.zeros(1, dtype=torch.complex64), torch.zeros(3, dtype=torch.uint8),
               torch.zeros(1).expand(10 ** 9), torch.zeros(2, 3, device='meta'),
               torch.zeros(2, dtype=torch.float8_e4m3fn))


def prepare(folder):
    """Return contents of checkpoints, and a trainer with the content of its saved training."""
    config = load_network_config(MODEL)
    trainer = Trainer(config, Recipe(steps=4, batch=2, warmup_steps=2), MadeSource(config, 4),
                      torch.device('cpu'))
    path = folder / 'training.pt'
    save_training(path, trainer, Origin('made'))
    resume_training(path, trainer, Origin('made'))
    names = {name: torch.zeros(1) for name in (
        *shapes_of('bdc_occ_t'), *neck('bdc_occ_t'), *binary_bev('bdc_occ_t'))}
    small = {'module.a.weight': torch.arange(6.0).reshape(2, 3), 'module.b': torch.tensor(7)}
    published = [{'meta': {'epoch': 24, 'CLASSES': ('car',)}, 'state_dict': small,
                  'optimizer': {'state': {0: {'step': 3}}, 'param_groups': []}},
                 {'epoch': 20, 'state_dict': small, 'updates': 87890},
                 {'state_dict_ema': small}, {'model': small}, small, {'state_dict': names}]
    return published, trainer, torch.load(path, weights_only=True)


def edited(rng, content):
    """Return a content with one entry replaced, removed or renamed, at any depth."""
    if not isinstance(content, dict) or not content:
        return rng.choice((*HOSTILE, *ODD_TENSORS))
    key = rng.choice(list(content))
    what = rng.random()
    if what < 0.5 and isinstance(content[key], dict):
        return {**content, key: edited(rng, content[key])}
    if what < 0.6:
        return {name: value for name, value in content.items() if name != key}
    if what < 0.7:
        return {**content, rng.choice((7, None, '', 'x' * 2000, 'a\nb')): content[key]}
    return {**content, key: rng.choice((*HOSTILE, *ODD_TENSORS))}


def rewritten(rng, data):
    """Return the archive with another member, or members in another form."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(file, 'w') as target:
        chosen = rng.choice(source.namelist())
        what = rng.choice(('program', 'program', 'damage', 'remove', 'compress', 'rename'))
        for name in source.namelist():
            content, form, place = source.read(name), zipfile.ZIP_STORED, name
            if what == 'program' and name.endswith('data.pkl'):
                content = rng.choice(PROGRAMS) if rng.random() < 0.5 else damaged(rng, content)
            elif what in ('remove', 'damage', 'rename') and name == chosen:
                if what == 'remove':
                    continue
                content = damaged(rng, content) if what == 'damage' else content
                place = name + 'x' * (what == 'rename')
            elif what == 'compress':
                form = zipfile.ZIP_DEFLATED
            target.writestr(place, content, form)
    return file.getvalue()


def attempt(rng, seeds, folder):
    """Damage a checkpoint or a saved training and read it."""
    published, trainer, training = seeds
    is_training = rng.random() < 0.4
    content = training if is_training else rng.choice(published)
    what, file, path = rng.random(), io.BytesIO(), folder / 'damaged.pth'
    torch.save(edited(rng, content) if what < 0.5 else content, file,
               _use_new_zipfile_serialization=rng.random() > 0.05)
    data = file.getvalue()
    if what >= 0.8 or not data.startswith(b'PK'):
        data = damaged(rng, data)
    elif what >= 0.5:
        data = rewritten(rng, data)
    path.write_bytes(data)
    if is_training:
        resume_training(path, trainer, Origin('made'))
        return
    tensors = read_authors_checkpoint(path).tensors
    account_for(tensors, recognise_network(tensors))


TARGET = Target(prepare, attempt, cases=40)
