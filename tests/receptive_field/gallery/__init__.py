"""Published networks, rebuilt from what their papers say, with the fields that these state.

Channels read alike, so each network has a few of them only; kernels, strides, dilations, paths and
the order of layers are the papers' own. The tests compare each network with its number, and
the book's page *Receptive fields of networks you know* shows them.
"""

from gallery import (
    attention,
    classification,
    detection,
    image_to_image,
    restoration,
    segmentation,
    sequences,
    video,
)

#: Families in the order of the book's page: a heading and its networks.
FAMILIES = {
    "Classifying pictures": classification.NETWORKS,
    "Finding objects": detection.NETWORKS,
    "Segmenting": segmentation.NETWORKS,
    "Turning pictures into others": image_to_image.NETWORKS,
    "Cleaning and enlarging pictures": restoration.NETWORKS,
    "Attention and patches": attention.NETWORKS,
    "Sound, motion and other sequences": sequences.NETWORKS,
    "Video": video.NETWORKS,
}

NETWORKS = tuple(network for networks in FAMILIES.values() for network in networks)
