"""Lab 1's blanks, checked by what they make: generators, batches, networks and trainings."""

from dataclasses import fields
from typing import NamedTuple

import keras
import numpy as np

from labkit.dog_breeds.batches import ImageDataGenerator
from labkit.dog_breeds.batches.directory_iterator import DirectoryIterator
from labkit.dog_breeds.settings import PHOTOGRAPHS
from labkit.language import exact, phrase
from labkit.questions import feedback

#: What the list of transformations asks for, the first to mend first.
_AUGMENTATIONS = (
    "rescale",
    "horizontal_flip",
    "rotation_range",
    "brightness_range",
    "width_shift_range",
    "height_shift_range",
    "zoom_range",
    "fill_mode",
)
#: By this factor the loss of a training that goes well may grow: at a low rate it hardly moves.
_MOST_GROWTH = 1.5
#: Largest difference of a cross-entropy computed twice, in float16 too.
_LOSS_TOLERANCE = 1e-2


def _told(name, /, **gaps):
    return phrase("blanks", name, **gaps)


def check_generator(generator):
    """Check the generator that the lab's list of transformations asks for.

    Args:
        generator: an :class:`~labkit.ImageDataGenerator`; ``None``: not answered yet.

    Returns:
        A :class:`labkit.questions.Feedback` that names the first thing to mend.

    Example:
        >>> print(check_generator(ImageDataGenerator(rescale=1 / 255)))
        ✗ Not yet. Left and right are not exchanged at random yet.
    """
    return feedback(generator, _generator_slips(generator), _told("generator"))


def _generator_slips(generator):
    if not isinstance(generator, ImageDataGenerator):
        yield _told("no generator", given=repr(generator))
    asked = ImageDataGenerator(rescale=1 / 255, **PHOTOGRAPHS.augmentation)
    for name in _AUGMENTATIONS:
        if not _equal(getattr(generator, name), getattr(asked, name)):
            yield _told(f"augmentation {name}")
    for name in (field.name for field in fields(asked)):
        if not _equal(getattr(generator, name), getattr(asked, name)):
            yield _told("not asked for", name=name)


def _equal(one, other):
    """Tell whether two settings are the same, up to rounding."""
    if isinstance(other, float | tuple) and one is not None:
        return np.shape(one) == np.shape(other) and np.allclose(one, other)
    return one == other


def check_flows(training, validation, folders, settings):
    """Check the two flows of batches that the lab asks for.

    Args:
        training: what ``flow_from_directory`` returns, to learn from; ``None``: not answered yet.
        validation: likewise, to be examined on.
        folders: what :func:`labkit.reorganise` returned.
        settings: :class:`labkit.Settings` with the sizes to keep to.

    Returns:
        A :class:`labkit.questions.Feedback` that names the first thing to mend.

    Example:
        >>> print(check_flows(None, None, None, None))
        … Not answered yet. The lab goes on without it.
    """
    blank = training is None and validation is None
    slips = _flow_slips(training, validation, folders, settings)
    praise = _told("flows", batch_size=settings and settings.batch_size)
    return feedback(None if blank else (training, validation), slips, praise)


def _flow_slips(training, validation, folders, settings):
    flows = {"training": training, "validation": validation}
    directories = (folders.train_sorted, folders.val_sorted)
    for (name, flow), directory in zip(flows.items(), directories, strict=True):
        if not isinstance(flow, DirectoryIterator):
            yield _told("no flow", name=name, given=repr(flow))
        if str(flow.directory) != str(directory):
            yield _told("other folder", name=name, folder=directory)
        yield from _batch_slips(name, flow, settings)
    if not training.shuffle:
        yield _told("same order")
    if validation.image_data_generator != ImageDataGenerator(rescale=1 / 255):
        yield _told("validation changed")
    if validation.shuffle or validation.drop_remainder:
        yield _told("validation order")


def _batch_slips(name, flow, settings):
    """Name what is wrong with the first batch."""
    if flow.class_mode != "categorical":
        yield _told("class_mode", name=name, given=repr(flow.class_mode))
    pictures, _ = flow[0]
    number, *size = pictures.shape[:3]
    if tuple(size) != tuple(settings.target_size):
        yield _told("target_size", name=name, height=size[0], width=size[1])
    if flow.batch_size != settings.batch_size:
        yield _told("batch_size", name=name, n=number)
    if pictures.max() > 1:
        yield _told("not rescaled", name=name, most=f"{pictures.max():.0f}")


def check_network(network, like, up_to=None):
    """Check a network that the student has built, layer by layer, by shape and parameters.

    Args:
        network: a Keras model; ``None``: not answered yet.
        like: the network that was asked for.
        up_to: name of the last layer of it that was asked for; ``None``: all of it.

    Returns:
        A :class:`labkit.questions.Feedback` that names the first layer to mend.

    Example:
        >>> from labkit import small_vgg
        >>> wanted = small_vgg((8, 8, 3), classes=2, filters=(4,), dense=(4,))
        >>> print(check_network(small_vgg((8, 8, 3), classes=3, filters=(4,), dense=(4,)), wanted))
        ✗ Not yet. All is well up to layer 5. Layer 6 (Dense) returns (3,) with 15 parameters;
        asked for is (2,) with 10.
    """
    asked = _described(like, up_to)
    parameters = sum(layer.parameters for layer in asked)
    praise = _told("network", parameters=exact(parameters), layers=len(asked))
    return feedback(network, _network_slips(network, asked), praise)


