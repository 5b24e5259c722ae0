"""The Gradio app: one file a tab, a theme, widgets. No logic of its own."""

from studio.app.swift import leave_stubs_alone

leave_stubs_alone()
