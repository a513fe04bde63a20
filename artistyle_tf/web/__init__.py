"""A web page for painting: the command `artistyle-web`. Only this uses Gradio."""
