# SPDX-License-Identifier: MIT
import pytest

import certs


@pytest.fixture(scope="session")
def certs_dir(tmp_path_factory):
    """The certificates of certs.py."""
    directory = str(tmp_path_factory.mktemp("certs"))
    certs.make(directory)
    return directory
