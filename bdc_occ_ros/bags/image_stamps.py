# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the images of a bag say when they were taken; one converter leaves their stamps zero."""

from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.messages import COMPRESSED_IMAGE, IMAGE


def has_image_stamps(bag: BagReader) -> bool:
    """
    Return whether the first image has a stamp; also if there is no image.

    :raises InvalidBagError: if that image is damaged.
    """
    images = {topic for topic, kind in bag.topics.items() if kind in (IMAGE, COMPRESSED_IMAGE)}
    for message in bag.messages(images):
        stamp = bag.decode(message).header.stamp
        return bool(stamp.sec or stamp.nanosec)
    return True
