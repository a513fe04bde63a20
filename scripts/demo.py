"""Paint samples/content.jpg in the style of samples/style.jpg, into the repository's folder.

scripts/demo [--flag=value ...]     more flags go to artistyle, in place of the demo's own
"""

import sys

from _venv import PIP, ROOT, become, call, fail, prepare, say

DEFAULTS = {"preset": "large", "weights": "preview", "size": 768, "iterations": 150, "seed": 0}


def main(words):
    given = {word.split("=")[0].lstrip("-") for word in words if word.startswith("-")}
    if given & {"content", "style", "output"}:
        fail("it paints the sample pictures; for your own run the command artistyle")
    python = prepare("demo", [*PIP, "-e", "."])
    command = [python, "-m", "artistyle_tf"]
    if given & {"help", "helpfull", "h", "version"}:
        become([*command, *words])
    samples = ROOT / "artistyle_tf" / "samples"
    files = {name: str(samples / f"{name}.jpg") for name in ("content", "style")}
    files["output"] = str(ROOT / "artistyle-demo.png")
    flags = {**DEFAULTS, **files}
    command += [f"--{name}={value}" for name, value in flags.items() if name not in given]
    sheet = str(ROOT / "artistyle-demo-sheet.png")
    beside = [python, str(ROOT / "scripts" / "docs" / "make_sheet.py"), sheet, *files.values()]
    for step in ([*command, *words], [*beside, "--labels=photo,style image,result"]):
        status = call(step)
        if status:
            sys.exit(status)
    say(f"the picture: {files['output']}")
    say(f"beside its sources: {sheet}")


if __name__ == "__main__":
    main(sys.argv[1:])
