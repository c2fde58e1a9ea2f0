# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bags of both storages: their bytes, records, rows, metadata and messages.

Every reader of bags is tried on each: the messages, the summary, the frames of the rig, and the
results of the node.
"""

from itertools import islice
import shutil
import sqlite3
import struct

import cv2
from damage import as_yaml, damaged
from fuzzing import Target
import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from test_recording import cloud, detection, header, TYPES
import yaml

from bdc_occ_ros.bags import messages
from bdc_occ_ros.bags.bag_frames import RigBag
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.bag_summary import summarize_bag
from bdc_occ_ros.bags.recording import load_recording
from bdc_occ_ros.errors import BdcOccError
from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.share import share_path

START_NS = 1_532_402_927_604_844_000
MAX_FRAMES = 20
COMPRESSIONS = ((CompressionMode.NONE, None), (CompressionMode.FILE, CompressionFormat.ZSTD),
                (CompressionMode.MESSAGE, CompressionFormat.ZSTD),
                (CompressionMode.STORAGE, CompressionFormat.ZSTD))
ROWS = ('UPDATE messages SET data = ?', 'UPDATE messages SET timestamp = ?',
        'UPDATE messages SET topic_id = ?', 'UPDATE topics SET type = ?',
        'UPDATE topics SET name = ?', 'UPDATE topics SET serialization_format = ?',
        'UPDATE topics SET offered_qos_profiles = ?', 'UPDATE topics SET id = ?')
STATEMENTS = ('DROP TABLE messages', 'DROP TABLE topics', 'DELETE FROM messages',
              'DELETE FROM topics', 'ALTER TABLE messages DROP COLUMN data',
              'ALTER TABLE topics RENAME COLUMN type TO kind', 'DROP TABLE schema',
              'UPDATE schema SET schema_version = 99', 'PRAGMA user_version = 7',
              'DROP TABLE messages; CREATE VIEW messages AS WITH RECURSIVE n(i) AS (SELECT 1 '
              'UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 1 AS topic_id, i AS timestamp, '
              "x'00' AS data FROM n", 'INSERT INTO messages SELECT * FROM messages WHERE 0')
VALUES = (None, 0, -1, 2 ** 62, 1.5, '', 'x' * 5000, b'', b'\0\1\0\0', bytes(3000),
          'sensor_msgs/x', 'std_msgs/msg/String', '../up', 'a\nb', '\x1b[2J', '- history: 7',
          '[' * 2000)


def made_messages():
    """Return topic, type, recording time and message of a short drive and the node's results."""
    rig = load_calibration(share_path('config', 'calibration_nuscenes_n015.yaml'))
    names = rig.names[:2]
    data = cv2.imencode('.jpg', np.full((54, 96, 3), 90, np.uint8))[1].tobytes()
    mounts = [messages.transform(START_NS, 'base_link', name, rig[name].ego_from_camera)
              for name in names]
    made = [('/tf_static', messages.TF_MESSAGE, START_NS, messages.tf(mounts))]
    for place, name in enumerate(names):
        camera = rig.resized(96, 54)[name]
        for number in range(3):
            stamp_ns = START_NS + number * 80_000_000 + place * 7_000_000
            pose = messages.transform(stamp_ns, 'odom', 'base_link', np.eye(4))
            made += [
                (f'camera/{name}/image/compressed', messages.COMPRESSED_IMAGE, stamp_ns,
                 messages.compressed_image(stamp_ns, name, data)),
                (f'camera/{name}/camera_info', messages.CAMERA_INFO, stamp_ns,
                 messages.camera_info(stamp_ns, name, camera, messages.IDENTITY, 'plumb_bob', 5)),
                ('/tf', messages.TF_MESSAGE, stamp_ns, messages.tf([pose])),
                ('/odom', messages.ODOMETRY, stamp_ns,
                 messages.odometry(stamp_ns, 'odom', 'base_link', np.eye(4)))]
    boxes = TYPES['vision_msgs/msg/Detection3DArray'](header(), [detection('car', 0.3)])
    return [*made, ('/occupancy', messages.CLOUD, START_NS, cloud()),
            ('/detections', 'vision_msgs/msg/Detection3DArray', START_NS, boxes),
            ('/bdc_occ/debug/processing_time/total_ms', 'std_msgs/msg/Float64', START_NS,
             TYPES['std_msgs/msg/Float64'](3.0))]


def write_bag(path, storage, compression, rows):
    """
    Write a bag.

    :param rows: Topic, type, recording time and serialized message of each.
    """
    writer = Writer(path, version=9, storage_plugin=storage)
    if compression[1] is not None:
        writer.set_compression(*compression)
    with writer:
        known = {}
        for topic, msgtype, stamp_ns, data in rows:
            if (topic, msgtype) not in known:
                known[topic, msgtype] = writer.add_connection(
                    topic, msgtype, typestore=messages.message_types())
            writer.write(known[topic, msgtype], stamp_ns, data)


