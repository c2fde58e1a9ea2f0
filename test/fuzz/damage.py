# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Damage bytes, documents and arrays in ways that a random generator chooses."""

from copy import deepcopy
import io
import json
import struct
import zipfile

import numpy as np
import yaml

HOSTILE = (0, 1, -1, 2, 3, 64, 257, 4096, 40000, 10 ** 9, 2 ** 31, 2 ** 63, -2 ** 63, 10 ** 400,
           0.5, -0.0, 5e-324, 1e-300, 1.7e308, -1e308, float('nan'), float('inf'), -float('inf'),
           True, False, None, '', '0', 'sid', '../..', '/', '\0', 'a\nb', '\x1b[2J', '\ud800',
           '\u2028', 'x' * 3000, 'name.' * 60, [], [1], [[]], [None], [10 ** 9] * 3, ['x'] * 3000,
           {}, {'name': 'x'}, {'': None}, {'x' * 2000: 1}, [[[[[]]]]])
# What YAML makes of a value: other types, tags, anchors; none of it may get through.
FRAGMENTS = (
    '2026-12-01', '2026-12-01 10:00:00Z', '2026-13-41', '190:20:30', '0x1F', '0o17', '1_000', '=',
    '.nan', '-.inf', '~', 'off', 'on', '!!bool maybe', '!!int x', '!!float x', '!!binary "%%"',
    '!!timestamp x', '!!set {a, b}', '!!omap [{a: 1}]', '!!pairs [a]', '!!null x', '!x y',
    '!!python/object/apply:os.getcwd []', '!!python/name:os.system', '&a [*a]', '*nowhere',
    '&a {<<: *a}', '{<<: 7}', '{? [a, b] : c}', '{? {a: b} : c}', '{1: 2, 1.5: 3, null: 4}',
    '"\\ud800"', '"\\0"', '"\\x1b[2J"', "'", '"', '{', '[', '@', '%', '\t', '|', '- - -', '--- x',
    '[' * 3000 + ']' * 3000, '{a: ' * 3000 + '}' * 3000, '9' * 5000, '1e999', '1e-999',
    '[&a [x,x,x,x,x,x,x,x,x], &b [*a,*a,*a,*a,*a,*a,*a,*a,*a], &c [*b,*b,*b,*b,*b,*b,*b,*b,*b], '
    '&d [*c,*c,*c,*c,*c,*c,*c,*c,*c], &e [*d,*d,*d,*d,*d,*d,*d,*d,*d], '
    '&f [*e,*e,*e,*e,*e,*e,*e,*e,*e], [*f,*f,*f,*f,*f,*f,*f,*f,*f]]')
JSON_FRAGMENTS = (
    'NaN', '-Infinity', '1e999', '9' * 5000, '0x1', "'a'", 'undefined', '"\\ud800"', '"\\x"', '',
    '[' * 100_000, '{"a":' * 100_000, '[' * 900 + ']' * 900, '{"a": 1, "a": 2}', '[1,]', '\ufeff',
    '"\t"', '-', '00', '1.', 'nul')
DTYPES = ('f2', 'f4', 'f8', 'i1', 'i8', 'u1', 'u8', 'bool', 'c16', 'U5', 'S5', 'M8[s]', 'm8[s]',
          'V3', 'O', '>f8', [('a', 'f4'), ('b', 'u1')])
MARK = 'a place for a fragment'


def truncated(rng, data):
    return data[:rng.randrange(len(data) + 1)]


def flipped(rng, data):
    mutable = bytearray(data)
    reach = rng.choice((8, 400, len(data)))
    for _ in range(rng.choice((1, 1, 8, 64))):
        mutable[rng.randrange(min(reach, len(data)))] ^= 1 << rng.randrange(8)
    return bytes(mutable)


def spliced(rng, data):
    """Move, repeat or leave out a piece."""
    start, stop, place = (rng.randrange(len(data)) for _ in range(3))
    return data[:place] + data[min(start, stop):max(start, stop)] + data[place + rng.choice(
        (0, abs(stop - start))):]


