"""What the frames of spectrograms read of a sound, and what Fourier transforms read and give back.

Frames read the samples that the window keeps: a Hann window begins with 0, so that one of 256
samples reads 255 of them. Their frequencies count as channels: each is taken to read what all do,
even where its own wave is zero, as one of the real or of the imaginary part alone may be.
"""

from dataclasses import replace

import keras
import numpy as np

from labkit.receptive_field.operation_rules import placed_operands
from labkit.receptive_field.reads import (
    Listed,
    Reads,
    Silenced,
    UnreadableLayer,
    everything,
    listed,
    one_to_one,
    window,
)
from labkit.receptive_field.rule_registry import rule


@rule("STFTSpectrogram")
def _spectrogram(layer, axis):
    if axis.spatial(layer.data_format) is None:
        return everything(axis)
    step = layer.frame_step or layer.frame_length // 2
    reads = window(axis, layer.frame_length, step, padding=layer.padding)
    kernels = [getattr(layer, f"{part}_kernel", None) for part in ("real", "imag")]
    taps = [np.abs(keras.ops.convert_to_numpy(k)).max((1, 2)) for k in kernels if k is not None]
    return _kept(reads, np.sum(taps, axis=0))


@rule("MelSpectrogram")
def _mel_spectrogram(layer, axis):
    if axis.rank != 2:
        raise UnreadableLayer(
            "reads sounds of several dimensions, of which Keras states another shape than it makes"
        )
    # Left aside: the floor that top_db lays below the loudest value of all.
    return _frames(layer, axis, _window(layer, layer.window), centre=True, dim=axis.rank)


@rule("STFT", place="ops")
def _fourier_transform_of_frames(operation, axis):
    weights = _window(operation, operation.window)
    if axis.output == 1:
        # Every sine is zero there.
        weights[2 * np.arange(operation.fft_length) % operation.fft_length == 0] = 0
    return _frames(operation, axis, weights, operation.center, dim=axis.rank - 1)


@rule("ISTFT", place="ops")
def _frames_laid_over_each_other(operation, axis):
    """Let a sample read the frames in whose windows it lies."""
    if axis.dim != axis.rank - 2:
        return everything(axis) if axis.dim == axis.rank - 1 else one_to_one(axis)
    border, step = operation.fft_length // 2 if operation.center else 0, operation.sequence_stride
    size = axis.size and (axis.size - 1) * step + operation.fft_length - 2 * border
    if operation.length is not None:
        if size is not None and operation.length > size + border:
            raise UnreadableLayer("is shorter than its length says, which Keras misstates")
        size = operation.length
    taps = np.flatnonzero(_window(operation, operation.window))
    return Reads(range(border - taps[-1], border - taps[0] + 1), size, 1, step, axis.dim)


@rule("FFT", place="ops")
def _fourier_transform(operation, axis):
    if axis.dim != axis.rank - 1:
        return one_to_one(axis)
    place, _ = placed_operands(axis)
    return _turned(axis, axis.size, axis.size, place != axis.output)


@rule("RFFT", place="ops")
def _fourier_transform_of_reals(operation, axis):
    if axis.dim != axis.rank - 1:
        return one_to_one(axis)
    length = operation.fft_length or axis.size
    return _turned(axis, length, length and length // 2 + 1, axis.output == 1)


def _turned(axis, length, frequencies, sine):
    """Let each frequency read all but the ends at which its cosine, or its sine, is zero."""
    if axis.size is None:
        return everything(axis, frequencies, axis.dim)
    end, frequency = min(length, axis.size) - 1, np.arange(frequencies)
    if sine:
        last = np.where(2 * frequency % length == 0, 0, end - (2 * frequency * end % length == 0))
    else:
        last = end - (4 * frequency * end % (2 * length) == length)
    first = np.full(frequencies, int(sine))
    return listed(axis, first, last, "reads all but where a wave is zero")


@rule("IRFFT", place="ops")
def _back_from_frequencies(operation, axis):
    raise UnreadableLayer(
        "turns frequencies back into places, which may read less than everything: the past "
        "alone, say, behind a product with those of a filter that is padded with zeros"
    )


def _frames(layer, axis, weights, centre, dim):
    """Cut the last dimension into frames, mirrored at its ends if they are centred."""
    if axis.dim != axis.rank - 1:
        return one_to_one(axis)
    half = layer.fft_length // 2 if centre else 0
    reads = window(axis, layer.fft_length, layer.sequence_stride, padding=(half, half))
    reads = replace(_kept(reads, weights), dim=dim)
    if not centre or axis.size is None:
        return reads
    return replace(reads, listed=_mirrored(reads, axis.size))


def _window(layer, values):
    """Return the weight of each sample of a frame, as Keras pads it to the transform's length."""
    if values is None:
        return np.ones(layer.fft_length)
    if isinstance(values, str):
        values = np.arange(layer.sequence_length) > (0 if values == "hann" else -1)
    left = (layer.fft_length - layer.sequence_length) // 2
    weights = np.zeros(layer.fft_length)
    weights[left : left + layer.sequence_length] = values
    return weights


def _kept(reads, weights):
    """Leave out the ends of a window where its weight is 0."""
    kept = np.flatnonzero(weights)
    if not kept.size:
        raise Silenced("has frames in which every sample has the weight 0")
    return replace(reads, offsets=reads.offsets[kept[0] : kept[-1] + 1])


def _mirrored(reads, size):
    """List what frames read that reach over the ends, where the sound is mirrored."""
    start = reads.stride * np.arange(reads.size)
    low, high = start + reads.offsets[0], start + reads.offsets[-1]
    # What lies beyond 0 and beyond the end, each turned round.
    pieces = [
        (np.maximum(low, 0), np.minimum(high, size - 1)),
        (-np.minimum(high, -1), -low),
        (2 * (size - 1) - high, 2 * (size - 1) - np.maximum(low, size)),
    ]
    firsts = [np.where(first <= last, first, size) for first, last in pieces]
    lasts = [np.where(first <= last, last, -1) for first, last in pieces]
    return Listed(np.min(firsts, axis=0), np.max(lasts, axis=0))
