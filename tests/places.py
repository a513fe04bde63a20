"""Where things lie, for every test file in whatever folder."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
TESTS, SCRIPTS = ROOT / "tests", ROOT / "scripts"
SAMPLES = ROOT / "artistyle_tf" / "samples"
SHARED = ROOT.parent / "shared"
"""Real material, which is not everywhere."""
