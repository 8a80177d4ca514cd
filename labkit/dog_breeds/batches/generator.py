"""Keras' `ImageDataGenerator`, many times faster and with the same pictures."""

import os
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from labkit.dog_breeds.batches import augmentation
from labkit.dog_breeds.batches.geometry import BORDERS
from labkit.words import is_number, is_ordered_pair, require, require_one_of

DTYPES = ("float32", "uint8")
_STATISTICS = (
    "begin the model with keras.layers.Normalization, adapted to the training pictures, instead"
)
_SAMPLEWISE = "normalise each picture in a preprocessing_function instead"
_SPLIT = "sort the pictures into two folders with labkit.reorganise instead"
_UNSUPPORTED = {
    "featurewise_center": _STATISTICS,
    "featurewise_std_normalization": _STATISTICS,
    "zca_whitening": _STATISTICS,
    "zca_epsilon": _STATISTICS,
    "samplewise_center": _SAMPLEWISE,
    "samplewise_std_normalization": _SAMPLEWISE,
    "validation_split": _SPLIT,
    "interpolation_order": "pictures are always moved with linear interpolation, which is 1",
    "data_format": 'batches are always "channels_last"; begin the model with '
    "keras.layers.Permute((3, 1, 2)) instead",
}
_ABSENT = {
    "flow": "write the pictures into one folder for each class and use flow_from_directory, "
    "or change single arrays with random_transform",
    "flow_from_dataframe": "sort the pictures into folders with labkit.reorganise and use "
    "flow_from_directory",
    "fit": _STATISTICS,
}


