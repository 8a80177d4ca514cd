"""The lab's two networks: a small VGG from scratch, and a new head on a pre-trained base."""

import gc
import inspect
import warnings
from pathlib import Path

import keras
import numpy as np
from keras import layers

from labkit.dog_breeds.packaged import packaged_file
from labkit.dog_breeds.saving import KERAS_SUFFIX, load
from labkit.files import reason
from labkit.words import (
    did_you_mean,
    is_number,
    plain_name,
    require,
    require_one_of,
    require_whole,
    require_whole_numbers,
)

#: The filters of the small base whose weights, trained on drawn dogs, come with the package.
DRAWN_FILTERS = (16, 32, 64, 96)
DRAWN_WEIGHTS = "drawn_vgg.weights.h5"

#: Layers of the head carry this prefix: it is how ``freeze`` tells the head from the base.
_HEAD = "head_"
#: The layer that scales pictures for the base.
_PREPROCESSING = "preprocessing"

#: What of a constructor's arguments is given by labkit, or of no use below its own head.
_NOT_OPTIONS = {
    *("include_top", "weights", "input_tensor", "input_shape", "pooling", "classes"),
    *("classifier_activation", "include_preprocessing"),
}

#: How keras.utils.get_file words that nothing came, and that something else came.
_DOWNLOAD_FAILURES = ("URL fetch failure", "hash does not match")


def small_vgg(
    input_shape=(224, 224, 3),
    classes=120,
    filters=(64, 128, 256, 512),
    dense=(512, 512),
    kernel_initializer="he_uniform",
    dropout=0.0,
    batch_normalization=False,
):
    """Build the lab's small VGG: blocks of two 3 × 3 convolutions, then a dense head.

    Args:
        input_shape: ``(height, width, channels)`` of one picture, scaled to [0, 1];
            height and width at least ``2 ** len(filters)`` pixels.
        classes: number of breeds, at least 2.
        filters: filters of each block's two convolutions; every block ends in a
            2 × 2 max pooling that halves height and width.
        dense: units of each dense layer between global average pooling and softmax.
        kernel_initializer: how the weights are drawn. He's suits ReLU layers; the
            original lab left Keras' default, ``"glorot_uniform"``.
        dropout: share of each dense layer's outputs that training sets to zero at random,
            from 0, which drops none, to below 1.
        batch_normalization: normalise the output of each convolution before its ReLU.

    Returns:
        A ``keras.Sequential``: float32 ``(batch, height, width, channels)`` in,
        probabilities ``(batch, classes)`` out; not compiled.

    Raises:
        ValueError: a size is no whole number or too small, or the picture is too small for
            the number of blocks.

    Source:
        K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks", 2015, made small;
        N. Srivastava and others, "Dropout", 2014; S. Ioffe, C. Szegedy, "Batch
        Normalization", 2015.

    Example:
        >>> small_vgg().count_params()
        5272248
    """
    input_shape = require_whole_numbers("input_shape", input_shape, number=3)
    dense = require_whole_numbers("dense", dense)
    classes = require_whole("classes", classes, least=2)
    fits = is_number(dropout, 0) and dropout < 1
    require(fits, "dropout", dropout, "a share from 0 to below 1, for example 0.5")
    return keras.Sequential(
        [
            keras.Input(input_shape, name="pictures"),
            *_blocks(input_shape, filters, kernel_initializer, batch_normalization),
            *_head(dense, classes, "", dropout),
        ],
        name="small_vgg",
    )


