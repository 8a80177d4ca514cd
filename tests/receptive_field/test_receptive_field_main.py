"""The command ``python -m labkit.receptive_field``."""

import subprocess
import sys

import keras
import pytest
from keras import layers

import labkit
from labkit.receptive_field.__main__ import main


def test_vgg16_in_a_process_of_its_own():
    run = subprocess.run(
        [sys.executable, "-m", "labkit.receptive_field", "VGG16"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    last = run.stdout.strip().splitlines()[-1]
    assert last.split() == ["block5_pool", "MaxPooling2D", "7", "212", "32", "90", "15.5", "no"]


def test_sizes(capsys):
    assert main(["VGG16", "--input-size", "64"]) == 0
    assert "input 64 × 64" in capsys.readouterr().out
    assert main(["VGG16", "--input-size", "64", "96"]) == 0
    assert "input 64 × 96" in capsys.readouterr().out


def test_gates(capsys):
    assert main(["MobileNetV3Small", "--ignore-gates"]) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.split()[2:5] == ["7", "639", "32"]
    assert main(["MobileNetV3Small"]) == 0
    assert "size, no gates" in capsys.readouterr().out


def test_a_file(tmp_path, capsys):
    path = tmp_path / "mine.keras"
    keras.Sequential([keras.Input((30, 1)), layers.Conv1D(2, 7)], name="mine").save(path)
    assert main([str(path)]) == 0
    assert "Receptive fields of mine, input 30" in capsys.readouterr().out
    assert main([str(path), "--input-size", "50"]) == 0
    assert "input 50" in capsys.readouterr().out


def test_a_saved_network_with_a_layer_of_labkit(tmp_path):
    """In a process of its own, where nothing else has imported the layer's module."""
    path = tmp_path / "lab1.keras"
    options = {"weights": None, "input_shape": (64, 64, 3)}
    labkit.pretrained("small_vgg", **options).save(path)
    run = subprocess.run(
        [sys.executable, "-m", "labkit.receptive_field", str(path)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    rows = {words[0]: words for words in map(str.split, run.stdout.splitlines()) if words}
    assert rows["block1_conv2"][2:4] == ["64", "5"]
    assert rows["block2_conv1"][2:4] == ["32", "10"]


def test_a_figure(tmp_path, capsys):
    path = tmp_path / "fields.png"
    assert main(["VGG16", "--figure", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["fields.png"]
    assert f"written: {path}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["VGG61"], "no network 'VGG61' (did you mean 'VGG"),
        (["vgg16"], "no network 'vgg16' (did you mean 'VGG16'?)"),
        (["qqqqqq"], "no network 'qqqqqq'; there are ConvNeXtBase"),
        (["nowhere.keras"], "no file 'nowhere.keras'"),
        (["VGG16", "--input-size", "0"], "--input-size 0 does not fit VGG16"),
        (["VGG16", "--input-size", "1", "2", "3"], "--input-size 1 2 3 does not fit VGG16"),
        (["VGG16", "--input-size", "9"], "VGG16 cannot be built for input (9, 9)"),
        (["VGG16", "--figure", "nowhere/a.png"], "no folder 'nowhere'"),
        (["VGG16", "--figure", "a.doc"], "'a.doc' has no ending of a picture"),
    ],
)
def test_refusals_are_one_sentence_and_exit_with_2(arguments, message, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert len(printed.err.strip().splitlines()) == 1


def test_a_file_that_is_no_model(tmp_path, capsys):
    path = tmp_path / "broken.keras"
    path.write_text("no model")
    assert main([str(path)]) == 2
    assert "Keras cannot load" in capsys.readouterr().err


def test_an_unknown_layer_is_named_and_the_others_stand(tmp_path, capsys):
    path = tmp_path / "odd.keras"
    chain = [layers.Conv1D(2, 3), layers.ConvLSTM1D(2, 3, return_sequences=True, name="odd")]
    keras.Sequential([keras.Input((5, 20, 1)), layers.TimeDistributed(chain[0]), chain[1]]).save(
        path
    )
    assert main([str(path)]) == 0
    shown = capsys.readouterr().out
    assert "Unknown (?) from odd on: the layer 'odd' (ConvLSTM1D) convolves its own state" in shown
    assert "1×3" in shown


def test_help(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "python -m labkit.receptive_field MobileNet --input-size 160 192" in (
        capsys.readouterr().out
    )
