"""Word the many ways in which a backend says that its memory is used up."""

from contextlib import contextmanager

#: Of TensorFlow and of torch.
_NAMES = {"ResourceExhaustedError", "OutOfMemoryError"}
#: Of XLA (JAX, and TensorFlow with jit_compile), of CUDA and of cuDNN.
_PHRASES = ("RESOURCE_EXHAUSTED", "CUDA_ERROR_OUT_OF_MEMORY", "out of memory", "ALLOC_FAILED")
_MODULES = ("tensorflow", "jax", "torch")


@contextmanager
def batch_size_advice(batches, device):
    """Answer exhausted memory within a ``with`` block by the batch size to try.

    Args:
        batches: What is trained or measured on; ``batches.batch_size`` is read if it is there.
        device: What computes, for the sentence: ``"GPU"`` or ``"computer"``.

    Yields:
        None.

    Raises:
        MemoryError: In place of whatever the backend raised for want of memory. All other
            errors pass.

    Example:
        >>> from types import SimpleNamespace
        >>> with batch_size_advice(SimpleNamespace(batch_size=32), "GPU"):
        ...     raise MemoryError
        Traceback (most recent call last):
        ...
        MemoryError: The GPU ran out of memory with batches of 32: try batches of 16, ...
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        # The traceback holds the very arrays that fill the memory.
        error.__traceback__ = None
        raise MemoryError(_sentence(getattr(batches, "batch_size", None), device)) from None


def is_out_of_memory(error):
    """Tell exhausted memory from other errors, whatever the backend.

    Args:
        error: An exception.

    Returns:
        True or False.

    Example:
        >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError("out of memory"))
        (True, False)
    """
    if isinstance(error, MemoryError) or type(error).__name__ in _NAMES:
        return True
    # XlaRuntimeError and JaxRuntimeError are RuntimeErrors; TensorFlow's InternalError is not.
    of_backend = type(error).__module__.split(".")[0].startswith(_MODULES)
    of_backend = of_backend or isinstance(error, RuntimeError)
    return of_backend and any(phrase in str(error) for phrase in _PHRASES)


def _sentence(batch_size, device):
    if batch_size == 1:
        return (
            f"The {device} ran out of memory with batches of a single picture: try a smaller "
            f"target_size or fewer filters, for instance with settings.replace, and run the cells "
            f"from the batches on again."
        )
    if not isinstance(batch_size, int):
        return (
            f"The {device} ran out of memory: halve the batch size, and build the batches and the "
            f"network again."
        )
    smaller = batch_size // 2
    return (
        f"The {device} ran out of memory with batches of {batch_size}: try batches of {smaller}, "
        f"with settings.replace(batch_size={smaller}), and run the cells from the batches on "
        f"again; finished epochs that were kept in checkpoints are not lost."
    )
