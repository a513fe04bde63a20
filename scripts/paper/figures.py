"""What reconstruct_layers.py and weight_grid.py share: flags, pictures, errors, the sheet."""

import argparse
import pathlib
import sys
from collections.abc import Callable

from PIL import Image

import artistyle_tf
from artistyle_tf import samples
from artistyle_tf.images.write import check_output

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "scripts" / "docs"))

from make_sheet import make_grid  # noqa: E402 (found by the line above)

__all__ = ["STYLE_LAYERS", "make_grid", "painted", "parser", "run"]

STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))


def parser(description: str, iterations: int) -> argparse.ArgumentParser:
    """Flags with the sample pictures as defaults."""
    flags = argparse.ArgumentParser(description=description)
    flags.add_argument("--content", default=str(samples.content()), help="the photo")
    flags.add_argument("--style", default=str(samples.style()), help="the painting")
    flags.add_argument("--output", required=True, help="the sheet: .png, .jpg, .webp or .tif")
    flags.add_argument("--weights", default="auto", help="as of artistyle (auto)")
    flags.add_argument("--size", type=int, default=192, help="longer side of each, px (192)")
    flags.add_argument(
        "--iterations", type=int, default=iterations, help=f"for each ({iterations})"
    )
    return flags


def run(arguments: argparse.Namespace, sheet: Callable[[], Image.Image]) -> int:
    """Makes the sheet and saves it; the exit status. Errors are a line."""
    try:
        check_output(arguments.output)
        sheet().save(arguments.output)
    except artistyle_tf.ArtistyleError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


def painted(content: str | None, style: str | None, config: artistyle_tf.Config) -> Image.Image:
    """One picture of a sheet."""
    return Image.fromarray(artistyle_tf.stylize(content, style, config).image)
