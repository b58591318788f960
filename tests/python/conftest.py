"""Tests the package of this checkout, wherever else one is installed; with CORSAC_INSTALLED set, the installed one."""

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "bindings/python/python"
if not os.environ.get("CORSAC_INSTALLED"):
    sys.path.insert(0, str(PACKAGE))
