"""The kinds of broken input in one table, each with the tests that make it for real."""

from importlib import import_module
from pathlib import Path

import pytest

ARCHIVES = "test_broken_archives.py::test_broken_archive"
LABELS = "test_broken_labels.py::test_broken_labels_in_a_folder"
PACKED = "test_broken_labels.py::test_broken_labels_in_an_archive"
SERVER = "test_broken_downloads.py::test_lasting_fault"
PASSING = "test_broken_downloads.py::test_one_fault_goes_unnoticed"
READ = "test_broken_pictures.py::test_unusual_picture_is_read_as_it_looks"
PICTURE = "test_broken_pictures.py::test_broken_picture"
DISKS = "test_broken_disks.py::test"
TRAINING = "test_broken_training.py::test"


def labels(kind):
    """Both ways in which labels reach labkit."""
    return [f"{LABELS}[{kind}]", f"{PACKED}[{kind}]"]


#: What can be broken, in the order in which a user meets it.
KINDS = {
    # Archives
    "no archive": [f"{ARCHIVES}[missing]"],
    "empty archive": [f"{ARCHIVES}[nothing]"],
    "another file named .zip": [
        f"{ARCHIVES}[lecture notes]",
        f"{ARCHIVES}[labels alone]",
        f"{ARCHIVES}[broken gzip]",
        f"{ARCHIVES}[head of a zip]",
    ],
    "HTML login page named .zip": [
        f"{ARCHIVES}[login page]",
        f"{ARCHIVES}[login page with a BOM]",
        f"{ARCHIVES}[login page in XHTML]",
        f"{SERVER}[login page]",
    ],
    "archive of another data set": [
        f"{ARCHIVES}[another data set]",
        f"{ARCHIVES}[empty zip]",
        f"{ARCHIVES}[labels two folders down]",
        f"{ARCHIVES}[two data sets]",
        f"{ARCHIVES}[picture in a folder of train]",
        f"{ARCHIVES}[labels too large]",
    ],
    "truncated zip": [f"{ARCHIVES}[truncated zip]"],
    "truncated tar": [f"{ARCHIVES}[truncated tar]"],
    "wrong hash of an archive": ["test_broken_archives.py::test_archive_with_another_hash"],
    "wrong checksum in an archive": [f"{ARCHIVES}[wrong checksum]"],
    "locked archive": [f"{ARCHIVES}[password]"],
    "archive with ../": [f"{ARCHIVES}[parent name]", f"{ARCHIVES}[parent name in a tar]"],
    "archive with absolute names": [
        f"{ARCHIVES}[absolute name]",
        f"{ARCHIVES}[drive name]",
        f"{ARCHIVES}[absolute name in a tar]",
        f"{ARCHIVES}[drive name in a tar]",
    ],
    "archive with a name twice": [f"{ARCHIVES}[same name twice]"],
    "archive with links": [
        f"{ARCHIVES}[link in a zip]",
        f"{ARCHIVES}[link in a tar]",
        f"{ARCHIVES}[hard link]",
        f"{ARCHIVES}[device]",
    ],
    "zip bomb": [f"{ARCHIVES}[zip bomb]", "test_broken_archives.py::test_the_zip_bomb_is_a_real"],
    "tar bomb": [f"{ARCHIVES}[tar bomb]", f"{ARCHIVES}[padded tar]"],
    # Downloads
    "connection that drops": [f"{PASSING}[drops]", f"{SERVER}[drops]", f"{SERVER}[hangs up]"],
    "connection that stalls": [f"{PASSING}[stalls]", f"{SERVER}[stalls]"],
    "server that lies about the length": [
        f"{SERVER}[promises too much]",
        f"{SERVER}[promises too little]",
        f"{SERVER}[promises nothing and drops]",
        "test_broken_downloads.py::test_lie_about_a_piece",
        "test_broken_downloads.py::test_length_that_is_no_number",
    ],
    "server that sends a piece unasked": [
        f"{PASSING}[piece that nobody asked for]",
        f"{PASSING}[piece without saying which]",
    ],
    "server that is busy": [f"{PASSING}[busy]", f"{SERVER}[busy]"],
    "no server": ["test_broken_downloads.py::test_nobody_answers"],
    "address that is none": ["test_broken_downloads.py::test_what_is_no_address"],
    "link that is gone or leads in circles": [
        f"{SERVER}[refuses by 404]",
        f"{SERVER}[leads in circles]",
    ],
    # Labels
    "labels.csv missing": labels("labels.csv missing"),
    "labels.csv empty": [
        *labels("labels.csv empty"),
        *labels("labels.csv of blank lines"),
        *labels("labels.csv with a header alone"),
    ],
    "labels.csv without header": labels("labels.csv without header"),
    "labels.csv with other column names": [
        *labels("labels.csv with other column names"),
        *labels("labels.csv with columns exchanged"),
    ],
    "labels.csv with semicolons": [
        *labels("labels.csv with semicolons"),
        *labels("labels.csv with tabs"),
    ],
    "row without two fields": [
        *labels("row of one field"),
        *labels("row of three fields"),
        *labels("field without end"),
    ],
    "labels.csv with a BOM": [
        "test_broken_labels.py::test_oddly_written_labels_are_read_as_meant[labels.csv with a BOM]"
    ],
    "labels.csv with CRLF": [
        "test_broken_labels.py::test_oddly_written_labels_are_read_as_meant[labels.csv with CRLF]"
    ],
    "labels.csv in another encoding": [
        *labels("labels.csv not in UTF-8"),
        *labels("labels.csv in UTF-16"),
    ],
    "id without picture": [
        *labels("id without picture"),
        *labels("ids without pictures"),
        *labels("folder in place of a picture"),
    ],
    "picture without label": labels("picture without label"),
    "duplicate id": [
        *labels("duplicate id"),
        *labels("duplicate ids"),
        *labels("duplicate row"),
    ],
    "id that cannot name a file": [*labels("id '../a'"), *labels("empty id")],
    "breed name with a slash": [
        *labels("breed name with a slash"),
        *labels("breed name that leads out"),
    ],
    "breed name with spaces": [
        "test_broken_labels.py::test_breed_name_with_spaces",
        *labels("breed name of spaces"),
    ],
    "breed name too long": labels("breed name too long for a folder"),
    "names that one file system takes for one": [
        *labels("breed names that differ by case"),
        *labels("breed names that differ by how an accent is written"),
        *labels("ids that differ by case"),
    ],
    "breed with 1 picture": ["test_broken_labels.py::test_breed_with_one_picture"],
    "breed with 2 pictures": ["test_broken_labels.py::test_breed_with_two_pictures"],
    "folder sorted by another split": ["test_broken_labels.py::test_folder_already_sorted_by"],
    # Pictures
    "truncated JPEG": [f"{PICTURE}[truncated JPEG]", f"{PICTURE}[truncated PNG called .jpg]"],
    "picture that is no picture": [
        f"{PICTURE}[empty file]",
        f"{PICTURE}[web page called .jpg]",
        "test_broken_pictures.py::test_fetch_names_the_damaged",
    ],
    "PNG called .jpg": [f"{READ}[PNG called .jpg]"],
    "CMYK": [f"{READ}[CMYK]"],
    "greyscale": [f"{READ}[greyscale]"],
    "1 × 1": [f"{READ}[1 × 1]", f"{READ}[1 × 500]"],
    "12,000 × 9,000": [
        f"{READ}[12,000 × 9,000 JPEG]",
        f"{READ}[12,000 × 9,000 PNG]",
        "test_broken_pictures.py::test_huge_pictures_in_many_threads",
    ],
    "more pixels than memory": [f"{PICTURE}[more pixels than memory]"],
    "identical pictures, some of two breeds": ["test_broken_pictures.py::test_identical_pictures"],
    # Files and disks
    "unreadable file": [f"{DISKS}_unreadable_file"],
    "read-only folder": [f"{DISKS}_read_only_folder", f"{DISKS}_sorted_read_only_folder"],
    "file in place of a folder": [
        f"{DISKS}_directory_that_is_a_file",
        f"{TRAINING}_checkpoints_where_nothing_can_be_written",
    ],
    "disk full": [
        f"{DISKS}_full_disk_is_noticed",
        "test_broken_downloads.py::test_full_disk_is_noticed",
    ],
    "no space left half-way": [
        f"{DISKS}_no_space_left_half_way_through_unpacking",
        f"{DISKS}_no_space_left_half_way_through_a_download",
        f"{DISKS}_no_space_left_half_way_through_sorting",
        f"{TRAINING}_no_space_left_for_a_checkpoint",
    ],
    # Networks
    "weights of another architecture": [
        f"{TRAINING}_weights_of_another_architecture[another architecture]",
        f"{TRAINING}_weights_of_another_architecture[other widths]",
        f"{TRAINING}_checkpoints_of_another_architecture",
    ],
    "damaged weights": [
        f"{TRAINING}_weights_of_another_architecture[web page]",
        f"{TRAINING}_weights_of_another_architecture[cut short]",
        f"{TRAINING}_packaged_file_that_was_changed",
    ],
    "wrong hash of downloaded weights": [f"{TRAINING}_downloaded_weights_with_another_hash"],
    "GPU out of memory": [
        f"{TRAINING}_gpu_out_of_memory_is_answered_by_the_batch_size",
        f"{TRAINING}_real_memory_used_up",
    ],
}


@pytest.fixture(scope="module")
def collected():
    """The tests of the files beside this one, as `file::test[parameter]`."""
    files = sorted(Path(__file__).parent.glob("test_broken_*.py"))
    modules = [import_module(path.stem) for path in files if path.name != Path(__file__).name]
    return [
        f"{module.__name__}.py::{name}{parameter}"
        for module in modules
        for name, test in vars(module).items()
        if name.startswith("test_")
        for parameter in parameters(test)
    ]


def parameters(test):
    """Yield the names of a test's parameters as pytest shows them; of the first set of them."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        yield ""
        return
    for value in marks[-1].args[1]:
        name = marks[-1].kwargs.get("ids", str)
        yield f"[{name(value) if callable(name) else value}]"


def test_there_are_at_least_thirty_kinds():
    assert len(KINDS) >= 30


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_tests(kind, collected):
    for wanted in KINDS[kind]:
        assert any(wanted in name for name in collected), f"no test is called {wanted}"


def test_each_test_belongs_to_a_kind(collected):
    """So that a kind which is added to a test file is also counted."""
    families = {wanted.split("[")[0] for tests in KINDS.values() for wanted in tests}
    beside = {
        "test_broken_downloads.py::test_each_byte_gained_gives_new_patience",
        "test_broken_archives.py::test_archive_with_the_hash_asked_for",
        "test_broken_archives.py::test_hash_that_makes_no_sense",
        "test_broken_archives.py::test_name_too_long_for_a_path",
        "test_broken_training.py::test_batch_of_a_single_picture_cannot_be_halved",
        "test_broken_training.py::test_other_errors_of_a_step_pass_as_they_are",
    }
    strays = [name for name in collected if not name.startswith((*families, *beside))]
    assert strays == []
