"""The Gradio app: one file a tab, a theme, widgets. No logic of its own."""

from studio.app.gradio_patches import import_less

import_less()
