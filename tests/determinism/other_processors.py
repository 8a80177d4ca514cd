"""Run what computes in floating point as other processors would: ``make test-processors``.

Usage: python tests/determinism/other_processors.py [--doctests]

The libraries below labkit choose their kernels by the processor that they find, and kernels differ
in the last bit and in the sign of a zero. Variables make them choose as on another processor. Each
of ``PROCESSORS`` sets all of them, so that four runs of doctests, tests and labs meet every value.
``--doctests`` runs the doctests alone, as on the oldest and on the newest of the processors, both
at once, each in one process. The exit status is 1 where anything failed.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SHARED = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")
DOCTESTS = ("labkit", "tools")
TESTS = (*SHARED, *DOCTESTS, "tests/dog_breeds", "tests/receptive_field", "tests/determinism")
TESTS += ("tests/draw_dogs", "tests/test_questions.py")
LABS = (*SHARED, "--nbval", "labs")

#: The vector instructions that NumPy has found here and can do without.
FOUND = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])

#: Oldest first: OpenBLAS' kernels, oneDNN's instructions, those that OpenCV and NumPy do without,
#: and how many threads compute. OpenCV spells with a hyphen what others spell AVX512_SKX.
PROCESSORS = {
    "Prescott": ("SSE41", "AVX512-SKX,AVX2,FP16", FOUND, 1),
    "Haswell": ("AVX2", "AVX512-SKX,FP16", [name for name in FOUND if name != "X86_V3"], 3),
    "Zen": ("AVX2", "AVX512-SKX", [], 3),
    "SkylakeX": ("ALL", "", [], 1),
}


def main(arguments):
    """Run everything, or the doctests, on each processor; return the exit status."""
    names = processors()
    if "--doctests" in arguments:
        names = (names[0], names[-1])
        failed = failing([(name, DOCTESTS) for name in names])
    else:
        # Each shares its tests among all cores, so one after the other.
        runs = [(name, selection) for name in names for selection in (TESTS, LABS)]
        failed = [each for run in runs for each in failing([run])]
    print("\n".join(["Failed as on", *failed] if failed else [f"Passed as on {', '.join(names)}."]))
    return bool(failed)


def failing(runs):
    """Run selections of tests, each as on one processor, all at once; list those that failed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", *selection],
            cwd=ROOT,
            env=os.environ | surroundings(name),
            # Where one runs alone, it is seen at work.
            stdout=subprocess.PIPE if len(runs) > 1 else None,
            text=True,
        )
        for name, selection in runs
    ]
    failed = []
    for (name, selection), process in zip(runs, processes, strict=True):
        what = f"{name}: pytest {' '.join(selection)}"
        print(f"As on {what}", flush=True)
        printed, _ = process.communicate()
        print(printed or "", end="", flush=True)
        if process.returncode != 0:
            failed.append(what)
    return failed


def processors():
    """List the processors that this one can stand in for; any can, but for the newest."""
    has_avx512 = {"X86_V4", "AVX512_SKX"} & set(FOUND)
    return [name for name in PROCESSORS if name != "SkylakeX" or has_avx512]


def surroundings(name):
    """Return the variables of the environment that make the libraries compute as on a processor."""
    onednn, opencv, numpy, threads = PROCESSORS[name]
    of_x86 = {
        "OPENBLAS_CORETYPE": name,
        "ONEDNN_MAX_CPU_ISA": onednn,
        "OPENCV_CPU_DISABLE": opencv,
        "NPY_DISABLE_CPU_FEATURES": " ".join(numpy),
    }
    counted = ("OMP_NUM", "OPENBLAS_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    of_all = {f"{count}_THREADS": str(threads) for count in counted}
    of_all["OPENCV_FOR_THREADS_NUM"] = str(threads)
    return of_all | (of_x86 if platform.machine() in ("x86_64", "AMD64") else {})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
