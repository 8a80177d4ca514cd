"""What a backend of Keras has not, its tests skip, by Keras' own word."""

import pytest

#: How Keras refuses a network, and a way to interpolate, on torch.
_LACKING = ("is not available with the torch backend", "is not supported by the PyTorch backend")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    except ValueError as error:
        if any(words in str(error) for words in _LACKING):
            pytest.skip(str(error).splitlines()[0])
        raise