def pretrained(
    base="vgg16",
    weights="imagenet",
    classes=120,
    input_shape=(224, 224, 3),
    dense=(512, 512),
    preprocessing="own",
    **base_options,
):
    """Put a new head on a pre-trained base, with the base's own preprocessing inside.

    The head is global average pooling, dense layers with ReLU and a softmax. Train it
    first on the frozen base (:func:`freeze`), then all together (:func:`unfreeze`).

    Args:
        base: a network of ``keras.applications`` by name, in any spelling (``"vgg16"``,
            ``"MobileNetV2"``, ``"resnet50"``), or ``"small_vgg"``; or the path of a ``.keras``
            file: a headless network of your own with its weights, which takes pictures in
            [0, 1], so with its preprocessing inside, and ends in maps.
        weights: ``"imagenet"`` (downloaded by Keras); the path of a weights file of the
            headless base; ``"drawn"``, a small VGG trained on drawn dogs, which comes
            with the package and brings its own base; or ``None``, which loads nothing: a
            named base has random weights then, and one from a file keeps its own.
        classes: number of breeds, at least 2.
        input_shape: ``(height, width, 3)`` of one picture, scaled to [0, 1].
        dense: units of each dense layer of the head.
        preprocessing: ``"own"`` turns pictures in [0, 1] into what the base was trained
            on; ``"none"`` feeds them as they are, which is what the original lab did. A base
            from a file has its preprocessing inside, and takes ``"own"`` alone.
        **base_options: passed on to the base, for instance ``alpha=0.75``.

    Returns:
        A ``keras.Model``: float32 ``(batch, height, width, 3)`` in [0, 1] in,
        probabilities ``(batch, classes)`` out; not compiled, nothing frozen.

    Raises:
        ValueError: an unknown base, weights or preprocessing; weights that do not fit; a file
            whose network is no such base.
        FileNotFoundError: ``weights`` or ``base`` names no file.
        ConnectionError: the ImageNet weights could not be downloaded.

    Example:
        >>> model = pretrained("vgg16", weights=None, input_shape=(64, 64, 3))
        >>> model.count_params()
        15301560
    """
    body = headless(base, weights, input_shape, preprocessing, **base_options)
    return add_head(body, classes, dense)


def headless(
    base="vgg16",
    weights="imagenet",
    input_shape=(224, 224, 3),
    preprocessing="own",
    **base_options,
):
    """Take a pre-trained base without its head: the first half of :func:`pretrained`.

    Args:
        base: as :func:`pretrained` takes it, and so the others.
        weights: likewise.
        input_shape: likewise.
        preprocessing: likewise.
        **base_options: likewise.

    Returns:
        A ``keras.Model``: float32 ``(batch, height, width, 3)`` in [0, 1] in, the maps of the
        base's last layer out; not compiled, nothing frozen.

    Raises:
        ValueError: an unknown base, weights or preprocessing; weights that do not fit; a file
            whose network is no such base.
        FileNotFoundError: ``weights`` or ``base`` names no file.
        ConnectionError: the ImageNet weights could not be downloaded.

    Example:
        >>> headless("small_vgg", "drawn", (64, 64, 3)).output_shape
        (None, 4, 4, 96)
    """
    input_shape = require_whole_numbers("input_shape", input_shape, number=3)
    require_one_of("preprocessing", preprocessing, ("own", "none"))
    if weights == "drawn":
        base = _drawn_base_name(base)
    pictures = keras.Input(input_shape, name="pictures")
    if is_base_file(base):
        _require_nothing_to_load(base, weights, preprocessing, base_options)
        return _base_from_file(base, pictures)
    return _headless(base, weights, pictures, preprocessing, base_options)


def is_base_file(base):
    """Say whether a base is named by a file of its own, rather than by a known network's name.

    Args:
        base: as :func:`pretrained` takes it.

    Returns:
        A bool.

    Example:
        >>> is_base_file("my_base.keras"), is_base_file("vgg16")
        (True, False)
    """
    return str(base).endswith(KERAS_SUFFIX)


def add_head(body, classes=120, dense=(512, 512)):
    """Put a new head on a base: the second half of :func:`pretrained`.

    Args:
        body: what :func:`headless` returns; its layers become the network's.
        classes: number of breeds, at least 2.
        dense: units of each dense layer with ReLU, after global average pooling.

    Returns:
        A ``keras.Model`` that ends in probabilities ``(batch, classes)``; not compiled.

    Raises:
        ValueError: a size is no whole number, or too small.

    Example:
        >>> add_head(headless("small_vgg", "drawn", (64, 64, 3)), 12, dense=(128,)).output_shape
        (None, 12)
    """
    dense = require_whole_numbers("dense", dense)
    classes = require_whole("classes", classes, least=2)
    outputs = chain(_head(dense, classes, prefix=_HEAD), body.output)
    return keras.Model(body.inputs[0], outputs, name=f"pretrained_{body.name}")


