"""Products of sparse matrices: scipy's own loops, without what is around them.

    add_product(begins, leads, data, ahead, found)      # found += matrix @ ahead

What is around the loop in `csr_matrix.__matmul__` takes longer than it, for matrices as small as ours. And
`scipy.sparse` imports a fifth of a second of other things, so only the module with the loops is loaded.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.music.chains.markov import Floats

LOOPS = "scipy.sparse._sparsetools"


@cache
def loops() -> Any:
    """The module with scipy's loops."""
    import scipy  # on Windows it says where the libraries of its modules are

    if "scipy.sparse" not in sys.modules:
        spec = PathFinder.find_spec(LOOPS, [str(Path(scipy.__file__).parent / "sparse")])
        if spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    from scipy.sparse import _sparsetools

    return _sparsetools


def add_product(
    begins: NDArray[np.integer], leads: NDArray[np.integer], data: Floats, ahead: Floats, found: Floats
) -> None:
    """Add a sparse matrix times `ahead` [columns] or [columns, n] to `found` [rows] or [rows, n].

    begins: [rows + 1] where each row begins in leads and data. leads: the column of each number. data: the
    numbers. Both arrays lie in rows, without gaps.
    """
    rows, columns = len(begins) - 1, len(ahead)
    if ahead.ndim == 1:
        loops().csr_matvec(rows, columns, begins, leads, data, ahead, found)
    else:
        several = ahead.shape[1]
        loops().csr_matvecs(rows, columns, several, begins, leads, data, ahead.reshape(-1), found.reshape(-1))