def _network_slips(network, asked):
    if not isinstance(network, keras.Model):
        yield _told("no network", given=repr(network))
    if not network.built:
        yield _told("no input")
    mine = _described(network)
    for number, (made, wanted) in enumerate(zip(mine, asked, strict=False), start=1):
        before = _told("well up to", layer=number - 1) if number > 1 else ""
        here = {"before": before, "layer": number, "kind": made.kind}
        if (made.shape, made.parameters) != (wanted.shape, wanted.parameters):
            here |= {"made": made.shape, "parameters": exact(made.parameters)}
            asked_for = exact(wanted.parameters)
            yield _told("layer", **here, asked=wanted.shape, asked_parameters=asked_for)
        if made.activation != wanted.activation:
            yield _told("activation", **here, activation=made.activation)
    if len(mine) != len(asked):
        yield _told("layers", n=len(mine), asked=len(asked))


class _Described(NamedTuple):
    """What is compared of a layer."""

    kind: str
    shape: tuple
    parameters: int
    activation: str


def _described(network, up_to=None):
    """Describe each layer but the input, up to one of that name."""
    names = [layer.name for layer in network.layers]
    last = len(names) if up_to is None else names.index(up_to) + 1
    return [
        _Described(
            type(layer).__name__,
            tuple(layer.output.shape[1:]),
            layer.count_params(),
            getattr(getattr(layer, "activation", None), "__name__", "linear"),
        )
        for layer in network.layers[:last]
        if not isinstance(layer, keras.layers.InputLayer)
    ]


def check_compiled(network, learning_rate, frozen=()):
    """Check how the student has compiled a network, and which of its layers train.

    Args:
        network: a Keras model with a softmax; not compiled: not answered yet.
        learning_rate: the step size that was asked for, a positive float.
        frozen: the layers that must not train; all others must.

    Returns:
        A :class:`labkit.questions.Feedback` that names the first thing to mend.

    Example:
        >>> from labkit import compile_lab, small_vgg
        >>> network = compile_lab(small_vgg((8, 8, 3), 2, (4,), (4,)), learning_rate=1e-2)
        >>> print(check_compiled(network, 1e-3))
        ✗ Not yet. The learning rate is 0.01; asked for is 0.001.
    """
    trained = _parameters(layer for layer in network.layers if layer not in frozen)
    return feedback(
        network if network.compiled else None,
        _compile_slips(network, learning_rate, frozen),
        _told("compiled", parameters=exact(trained)),
    )


def _compile_slips(network, learning_rate, frozen):
    for layer in network.layers:
        if layer in frozen and layer.trainable and layer.count_params():
            yield _told("would train", layer=layer.name)
        if layer not in frozen and not layer.trainable:
            yield _told("frozen", layer=layer.name)
    optimizer = getattr(network.optimizer, "inner_optimizer", network.optimizer)
    if not isinstance(optimizer, keras.optimizers.Adam):
        yield _told("optimizer", given=type(optimizer).__name__)
    rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    if not np.isclose(rate, learning_rate):
        yield _told("learning rate", given=f"{rate:g}", asked=f"{learning_rate:g}")
    if not _is_cross_entropy(network):
        yield _told("loss")
    if "acc" not in str(network.get_compile_config().get("metrics")).lower():
        yield _told("metrics")


def _is_cross_entropy(network):
    """Tell whether the loss of a known answer is what categorical cross-entropy makes it."""
    classes = network.output_shape[-1]
    truth = np.eye(classes, dtype="float32")[:2]
    # The right class gets four fifths, the others share the rest.
    answer = 0.8 * truth + 0.2 / (classes - 1) * (1 - truth)
    try:
        loss = network.compute_loss(y=truth, y_pred=keras.ops.convert_to_tensor(answer))
    except (ValueError, TypeError):
        return False
    penalties = sum(map(float, network.losses))
    return abs(float(loss) - penalties + np.log(0.8)) < _LOSS_TOLERANCE


def _parameters(layers):
    return sum(layer.count_params() for layer in layers)


def check_fit(history, learning_rate, frozen=()):
    """Check a training of the student's own: that it validates, and what its loss does.

    Args:
        history: what ``fit`` returns; ``None``: not answered yet.
        learning_rate: the step size that was asked for, a positive float.
        frozen: the layers that must not have trained; all others must.

    Returns:
        A :class:`labkit.questions.Feedback` that names the first thing to mend.

    Example:
        >>> print(check_fit(3, 1e-3))
        ✗ Not yet. 3 is no training: keep what fit returns.
    """
    losses = getattr(history, "history", {}).get("loss", [0])
    praise = _told("loss falls" if losses[-1] < losses[0] else "loss has not fallen")
    return feedback(history, _fit_slips(history, learning_rate, frozen), praise)


def _fit_slips(history, learning_rate, frozen):
    if not isinstance(history, keras.callbacks.History):
        yield _told("no training", given=repr(history))
    yield from _compile_slips(history.model, learning_rate, frozen)
    curves = history.history
    if "val_loss" not in curves:
        yield _told("no validation")
    if len(curves["loss"]) < 2:
        yield _told("one epoch")
    # Pictures changed at random alone can make a second epoch harder than a first.
    if not curves["loss"][-1] < _MOST_GROWTH * curves["loss"][0]:
        yield _told("loss rose")