@dataclass(frozen=True, kw_only=True, repr=False)
class ImageDataGenerator:
    """Augment pictures at random while a model trains on them.

    Arguments, defaults, distributions and pictures are those of Keras' generator of this
    name. Given the same parameters, a uint8 picture differs from Keras' by half a grey level
    on average and by two at most, since it is rounded once and not cut off twice; a float32
    picture does not differ. What is mended on purpose: the height shift moves along the height
    (Keras 3 exchanges the two), and `"wrap"` repeats the picture as documented (Keras lets the
    edges overlap by a pixel).

    Args:
        rotation_range: Degrees, 0 or more; angles are drawn from ± this.
        width_shift_range: A fraction of the width if below 1, else pixels; an int n stands
            for one of 0, ..., n - 1 pixels, either way; a list for one of its values,
            either way.
        height_shift_range: Likewise, along the height.
        brightness_range: Pair of factors, 0 or more. Values are multiplied, and clipped to
            0...255 before the rescale. None: unchanged.
        shear_range: Degrees, 0 or more.
        zoom_range: A number z from 0 to below 1 for (1 - z, 1 + z), or a pair of positive
            factors; drawn for both axes independently. Above 1 shows more of the scene.
        channel_shift_range: Grey levels, 0 or more, to add or subtract.
        fill_mode: `"constant"`, `"nearest"`, `"reflect"` (repeats the edge pixel) or
            `"wrap"`: what lies beyond the edges.
        cval: Value beyond the edges for `"constant"`, 0 to 255.
        horizontal_flip: Whether to mirror half of the pictures left to right.
        vertical_flip: Whether to turn half of the pictures upside down.
        rescale: Factor that values are multiplied with last, such as 1/255; None for none.
        preprocessing_function: Called with each augmented picture, float32
            `(height, width, channels)`, before the rescale; returns the same shape.
        dtype: `"float32"`, or `"uint8"` for a quarter of the bytes up to the device. Then
            leave out `rescale` and begin the model with `keras.layers.Rescaling(1 / 255)`.
            None: `"float32"`.

    Keras' other arguments are known and refused, with a sentence on what to use instead.

    Raises:
        ValueError: If an argument is out of its range, or not offered here.

    Example:
        >>> generator = ImageDataGenerator(rotation_range=30, zoom_range=0.2, rescale=1 / 255)
        >>> generator.zoom_range
        (0.8, 1.2)
        >>> generator.random_transform(np.zeros((8, 8, 3), "uint8"), seed=1).shape
        (8, 8, 3)
    """

    featurewise_center: Any = False
    samplewise_center: Any = False
    featurewise_std_normalization: Any = False
    samplewise_std_normalization: Any = False
    zca_whitening: Any = False
    zca_epsilon: Any = 1e-6
    rotation_range: Any = 0
    width_shift_range: Any = 0.0
    height_shift_range: Any = 0.0
    brightness_range: Any = None
    shear_range: Any = 0.0
    zoom_range: Any = 0.0
    channel_shift_range: Any = 0.0
    fill_mode: str = "nearest"
    cval: Any = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    rescale: Any = None
    preprocessing_function: Any = None
    data_format: Any = None
    validation_split: Any = 0.0
    interpolation_order: Any = 1
    dtype: str | None = None

    def __post_init__(self):
        """Refuse what cannot be done, and give pairs and dtypes one form."""
        self._refuse_unsupported()
        self._require_numbers()
        self._require_choices()
        forms = {
            "width_shift_range": _shift_range("width_shift_range", self.width_shift_range),
            "height_shift_range": _shift_range("height_shift_range", self.height_shift_range),
            "zoom_range": _zoom_range(self.zoom_range),
            "brightness_range": _brightness_range(self.brightness_range),
            "dtype": self.dtype or "float32",
        }
        for name, form in forms.items():
            object.__setattr__(self, name, form)  # The only way into a frozen dataclass.
        self._require_fractions_fit()

    def _refuse_unsupported(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _UNSUPPORTED and value not in (field.default, "channels_last"):
                advice = _UNSUPPORTED[field.name]
                raise ValueError(f"{field.name}={value!r} is not offered here: {advice}.")

    def _require_numbers(self):
        for name in ("rotation_range", "shear_range", "channel_shift_range"):
            value = getattr(self, name)
            require(is_number(value, 0), name, value, "a number, 0 or more")
        require(is_number(self.cval, 0, 255), "cval", self.cval, "a number from 0 to 255")
        rescale_fits = self.rescale is None or is_number(self.rescale)
        require(rescale_fits, "rescale", self.rescale, "a number such as 1/255, or None")

    def _require_choices(self):
        require_one_of("fill_mode", self.fill_mode, tuple(BORDERS))
        require_one_of("dtype", self.dtype, (*DTYPES, None))
        function = self.preprocessing_function
        callable_or_none = function is None or callable(function)
        require(callable_or_none, "preprocessing_function", function, "a function, or None")

    def _require_fractions_fit(self):
        for name in ("rescale", "preprocessing_function"):
            if self.dtype == "uint8" and getattr(self, name) is not None:
                raise ValueError(
                    f'{name} makes fractions, which dtype="uint8" cannot hold: leave {name} out '
                    "and begin the model with keras.layers.Rescaling(1 / 255) or the like, or "
                    "leave dtype out."
                )

    def __repr__(self):
        plain = ImageDataGenerator()
        given = (
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if getattr(self, field.name) != getattr(plain, field.name)
        )
        return f"ImageDataGenerator({', '.join(given)})"

    def __getattr__(self, name):
        if name in _ABSENT:
            raise AttributeError(f"{name} is not offered here: {_ABSENT[name]}.")
        raise AttributeError(f"ImageDataGenerator has no attribute {name!r}.")

    def get_random_transform(self, img_shape, seed=None):
        """Draw the parameters of one transformation.

        Args:
            img_shape: `(height, width, channels)`; scales shifts given as fractions.
            seed: Non-negative int, or None for a fresh draw each time.

        Returns:
            A dict with Keras' keys: `theta`, `shear` (degrees), `tx`, `ty` (pixels along
            width and height), `zx`, `zy` (factors), `flip_horizontal`, `flip_vertical`
            (bools), `channel_shift_intensity` (grey levels or None), `brightness` (factor
            or None).
        """
        uniforms = augmentation.uniform_rows(np.random.default_rng(seed), 1)
        drawn = augmentation.transformations(self, uniforms, *img_shape[:2])
        return augmentation.one_transformation(drawn, 0)

    def apply_transform(self, x, transform_parameters):
        """Transform one picture by given parameters.

        As in Keras, `tx` and `zx` act along the width and `ty` and `zy` along the height,
        about x = (height - 1) / 2, y = (width - 1) / 2: the centre of a square picture.

        Args:
            x: Array `(height, width, channels)`, values in 0...255. A uint8 picture is
                treated as in batches; another dtype is computed in float32.
            transform_parameters: Dict with keys of :meth:`get_random_transform`; what is
                missing changes nothing.

        Returns:
            A new array of x's shape; uint8 for uint8, else float32.

        Raises:
            ValueError: If x has another number of axes, or brightness is to change values
                outside 0...255.
        """
        picture = _as_picture(x)
        if picture.dtype != np.uint8:
            changed = augmentation.transform_floats(
                picture, transform_parameters, self.fill_mode, self.cval
            )
            return changed.reshape(np.shape(x))
        several = {name: _as_several(value) for name, value in transform_parameters.items()}
        out = np.empty_like(picture)
        augmentation.transform_batch([picture], several, out[None], self.fill_mode, self.cval)
        return out.reshape(np.shape(x))

    def random_transform(self, x, seed=None):
        """Transform one picture at random.

        Args:
            x: Array `(height, width, channels)`, values in 0...255.
            seed: Non-negative int, or None for a fresh draw each time.

        Returns:
            A new array of x's shape; uint8 for uint8, else float32.
        """
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    def standardize(self, x):
        """Apply `preprocessing_function`, then `rescale`.

        Args:
            x: Array `(height, width, channels)`, values in 0...255; not changed.

        Returns:
            A new array, float32.
        """
        x = np.array(x, np.float32)
        if self.preprocessing_function is not None:
            x = np.asarray(self.preprocessing_function(x), np.float32)
        return x if self.rescale is None else x * np.float32(self.rescale)

    def flow_from_directory(
        self,
        directory,
        target_size=(256, 256),
        color_mode="rgb",
        classes=None,
        class_mode="categorical",
        batch_size=32,
        shuffle=True,
        seed=None,
        follow_links=False,
        interpolation="bilinear",
        *,
        cache="auto",
        cache_directory=None,
        workers=None,
        undecodable="refuse",
        drop_remainder=False,
        **unsupported,
    ):
        """Make batches from a directory that has one folder for each class.

        Every picture is decoded, resized, kept in the cache if there is one, then augmented
        and only then rescaled. The resize comes first, as in Keras, and for the cache's sake:
        so a cache changes no pixel, and it costs no more than to warp the full photograph.

        The same seed gives the same batches, whatever `workers` and `cache` are. Each epoch
        has other ones.

        Args:
            directory: The folder (str or path); made by :func:`labkit.reorganise`.
            target_size: `(height, width)` in pixels.
            color_mode: `"rgb"` or `"grayscale"`.
            classes: List of class folders in the order of their labels; None for all, by
                name.
            class_mode: What the labels are: `"categorical"` (one-hot rows), `"sparse"`
                (indices), `"binary"` (0 or 1), `"input"` (the pictures themselves) or None
                (no labels).
            batch_size: Pictures in a batch; the last of an epoch may have fewer.
            shuffle: Whether each epoch has an order of its own; else by class and name.
            seed: Non-negative int; None draws one, which is kept in the attribute `seed`.
            follow_links: Whether to enter linked folders inside class folders.
            interpolation: `"bilinear"`; `"nearest"`, which is Keras' default, jagged; or
                `"area"`, the finest and slowest. What is at least twice too large is
                averaged down first for `"bilinear"` too.
            cache: Where decoded and resized pictures are kept after their first use:
                `"memory"`, `"disk"` (outlives the run), None, or `"auto"`, which takes
                memory if half of what is free is enough, else the disk, else none. What
                was chosen stands in the attributes `cache` and `cache_report`.
            cache_directory: Folder for the cache on disk; None: hidden beside `directory`.
            workers: Threads that prepare batches ahead; None: one for each core, at most four,
                since more of them get into each other's way.
            undecodable: What becomes of damaged pictures, for which every folder is looked
                through once: `"refuse"` stops with a sentence that names them, `"skip"`
                warns and goes on without them.
            drop_remainder: Whether to leave out the last, smaller batch of each epoch, so
                that an epoch has `samples // batch_size` steps.
            **unsupported: Keras' other arguments are refused with a sentence.

        Returns:
            A `DirectoryIterator`, which is a `keras.utils.PyDataset`: pass it to `fit`,
            `evaluate` or `predict` on any backend.

        Raises:
            FileNotFoundError: If the directory or a class folder is missing.
            ValueError: If an argument is out of its range or not offered here, there are no
                pictures, or one of them cannot be decoded.
        """
        # Keras takes seconds to load, and none of the above needs it.
        from labkit.dog_breeds.batches.directory_iterator import DirectoryIterator

        _refuse_flow_arguments(unsupported)
        return DirectoryIterator(
            os.path.expanduser(directory),
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            follow_links=follow_links,
            interpolation=interpolation,
            cache=cache,
            cache_directory=cache_directory and os.path.expanduser(cache_directory),
            workers=workers,
            undecodable=undecodable,
            drop_remainder=drop_remainder,
        )


_SAVE = "save a batch with keras.utils.save_img, or look at labkit.plot_transformations, instead"
_FLOW_UNSUPPORTED = {
    "save_to_dir": (None, _SAVE),
    "save_prefix": ("", _SAVE),
    "save_format": ("png", _SAVE),
    "subset": (None, _SPLIT),
    "keep_aspect_ratio": (False, "crop the pictures beforehand instead"),
    "data_format": (None, _UNSUPPORTED["data_format"]),
    "dtype": (None, "give dtype to ImageDataGenerator instead"),
}


def _refuse_flow_arguments(arguments):
    for name, value in arguments.items():
        if name not in _FLOW_UNSUPPORTED:
            raise TypeError(f"flow_from_directory has no argument {name!r}.")
        default, advice = _FLOW_UNSUPPORTED[name]
        if value != default:
            raise ValueError(f"{name}={value!r} is not offered here: {advice}.")


def _shift_range(name, value):
    """Return a number, or the values to choose from as a tuple."""
    allowed = "a number, 0 or more, or a list of numbers"
    if np.ndim(value) == 0:
        require(is_number(value, 0), name, value, allowed)
        return value
    values = tuple(np.asarray(value).tolist()) if np.ndim(value) == 1 else ()
    require(values and all(is_number(each) for each in values), name, value, allowed)
    return values


def _zoom_range(value):
    if is_number(value, 0) and value < 1:
        return (1 - value, 1 + value)
    allowed = "a number from 0 to below 1, or a pair of positive factors, the smaller first"
    require(is_ordered_pair(value) and value[0] > 0, "zoom_range", value, allowed)
    return tuple(value)


def _brightness_range(value):
    allowed = "a pair of factors, 0 or more, the smaller first, or None"
    require(value is None or is_ordered_pair(value), "brightness_range", value, allowed)
    return None if value is None else tuple(value)


def _as_picture(x):
    """Return x as OpenCV wants it: contiguous, uint8 or float32, no axis for a single grey."""
    x = np.asarray(x)
    if x.ndim != 3 or not 1 <= x.shape[2] <= 4:
        raise ValueError(
            f"A picture must have the shape (height, width, channels) with 1 to 4 channels, and "
            f"this one has {x.shape}; take one picture of a batch at a time."
        )
    picture = np.ascontiguousarray(x, np.uint8 if x.dtype == np.uint8 else np.float32)
    return picture[..., 0] if x.shape[2] == 1 else picture


def _as_several(value):
    return None if value is None else np.atleast_1d(value)