def freeze(model, learning_rate=1e-3):
    """Freeze the base of a network from :func:`pretrained` and compile it again.

    Keras notices a changed ``trainable`` only when a model is compiled, and forgetting
    that is a common mistake; so this function compiles.

    Args:
        model: a network from :func:`pretrained`; changed in place. Its loss and metrics
            stay if it was compiled, else the lab's are set (see :func:`compile_lab`).
        learning_rate: Adam's step size for the head, a positive float.

    Returns:
        The same model, compiled, with only the head left to train.

    Raises:
        ValueError: the model has no head from :func:`pretrained`.

    Example:
        >>> model = freeze(pretrained("vgg16", weights=None, input_shape=(32, 32, 3)))
        >>> sum(int(keras.ops.size(weight)) for weight in model.trainable_weights)
        586872
    """
    for layer in base_layers(model):
        layer.trainable = False
    return compile_lab(model, learning_rate)


def unfreeze(model, learning_rate=1e-5, from_layer=None):
    """Unfreeze the base of a network from :func:`pretrained` and compile it again.

    Batch normalisation stays frozen: with small batches its running averages would
    drift and undo what the base has learnt.

    Args:
        model: a network from :func:`pretrained`; changed in place.
        learning_rate: Adam's step size, a positive float. Low, because the base holds
            what pre-training has learnt and large steps would destroy it.
        from_layer: name of the first layer of the base to unfreeze; ``None``: all.

    Returns:
        The same model, compiled, ready for fine-tuning.

    Raises:
        ValueError: the model has no head from :func:`pretrained`, or no such layer.

    Source:
        F. Chollet, "Transfer learning and fine-tuning", Keras guide.

    Example:
        >>> model = freeze(pretrained("vgg16", weights=None, input_shape=(32, 32, 3)))
        >>> len(unfreeze(model, from_layer="block5_conv1").trainable_weights)
        12
    """
    body = base_layers(model)
    names = [layer.name for layer in body]
    if from_layer is not None and from_layer not in names:
        raise ValueError(
            f"The base has no layer {from_layer!r}{did_you_mean(from_layer, names)}; "
            "model.summary() lists them."
        )
    first = 0 if from_layer is None else names.index(from_layer)
    for position, layer in enumerate(body):
        layer.trainable = position >= first
        for norm in _normalisations(layer):
            norm.trainable = False
    for layer in model.layers[len(body) :]:
        layer.trainable = True
    return compile_lab(model, learning_rate)


def _normalisations(layer):
    """Yield the batch normalisations in a layer, which may be one or have some inside."""
    if isinstance(layer, layers.BatchNormalization):
        yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _normalisations(inner)


def compile_lab(model, learning_rate=1e-3, weight_decay=None):
    """Compile with Adam, categorical cross-entropy and accuracy.

    Args:
        model: any Keras model. If it was compiled before, only the optimizer is made anew: loss,
            metrics of any kind, ``run_eagerly`` and all the rest stay.
        learning_rate: Adam's step size, a positive float.
        weight_decay: share of itself, times the step size, that each step takes from every
            weight, 0 or more; ``None``: none.

    Returns:
        The same model, compiled.

    Raises:
        ValueError: the learning rate is no number above 0, or the weight decay is below 0.

    Source:
        D. Kingma, J. Ba, "Adam", 2015; I. Loshchilov, F. Hutter, "Decoupled Weight Decay
        Regularization", 2019.

    Example:
        >>> compile_lab(small_vgg((32, 32, 3), classes=2, filters=(4,))).loss
        'categorical_crossentropy'
    """
    fits = is_number(learning_rate) and learning_rate > 0
    require(fits, "learning_rate", learning_rate, "a number above 0, for example 1e-3")
    fits = weight_decay is None or is_number(weight_decay, 0)
    require(fits, "weight_decay", weight_decay, "a number, 0 or more, or None")
    choices = _compiled_with(model) if model.compiled else {}
    if not choices.get("loss"):
        choices["loss"] = "categorical_crossentropy"
    if not (choices.get("metrics") or choices.get("weighted_metrics")):
        choices["metrics"] = ["accuracy"]
    adam = keras.optimizers.Adam(learning_rate, weight_decay=weight_decay or None)
    model.compile(**choices | {"optimizer": adam})
    return model


def _compiled_with(model):
    """Return the arguments that a model was compiled with, as the objects they were."""
    # get_compile_config turns them into text, from which a function or an object of the user's
    # own does not come back. Of these three the model's attributes count, which may be set later.
    now = {name: getattr(model, name) for name in ("run_eagerly", "steps_per_execution")}
    compiles = model.jit_compile and not model.run_eagerly
    return {**model._compile_config.config, **now, "jit_compile": compiles}


