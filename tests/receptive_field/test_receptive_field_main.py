"""The command ``python -m labkit.receptive_field``."""

import csv
import importlib
import io
import json
import os
import subprocess
import sys

import keras
import pytest
from keras import layers

import labkit
from labkit.receptive_field.__main__ import _OPTIONS, main


def test_vgg16(capsys):
    assert main(["VGG16"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    last = printed.out.strip().splitlines()[-1]
    assert last.split() == "block5_pool MaxPooling2D 7 212 32 90 15.5 no 0".split()


def test_sizes(capsys):
    assert main(["VGG16", "--input-size", "64"]) == 0
    assert "input 64 × 64" in capsys.readouterr().out
    assert main(["VGG16", "--input-size", "64", "96"]) == 0
    assert "input 64 × 96" in capsys.readouterr().out


def test_gates(capsys):
    assert main(["MobileNetV3Small", "--ignore-gates"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[2:5] == ["7", "639", "32"] for line in lines)
    assert main(["MobileNetV3Small"]) == 0
    assert "size, no gates" in capsys.readouterr().out


def test_a_file(tmp_path, capsys):
    path = tmp_path / "mine.keras"
    keras.Sequential([keras.Input((30, 1)), layers.Conv1D(2, 7)], name="mine").save(path)
    assert main([str(path)]) == 0
    assert "Receptive fields of mine, input 30" in capsys.readouterr().out
    assert main([str(path), "--input-size", "50"]) == 0
    assert "input 50" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["h5", "json"])
def test_other_files_that_hold_a_network(ending, tmp_path, capsys):
    path = tmp_path / f"mine.{ending}"
    model = keras.Sequential([keras.Input((30, 1)), layers.Conv1D(2, 7)], name="mine")
    path.write_text(model.to_json()) if ending == "json" else model.save(path)
    assert main([str(path)]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].split()[2:4] == ["24", "7"]


def test_files_that_hold_no_network(tmp_path, capsys):
    weights = tmp_path / "mine.weights.h5"
    keras.Sequential([keras.Input((30, 1)), layers.Conv1D(2, 7)]).save_weights(weights)
    settings = tmp_path / "package.json"
    settings.write_text('{"name": "mine"}')
    for path in (weights, settings, tmp_path):
        assert main([str(path)]) == 2
        assert "save the whole model to a file, model.save(" in capsys.readouterr().err
    for path in ("nowhere.json", "nowhere/", "nowhere/VGG16"):
        assert main([path]) == 2
        assert "there is no file 'nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["keras", "h5", "json"])
def test_damaged_files(ending, tmp_path, capsys):
    path = tmp_path / f"mine.{ending}"
    model = keras.Sequential([keras.Input((30, 1)), layers.Conv1D(2, 7)])
    path.write_text(model.to_json()) if ending == "json" else model.save(path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", bytes(range(256))):
        path.write_bytes(content)
        assert main([str(path)]) == 2
        assert f"'{path}': it is damaged, or is no file of Keras" in capsys.readouterr().err


def test_a_saved_network_with_a_layer_of_labkit(tmp_path):
    """In a process of its own, where nothing else has imported the layer's module.

    And where the locale has no rules to draw a table with.
    """
    path = tmp_path / "lab1.keras"
    options = {"weights": None, "input_shape": (64, 64, 3)}
    labkit.pretrained("small_vgg", **options).save(path)
    run = subprocess.run(
        [sys.executable, "-m", "labkit.receptive_field", str(path)],
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        encoding="utf-8",
    )
    assert (run.returncode, run.stderr) == (0, "")
    rows = {words[0]: words for words in map(str.split, run.stdout.splitlines()) if words}
    assert rows["block1_conv2"][2:4] == ["64", "5"]
    assert rows["block2_conv1"][2:4] == ["32", "10"]


def test_changes(capsys):
    assert main(["MobileNet", "--changes", "--input-size", "64"]) == 0
    assert "conv1 … conv1_relu" in capsys.readouterr().out


def test_layers(capsys):
    assert main(["VGG16", "--layer", "block3_conv1", "block3_pool"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert [line.split()[0] for line in lines[4:]] == [
        *("block3_conv1", "block3_conv2", "block3_conv3", "block3_pool")
    ]
    assert main(["VGG16", "--layer", "block5_pool"]) == 0
    assert "212" in capsys.readouterr().out


def test_seen_from_a_layer(capsys):
    assert main(["VGG16", "--of", "block3_conv3", "--on", "block1_pool"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert "seen on block1_pool, 112 × 112" in lines[0]
    assert lines[-1].split()[:4] == ["block3_conv3", "Conv2D", "56", "18"]


def test_input_axes(tmp_path, capsys):
    path = tmp_path / "flat.keras"
    keras.Sequential([keras.Input((30,)), layers.ReLU()]).save(path)
    assert main([str(path)]) == 2
    advice = "for example --input-axes 1"
    assert advice in capsys.readouterr().err
    assert main([str(path), *advice.split()[2:]]) == 0


def test_csv_and_json(capsys):
    assert main(["VGG16", "--csv", "--input-size", "64"]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert (lines[-1]["layer"], lines[-1]["size"]) == ("block5_pool", "212")
    assert main(["VGG16", "--json", "--input-size", "64"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][-1]["size"] == 212


def test_a_terminal_is_not_overrun(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["VGG16"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


def two_inputs(path, name="left"):
    left, right = keras.Input((30, 1), name=name), keras.Input((30, 1), name="right")
    added = layers.Add()([layers.Conv1D(1, 3, padding="same")(left), right])
    keras.Model([left, right], added, name="two").save(path)
    return str(path)


def test_which_input(tmp_path, capsys):
    path = two_inputs(tmp_path / "two.keras")
    assert main([path]) == 2
    assert "for example --input-name 'left'" in capsys.readouterr().err
    assert main([path, "--input-name", "left"]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].split()[3] == "3"


@pytest.mark.parametrize("name", ["left (raw), grey", "the dog's"])
def test_odd_names_are_said_as_they_are(name, tmp_path, capsys):
    path = two_inputs(tmp_path / "two.keras", name)
    assert main([path]) == 2
    assert f"for example --input-name {name!r}" in capsys.readouterr().err
    assert main([path, "--input-name", name]) == 0


def test_a_layer_with_an_apostrophe_in_its_name(tmp_path, capsys):
    path = tmp_path / "odd.keras"
    keras.Sequential([keras.Input((30, 1)), layers.Conv1D(2, 3, name="it's")]).save(path)
    assert main([str(path), "--on", "it's"]) == 2
    assert '--on "it\'s": no layer reads it' in capsys.readouterr().err


def test_a_message_names_the_options_that_there_are(tmp_path, capsys):
    path = tmp_path / "open.keras"
    chain = [layers.Conv1D(2, 3, 2, padding="same")]
    keras.Sequential([keras.Input((None, 1)), *chain]).save(path)
    assert main([str(path)]) == 2
    advice = "for example --input-size 224"
    assert advice in capsys.readouterr().err
    assert main([str(path), *advice.split()[2:]]) == 0
    assert main([str(path), "--input-size", "9", "9"]) == 2
    assert "--input-size 9 9 does not fit" in capsys.readouterr().err


def test_every_option_that_a_message_may_name_is_there(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(option in text for option in _OPTIONS.values())


class Own(layers.Layer):
    def call(self, inputs):
        return inputs


def test_layers_of_ones_own_are_named(tmp_path, capsys):
    path = tmp_path / "own.keras"
    keras.Sequential([keras.Input((9, 1)), Own()]).save(path)
    assert main([str(path)]) == 2
    said = capsys.readouterr().err
    assert "layers of your own, Own: name the module that defines them, --import MODULE" in said
    assert "register_rule(Own, rule)" in said


_OWN_LAYERS = """
import keras
from labkit.receptive_field import register_rule
from labkit.receptive_field.reads import window

class Sharpen(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs

@register_rule(Sharpen)
def sharpen(layer, axis):
    return window(axis, 5 if axis.dim == 1 else 1, padding="same")
"""


def test_layers_and_rules_of_a_module_of_ones_own(tmp_path, capsys, monkeypatch):
    (tmp_path / "own_layers_for_a_test.py").write_text(_OWN_LAYERS)
    monkeypatch.syspath_prepend(tmp_path)
    own = importlib.import_module("own_layers_for_a_test")
    path = tmp_path / "own.keras"
    keras.Sequential([keras.Input((9, 1)), own.Sharpen(name="sharp")]).save(path)
    monkeypatch.delitem(sys.modules, own.__name__)
    assert main([str(path)]) == 2
    assert "--import MODULE" in capsys.readouterr().err
    assert main([str(path), "--import", own.__name__]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].split()[:4] == [
        *("sharp", "Sharpen", "9", "5")
    ]


def test_layers_of_ones_own_are_named_in_an_older_file(tmp_path, capsys):
    path = tmp_path / "own.h5"
    keras.Sequential([keras.Input((9, 1)), Own(), layers.Conv1D(2, 3)]).save(path)
    assert main([str(path)]) == 2
    assert "it holds layers of your own, Own: name the module" in capsys.readouterr().err


_OPAQUE = """
import keras

class Opaque(keras.layers.Layer):
    def call(self, inputs):
        return keras.ops.convert_to_tensor(inputs.numpy())

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape)
"""


def test_what_a_note_says_of_a_layer_of_ones_own_can_be_followed(tmp_path, capsys, monkeypatch):
    module = tmp_path / "opaque_for_a_test.py"
    module.write_text(_OPAQUE)
    monkeypatch.syspath_prepend(tmp_path)
    own = importlib.import_module(module.stem)
    path = tmp_path / "own.keras"
    keras.Sequential([keras.Input((9, 1)), own.Opaque(name="opaque")]).save(path)
    words = [str(path), "--import", module.stem]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "Say in a module, and name it with --import, what its unit j reads" in said
    code = [line.strip() for line in said.splitlines() if line.startswith("    ")]
    module.write_text("\n".join([_OPAQUE, *code]))
    monkeypatch.delitem(sys.modules, module.stem)
    importlib.invalidate_caches()
    assert main(words) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].split()[:4] == [
        *("opaque", "Opaque", "9", "3")
    ]


def test_functions_of_a_module_of_ones_own(tmp_path, capsys, monkeypatch):
    (tmp_path / "own_functions_for_a_test.py").write_text("def twice(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    own = importlib.import_module("own_functions_for_a_test")
    path = tmp_path / "own.keras"
    keras.Sequential([keras.Input((9, 1)), layers.Conv1D(2, 3, activation=own.twice)]).save(path)
    assert main([str(path)]) == 2
    assert "it holds functions of your own, twice: name the module" in capsys.readouterr().err
    assert main([str(path), "--import", own.__name__]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].split()[3] == "3"
    assert main([str(path), "--import", f"{own.__name__}.py"]) == 0


def test_a_lambda_needs_a_word_of_trust(tmp_path, capsys, monkeypatch):
    trust = "keras.config.enable_unsafe_deserialization()"
    (tmp_path / "trust_for_a_test.py").write_text(f"import keras\n{trust}\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "lambda.keras"
    keras.Sequential([keras.Input((9, 1)), layers.Lambda(lambda x: 2 * x)]).save(path)
    try:
        assert main([str(path)]) == 2
        assert f"call {trust} in a module, and name it, --import" in capsys.readouterr().err
        assert main([str(path), "--import", "trust_for_a_test"]) == 0
    finally:
        keras.src.backend.common.global_state.set_global_attribute("safe_mode_saving", None)


def test_a_layer_that_its_module_does_not_make_is_not_called_missing(tmp_path, capsys, monkeypatch):
    (tmp_path / "broken_layer_for_a_test.py").write_text(
        "import keras\nclass Own(keras.layers.Layer):\n    def __init__(self):\n        1 / 0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "own.keras"
    keras.Sequential([keras.Input((9, 1)), Own()]).save(path)
    assert main([str(path), "--import", "broken_layer_for_a_test"]) == 2
    assert "--import MODULE" not in capsys.readouterr().err


def test_a_module_that_cannot_be_run(tmp_path, capsys, monkeypatch):
    (tmp_path / "broken_for_a_test.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    for name, problem in (("broken_for_a_test", "ZeroDivisionError"), ("nowhere", "nowhere")):
        assert main(["VGG16", "--import", name]) == 2
        said = capsys.readouterr().err
        assert f"--import {name}: the module cannot be run" in said
        assert problem in said
        assert len(said.splitlines()) == 1


def test_what_is_ignored(capsys):
    words = ["VGG16", "--of", "block2_conv1", "--ignore", "block1_conv2"]
    assert main(words) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].split()[3] == "8"
    assert main(["VGG16", "--ignore", "MaxPoolin2D"]) == 2
    assert "did you mean 'MaxPooling2D'?" in capsys.readouterr().err


def test_a_figure(tmp_path, capsys):
    path = tmp_path / "older_name.png"
    assert main(["VGG16", "--figure", str(path), "--csv"]) == 0
    said = capsys.readouterr()
    assert "written" not in said.out
    assert f"written: {path}" in said.err
    path.unlink()
    path = tmp_path / "fields.png"
    assert main(["VGG16", "--plot", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["fields.png"]
    assert f"written: {path}" in capsys.readouterr().out


def test_a_figure_is_drawn_though_nobody_reads_on(tmp_path, monkeypatch):
    def closed(text, **options):
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", closed)
    monkeypatch.setattr("os.dup2", lambda *files: None)
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1, raising=False)
    path = tmp_path / "fields.png"
    assert main(["VGG16", "--plot", str(path)]) == 0
    assert path.is_file()


def test_a_table_is_printed_though_nothing_can_be_drawn(tmp_path, capsys):
    path = tmp_path / "mapped.keras"
    start = keras.Input((9, 1))
    keras.Model(start, keras.ops.inner(start, start)).save(path)
    assert main([str(path), "--plot", str(tmp_path / "fields.png")]) == 2
    said = capsys.readouterr()
    assert "Unknown (?) from inner on" in said.out
    assert "no layer with a known field" in said.err


def test_notes_say_what_can_be_done_here(tmp_path, capsys):
    path = tmp_path / "mapped.keras"
    start = keras.Input((9, 1))
    keras.Model(start, keras.ops.inner(start, start)).save(path)
    assert main([str(path)]) == 0
    assert "in Python, analyse(model, rules={name: rule})" in capsys.readouterr().out


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
        (["VGG16", "--plot", "nowhere/a.png"], "no folder 'nowhere'"),
        (["VGG16", "--csv", "--json"], "--csv and --json both say what to print"),
        (["VGG16", "--csv", "--changes"], "leave --layer and --changes out"),
        (["VGG16", "--layer", "a", "b", "c"], "--layer a b c names 3 layers"),
        (["VGG16", "--layer", "block9"], "The model has no layer 'block9'"),
        (["VGG16", "--layer", "block2_pool", "block1_pool"], "'block1_pool' runs before"),
        (["VGG16", "--of", "block9"], "The model has no layer 'block9'"),
        (["VGG16", "--of", "block1_pool", "--on", "block2_pool"], "Of what reads 'block2_pool'"),
        (["VGG16", "--on", "block5_pool"], "--on 'block5_pool': no layer reads it"),
        (["VGG16", "--input-name", "left"], "The model has no input 'left'"),
        (["VGG16", "--plot", "a.doc"], "'a.doc' has no ending of a picture"),
        (["VGG16", "--plot", "a.pgf"], "'a.pgf' has no ending of a picture"),
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
    keras.Sequential([keras.Input((None, 20, 1)), layers.TimeDistributed(chain[0]), chain[1]]).save(
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
