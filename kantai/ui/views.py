"""The small components that the page adds to Gradio's own.

Their templates hold no value: the browser builds elements and charts from plain data
(`assets/kantai.js`), and an update touches nothing that did not change. They are made by
functions: a class of its own would make Gradio write a stub file beside this one.
"""

from __future__ import annotations

from typing import Any

import gradio as gr


def View(value: Any = None, **options: Any) -> gr.HTML:
    """Shows a node of `kantai.ui.nodes`; an element with `data-act` sends a `select` event."""
    script = "kantai.view(element, props, trigger, watch);"
    return _plain("<div class='k-view'></div>", script, value=value, **options)


def Chart(value: Any = None, **options: Any) -> gr.HTML:
    """Draws a figure of `kantai.ui.plots` with the page's own plotly.js and colours."""
    place = "<div class='k-plot' role='img' hidden></div>"
    return _plain(place, "kantai.chart(element, props, watch);", value=value, **options)


def Tour(**options: Any) -> gr.HTML:
    """Opens tabs: {"tab": now, "then": when the training of "run" has finished}. Shows nothing."""
    script = "watch('value', () => kantai.tour(props.value));"
    return _plain("<div class='k-tour'></div>", script, **options)


def Qr(value: Any = None, **options: Any) -> gr.HTML:
    """Draws {"size", "path", "label"}: a code of dark squares on white, whatever the theme."""
    script = """
const place = element.querySelector('.k-qr');
const make = (name, values) => {
  const part = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(values)) part.setAttribute(key, value);
  return part;
};
const draw = () => {
  const code = props.value;
  place.hidden = !code;
  if (!code) return place.replaceChildren();
  const side = code.size + 8;
  const svg = make('svg', { viewBox: `-4 -4 ${side} ${side}`, 'shape-rendering': 'crispEdges' });
  svg.append(make('rect', { x: -4, y: -4, width: side, height: side, fill: '#fff' }));
  svg.append(make('path', { d: code.path, fill: '#000' }));
  place.setAttribute('aria-label', kantai.say(code.label));
  place.replaceChildren(svg);
};
watch('value', draw);
draw();
"""
    return _plain("<div class='k-qr' role='img' hidden></div>", script, value=value, **options)


def Pulse(seconds: float, **options: Any) -> gr.HTML:
    """Shows nothing; sends a `select` event every so often while it is on the screen."""
    script = f"""
const beat = setInterval(() => {{
  if (!element.isConnected) clearInterval(beat);
  else if (!document.hidden && element.getClientRects().length) trigger('select', {{}});
}}, {1000 * seconds:.0f});
"""
    return _plain("<div class='k-pulse'></div>", script, **options)


def _plain(template: str, script: str, **options: Any) -> gr.HTML:
    return gr.HTML(html_template=template, js_on_load=script, apply_default_css=False, **options)