def base_layers(model):
    """List the layers of the base that carry over from pre-training.

    The preprocessing is not among them: it has nothing to train or to freeze. The input
    layer is, as in the original lab, which counts 19 for VGG16.

    Args:
        model: a network from :func:`pretrained`.

    Returns:
        A list of Keras layers, in the order of ``model.layers``.

    Raises:
        ValueError: the model has no head from :func:`pretrained`.

    Example:
        >>> len(base_layers(pretrained("vgg16", weights=None, input_shape=(32, 32, 3))))
        19
    """
    head = head_layers(model)
    body = [layer for layer in model.layers if layer not in head]
    return [layer for layer in body if layer.name != _PREPROCESSING]


def head_layers(model):
    """List the layers of the new head: global average pooling, dense layers, softmax.

    Args:
        model: a network from :func:`pretrained`.

    Returns:
        A list of Keras layers, in the order of ``model.layers``.

    Raises:
        ValueError: the model has no head from :func:`pretrained`.

    Example:
        >>> len(head_layers(pretrained("vgg16", weights=None, input_shape=(32, 32, 3))))
        4
    """
    head = [layer for layer in model.layers if layer.name.startswith(_HEAD)]
    if not head:
        raise ValueError(
            f"The model {model.name!r} has no layer whose name starts with {_HEAD!r}, so its base "
            "cannot be told from its head; build it with labkit.pretrained."
        )
    return head


def chain(chained, inputs):
    """Apply one layer after the other.

    Args:
        chained: iterable of Keras layers.
        inputs: a tensor, symbolic or not, as the first of them takes it.

    Returns:
        What the last layer returns.

    Example:
        >>> chain([layers.Flatten(), layers.Dense(3)], keras.ops.ones((2, 4, 5))).shape[1]
        3
    """
    outputs = inputs
    for layer in chained:
        outputs = layer(outputs)
    return outputs


def preprocess(pictures, base):
    """Turn pictures in [0, 1] into the input that a pre-trained base expects.

    It is put together from what Keras itself has, so that a saved network loads wherever Keras is.

    Args:
        pictures: float32 ``(batch, height, width, 3)`` in [0, 1], a tensor or a ``keras.Input``.
        base: a network of ``keras.applications`` by name, or ``"small_vgg"``, which was
            trained on pictures in [-1, 1].

    Returns:
        The same shape, in the base's own range and order of channels.

    Source:
        ``preprocess_input`` of the base's module in ``keras.applications``.

    Example:
        >>> pictures = keras.ops.array([[[[0.0, 0.5, 1.0]]]])
        >>> keras.ops.convert_to_numpy(preprocess(pictures, "mobilenet")).tolist()
        [[[[-1.0, 0.0, 1.0]]]]
    """
    backwards, scale, offset = _preprocessing_of(base)
    if backwards:
        pictures = keras.ops.flip(pictures, axis=-1)
    return layers.Rescaling(scale, offset, name=_PREPROCESSING)(pictures)


def _preprocessing_of(base):
    """Read off what a base's preprocessing does to a picture in [0, 1].

    Returns:
        ``(backwards, scale, offset)``: whether it exchanges red and blue, and then a factor and a
        summand for each channel.
    """
    if base == "small_vgg":
        return False, 2.0, -1.0
    preprocess_input = _application_module(_application(base)).preprocess_input
    # Black, and then one channel after the other at its brightest: (4, 1, 1, 3).
    probes = np.concatenate([np.zeros((1, 3)), 255.0 * np.eye(3)])[:, None, None]
    black, *bright = preprocess_input(probes)[:, 0, 0]
    matrix = np.array(bright) - black
    # Each channel comes of one alone, so that a column has one factor. float32 is what pictures
    # come in, and further digits say nothing.
    scale, offset = matrix.sum(axis=0).round(7).tolist(), black.round(7).tolist()
    return bool(matrix[0, 2]), scale, offset


def _blocks(input_shape, filters, kernel_initializer, batch_normalization=False):
    """Make the convolutional blocks: two convolutions and a pooling each."""
    filters = require_whole_numbers("filters", filters)
    _check_halvings(input_shape, len(filters))
    for block, width in enumerate(filters, start=1):
        for position in (1, 2):
            yield layers.Conv2D(
                width,
                3,
                padding="same",
                activation=None if batch_normalization else "relu",
                kernel_initializer=kernel_initializer,
                name=f"block{block}_conv{position}",
            )
            if batch_normalization:
                yield layers.BatchNormalization(name=f"block{block}_norm{position}")
                yield layers.ReLU(name=f"block{block}_relu{position}")
        yield layers.MaxPooling2D(2, name=f"block{block}_pool")


