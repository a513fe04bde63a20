"""The command line of `artistyle-video`."""

import pytest

from artistyle_tf import Config
from artistyle_tf.video import main as command
from artistyle_tf.video.flags import Options, parse

pytestmark = pytest.mark.usefixtures("unfrozen")

FILES = ["--content=clip.mp4", "--style=a.jpg", "--output=out.mp4"]


def test_all_of_them():
    given = ["--static_threshold=1.5", "--workers=3", "--device=cpu"]
    given += ["--content_mask=m.mp4,n.png", "--style_mask=o.png,p.png"]
    given += ["--preset=fast", "--iterations=42", "--frame_iterations=7", "--temporal_weight=0"]
    given += ["--preview_every=5", "--quiet"]
    given += ["--style=b.jpg", "--style_blend=1,3", "--size=96"]
    config = Config.preset("fast", iterations=42, style_blend=(1, 3), size=96)
    wanted = Options(
        "clip.mp4", ["a.jpg", "b.jpg"], "out.mp4", config, 7,
        ("m.mp4", "n.png"), ("o.png", "p.png"),
        0.0, 1.5, 5, 3, "cpu", True,
    )  # fmt: skip
    assert parse([*FILES, *given]) == wanted
    assert parse([*FILES, "--style=a,b"]).styles == ["a.jpg", "a,b"]
    assert parse([FILES[0], FILES[2], "--style=a,b"]).styles == ["a", "b"]
    assert parse(["clip.mp4", "--quiet", "a.jpg", "out.mp4"]) == parse([*FILES, "--quiet"])
    assert parse(["in/clip.mov", "a.jpg"]).output == "clip-a.mp4"


@pytest.mark.parametrize(
    "flag",
    ["--output=out.gif", "--output=clip.mp4", "--style=", "--frame_iterations=0",
     "--temporal_weight=-1", "--temporal_weight=nan", "--preview_every=x", "--colour=red",
     "clip.mp4", "--balance=2",
     "--style_blend=1,2", "--task=texture", "--static_threshold=-1",
     "--content_mask=a.png,b.png", "--style_mask=a.png", "--device=abacus", "--workers=0",
     "--iterations=none"],
)  # fmt: skip
def test_a_bad_one_is_one_line_and_status_2(flag, capsys):
    assert command.main([*FILES, flag]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("artistyle-video: ")


def test_the_short_help_is_as_short_as_that_of_artistyle():
    text = parse(["--help"])
    assert text.count("\n") < 30
    assert "--helpfull shows all" in text
    assert "--temporal_weight" in parse(["--helpfull"])
