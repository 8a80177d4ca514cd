"""Draw lab 1's dogs again: archive and list of flaws in the package, and the picture of the pages.

``make dogs`` runs it. On a processor like the one where the published dogs were drawn it gives
every byte again; on another a pixel may be rounded differently, and the dogs are then others.
"""

import sys

from .data_set import draw_files, pack
from .flaws import list_flaws, plant
from .package_data import publish, replace_file
from .page_picture import PICTURE, draw_sheet

ARCHIVE = "drawn_dogs.zip"
FLAWS = "planted_flaws.csv"


def main():
    """Draw, replace, and say what changed."""
    print(publish(ARCHIVE, pack(plant(draw_files()))))
    print(publish(FLAWS, list_flaws()))
    print(replace_file(PICTURE, draw_sheet()))


if __name__ == "__main__":
    sys.exit(main())
