"""The Gradio app: one file a tab, a theme, widgets. No logic of its own."""
