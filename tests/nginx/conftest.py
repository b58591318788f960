import os
import subprocess

import pytest

import builds


def pytest_addoption(parser):
    parser.addoption("--reloads", type=int, default=10, help="how often nginx reloads under load")


@pytest.fixture(scope="session", params=list(builds.ALL))
def build(request):
    """Each nginx that is tested."""
    return builds.ALL[request.param]()


@pytest.fixture(scope="session")
def installed():
    return builds.installed()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A folder with cert.pem and key.pem for localhost."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder
