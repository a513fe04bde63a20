"""Put the repository's address in, build sdist and wheel into dist/, and try both. Uploads nothing.

scripts/release https://github.com/OWNER/NAME

The address goes wherever a comment `repository: ...` holds what is to be shown once it is known, or
where an earlier address stands. A package index shows README with links and pictures made absolute.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from _venv import PIP, ROOT, call, fail, find_python, python_of, say
from demo import DEFAULTS

WAITING = re.compile(r"<!-- repository: (.*?) -->|# repository: (.*)")
"""What is shown once the address is known: {url}, {path} (OWNER/NAME). It ends with its line."""
ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?")
TEXTS = (".cff", ".ipynb", ".md", ".toml", ".yml")
BY_HAND = """\
Both are in dist/ and work. What remains to be done by hand:
  1. Look at `git diff`: the address is in. Put the date into CHANGELOG.md and CITATION.cff.
  2. git commit -a -m "Release {version}"; git tag v{version}; git push origin main v{version}
  3. On GitHub: let the workflows run, and turn on private vulnerability reporting.
  4. python -m twine upload dist/artistyle_tf-{version}*
  5. Open both notebooks by their badges in Colab, and run them from top to bottom.
  6. mkdocs gh-deploy --strict, if the documentation is to be a site.
"""


def put_in(folder, names, url):
    """Write the address into the files of `folder` with these names."""
    path = ADDRESS.fullmatch(url)[1]
    metadata = (folder / "pyproject.toml").read_text("utf-8")
    former = re.search(r'^Repository = "https://github.com/(.*)"', metadata, re.MULTILINE)
    for name in names:
        if not name.endswith(TEXTS):
            continue
        before = text = (folder / name).read_text("utf-8")
        text = WAITING.sub(
            lambda found: (found[1] or found[2]).replace("{url}", url).replace("{path}", path), text
        )
        if former:
            text = re.sub(rf"(github(\.com)?/){re.escape(former[1])}\b", rf"\g<1>{path}", text)
        if text != before:
            (folder / name).write_text(text, "utf-8")
            say(f"the address is in {name}")


def absolute(readme, url, version):
    """README's Markdown with links and pictures that work anywhere: those of the release's tag."""

    def whole(link):
        before, target = link.groups()
        if re.match(r"\w+:|#", target):
            return link[0]
        picture = re.search(r"\.(png|jpe?g|webp|svg|gif)$", target)
        return f"{before}{url}/{'raw' if picture else 'blob'}/v{version}/{target}"

    return re.sub(r'(\]\(|(?:src|href)=")([^)"\s]+)', whole, readme)


def must(command, what, **options):
    if call([str(word) for word in command], **options):
        fail(f"{what} failed")


def fresh(folder, *packages):
    """The Python of a new environment with these packages."""
    must([*find_python(), "-m", "venv", folder], "making an environment")
    must([python_of(folder), *PIP, "--quiet", *packages], f"installing {packages[0]}")
    return python_of(folder)


def try_out(package, folder):
    """Install it in an environment of its own, and paint the demo, small."""
    say(f"installing {package.name} into a fresh environment, and painting")
    python = fresh(folder / "venv", package)
    samples = next((folder / "venv").rglob("site-packages")) / "artistyle_tf" / "samples"
    flags = {name: samples / f"{name}.jpg" for name in ("content", "style")}
    flags = {**DEFAULTS, **flags, "size": 128, "iterations": 20}
    words = [f"--{name}={value}" for name, value in flags.items()]
    command = pathlib.Path(python).with_name("artistyle")
    must([command, *words, "--output=demo.png", "--quiet"], "the demo", cwd=folder)


def main(words):
    if len(words) != 1 or not ADDRESS.fullmatch(words[0]):
        fail("it takes one argument, the repository's address, like https://github.com/OWNER/NAME")
    url = "https://github.com/" + ADDRESS.fullmatch(words[0])[1]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE)
    if listed.returncode:
        fail("it needs a clone made by git: what git knows of is what is released")
    names = listed.stdout.decode().split("\0")[:-1]
    put_in(ROOT, names, url)
    source = (ROOT / "artistyle_tf" / "__init__.py").read_text("utf-8")
    version = re.search(r'__version__ = "(.*)"', source)[1]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        copy = folder / "copy"
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name, follow_symlinks=False)
        readme = absolute((ROOT / "README.md").read_text("utf-8"), url, version)
        (copy / "README-index.md").write_text(readme, "utf-8")
        metadata = (copy / "pyproject.toml").read_text("utf-8")
        metadata = metadata.replace('readme = "README.md"', 'readme = "README-index.md"')
        (copy / "pyproject.toml").write_text(metadata, "utf-8")
        tools = fresh(folder / "tools", "build", "twine")
        must([tools, "-m", "build", "--outdir", ROOT / "dist", copy], "the build")
        packages = sorted((ROOT / "dist").glob(f"artistyle_tf-{version}[-.]*"))
        must([tools, "-m", "twine", "check", "--strict", *packages], "twine check")
        for package in packages:
            room = folder / package.suffix[1:]
            room.mkdir()
            try_out(package, room)
    print(BY_HAND.format(version=version))


if __name__ == "__main__":
    main(sys.argv[1:])
