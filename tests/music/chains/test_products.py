"""Products of sparse matrices: what scipy says, without loading `scipy.sparse`."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse

from studio.music.chains.products import add_product

ALONE = """
import sys
import numpy as np
from studio.music.chains.products import add_product
found = np.array([1.0, 0.0])
begins, leads, data = np.array([0, 2, 3]), np.array([0, 2, 1]), np.array([2.0, 0.5, 3.0])
add_product(begins, leads, data, np.array([1.0, 2.0, 4.0]), found)
assert found.tolist() == [5.0, 6.0], found
assert "scipy.sparse" not in sys.modules
import scipy.sparse  # loads as ever
assert (scipy.sparse.eye_array(2).tocsr() @ found).tolist() == [5.0, 6.0]
"""


@pytest.mark.parametrize("shape", [(7,), (7, 3)])
def test_it_is_the_product_that_scipy_gives(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(5)
    matrix = scipy.sparse.random_array((4, 7), density=0.4, rng=random).tocsr()
    ahead, found = random.random(shape), np.zeros((4, *shape[1:]))
    add_product(matrix.indptr, matrix.indices, matrix.data, ahead, found)
    np.testing.assert_allclose(found, matrix.toarray() @ ahead)


def test_only_the_loops_of_scipy_are_loaded() -> None:
    ran = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
