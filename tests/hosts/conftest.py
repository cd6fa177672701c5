# SPDX-License-Identifier: MIT
"""What the tests of hosts borrow from those of the bus and of sessions."""

import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "bus"), str(TESTS / "session"), str(TESTS / "server")]
