# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Damage weights files and packed files in seeded ways; only named errors may come out of reading.

    python test/weights/weights_fuzzer.py SECONDS [SEED]

Half of the mutations put the hash right afterwards, so that what lies behind it is reached too.
"""

from collections import Counter
import hashlib
import json
from pathlib import Path
import random
import sys
import tempfile
import time

from safetensors.torch import load, save
import torch

from bdc_occ_ros.errors import BdcOccError
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.weights.checkpoint import (
    Checkpoint,
    checkpoint_in,
    restore_network,
    save_checkpoint,
)
from bdc_occ_ros.weights.packed_checkpoint import (
    FORMAT,
    pack_checkpoint,
    packed_checkpoint_in,
    restore_packed_network,
    save_packed,
)
from bdc_occ_ros.weights.weights_file import (
    HASH_KEY,
    MANIFEST_KEY,
    read_weights_file,
    tensors_sha256,
)

MODEL = Path(__file__).parents[1] / 'resources' / 'model_tiny.yaml'
DTYPES = ('F64', 'F32', 'F16', 'BF16', 'I64', 'I32', 'I16', 'U8', 'BOOL', 'F8_E4M3', 'C64', '', 7)
TENSOR_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
                 torch.uint8, torch.bool)
HOSTILE = (0, 1, -1, 2, 3, 64, 257, 4096, 10 ** 9, 2 ** 63, -2 ** 63, 10 ** 400, 0.5, -0.0, 1e-300,
           1e308, -1e308, float('nan'), float('inf'), True, False, None, '', 'sid', '\ud800',
           'x' * 3000, [], [1], [10 ** 9] * 3, {}, {'name': 'x'}, [[[[[]]]]])


def parts_of(data):
    """Return the header as a mapping and the bytes behind it."""
    length = int.from_bytes(data[:8], 'little')
    return json.loads(data[8:8 + length]), data[8 + length:]


def joined(header, body):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, 'little') + text + body


def manifest_of(data):
    return json.loads(parts_of(data)[0]['__metadata__'][MANIFEST_KEY])


def metadata_of(manifest):
    """Return a manifest with the hash that belongs to it."""
    text = json.dumps(manifest)
    return {MANIFEST_KEY: text, HASH_KEY: hashlib.sha256(text.encode()).hexdigest()}


def truncate(rng, data):
    return data[:rng.randrange(len(data))]


def flip_bits(rng, data):
    mutable = bytearray(data)
    reach = rng.choice((8, 400, len(data)))
    for _ in range(rng.choice((1, 1, 8))):
        mutable[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(mutable)


def splice(rng, data):
    """Move, repeat or leave out a piece."""
    start, stop, place = (rng.randrange(len(data)) for _ in range(3))
    return data[:place] + data[min(start, stop):max(start, stop)] + data[place + rng.choice(
        (0, abs(stop - start))):]


def lie_in_header(rng, data):
    """Say something else about a tensor than what is there."""
    header, body = parts_of(data)
    entry = header[rng.choice(sorted(set(header) - {'__metadata__'}))]
    key = rng.choice(('dtype', 'shape', 'data_offsets', 'new'))
    if key == 'dtype':
        entry[key] = rng.choice(DTYPES)
    elif key == 'new' or rng.random() < 0.3:
        entry[key] = rng.choice(HOSTILE)
    elif entry[key]:
        entry[key][rng.randrange(len(entry[key]))] = rng.choice(
            (0, 1, -1, 10 ** 12, 2 ** 64, 2 ** 63 - 1, None, '1', 1.5))
    return joined(header, body)


def edit_manifest(rng, data):
    """Replace, remove or add an entry somewhere inside the manifest."""
    header, body = parts_of(data)
    manifest = manifest_of(data)
    part = manifest if rng.random() < 0.2 else manifest['config']
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = rng.choice(keys) if keys else 'new'
        inner = part[key] if keys else None
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.2:
            break
        part = inner
    if isinstance(part, dict) and keys and rng.random() < 0.1:
        del part[key]
    elif isinstance(part, list) and not keys:
        part.append(rng.choice(HOSTILE))
    else:
        part[key] = rng.choice(HOSTILE)
    header['__metadata__'] = metadata_of(manifest)
    return joined(header, body)


def edit_tensors(rng, data):
    """Change, rename, remove or add tensors, and put the hash right."""
    manifest, tensors = manifest_of(data), load(data)
    for _ in range(rng.choice((1, 1, 3))):
        name = rng.choice(sorted(tensors))
        tensor = tensors[name]
        what = rng.choice(('value', 'value', 'value', 'dtype', 'shape', 'remove', 'rename'))
        if what == 'value' and tensor.numel():
            lowest = torch.iinfo(tensor.dtype).min if tensor.dtype == torch.int32 else 0
            choices = (0, 1, -1, lowest) + (
                (float('nan'), float('inf'), -float('inf'), 1e38) if tensor.is_floating_point()
                else ())
            tensor.view(-1)[rng.randrange(tensor.numel())] = rng.choice(choices)
        elif what == 'dtype':
            tensors[name] = tensor.to(rng.choice(TENSOR_DTYPES))
        elif what == 'shape':
            tensors[name] = torch.zeros([rng.choice((0, 1, 2, 8, 33)) for _ in range(
                rng.randrange(5))], dtype=tensor.dtype)
        elif what == 'remove':
            del tensors[name]
        elif what == 'rename':
            tensors[name + rng.choice(('', 'x', '.0'))] = tensors.pop(name)
    manifest['tensors_sha256'] = tensors_sha256(tensors)
    return save(tensors, metadata_of(manifest))


MUTATIONS = (truncate, flip_bits, splice, lie_in_header, edit_manifest, edit_manifest,
             edit_tensors, edit_tensors)


def read(path):
    """Read a file of either kind up to the network."""
    file = read_weights_file(path)
    if file.manifest['format'] == FORMAT:
        return restore_packed_network(packed_checkpoint_in(file))
    return restore_network(checkpoint_in(file))


def write_seeds(folder):
    """Write a small file of each kind and return what is in them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = OccupancyNetwork(load_network_config(MODEL))
    save_checkpoint(folder / 'weights.safetensors',
                    Checkpoint(network.config, network.state_dict(), {'recipe': 'none'}))
    save_packed(folder / 'packed.safetensors', pack_checkpoint(
        network, real_dtype='float32', is_trained=False, source_sha256='', provenance={'a': 'b'}))
    return [path.read_bytes() for path in sorted(folder.glob('*.safetensors'))]


def fuzz(seconds, seed, folder):
    """
    Damage and read until the time is over.

    :return: How often each mutation was accepted, and refused by which error.
    """
    seeds = write_seeds(folder)
    path = folder / 'damaged.safetensors'
    outcomes = Counter()
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        rng = random.Random(f'{seed} {number}')
        number += 1
        mutation = rng.choice(MUTATIONS)
        path.write_bytes(mutation(rng, rng.choice(seeds)))
        try:
            read(path)
            outcomes[mutation.__name__, 'accepted'] += 1
        except BdcOccError as error:
            outcomes[mutation.__name__, type(error).__name__] += 1
        except BaseException as error:
            error.add_note(f'seed {seed}, number {number - 1}: {path}') if hasattr(
                error, 'add_note') else print(f'seed {seed}, number {number - 1}: {path}')
            raise
    return outcomes


if __name__ == '__main__':
    with tempfile.TemporaryDirectory(prefix='weights_fuzzer_') as scratch:
        found = fuzz(float(sys.argv[1]), (sys.argv[2:] or [str(time.time_ns())])[0], Path(scratch))
    for (kind, outcome), count in sorted(found.items()):
        print(f'{kind:16} {outcome:22} {count}')
