"""A page that shows a widget of ours without a kernel: its state, its JavaScript, a model.

The page plays the front end: what the widget saves is kept in ``window.saved`` and handed to the
Python object by :meth:`WidgetPage.take_back`, so that both halves are tried together.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ipywidgets.widgets.widget import _remove_buffers

PAGE = """<!doctype html><meta charset="utf-8"><title>widget</title><link rel="icon" href="data:,">
<style>body { margin: 0; padding: 8px; background: PAPER; }</style><style id="css"></style>
<div id="here"></div>
<script type="module">
const state = await (await fetch("state.json")).json();
const bytes = await (await fetch("buffers.bin")).arrayBuffer();
for (const [path, from, to] of state.buffers) {
    const last = path.pop();
    const owner = path.reduce((at, key) => at[key], state.values);
    owner[last] = new DataView(bytes, from, to - from);
}
const heard = {};
const tell = (name) => (heard[name] ?? []).forEach((work) => work());
window.saved = [];
window.values = state.values;
let unsaved = {};
const model = {
    get: (name) => state.values[name],
    set(name, value) { state.values[name] = value; unsaved[name] = value; tell(`change:${name}`); },
    save_changes() { if (Object.keys(unsaved).length) window.saved.push(unsaved); unsaved = {}; },
    on: (name, work) => (heard[name] ??= []).push(work),
    off: (name, work) => { heard[name] = (heard[name] ?? []).filter((one) => one !== work); },
    send() {},
};
// As the kernel would: values are set, none is saved.
window.put = (changes) => {
    for (const [name, value] of Object.entries(changes)) state.values[name] = value;
    for (const name of Object.keys(changes)) tell(`change:${name}`);
};
window.unpack = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
window.pack = (value) => {
    if (!(value instanceof DataView)) return value;
    const all = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    let text = "";
    for (let k = 0; k < all.length; k += 8192) {
        text += String.fromCharCode(...all.subarray(k, k + 8192));
    }
    return { bytes: btoa(text) };
};
document.getElementById("css").textContent = state.values._css;
const widget = (await import("./widget.js")).default;
window.begun = performance.now();
const here = document.getElementById("here");
const first = { once: true, capture: true };
window.drawn = new Promise((done) => here.addEventListener("wb-drawn", done, first));
window.close_widget = widget.render({ model, el: here });
document.body.dataset.ready = "yes";
</script>
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None:
        pass


@contextmanager
def served(widget: Any, folder: Path) -> Iterator[str]:
    """Give the address of a page with the widget."""
    write(widget, folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    finally:
        server.shutdown()
        server.server_close()


def write(widget: Any, folder: Path) -> None:
    """Write the page, and the widget's state as the kernel would send it."""
    values, paths, buffers = _remove_buffers(widget.get_state())
    values = {
        key: value for key, value in values.items() if not str(value).startswith("IPY_MODEL_")
    }
    (folder / "widget.js").write_text(values.pop("_esm"), encoding="utf-8")
    places, end = [], 0
    with (folder / "buffers.bin").open("wb") as file:
        for path, buffer in zip(paths, buffers, strict=True):
            # As in a message: nothing says that a buffer begins at a multiple of four.
            places.append([path, end, end + len(buffer)])
            end += file.write(buffer)
    state = json.dumps({"values": values, "buffers": places}, allow_nan=False)
    (folder / "state.json").write_text(state, encoding="utf-8")
    paper = values.get("_look", {}).get("paper", "#ffffff")
    (folder / "index.html").write_text(PAGE.replace("PAPER", paper), encoding="utf-8")


def opened(page: Any, address: str) -> None:
    """Open the page and wait until the widget has drawn for the first time."""
    page.goto(address)
    page.locator("body[data-ready]").wait_for(state="attached", timeout=60_000)
    page.evaluate("() => window.drawn.then(() => true)")


def take_back(page: Any, widget: Any) -> list[str]:
    """Give the widget what the page saved since the last time; return the names of what it was."""
    saved = page.evaluate("""
        () => window.saved.splice(0).map((one) => Object.fromEntries(
            Object.entries(one).map(([name, value]) => [name, window.pack(value)])))
    """)
    for changes in saved:
        widget.set_state({name: _unpacked(value) for name, value in changes.items()})
    return [name for changes in saved for name in changes]


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"bytes"}:
        return memoryview(base64.b64decode(value["bytes"]))
    return value


def send(page: Any, widget: Any, *names: str) -> None:
    """Hand traits of the widget to the page, as when Python has set them."""
    changes = {}
    for name, value in widget.get_state(names).items():
        is_bytes = isinstance(value, bytes)
        changes[name] = {"bytes": base64.b64encode(value).decode()} if is_bytes else value
    page.evaluate(
        """changes => window.put(Object.fromEntries(Object.entries(changes).map(([name, value]) =>
            [name, value?.bytes !== undefined ? window.unpack(value.bytes) : value])))""",
        changes,
    )
