"""What is said of the release in several places is the same in all of them."""

import re
import tomllib

import yaml

import artistyle_tf
from places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_one_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    changes = re.findall(
        r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert citation["version"] == changes[0] == artistyle_tf.__version__
    assert citation["license"] in PROJECT["license"]


def test_links_of_the_pages_in_the_root_lead_somewhere() -> None:
    for page in ROOT.glob("*.md"):
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
            assert link.startswith("https://") or (ROOT / link).exists(), (page.name, link)


def test_ci_has_the_two_commands_and_every_python() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]
    pythons = {
        f"Programming Language :: Python :: {python}"
        for python in jobs["linux"]["strategy"]["matrix"]["python"]
    }
    assert pythons == {one for one in PROJECT["classifiers"] if re.search(r"Python :: 3\.", one)}
    weekly = jobs["weekly"]["strategy"]["matrix"]["include"]
    steps = [step for job in jobs.values() for step in job["steps"]] + weekly
    scripts = re.findall(r"scripts/[\w.]+", " ".join(step.get("run", "") for step in steps))
    assert {"scripts/demo", "scripts/test", "scripts/demo.py"} == set(scripts)
    assert all((ROOT / name).is_file() for name in scripts)
    (newest,) = (one["run"] for one in weekly if "newest" in one["what"])
    (expression,) = re.findall(r"'s/(.*)//'", newest)  # what takes the upper bounds off
    bounds = "mkdocs>=1.6,<2", "numpy>=1.26, <3", "tifffile>=2025.1.10"
    assert [re.sub(expression, "", one) for one in bounds] == [one.split(",")[0] for one in bounds]


def test_nothing_shows_a_placeholder() -> None:
    """Where the address is not known, what needs it waits in a comment."""
    for path in [*ROOT.glob("*.*"), *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.ipynb")]:
        if path.suffix in (".md", ".cff", ".toml", ".ipynb"):
            for line in path.read_text("utf-8").splitlines():
                shown = re.sub(r"(<!--|#) repository: .*", "", line)
                assert not re.search(r"\{url\}|\{path\}|OWNER|example\.(com|org)", shown), path