def prepare(folder):
    """Write a bag of every storage and compression; return them and their messages."""
    rows = [(topic, msgtype, stamp_ns,
             bytes(messages.message_types().serialize_cdr(message, msgtype)))
            for topic, msgtype, stamp_ns, message in made_messages()]
    bags = []
    for storage in StoragePlugin:
        for number, compression in enumerate(COMPRESSIONS):
            if storage == StoragePlugin.SQLITE3 and compression[0] == CompressionMode.STORAGE:
                continue
            path = folder / f'{storage.name}_{number}'
            write_bag(path, storage, compression, rows)
            bags.append((path, storage, compression))
    read(bags[0][0])
    return bags, rows


def records_of(data):
    """Cut an MCAP file into its records: opcode and content."""
    place, records = 8, []
    while place + 9 <= len(data) - 8:
        opcode, size = struct.unpack_from('<BQ', data, place)
        records.append((opcode, data[place + 9:place + 9 + size]))
        place += 9 + size
    return records


def other_records(rng, data):
    """Drop, repeat, exchange, damage or lengthen a record of an MCAP file."""
    records = records_of(data)
    place = rng.randrange(len(records))
    opcode, content = records[place]
    what, size = rng.randrange(6), None
    if what == 0:
        del records[place]
    elif what == 1:
        records.insert(rng.randrange(len(records)), records[place])
    elif what == 2:
        records[place] = (rng.randrange(256), content)
    elif what == 3:
        size = rng.choice((0, 1, 2 ** 31, 2 ** 40, 2 ** 63, 2 ** 64 - 1))
    else:
        records[place] = (opcode, damaged(rng, content))
    written = [struct.pack('<BQ', opcode, size if size is not None and at == place
                           else len(content)) + content
               for at, (opcode, content) in enumerate(records)]
    return data[:8] + b''.join(written) + data[-8:]


def change_rows(rng, path):
    """Change values or the structure of a SQLite bag."""
    with sqlite3.connect(path) as database:
        try:
            if rng.random() < 0.7:
                where = rng.choice(('', ' WHERE id = 1', ' WHERE id = 2'))
                database.execute(rng.choice(ROWS) + where, (rng.choice(VALUES),))
            else:
                database.executescript(rng.choice(STATEMENTS))
        except sqlite3.Error:
            pass  # this bag has no such table or does not take such a value
    database.close()


def other_messages(rng, rows):
    """Damage messages, and change their topics, types and times."""
    rows = [list(row) for row in rows]
    for _ in range(rng.choice((1, 1, 5))):
        row = rng.choice(rows)
        what = rng.random()
        if what < 0.7:
            row[3] = damaged(rng, row[3])
        elif what < 0.8:
            row[2] = rng.choice((0, 1, START_NS - 10 ** 18, START_NS + 10 ** 18, 2 ** 63 - 1))
        elif what < 0.9:
            row[1] = rng.choice(rows)[1]
        else:
            row[0] = rng.choice((rng.choice(rows)[0], '', '/', 'x' * 3000, 'a\nb'))
    if rng.random() < 0.1:
        rng.shuffle(rows)
    return rows


def read(path):
    """Try every reader; raise the refusal that says most."""
    refusals = []
    for reader in (read_messages, summarize_bag, read_frames, load_recording):
        try:
            found = reader(path)
            refusals += found if reader is read_messages else ()
        except BdcOccError as error:
            refusals.append(error)
    if refusals:
        raise max(refusals, key=lambda error: len(str(error)))


def read_messages(path):
    """Decode all messages; return the refusals."""
    refusals = []
    with BagReader(path) as bag:
        for message in bag.messages():
            try:
                bag.decode(message)
            except BdcOccError as error:
                refusals.append(error)
    return refusals


def read_frames(path):
    for _ in islice(RigBag(path).frames(), MAX_FRAMES):
        pass


def attempt(rng, seeds, folder):
    """Damage a bag somewhere and read it."""
    bags, rows = seeds
    source, storage, compression = rng.choice(bags)
    path = folder / 'damaged'
    shutil.rmtree(path, ignore_errors=True)
    what = rng.random()
    if what < 0.3:
        write_bag(path, storage, compression, other_messages(rng, rows))
    else:
        shutil.copytree(source, path)
        file = next(file for file in path.iterdir() if file.suffix != '.yaml')
        if what < 0.5:
            metadata = path / 'metadata.yaml'
            metadata.write_bytes(as_yaml(rng, yaml.safe_load(metadata.read_text())))
        elif what < 0.6:
            file.write_bytes(damaged(rng, file.read_bytes()))
        elif file.suffix == '.mcap':
            file.write_bytes(other_records(rng, file.read_bytes()))
        elif file.suffix == '.db3':
            change_rows(rng, file)
        else:
            file.write_bytes(damaged(rng, file.read_bytes()))
        if rng.random() < 0.1:
            path = rng.choice((file, path / 'metadata.yaml', path / 'none'))
    read(path)


TARGET = Target(prepare, attempt, cases=80)
