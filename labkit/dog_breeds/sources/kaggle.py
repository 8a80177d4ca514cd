"""Kaggle's competition, by the user's own account."""

import os
from pathlib import Path

from labkit.dog_breeds.sources.layout import LABELS, PICTURES, find_layout, read_data_set
from labkit.files import link_or_copy, reason

COMPETITION = "dog-breed-identification"
PAGE = f"https://www.kaggle.com/competitions/{COMPETITION}"


def bring_from_kaggle(directory):
    """Bring ``labels.csv`` and ``train/`` from Kaggle into a folder.

    kagglehub downloads the competition into its own cache, with its own progress bar; a
    second call finds it there. From the cache they are hard-linked, which takes no bytes, or
    copied where the cache lies on another disk.

    Args:
        directory: Empty folder to write into (path).

    Raises:
        ModuleNotFoundError: kagglehub is not installed.
        PermissionError: No Kaggle account is set up, or the competition's rules are not
            accepted.
        ConnectionError: The download failed.
        ValueError: What arrived is not the pictures looked for.
    """
    cache = find_layout(_download())
    _, pictures = read_data_set(cache)
    (directory / PICTURES).mkdir()
    for name in [LABELS, *(f"{PICTURES}/{picture}" for picture in pictures.values())]:
        # A cache may itself consist of symbolic links, which must not end up in a data set.
        source = os.path.realpath(cache / name)
        link_or_copy(source, directory / name, directory / "copy.part")


def _download():
    try:
        import kagglehub
    except ImportError:
        raise ModuleNotFoundError(
            "Kaggle's downloader is not installed; run 'pip install kagglehub' and call fetch "
            "again."
        ) from None
    try:
        return Path(kagglehub.competition_download(COMPETITION))
    except Exception as error:  # kagglehub's errors differ between its versions
        raise _refusal(error) from None


def _refusal(error):
    status = getattr(getattr(error, "response", None), "status_code", None)
    name = type(error).__name__
    if status == 401 or name in ("UnauthenticatedError", "CredentialError"):
        return PermissionError(
            "Kaggle does not know you; make an API token at https://www.kaggle.com/settings, put "
            "it in ~/.kaggle or call kagglehub.login(), and call fetch again."
        )
    if status == 403:
        return PermissionError(
            f"Kaggle refuses the pictures to your account; accept the rules at {PAGE}/rules and "
            f"call fetch again."
        )
    return ConnectionError(f"Kaggle's download failed ({name}: {reason(error)}).")
