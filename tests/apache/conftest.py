"""What every test here has: the harness beside it, and an application for a proxy."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import apache  # noqa: E402


def pytest_configure(config):
    if not apache.MODULE.exists():
        raise pytest.UsageError(f"{apache.MODULE} is missing: run `make apache`")


@pytest.fixture(scope="module")
def application():
    application = apache.Application()
    yield application
    application.stop()
