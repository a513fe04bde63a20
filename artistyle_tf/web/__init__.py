"""A page to paint on, in the browser: the command `artistyle-web`. Gradio is loaded by it alone."""

__all__: list[str] = []
