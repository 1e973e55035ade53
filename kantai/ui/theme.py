"""The look: paper, ink and one accent, in Gradio's own theme variables.

The colours themselves stand in `assets/kantai.css`, once for light and once for dark; here
Gradio's variables are only pointed at them. All fonts are the reader's own.
"""

from __future__ import annotations

import gradio as gr

SANS = ("system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Noto Sans SC",
        "Noto Sans CJK SC", "Microsoft YaHei", "sans-serif")  # fmt: skip
MONO = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "monospace")

POINTERS = {
    "body_background_fill": "paper",
    "background_fill_primary": "card",
    "background_fill_secondary": "paper",
    "body_text_color": "ink",
    "body_text_color_subdued": "soft",
    "block_label_text_color": "soft",
    "block_title_text_color": "soft",
    "block_info_text_color": "soft",
    "border_color_primary": "line",
    "border_color_accent": "accent",
    "input_background_fill": "card",
    "input_background_fill_focus": "card",
    "input_border_color": "line",
    "input_border_color_focus": "accent",
    "input_placeholder_color": "soft",
    "button_primary_background_fill": "accent",
    "button_primary_background_fill_hover": "accent-strong",
    "button_primary_text_color": "paper",
    "button_primary_border_color": "accent",
    "button_secondary_background_fill": "card",
    "button_secondary_background_fill_hover": "paper",
    "button_secondary_text_color": "ink",
    "button_secondary_border_color": "line",
    "checkbox_background_color": "card",
    "checkbox_background_color_selected": "accent",
    "checkbox_border_color": "line",
    "checkbox_border_color_selected": "accent",
    "checkbox_label_text_color": "ink",
    "checkbox_label_text_color_selected": "ink",
    "slider_color": "accent",
    "link_text_color": "accent",
    "link_text_color_hover": "accent-strong",
    "color_accent_soft": "accent-soft",
    "error_text_color": "bad",
    "accordion_text_color": "soft",
    "table_text_color": "ink",
}
FLAT = {
    "block_background_fill": "transparent",
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_padding": "0px",
    "block_label_background_fill": "transparent",
    "block_label_border_width": "0px",
    "block_title_text_weight": "400",
    "block_title_text_size": "13px",
    "checkbox_label_background_fill": "transparent",
    "checkbox_label_background_fill_hover": "transparent",
    "checkbox_label_background_fill_selected": "transparent",
    "checkbox_label_border_width": "0px",
    "checkbox_label_padding": "4px 0",
    "input_border_width": "1px",
    "input_shadow": "none",
    "input_shadow_focus": "none",
    "button_border_width": "1px",
    "button_large_radius": "9px",
    "button_medium_radius": "9px",
    "button_small_radius": "8px",
    "button_large_text_size": "15px",
    "button_large_text_weight": "600",
    "input_radius": "9px",
    "container_radius": "12px",
    "block_radius": "0px",
    "form_gap_width": "14px",
    "layout_gap": "16px",
    "section_header_text_weight": "600",
}


def theme() -> gr.themes.Base:
    """Gradio's plainest theme, pointed at our colours."""
    base = gr.themes.Base(font=SANS, font_mono=MONO, text_size=gr.themes.sizes.text_md)
    colours = {name: f"var(--k-{colour})" for name, colour in POINTERS.items()}
    known = set(gr.themes.Base.set.__code__.co_varnames)
    values = {**colours, **FLAT}
    dark = {f"{k}_dark": v for k, v in values.items() if f"{k}_dark" in known}
    return base.set(**{k: v for k, v in {**values, **dark}.items() if k in known})