def _head(dense, classes, prefix, dropout=0):
    """Make global average pooling, the dense layers and the softmax."""
    yield layers.GlobalAveragePooling2D(name=f"{prefix}global_average_pooling")
    for position, units in enumerate(dense, start=1):
        yield layers.Dense(units, activation="relu", name=f"{prefix}dense{position}")
        if dropout:
            yield layers.Dropout(dropout, name=f"{prefix}dropout{position}")
    # float32 also under mixed precision: a softmax in float16 loses small probabilities.
    yield layers.Dense(classes, activation="softmax", dtype="float32", name=f"{prefix}softmax")


def _headless(base, weights, pictures, preprocessing, base_options):
    """Build the base upon the input ``pictures`` and load its weights."""
    inputs = pictures
    if preprocessing == "own":
        inputs = preprocess(pictures, base)
    if weights == "imagenet":
        return _with_imagenet_weights(base, pictures, inputs, base_options)
    body = _build_base(base, pictures, inputs, base_options)
    if weights is None:
        return body
    # Read into a base of its own: the preprocessing layer would shift the names in the file.
    alone = keras.Input(pictures.shape[1:])
    untouched = _build_base(base, alone, alone, base_options)
    if weights == "drawn":
        with packaged_file(DRAWN_WEIGHTS) as path:
            _read_weights(untouched, path, base)
    else:
        _read_weights(untouched, _existing(weights), base)
    body.set_weights(untouched.get_weights())
    return body


def _require_nothing_to_load(base, weights, preprocessing, options):
    """Refuse arguments that a base from a file has no use for."""
    name = Path(base).name
    if weights is not None:
        raise ValueError(
            f"The base {name!r} has its own weights, and weights={weights!r} cannot be loaded into "
            "it: give weights=None."
        )
    if preprocessing != "own":
        raise ValueError(
            f"The base {name!r} has its preprocessing inside: leave preprocessing='own', or save "
            "it once more without."
        )
    _require_options(name, options, ())


def _base_from_file(path, pictures):
    """Read a headless network from its file, and build it upon the input ``pictures``."""
    loaded = load(path)
    name = Path(path).name
    _require_base(loaded, name)
    functional = keras.Model(loaded.inputs[0], loaded.outputs[0], name=Path(path).stem)
    try:
        body = keras.models.clone_model(
            functional,
            input_tensors=pictures,
            clone_function=_with_current_policy,
            recursive=True,
        )
        body.set_weights(functional.get_weights())
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The base {name!r} takes pictures of {loaded.input_shape[1:]} and cannot be built for "
            f"{pictures.shape[1:]}: give pictures as it takes them, or a base that takes these."
        ) from error
    return body


def _require_base(network, name):
    """Refuse a network that no head of labkit's can be put on."""
    if len(getattr(network, "inputs", ())) != 1 or len(network.outputs) != 1:
        raise ValueError(
            f"The base {name!r} is no network of layers with one input and one output; save one "
            "that is built as keras.Model(inputs, outputs)."
        )
    if len(network.output_shape) != 4:
        raise ValueError(
            f"The base {name!r} must end in maps (batch, height, width, channels), and ends in "
            f"{network.output_shape}: cut it there, as keras.Model(model.inputs, "
            "model.get_layer(NAME).output), and save that."
        )
    for layer in network.layers:
        trains = layer.name == _PREPROCESSING and layer.trainable_weights
        if trains or layer.name.startswith(_HEAD):
            raise ValueError(
                f"The base {name!r} has a layer {layer.name!r}, which is a name that labkit gives "
                "its own: rename it."
            )


def _with_current_policy(layer):
    """Make a layer once more, to compute in mixed precision where that is chosen now."""
    config = layer.get_config()
    if "dtype" in config:
        config["dtype"] = keras.config.dtype_policy()
    return type(layer).from_config(config)


def _build_base(base, pictures, inputs, options, weights=None):
    """Build a headless base: ``inputs`` is ``pictures``, prepared or not."""
    if base == "small_vgg":
        _require_options("small_vgg", options, ("filters", "kernel_initializer"))
        return _build_small_base(pictures, inputs, **options)
    constructor = _application(base)
    name = constructor.__name__
    _require_options(name, options, set(inspect.signature(constructor).parameters) - _NOT_OPTIONS)
    try:
        return constructor(include_top=False, weights=weights, input_tensor=inputs, **options)
    except (TypeError, ValueError) as error:
        if weights is not None:
            raise  # Keras says in a sentence which options it has weights for.
        raise ValueError(
            f"{name} cannot be built for pictures of {pictures.shape[1:3]} pixels with the options "
            f"{options} ({reason(error)[:200]}); change the target_size or the options."
        ) from None