def with_number(rng, data):
    """Overwrite a piece by an extreme number, as lengths and offsets are."""
    form = rng.choice(('<B', '<H', '>H', '<I', '>I', '<Q', '>Q', '<f', '<d'))
    size = struct.calcsize(form)
    if len(data) <= size:
        return data
    if form[1] in 'fd':
        number = struct.pack(form, rng.choice((0.0, np.nan, np.inf, 1e-40, 3e38, -3e38)))
    else:
        top = 2 ** (8 * size) - 1
        number = struct.pack(form, rng.choice((0, 1, 255 & top, top, top // 2, top // 2 + 1)))
    place = rng.randrange(min(rng.choice((64, 1024, len(data))), len(data) - size))
    return data[:place] + number + data[place + size:]


def damaged(rng, data):
    """Return other bytes."""
    if not data:
        return b'\0'
    return rng.choice((truncated, flipped, flipped, spliced, with_number, with_number))(rng, data)


def edited(rng, tree, hostile=HOSTILE):
    """Return a document with one entry replaced, removed, added, repeated or exchanged."""
    tree = deepcopy(tree)
    part, keys = tree, None
    while isinstance(part, dict | list):
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        if not keys:
            break
        key = rng.choice(keys)
        if not isinstance(part[key], dict | list) or not part[key] or rng.random() < 0.2:
            break
        part = part[key]
    if not isinstance(part, dict | list) or rng.random() < 0.01:
        return rng.choice(hostile)
    value = rng.choice(hostile)
    if not keys:
        part.append(value) if isinstance(part, list) else part.update({'new': value})
        return tree
    what = rng.random()
    if what < 0.1:
        del part[key]
    elif what < 0.2:
        part[key] = deepcopy(part[rng.choice(keys)])
    elif what < 0.25:
        part.append(value) if isinstance(part, list) else part.update(
            {rng.choice(('new', '', 'x' * 2000, '\ud800', 'a\nb', 7, None)): value})
    elif what < 0.3 and isinstance(part, dict):
        part[rng.choice(('name', 'x', '\x1b'))] = part.pop(key)
    elif what < 0.35 and type(part[key]) in (int, float):
        part[key] = part[key] * rng.choice((-1, 10, 100_000))
    else:
        part[key] = value
    return tree


def _marked(rng, tree, dump, fragments):
    """Return text in which one value is replaced by raw text."""
    text = dump(edited(rng, tree, hostile=(MARK,)))
    for quoted in (f'"{MARK}"', f"'{MARK}'", MARK):
        text = text.replace(quoted, rng.choice(fragments))
    return text


def as_json(rng, tree):
    """Return a damaged JSON document."""
    what = rng.random()
    if what < 0.6:
        for _ in range(rng.choice((1, 1, 1, 4))):
            tree = edited(rng, tree)
        return json.dumps(tree).encode()
    if what < 0.8:
        return _marked(rng, tree, json.dumps, JSON_FRAGMENTS).encode('utf-8', 'surrogatepass')
    return damaged(rng, json.dumps(tree).encode())


def as_yaml(rng, tree):
    """Return a damaged YAML document."""
    def dump(document):
        return yaml.safe_dump(document, sort_keys=False,
                              default_flow_style=rng.choice((None, False, True)), width=10 ** 6)
    what = rng.random()
    if what < 0.5:
        for _ in range(rng.choice((1, 1, 1, 4))):
            tree = edited(rng, tree)
        return dump(tree).encode()
    if what < 0.8:
        return _marked(rng, tree, dump, FRAGMENTS).encode('utf-8', 'surrogatepass')
    return damaged(rng, dump(tree).encode())


def edited_array(rng, array):
    """Return another array in the place of one."""
    what = rng.random()
    if what < 0.4 and array.size and array.dtype.kind in 'fiub':
        array = array.copy()
        values = [0, 1] + [np.nan, np.inf, -np.inf, 1e38, -1e38] * (array.dtype.kind == 'f')
        if array.dtype.kind in 'iu':
            values += [np.iinfo(array.dtype).min, np.iinfo(array.dtype).max]
        array.reshape(-1)[rng.randrange(array.size)] = rng.choice(values)
        return array
    if what < 0.7:
        dtype = np.dtype(rng.choice(DTYPES))
        return np.zeros(array.shape, dtype)
    if what < 0.8 and array.ndim:
        return array[..., None] if rng.random() < 0.5 else array[:-1]
    return np.zeros([rng.choice((0, 1, 2, 3, 200)) for _ in range(rng.randrange(4))], array.dtype)


def npy_that_claims(shape, descr="'<f8'", order='False'):
    """Return an array file whose header is a lie, or code."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header + bytes(64)


LIES = (npy_that_claims('(1000000, 1000000)'), npy_that_claims('(-1,)'),
        npy_that_claims('(2**64,)'), npy_that_claims('(3,)', "'|O'"),
        npy_that_claims('(3,)', '[]'), npy_that_claims('3'),
        npy_that_claims("('a',)"), npy_that_claims('(1,)' * 9), npy_that_claims('(' * 300),
        npy_that_claims('(8,)', "'<f8'", '7'), npy_that_claims('(99999999999,)', "'V0'"),
        npy_that_claims('(1,)', "('<f8', (100000, 100000))"),
        npy_that_claims('()', "'<U9999999'"), npy_that_claims('(True,)'), b'',
        b'\x93NUMPY\x03\x00', b'\x93NUMPY\x02\x00\xff\xff\xff\x7f')


def as_npz(rng, arrays):
    """Return a damaged archive of arrays."""
    what = rng.random()
    if what < 0.5:
        arrays = dict(arrays)
        for _ in range(rng.choice((1, 1, 3))):
            name = rng.choice(sorted(arrays))
            if (how := rng.random()) < 0.1 and len(arrays) > 1:
                del arrays[name]
            elif how < 0.2:
                arrays[rng.choice((name + 'x', 'new', '../up', ''))] = arrays[name]
            else:
                arrays[name] = edited_array(rng, arrays[name])
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w', rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
                         ) as archive:
        lying = rng.choice(sorted(arrays)) if 0.5 <= what < 0.7 else None
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.save(entry, array)
            archive.writestr(f'{name}.npy', rng.choice(LIES) if name == lying
                             else entry.getvalue())
    return file.getvalue() if what < 0.7 else damaged(rng, file.getvalue())
