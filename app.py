"""Builds the playground's page and serves it: python app.py"""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # no outside host is ever asked
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from kantai.ui.app import build_app, launch_settings

if __name__ == "__main__":
    build_app().launch(**launch_settings())
