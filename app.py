"""Builds the playground's page and serves it: python app.py [--limits class]"""

import argparse
import os
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # no outside host is ever asked
if not os.environ.get("OAUTH_CLIENT_ID"):  # the Hub's library holds itself to it, pushes too
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")  # HF_HUB_OFFLINE would refuse a book too
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from kantai.errors import UserError
from kantai.limits import ALLOWANCES
from kantai.ui.app import build_app, launch_settings


def main() -> None:
    """Serve until Ctrl-C; what `launch` knows is set by Gradio's own GRADIO_ variables."""
    parser = argparse.ArgumentParser(prog="python app.py", description=__doc__)
    known = ", ".join(ALLOWANCES)
    parser.add_argument("--limits", help=f"{known}; by default $KANTAI_LIMITS, else local")
    asked = parser.parse_args().limits
    if asked:
        os.environ["KANTAI_LIMITS"] = asked
    build_app().launch(**launch_settings())


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