def _require_options(base, options, allowed):
    if unknown := set(options) - set(allowed):
        raise ValueError(
            f"{base} does not take the options {sorted(unknown)}; it takes "
            f"{sorted(allowed) if allowed else 'none'}."
        )


def _build_small_base(pictures, inputs, filters=DRAWN_FILTERS, kernel_initializer="he_uniform"):
    """Build the small VGG's blocks without a head."""
    outputs = chain(_blocks(pictures.shape[1:], filters, kernel_initializer), inputs)
    return keras.Model(pictures, outputs, name="small_vgg")


def _with_imagenet_weights(base, pictures, inputs, options):
    """Build the base with the ImageNet weights that Keras downloads."""
    if base == "small_vgg":
        raise ValueError(
            "The base 'small_vgg' has no ImageNet weights: use weights='drawn', a file or None, or "
            "a base of keras.applications such as 'vgg16'."
        )
    try:
        return _build_base(base, pictures, inputs, options, weights="imagenet")
    except Exception as error:
        # keras.utils.get_file raises a bare Exception when the download fails.
        if not any(failure in str(error) for failure in _DOWNLOAD_FAILURES):
            raise
        raise ConnectionError(
            f"The ImageNet weights of {base!r} could not be downloaded "
            f"({reason(error)}); check the network, give the path of a "
            "weights file instead, or use weights='drawn'."
        ) from None


def _read_weights(body, path, base):
    """Load a weights file into ``body``, or say in one sentence why it does not fit."""
    misfit = None
    try:
        with warnings.catch_warnings():
            # Keras only warns where a layer's weights are missing and leaves it at random.
            warnings.simplefilter("error", UserWarning)
            warnings.filterwarnings("ignore", message=".*optimizer.*")
            body.load_weights(path)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        misfit = reason(error)[:200].rstrip(". ")
    if misfit is not None:
        # Keras leaves the file open, and HDF5 would go on to read the old one from a new file
        # that is copied over it.
        gc.collect()
        raise ValueError(
            f"The weights in {Path(path).name!r} do not fit the headless base {base!r} with input "
            f"{body.input_shape[1:]} and {body.count_params():,} parameters ({misfit}); give a "
            "file that was saved from the same base without its top, with the same options."
        )


def _existing(weights):
    """Return the weights file as a path, or refuse."""
    path = Path(weights).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"weights={str(weights)!r} is neither 'imagenet', 'drawn' or None, nor a file that "
            "exists; give one of these."
        )
    return path


def _drawn_base_name(base):
    """Return the base that the drawn weights belong to."""
    if base not in ("vgg16", "small_vgg"):
        raise ValueError(
            f"weights='drawn' belongs to the small VGG that comes with labkit, not to {base!r}; "
            "leave the base out, or choose other weights."
        )
    return "small_vgg"


def _application(base):
    """Find the constructor in ``keras.applications`` that ``base`` names."""
    constructors = dict(inspect.getmembers(keras.applications, inspect.isfunction))
    names = {plain_name(name): name for name in constructors}
    if plain_name(str(base)) not in names:
        raise ValueError(
            f"base={base!r} is no network of keras.applications{did_you_mean(base, constructors)}; "
            f"it has {', '.join(constructors)}, and labkit adds small_vgg; a file with a base of "
            f"your own ends in {KERAS_SUFFIX}."
        )
    return constructors[names[plain_name(str(base))]]


def _application_module(constructor):
    """Find the public module of ``keras.applications`` that holds the constructor."""
    return getattr(keras.applications, constructor.__module__.rsplit(".", 1)[-1])


def _check_halvings(input_shape, blocks):
    """Refuse pictures that the poolings would shrink to nothing."""
    smallest = min(input_shape[:2])
    if smallest < 2**blocks:
        raise ValueError(
            f"input_shape={tuple(input_shape)} is too small: {blocks} blocks halve each side "
            f"{blocks} times, so it must be at least {2**blocks} pixels; use larger pictures or "
            "fewer filters."
        )
