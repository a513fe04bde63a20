"""The layout of the page, and the connections of its events to their handlers."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from artistyle_tf.web.actions import Actions
from artistyle_tf.web.parts import make_easel, make_table
from artistyle_tf.web.views import Updates

__all__ = ["make_page"]


def make_page(actions: Actions, weights: str, private: bool = True) -> gr.Blocks:
    """The page, ready to be launched.

    Args:
      actions: the event handlers.
      weights: the `--weights` of the server.
      private: whether no public link is made.
    """
    with gr.Blocks(
        title="artistyle", analytics_enabled=False, delete_cache=(600, 7200), fill_width=True
    ) as page:
        where = " Your pictures stay on this machine." if private else ""
        gr.HTML(f"<h1>artistyle</h1><p>Paint a photo like a painting.{where}</p>", elem_id="head")
        with gr.Row(elem_id="room"):
            with gr.Column(scale=2, min_width=300):
                given, values = make_table(weights)
            with gr.Column(scale=3, min_width=300, elem_id="easel"):
                parts = make_easel()
        _connect(page, actions, given, values, parts)
    return page


def _connect(
    page: gr.Blocks,
    actions: Actions,
    given: dict[str, Any],
    values: dict[str, Any],
    parts: dict[str, Any],
) -> None:
    parts = {**parts, "paint": given["paint"]}
    outputs = list(parts.values())
    pictures = [given["photo"], given["style"], given["mask"], given["preset"]]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    # The studio has the only queue; Gradio must not make sessions wait for each other as well.
    follow = {**quiet, "outputs": outputs, "concurrency_limit": None}
    everything = [*pictures, *values.values()]
    given["paint"].click(_named(actions.paint, parts), everything, scroll_to_output=True, **follow)
    parts["change"].click(_named(actions.change, parts), everything, **follow)
    parts["go_on"].click(_named(actions.go_on, parts), [], **follow)
    parts["stop"].click(actions.stop, [], [], queue=False, **quiet)
    given["preset"].input(actions.preset, given["preset"], list(values.values()), **quiet)
    values["strength"].input(lambda: "", [], values["style_weight"], queue=False, **quiet)
    pair = [given["photo"], given["style"]]
    given["samples"].click(actions.samples, [], pair, **quiet)
    for picture in pair:
        picture.change(actions.looked_at, picture, parts["state"], **quiet)
    given["photo"].change(lambda: None, [], given["mask"], **quiet)
    given["brush"].click(actions.brush, given["photo"], given["mask"], **quiet)
    both = [given["photo"], given["mask"]]
    given["part"].expand(actions.brush_once, both, given["mask"], **quiet)
    weighed = [parts["large_state"], parts["large"]]
    for event in (parts["large_size"].change, parts["large_box"].expand):
        event(
            _listed(actions.weigh, ("large_state", "large")), parts["large_size"], weighed, **quiet
        )
    parts["large"].click(_named(actions.large, parts), parts["large_size"], **follow)
    parts["large_stop"].click(actions.large_stop, [], [], queue=False, **quiet)
    page.unload(actions.leave)


def _named(
    action: Callable[..., Iterator[Updates]], parts: dict[str, Any]
) -> Callable[..., Iterator[dict[Any, Any]]]:
    """The action, with its updates assigned to the parts that they name."""

    def act(request: gr.Request, *given: Any) -> Iterator[dict[Any, Any]]:
        for updates in action(request, *given):
            yield {parts[name]: update for name, update in updates.items()}

    return act


def _listed(
    action: Callable[[gr.Request, Any], Updates], names: Sequence[str]
) -> Callable[..., list[Any]]:
    def act(request: gr.Request, given: Any) -> list[Any]:
        updates = action(request, given)
        return [updates[name] for name in names]

    return act
