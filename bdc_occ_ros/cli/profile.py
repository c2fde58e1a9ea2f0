# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Count the parameters, multiply-adds and bytes of a network, without running it.

--model prints one network, module by module: parameters (full precision, small real ones of the
binary units, 1-bit), multiply-adds (full precision, 1-bit x 1-bit, 1-bit x real), bytes when bits
are packed, and the two numbers that a table would print:

  deployable    params: full + 1-bit / 32; operations: full + 1-bit x 1-bit / 64 + 1-bit x real
  conventional  the same parameters; operations: full + all binary ones / 64
  authors       the counter behind the published tables, where binary convolutions cost nothing

--table prints the published cells beside our count of the same networks.
"""

import argparse
import dataclasses
import json
from typing import Any, TYPE_CHECKING

from bdc_occ_ros.config_file import with_overrides
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.network.config import load_network_config, MODEL_NAMES

if TYPE_CHECKING:
    from bdc_occ_ros.bench.published_costs import ComparedRow
    from bdc_occ_ros.network.config import NetworkConfig
    from bdc_occ_ros.network.cost import Cost

CONVENTIONS = ('deployable', 'conventional', 'authors')
MILLION, GIGA = 1e6, 1e9
TITLES = ('full M', 'small M', '1-bit M', 'full G', 'bit*bit G', 'bit*real G', 'packed MB')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments.

    :param parser: Parser of the verb.
    """
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('--model', help=f'{", ".join(MODEL_NAMES)}, or a config file')
    what.add_argument('--table', action='store_true', help="the paper's cells beside ours")
    parser.add_argument('--set', action='append', default=[], metavar='PATH=VALUE',
                        help="change a value of the network's config, as in "
                        'nano.bev_unit.version=0')
    parser.add_argument('--convention', choices=CONVENTIONS,
                        help='print the two table numbers in this convention only')
    parser.add_argument('--cameras', type=int, default=6, help='images in a set (default: 6)')
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace) -> int:
    """
    Print what was asked for.

    :return: Exit status 0.
    :raises UsageError: if an argument does not go with the others.
    :raises InvalidConfigError: if the model is unknown or its file is wrong.
    """
    if args.table:
        if args.convention not in (None, 'authors') or args.cameras != 6 or args.set:
            raise UsageError('--table has the networks, the convention and the six cameras of the '
                             'paper; leave --set, --convention and --cameras out')
        return _run_table(args.json)
    if args.cameras < 1:
        raise UsageError(f'--cameras must be at least 1; got {args.cameras}')
    conventions = (args.convention,) if args.convention else CONVENTIONS
    config = with_overrides(load_network_config(args.model), args.set)
    return _run_model(config, args.cameras, conventions, args.json)


def _run_model(config: 'NetworkConfig', num_cameras: int, conventions: tuple[str, ...],
               as_json: bool) -> int:
    """Profile one network and print it."""
    from bdc_occ_ros.network.cost import profile_network, total_cost
    costs = profile_network(config, num_cameras)
    total = total_cost(costs)
    if as_json:
        print(json.dumps({
            'model': config.name, 'cameras': num_cameras,
            'modules': {name: _as_json(cost, conventions) for name, cost in costs.items()},
            'total': _as_json(total, conventions)}, indent=2))
        return 0
    print(f'{config.name}: {num_cameras} images of {config.image.height_px} x '
          f'{config.image.width_px}')
    print(f'{"module":26s}' + ''.join(f'{title:>12s}' for title in TITLES))
    for name, cost in {**costs, 'total': total}.items():
        print(_model_line(name, cost))
    for convention in conventions:
        params, operations = total.headlines()[convention]
        print(f'{convention:13s}{params / MILLION:9.3f} M parameters '
              f'{operations / GIGA:9.3f} G operations')
    return 0


def _model_line(name: str, cost: 'Cost') -> str:
    """Format the counts of one module."""
    millions = (cost.params_full, cost.params_small, cost.params_1bit)
    gigas = (cost.macs_full, cost.macs_1bit, cost.macs_mixed)
    values = (*(n / MILLION for n in millions), *(n / GIGA for n in gigas),
              cost.packed_bytes / MILLION)
    return f'{name:26s}' + ''.join(f'{value:12.3f}' for value in values)


def _as_json(cost: 'Cost', conventions: tuple[str, ...]) -> dict[str, Any]:
    """Return the counts of one module for JSON."""
    counts = {name: value for name, value in dataclasses.asdict(cost).items()
              if not name.startswith('authors')}
    headlines = {name: dict(zip(('params', 'operations'), cost.headlines()[name]))
                 for name in conventions}
    return {**counts, 'params': cost.params, 'packed_bytes': cost.packed_bytes, **headlines}


def _run_table(as_json: bool) -> int:
    """Compare with the paper and print it."""
    from bdc_occ_ros.bench.published_costs import compare_with_paper
    rows = compare_with_paper()
    if as_json:
        print(json.dumps([_row_as_json(row) for row in rows], indent=2))
        return 0
    print(f'{"method":16s}{"Params M":>10s}{"ours":>8s}{"OPs G":>9s}{"ours":>8s}'
          f'{"deployable M":>14s}{"G":>9s}  misses')
    for row in rows:
        params, operations = row.cost.headlines()['deployable']
        print(f'{row.published.method:16s}{row.published.params_m:10.2f}{row.params_m:8.2f}'
              f'{row.published.ops_g:9.2f}{row.ops_g:8.2f}{params / MILLION:14.2f}'
              f'{operations / GIGA:9.2f}  {", ".join(row.misses) or "none"}')
    for row in rows:
        if row.misses:
            print(f'{row.published.method}: {row.published.miss or "miss without explanation"}')
    print("Params and OPs are the paper's cells; ours uses its counter, in which binary "
          'convolutions cost nothing. The last two figures count them.')
    return 0


def _row_as_json(row: 'ComparedRow') -> dict[str, Any]:
    """Return one row for JSON."""
    params, operations = row.cost.headlines()['deployable']
    return {'method': row.published.method, 'model': row.published.model,
            'published': {'params_m': row.published.params_m, 'ops_g': row.published.ops_g},
            'ours': {'params_m': row.cost.authors_params / MILLION,
                     'ops_g': row.cost.authors_ops / GIGA},
            'deployable': {'params_m': params / MILLION, 'ops_g': operations / GIGA},
            'misses': list(row.misses), 'explanation': row.published.miss if row.misses else ''}
