"""The command `artistyle-web`: its flags, and serving the page until Ctrl-C.

No TensorFlow and no Gradio until the flags and the port are known to be valid.
"""

import contextlib
import importlib.util
import os
import pathlib
import socket
import sys
import tempfile
import threading
import types
import urllib.parse
from collections.abc import Sequence
from typing import Any

from artistyle_tf.cli.console import quiet_import, run_command, showing
from artistyle_tf.cli.parsing import (
    Flag,
    Program,
    checked,
    grouped,
    parse_flags,
    path,
    values_of,
    whole,
)
from artistyle_tf.errors import ArtistyleError, ConfigError, InputError
from artistyle_tf.files import check_folder
from artistyle_tf.text import one_line, reason
from artistyle_tf.vgg.weights import check_name
from artistyle_tf.web.form import Limits
from artistyle_tf.web.guard import Guard, addresses, is_private
from artistyle_tf.web.studio import Studio

UPLOADS = 25  # All files of all visits may have as many times the size of the largest upload.


def _login(name: str, given: str) -> tuple[str, str]:
    user, colon, password = given.partition(":")
    if not (user and colon and password):
        raise ConfigError(f"{name} must be a name and a password, like user:password")
    return user, password


FLAGS = grouped(
    "Page",
    Flag("host", "address to listen on; 0.0.0.0: all networks", "127.0.0.1"),
    Flag("port", "port to listen on; 0: any free port", "7860", whole(0, 65535)),
    Flag("auth", "user:password to ask every visitor for", read=_login),
    Flag(
        "weights",
        "the network selected at first, as for artistyle --weights",
        "auto",
        lambda name, given: checked(check_name)(name, path(name, given)),
    ),
    Flag("folder", "folder in which every result is saved", "artistyle-results", path),
    Flag(
        "max_pixels",
        "maximum pixels of a picture, uploaded or painted",
        str(Limits().pixels),
        whole(256, 178_956_970),
    ),
    Flag(
        "max_megabytes",
        "maximum size of an upload, in 10^6 bytes",
        str(Limits().megabytes),
        whole(1, 100_000),
    ),
    Flag(
        "share",
        "also create a public link, through a Gradio tunnel over servers of third parties",
        kind="switch",
    ),
    Flag("open_browser", "open the page in this machine's browser", kind="switch"),
)

PROGRAM = Program(
    "artistyle-web",
    "Serves a web page on which you can paint.",
    "artistyle-web [flags]",
    "Ctrl-C saves the current result and stops the server.\n"
    "Exit status: 0 stopped by the user, 1 the page can't be served, 2 a wrong flag.",
    FLAGS,
)


def parse(arguments: Sequence[str]) -> types.SimpleNamespace | str:
    """The flags' values, with the two limits as `limits`; or a text to print."""
    given = parse_flags(PROGRAM, arguments)
    if isinstance(given, str):
        return given
    values = values_of(FLAGS, given)
    limits = Limits(values["max_pixels"], values["max_megabytes"])
    return types.SimpleNamespace(**values, limits=limits)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status: 0 stopped, 1 can't be served, 2 a wrong
    flag."""
    with showing(progress=False):
        return run_command("artistyle-web", parse, _serve, argv)


def _serve(options: types.SimpleNamespace) -> int:
    if importlib.util.find_spec("gradio") is None:
        raise ArtistyleError(
            'the page needs gradio, not installed here: pip install "artistyle-tf[web]"'
        )
    port = _free_port(options.host, options.port)
    try:
        os.makedirs(options.folder, exist_ok=True)
    except OSError as error:
        raise InputError(f"can't make {one_line(options.folder)}: {reason(error)}") from error
    check_folder(os.path.join(options.folder, "result.png"))
    with tempfile.TemporaryDirectory("", "artistyle-web-", ignore_cleanup_errors=True) as workspace:
        # Gradio reads these when it is loaded: no usage statistics, and uploads in a folder that is
        # deleted at the end.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["GRADIO_TEMP_DIR"] = workspace
        os.environ["HF_HUB_OFFLINE"] = "1"
        print("artistyle-web: loading", file=sys.stderr, flush=True)
        with quiet_import():
            import tensorflow as tf

            from artistyle_tf.engine import painter

            del painter
            tf.config.list_logical_devices()
        from artistyle_tf.web.events import Events
        from artistyle_tf.web.page import make_page

        studio = Studio(options.folder, workspace)
        private = is_private(options.host) and not options.share
        limits = options.limits
        events = Events(studio, limits, options.weights, workspace, private)
        page = make_page(events, options.weights, limits.megabytes, private)
        for line in _launch(page, options, port, workspace):
            print(f"artistyle-web: {line}", flush=True)
        studio.warm()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("artistyle-web: stopping", file=sys.stderr, flush=True)
            studio.close()
        finally:
            with contextlib.suppress(Exception):  # stopping anyway, whatever Gradio raises
                page.close(verbose=False)
        if studio.saved:
            print(
                f"artistyle-web: {len(studio.saved)} saved in {one_line(options.folder)}, "
                f"the latest as {one_line(os.path.basename(studio.saved[-1][1]))}",
                flush=True,
            )
        return 0


def _launch(page: Any, options: types.SimpleNamespace, port: int, workspace: str) -> list[str]:
    """Starts serving the page; returns what to say of it: its URLs, and who can reach them."""
    from starlette.middleware import Middleware

    from artistyle_tf.web.page import make_theme

    own = "localhost", options.host, socket.gethostname(), socket.getfqdn()
    names = {name.lower() for name in own}
    most = UPLOADS * options.limits.megabytes * 10**6
    beside = pathlib.Path(__file__).parent
    try:
        _, local, public = page.queue(api_open=False).launch(
            server_name=options.host,
            server_port=port,
            auth=options.auth,
            share=options.share,
            inbrowser=options.open_browser,
            max_file_size=options.limits.megabytes * 10**6,
            app_kwargs={"middleware": [Middleware(Guard, names, workspace, most)]},
            prevent_thread_lock=True,
            quiet=True,
            theme=make_theme(),
            css_paths=beside / "page.css",
            head_paths=beside / "head.html",
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"can't serve on {options.host}:{port}: {reason(error)}") from error
    if public:
        names.add(urllib.parse.urlsplit(public).hostname)
    return describe_reach(options.host, port, local, public, bool(options.auth))


def describe_reach(host: str, port: int, local: str, public: str | None, asks: bool) -> list[str]:
    """What to say when the page is served: where, and who can reach it. `asks` for a password."""
    lines = [url for url in (local, public) if url]
    who = []
    if not is_private(host):
        urls = (f"http://{f'[{one}]' if ':' in one else one}:{port}" for one in addresses(host))
        who.append(f"everyone in this machine's networks, at {' or '.join(urls)}")
    if public:
        who.append("everyone who knows the public link")
    if who:
        lines.append(f"it can be reached by {', and by '.join(who)}")
        lines.append("pictures leave the visitor's machine for this one")
        if not asks:
            lines.append("no password is asked for; --auth=user:password does")
    return lines


def _free_port(host: str, port: int) -> int:
    """The port, or a free one if it is 0; InputError if it can't be used."""
    try:
        kind = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(kind, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
            return int(trial.getsockname()[1])
    except OSError as error:
        raise InputError(
            f"can't listen on {one_line(host)}:{port}: {reason(error)}; --port=0 uses a free port"
        ) from error
