"""Draw lab 1's dogs again: the archive in the package, its hash, and the picture of the pages.

``make dogs`` runs it. On a processor like the one where the published dogs were drawn it gives
every byte again; on another a pixel may be rounded differently, and the dogs are then others.
"""

import sys

from .data_set import draw_files, pack
from .package_data import publish, replace_file
from .page_picture import PICTURE, draw_sheet

ARCHIVE = "drawn_dogs.zip"


def main():
    """Draw, replace, and say what changed."""
    print(publish(ARCHIVE, pack(draw_files())))
    print(replace_file(PICTURE, draw_sheet()))


if __name__ == "__main__":
    sys.exit(main())
