"""The command `artistyle-web`: serves the page until Ctrl-C."""

import contextlib
import importlib.util
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from typing import Any

from artistyle_tf.cli.console import quiet_import, run_command, showing
from artistyle_tf.errors import ArtistyleError, InputError
from artistyle_tf.text import one_line, reason
from artistyle_tf.web.flags import Options, parse
from artistyle_tf.web.run import Studio

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status: 0 stopped by the user, 1 the page can't be
    served, 2 a wrong flag."""
    return run_command("artistyle-web", parse, _show, argv)


def _show(options: Options) -> int:
    with showing(progress=False):
        return _serve(options)


def _serve(options: Options) -> int:
    if importlib.util.find_spec("gradio") is None:
        raise ArtistyleError("the page needs the package gradio: pip install 'artistyle-tf[web]'")
    port = _free_port(options.host, options.port)
    with tempfile.TemporaryDirectory(
        prefix="artistyle-web-", ignore_cleanup_errors=True
    ) as workspace:
        # Gradio reads these when it is loaded: no usage statistics, and uploads in a folder that is
        # deleted at the end.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["GRADIO_TEMP_DIR"] = os.path.join(workspace, "uploads")
        os.environ["HF_HUB_OFFLINE"] = "1"
        print("artistyle-web: loading", file=sys.stderr, flush=True)
        with quiet_import():
            import tensorflow as tf

            from artistyle_tf.engine import painter

            del painter
            tf.config.list_logical_devices()
        from artistyle_tf.web.events import Events
        from artistyle_tf.web.page import make_page

        studio = Studio(options.folder)
        events = Events(studio, options.limits, options.weights, workspace)
        page = make_page(events, options.weights, private=not options.share)
        url, shared = _launch(page, options, port)
        print(f"artistyle-web: {url}", flush=True)
        if shared:
            print(f"artistyle-web: {shared}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("artistyle-web: stopping", file=sys.stderr, flush=True)
            studio.close()
        finally:
            with contextlib.suppress(Exception):  # stopping anyway, whatever Gradio raises
                page.close(verbose=False)
        if studio.saved:
            count = len(studio.saved)
            kind = "painting is" if count == 1 else "paintings are"
            print(
                f"artistyle-web: {count} {kind} in {one_line(os.path.abspath(options.folder))}, "
                f"the latest is {one_line(os.path.basename(studio.saved[-1]))}",
                flush=True,
            )
        return 0


def _launch(page: Any, options: Options, port: int) -> tuple[str, str | None]:
    """Starts serving the page; returns (URL, public URL or None)."""
    from artistyle_tf.web import theme

    try:
        _, url, shared = page.queue(status_update_rate=1, api_open=False).launch(
            server_name=options.host,
            server_port=port,
            share=options.share,
            inbrowser=options.open_browser,
            max_file_size=options.limits.megabytes * 10**6,
            prevent_thread_lock=True,
            quiet=True,
            show_error=False,
            theme=theme.make_theme(),
            css=theme.CSS,
            head=theme.HEAD,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            mcp_server=False,
            ssr_mode=False,
            pwa=False,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"can't serve on {options.host}:{port}: {reason(error)}") from error
    return url, shared


def _free_port(host: str, port: int) -> int:
    """The port, or a free one if it is 0.

    Raises:
      InputError: the port is in use, or the host is not an address of this machine.
    """
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
