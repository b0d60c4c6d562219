// A million points in WebGL2 with a linked timeline: the browser's part of PointCloud.
//
// The kernel sends places, class codes and times once, sorted by time: every window of time and
// every moment of playback is then one stretch of the arrays, found by bisection and drawn with one
// call. Frames, brushes and picks never ask the kernel. Text is set by textContent or fillText only.

const UNKNOWN = 0xffff;
const MARGIN = { left: 58, right: 14, top: 10, bottom: 42 };
const HIT = 9; // CSS pixels around the mouse in which a point counts as meant
const CALM_MS = 60; // the mouse rests this long before the kernel is asked what a point is
const THROTTLE_MS = 120;
const MANY = 20_000; // from here on a processor that plays graphics card is slower than a loop
const BY_PROCESSOR = /swiftshader|llvmpipe|lavapipe|softpipe|swrast|software|basic render/i;
const BLUE = "#0072B2";
const ORANGE = "#D55E00";
const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
const LABEL_FONT = FONT.replace("11px", "12px");

// ---------------------------------------------------------------- small things

function typed(bytes, Kind) {
    if (!bytes || !bytes.byteLength) return new Kind(0);
    const buffer = bytes.buffer ?? bytes;
    const offset = bytes.byteOffset ?? 0;
    const aligned = offset % Kind.BYTES_PER_ELEMENT === 0;
    const from = aligned ? buffer : buffer.slice(offset, offset + bytes.byteLength);
    return new Kind(from, aligned ? offset : 0, Math.floor(bytes.byteLength / Kind.BYTES_PER_ELEMENT));
}

/** The first place in a sorted array whose value is at least `value`. */
function bisect(array, value, low = 0, high = array.length) {
    while (low < high) {
        const middle = (low + high) >>> 1;
        if (array[middle] < value) low = middle + 1;
        else high = middle;
    }
    return low;
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const count = (n) => n.toLocaleString("en-US");

function element(tag, name, parent, text) {
    const made = document.createElement(tag);
    made.className = name;
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
}

function throttled(work) {
    let timer = null;
    const later = () => { timer = null; work(); };
    const run = () => { timer ??= setTimeout(later, THROTTLE_MS); };
    run.flush = () => { clearTimeout(timer); later(); };
    run.stop = () => { clearTimeout(timer); timer = null; };
    return run;
}

function niceStep(span, most) {
    const rough = span / Math.max(1, most);
    const power = 10 ** Math.floor(Math.log10(rough));
    return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999999);
}

function decimal(value, step) {
    const places = clamp(-Math.floor(Math.log10(step) + 1e-9), 0, 12);
    const rounded = Number(value.toFixed(places));
    const large = Math.abs(rounded) >= 1e7 || step < 1e-7;
    return large ? value.toPrecision(8) : (rounded === 0 ? 0 : rounded).toFixed(places).replace("-", "−");
}

function short(value) {
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(2);
    return String(Number(value.toPrecision(3))).replace("-", "−");
}

function fitted(canvas, width, height, ratio) {
    const w = Math.max(1, Math.round(width * ratio));
    const h = Math.max(1, Math.round(height * ratio));
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
}

function flat(canvas, ratio) {
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    return pen;
}

// ---------------------------------------------------------------- time in words

const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600,
    900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000];

class Clock {
    constructor(frame) {
        this.start = frame.clock_ms;
        this.zone = frame.tz || "UTC";
        if (this.start === null || this.start === undefined) return;
        const make = (options) => {
            try {
                return new Intl.DateTimeFormat("en-GB", { timeZone: this.zone, hourCycle: "h23", ...options });
            } catch {
                this.zone = "UTC";
                return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", hourCycle: "h23", ...options });
            }
        };
        const time = { hour: "2-digit", minute: "2-digit" };
        this.forms = {
            day: make({ day: "numeric", month: "short" }),
            date: make({ day: "numeric", month: "short", year: "numeric" }),
            minute: make(time),
            second: make({ ...time, second: "2-digit" }),
        };
    }

    /** Seconds between UTC and the wall clock at a time, so that ticks stand at round hours. */
    shift(seconds) {
        if (!this.forms) return 0;
        const at = new Date(this.start + seconds * 1000);
        const parts = {};
        const form = new Intl.DateTimeFormat("en-US", { timeZone: this.zone, hourCycle: "h23", year: "numeric",
            month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
        for (const part of form.formatToParts(at)) parts[part.type] = Number(part.value);
        const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
        return Math.round((wall - at.getTime()) / 1000) + this.start / 1000;
    }

    tick(seconds, step) {
        if (!this.forms) return this.plain(seconds, step);
        const at = new Date(this.start + seconds * 1000);
        const minute = this.forms.minute.format(at);
        if (step >= 86400 || (step >= 60 && minute === "00:00")) return this.forms.day.format(at);
        if (step >= 60) return minute;
        return this.forms.second.format(at) + (step < 1 ? this.fraction(seconds, step) : "");
    }

    fraction(seconds, step) {
        const digits = clamp(Math.ceil(-Math.log10(step)), 1, 3);
        const part = (((this.start / 1000 + seconds) % 1) + 1) % 1;
        return part.toFixed(digits).slice(1);
    }

    plain(seconds, step) {
        if (step < 1) return `${decimal(seconds, step)} s`;
        const sign = seconds < 0 ? "−" : "";
        const whole = Math.round(Math.abs(seconds));
        const two = (value) => String(value).padStart(2, "0");
        const minutes = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
        const hours = Math.floor(whole / 3600);
        if (hours < 48) return `${sign}${hours}:${minutes}`;
        const days = `${sign}${Math.floor(hours / 24)} d`;
        return step >= 86400 ? days : `${days} ${two(hours % 24)}:${minutes.slice(0, 2)}`;
    }

    moment(seconds) {
        if (!this.forms) return this.plain(seconds, 1);
        const at = new Date(this.start + seconds * 1000);
        return `${this.forms.date.format(at)} ${this.forms.second.format(at)}`;
    }

    stretch(begin, end) {
        const one = this.moment(begin);
        const two = this.moment(end);
        const day = (text) => text.slice(0, text.lastIndexOf(" "));
        const same = this.forms && day(one) === day(two);
        return `${one} – ${same ? two.slice(two.lastIndexOf(" ") + 1) : two}`;
    }
}

// ---------------------------------------------------------------- the points

/** The arrays, which of them are shown, and where on the plane they are. */
class Points {
    constructor(model) {
        this.frame = model.get("_frame");
        this.n = this.frame.n;
        this.xy = typed(model.get("_points"), Float32Array);
        this.ticks = typed(model.get("_ticks"), Uint32Array);
        this.timed = this.ticks.length > 0;
        this.setCodes(model);
        this.setMask(model);
        this.setSelection(model);
    }

    setCodes(model) {
        this.codes = typed(model.get("_codes"), Uint16Array);
        this.colours = model.get("_colours");
    }

    setMask(model) {
        const bits = typed(model.get("_mask"), Uint8Array);
        this.bits = bits.length ? bits : null;
        this.shown = null; // all of them
        if (this.bits) {
            const chosen = new Uint32Array(this.n);
            let found = 0;
            for (let i = 0; i < this.n; i++) if (bits[i >> 3] & (1 << (i & 7))) chosen[found++] = i;
            this.shown = chosen.slice(0, found);
        }
        if (this.selection) this.select(this.selection);
    }

    setSelection(model) { this.select(typed(model.get("_selection"), Uint32Array)); }

    select(indices) {
        this.selection = indices;
        const sent = indices.subarray(0, bisect(indices, this.n)); // ascending, as they come
        this.selected = this.bits ? sent.filter((i) => this.inMask(i)) : sent;
    }

    inMask(i) { return !this.bits || (this.bits[i >> 3] & (1 << (i & 7))) !== 0; }

    steps(seconds) { return Math.floor((seconds - this.frame.start) / this.frame.unit + 0.5); }

    seconds(i) { return this.frame.start + this.ticks[i] * this.frame.unit; }

    /** How many points lie before a time. */
    before(seconds) { return this.timed ? bisect(this.ticks, this.steps(seconds)) : 0; }

    /** How many points lie before a time or at it. */
    upTo(seconds) { return this.timed ? bisect(this.ticks, this.steps(seconds) + 1) : this.n; }

    /** The stretch of all points in a window of time. */
    within(window) { return window ? [this.before(window[0]), this.upTo(window[1])] : [0, this.n]; }

    /** The part of a list (null: all points) that lies in a stretch of points. */
    part(list, [from, to]) {
        if (!list) return [from, Math.max(from, to)];
        const first = bisect(list, from);
        return [first, Math.max(first, bisect(list, to))];
    }

    grid() { return this.cells ??= new Grid(this); }
}

/** Points by cells of a square grid: what is near a place or in a polygon without asking all. */
class Grid {
    constructor({ xy, n, frame }) {
        this.xy = xy;
        this.side = clamp(Math.ceil(Math.sqrt(n / 2)), 1, 1024);
        const [x0, y0, x1, y1] = frame.bounds;
        this.low = [x0 - frame.origin[0], y0 - frame.origin[1]];
        this.cell = [(x1 - x0) / this.side || 1, (y1 - y0) / this.side || 1];
        const side = this.side;
        const at = new Uint32Array(n);
        const first = new Uint32Array(side * side + 1);
        for (let i = 0; i < n; i++) {
            const place = this.row(xy[2 * i + 1]) * side + this.column(xy[2 * i]);
            at[i] = place;
            first[place + 1]++;
        }
        for (let c = 0; c < side * side; c++) first[c + 1] += first[c];
        const next = first.slice();
        this.order = new Uint32Array(n);
        for (let i = 0; i < n; i++) this.order[next[at[i]]++] = i;
        this.first = first;
    }

    column(x) { return clamp(Math.floor((x - this.low[0]) / this.cell[0]), 0, this.side - 1); }

    row(y) { return clamp(Math.floor((y - this.low[1]) / this.cell[1]), 0, this.side - 1); }

    /** The accepted point nearest to a place within an ellipse, or -1; the one on top among equals. */
    nearest(x, y, rx, ry, accept) {
        let best = -1;
        let least = 1;
        const right = this.column(x + rx);
        for (let r = this.row(y - ry); r <= this.row(y + ry); r++) {
            const from = this.first[r * this.side + this.column(x - rx)];
            const to = this.first[r * this.side + right + 1];
            for (let k = from; k < to; k++) {
                const i = this.order[k];
                const dx = (this.xy[2 * i] - x) / rx;
                const dy = (this.xy[2 * i + 1] - y) / ry;
                const far = dx * dx + dy * dy;
                if (far > least || (far === least && i < best) || !accept(i)) continue;
                [best, least] = [i, far];
            }
        }
        return best;
    }

    /** The accepted points in a polygon [x, y, x, y, ...], ascending. Only cells on its edge are tested. */
    inside(polygon, accept, n) {
        const taken = new Uint8Array(n);
        const box = this.box(polygon);
        const edge = this.edge(polygon, box);
        const wide = box.c1 - box.c0 + 1;
        let found = 0;
        for (let r = box.r0; r <= box.r1; r++) {
            let known = null;
            for (let c = box.c0; c <= box.c1; c++) {
                const place = r * this.side + c;
                const mixed = edge[(r - box.r0) * wide + c - box.c0] === 1;
                if (mixed) known = null;
                else known ??= contains(polygon, this.low[0] + (c + 0.5) * this.cell[0],
                    this.low[1] + (r + 0.5) * this.cell[1]);
                if (known === false) continue;
                for (let k = this.first[place]; k < this.first[place + 1]; k++) {
                    const i = this.order[k];
                    if (mixed && !contains(polygon, this.xy[2 * i], this.xy[2 * i + 1])) continue;
                    if (accept(i)) found += taken[i] = 1;
                }
            }
        }
        const indices = new Uint32Array(found);
        for (let i = 0, k = 0; k < found; i++) if (taken[i]) indices[k++] = i;
        return indices;
    }

    box(polygon) {
        let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
        for (let k = 0; k < polygon.length; k += 2) {
            x0 = Math.min(x0, polygon[k]);
            x1 = Math.max(x1, polygon[k]);
            y0 = Math.min(y0, polygon[k + 1]);
            y1 = Math.max(y1, polygon[k + 1]);
        }
        return { c0: this.column(x0), c1: this.column(x1), r0: this.row(y0), r1: this.row(y1) };
    }

    /** Which cells of a box an edge of the polygon may touch: one more on each side, for rounding. */
    edge(polygon, box) {
        const wide = box.c1 - box.c0 + 1;
        const touched = new Uint8Array(wide * (box.r1 - box.r0 + 1));
        const last = polygon.length - 2;
        for (let k = 0, j = last; k < polygon.length; j = k, k += 2) {
            const [ax, ay, bx, by] = [polygon[j], polygon[j + 1], polygon[k], polygon[k + 1]];
            const low = Math.max(box.r0, this.row(Math.min(ay, by)) - 1);
            const high = Math.min(box.r1, this.row(Math.max(ay, by)) + 1);
            for (let r = low; r <= high; r++) {
                const [left, right] = this.reach(ax, ay, bx, by, r);
                const from = Math.max(box.c0, this.column(left) - 1);
                const to = Math.min(box.c1, this.column(right) + 1);
                for (let c = from; c <= to; c++) touched[(r - box.r0) * wide + c - box.c0] = 1;
            }
        }
        return touched;
    }

    reach(ax, ay, bx, by, r) {
        if (ay === by) return [Math.min(ax, bx), Math.max(ax, bx)];
        const bottom = this.low[1] + (r - 1) * this.cell[1];
        const share = (y) => clamp((y - ay) / (by - ay), 0, 1);
        const one = ax + (bx - ax) * share(bottom);
        const two = ax + (bx - ax) * share(bottom + 3 * this.cell[1]);
        return [Math.min(one, two), Math.max(one, two)];
    }
}

function contains(polygon, x, y) {
    let inside = false;
    for (let k = 0, j = polygon.length - 2; k < polygon.length; j = k, k += 2) {
        const [ay, by] = [polygon[j + 1], polygon[k + 1]];
        if (ay > y === by > y) continue;
        if (x < polygon[j] + ((y - ay) / (by - ay)) * (polygon[k] - polygon[j])) inside = !inside;
    }
    return inside;
}

// ---------------------------------------------------------------- the plane and the screen

/** Which part of the plane is seen: a centre (from the origin) and pixels a unit. */
class View {
    constructor() { Object.assign(this, { w: 1, h: 1, cx: 0, cy: 0, kx: 1, ky: 1, fitted: true }); }

    fit([x0, y0, x1, y1], equal) {
        const wide = x1 - x0 || 1;
        const high = y1 - y0 || 1;
        const room = (size) => Math.max(1, Math.min(size * 0.94, size - 24));
        this.cx = (x0 + x1) / 2;
        this.cy = (y0 + y1) / 2;
        this.kx = room(this.w) / wide;
        this.ky = room(this.h) / high;
        if (equal) {
            this.kx = Math.min(this.kx, this.ky / equal);
            this.ky = this.kx * equal;
        }
        this.base = this.kx;
        this.fitted = true;
    }

    toScreen(x, y) { return [(x - this.cx) * this.kx + this.w / 2, this.h / 2 - (y - this.cy) * this.ky]; }

    toPlane(px, py) { return [this.cx + (px - this.w / 2) / this.kx, this.cy + (this.h / 2 - py) / this.ky]; }

    zoom(px, py, factor) {
        const real = clamp((this.kx * factor) / this.base, 0.1, 2e5) / (this.kx / this.base);
        const [x, y] = this.toPlane(px, py);
        this.kx *= real;
        this.ky *= real;
        this.cx = x - (px - this.w / 2) / this.kx;
        this.cy = y + (py - this.h / 2) / this.ky;
        this.fitted = false;
    }

    pan(dx, dy) {
        this.cx -= dx / this.kx;
        this.cy += dy / this.ky;
        this.fitted = false;
    }

    resize(w, h) {
        const grown = Math.min(w / this.w, h / this.h);
        Object.assign(this, { w, h });
        for (const key of ["kx", "ky", "base"]) this[key] *= grown;
    }

    bounds() { return [...this.toPlane(0, this.h), ...this.toPlane(this.w, 0)]; }
}

// ---------------------------------------------------------------- the graphics card

const VERTEX = `#version 300 es
in vec2 a_place;
in uint a_code;
uniform vec2 u_scale, u_shift;
uniform float u_size;
uniform sampler2D u_palette;
uniform int u_unknown;
flat out vec3 v_colour;
void main() {
    gl_Position = vec4(a_place * u_scale + u_shift, 0.0, 1.0);
    gl_PointSize = u_size;
    int place = a_code == 65535u ? u_unknown : int(a_code);
    v_colour = texelFetch(u_palette, ivec2(place & 255, place >> 8), 0).rgb;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
flat in vec3 v_colour;
uniform float u_size, u_alpha, u_ring;
uniform vec3 u_edge;
out vec4 colour;
void main() {
    float alpha = u_alpha;
    vec3 paint = v_colour;
    if (u_size >= 3.0) {
        float inward = u_size * 0.5 * (1.0 - length(gl_PointCoord * 2.0 - 1.0));
        if (inward <= 0.0) discard;
        alpha *= min(1.0, inward);
        paint = mix(paint, u_edge, 0.7 * clamp(u_ring - inward, 0.0, 1.0));
    }
    colour = vec4(paint * alpha, alpha);
}`;

const COPY_VERTEX = `#version 300 es
void main() { gl_Position = vec4(vec2(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1), 0.0, 1.0); }`;

const COPY_FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D u_layer;
out vec4 colour;
void main() { colour = texelFetch(u_layer, ivec2(gl_FragCoord.xy), 0); }`;

class Gpu {
    /** The points on a graphics card; `this.gl` is null without WebGL2. */
    constructor(canvas) {
        this.gl = canvas.getContext("webgl2", { antialias: false, depth: false, stencil: false });
        if (!this.gl || this.gl.isContextLost()) return;
        const gl = this.gl;
        this.dots = this.program(VERTEX, FRAGMENT);
        this.copy = this.program(COPY_VERTEX, COPY_FRAGMENT);
        this.array = gl.createVertexArray();
        this.empty = gl.createVertexArray();
        this.places = gl.createBuffer();
        this.codes = gl.createBuffer();
        this.lists = { shown: gl.createBuffer(), selected: gl.createBuffer(), near: gl.createBuffer() };
        this.palette = gl.createTexture();
        this.layer = { texture: gl.createTexture(), frame: gl.createFramebuffer(), key: "", end: 0, size: "" };
        gl.enable(gl.BLEND);
        gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
        this.limit = gl.getParameter(gl.ALIASED_POINT_SIZE_RANGE)[1];
        const info = gl.getExtension("WEBGL_debug_renderer_info");
        const name = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
        // Where no graphics card is, setting up a point takes 0.5 us and writing its pixels 0.03.
        this.splats = BY_PROCESSOR.test(name) ? { once: new Splats(gl), kept: new Splats(gl) } : null;
    }

    program(vertex, fragment) {
        const gl = this.gl;
        const made = gl.createProgram();
        for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
            const shader = gl.createShader(kind);
            gl.shaderSource(shader, source);
            gl.compileShader(shader);
            gl.attachShader(made, shader);
        }
        gl.linkProgram(made);
        if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
            throw new Error(`the shader was refused: ${gl.getProgramInfoLog(made)}`);
        }
        const uniforms = {};
        for (let k = 0; k < gl.getProgramParameter(made, gl.ACTIVE_UNIFORMS); k++) {
            const { name } = gl.getActiveUniform(made, k);
            uniforms[name] = gl.getUniformLocation(made, name);
        }
        return { made, uniforms };
    }

    attribute(name, buffer, array, bind) {
        const gl = this.gl;
        const place = gl.getAttribLocation(this.dots.made, name);
        gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
        gl.bufferData(gl.ARRAY_BUFFER, array, gl.STATIC_DRAW);
        gl.enableVertexAttribArray(place);
        bind(place);
    }

    putPoints(points) {
        const gl = this.gl;
        this.points = points;
        gl.bindVertexArray(this.array);
        this.attribute("a_place", this.places, points.xy, (at) => gl.vertexAttribPointer(at, 2, gl.FLOAT, false, 0, 0));
        gl.bindVertexArray(null);
        this.putCodes(points);
        this.putList("shown", points.shown);
        this.putList("selected", points.selected);
    }

    putCodes(points) {
        const gl = this.gl;
        gl.bindVertexArray(this.array);
        this.attribute("a_code", this.codes, points.codes,
            (at) => gl.vertexAttribIPointer(at, 1, gl.UNSIGNED_SHORT, 0, 0));
        gl.bindVertexArray(null);
        this.forget();
    }

    putPalette(colours, unknown) {
        const gl = this.gl;
        const all = [...colours, unknown];
        this.paints = all.map(channels);
        const rows = Math.ceil(all.length / 256);
        const texels = new Uint8Array(256 * rows * 4).fill(255);
        this.paints.forEach((paint, place) => texels.set(paint, place * 4));
        gl.activeTexture(gl.TEXTURE0);
        gl.bindTexture(gl.TEXTURE_2D, this.palette);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
        this.nearest();
        this.unknown = colours.length;
        this.forget();
    }

    nearest() {
        const gl = this.gl;
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    }

    putList(name, list) {
        const gl = this.gl;
        gl.bindVertexArray(null);
        gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.lists[name]);
        if (list) gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, list, gl.DYNAMIC_DRAW);
        this.forget();
    }

    forget() {
        this.layer.key = "";
        if (this.splats) this.splats.kept.key = "";
    }

    inHand(pass) {
        const many = (pass.kept ? this.points.n : pass.to - pass.from) > MANY;
        return this.splats !== null && many;
    }

    /** Zoomed in, most points are outside: leave them out, and those few inside may have edges. */
    near(pass, view) {
        if (!this.inHand(pass) || !pass.ring) return pass;
        const { xy } = this.points;
        const list = pass.list ? this.points[pass.list] : null;
        const [x0, y0] = view.toPlane(-pass.size, view.h + pass.size);
        const [x1, y1] = view.toPlane(view.w + pass.size, -pass.size);
        const found = new Uint32Array(MANY);
        let n = 0;
        for (let k = pass.from; k < pass.to; k++) {
            const i = list === null ? k : list[k];
            const [x, y] = [xy[2 * i], xy[2 * i + 1]];
            if (x < x0 || x > x1 || y < y0 || y > y1) continue;
            if (n === MANY) return pass;
            found[n++] = i;
        }
        const { gl } = this;
        gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.lists.near);
        gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, found.subarray(0, n), gl.STREAM_DRAW);
        return { ...pass, list: "near", from: 0, to: n };
    }

    /** Draw passes: {list, from, to, alpha, size, ring, kept}; a kept one grows a layer of its own. */
    draw(passes, view, ratio, edge) {
        const gl = this.gl;
        this.start(view, edge);
        for (const pass of passes) if (pass.kept && !this.inHand(pass)) this.grow(pass, ratio);
        gl.bindFramebuffer(gl.FRAMEBUFFER, null);
        gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
        gl.clearColor(0, 0, 0, 0);
        gl.clear(gl.COLOR_BUFFER_BIT);
        for (const given of passes) {
            const pass = this.near(given, view);
            if (this.inHand(pass)) this.paste(this.splat(pass, view, ratio));
            else if (pass.kept) this.paste(this.layer.texture);
            else this.pass(pass, ratio);
        }
    }

    splat(pass, view, ratio) {
        const { gl, points } = this;
        const splats = pass.kept ? this.splats.kept : this.splats.once;
        const from = splats.begin(pass, gl.drawingBufferWidth, gl.drawingBufferHeight);
        const list = pass.list ? points[pass.list] : null;
        splats.add(points, list, { ...pass, from, size: this.size(pass.size, ratio) }, view, this.paints);
        gl.activeTexture(gl.TEXTURE1);
        gl.bindTexture(gl.TEXTURE_2D, splats.texture);
        if (splats.upload()) this.nearest();
        gl.activeTexture(gl.TEXTURE0);
        return splats.texture;
    }

    size(size, ratio) { return Math.min(this.limit, Math.max(1, Math.round(size * ratio * 2) / 2)); }

    start(view, edge) {
        const gl = this.gl;
        const { made, uniforms } = this.dots;
        gl.useProgram(made);
        const scale = [(2 * view.kx) / view.w, (2 * view.ky) / view.h];
        gl.uniform2f(uniforms.u_scale, ...scale);
        gl.uniform2f(uniforms.u_shift, -view.cx * scale[0], -view.cy * scale[1]);
        gl.uniform3f(uniforms.u_edge, ...edge);
        gl.uniform1i(uniforms.u_palette, 0);
        gl.uniform1i(uniforms.u_unknown, this.unknown);
        gl.activeTexture(gl.TEXTURE0);
        gl.bindTexture(gl.TEXTURE_2D, this.palette);
    }

    pass({ list, from, to, alpha, size, ring }, ratio) {
        if (to <= from) return;
        const gl = this.gl;
        const { made, uniforms } = this.dots;
        gl.useProgram(made);
        gl.uniform1f(uniforms.u_size, this.size(size, ratio));
        gl.uniform1f(uniforms.u_alpha, alpha);
        gl.uniform1f(uniforms.u_ring, ring ? 1.25 * ratio : 0);
        gl.bindVertexArray(this.array);
        if (list) {
            gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.lists[list]);
            gl.drawElements(gl.POINTS, to - from, gl.UNSIGNED_INT, from * 4);
        } else {
            gl.drawArrays(gl.POINTS, from, to - from);
        }
        gl.bindVertexArray(null);
    }

    /** Points that stay as they are while time goes on are drawn once, into a layer. */
    grow(pass, ratio) {
        const gl = this.gl;
        const { layer } = this;
        this.sized(layer);
        gl.bindFramebuffer(gl.FRAMEBUFFER, layer.frame);
        gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
        if (layer.key !== pass.kept || pass.to < layer.end) {
            gl.clearColor(0, 0, 0, 0);
            gl.clear(gl.COLOR_BUFFER_BIT);
            Object.assign(layer, { key: pass.kept, end: pass.from });
        }
        this.pass({ ...pass, from: layer.end }, ratio);
        layer.end = Math.max(layer.end, pass.to);
    }

    sized(layer) {
        const gl = this.gl;
        const size = `${gl.drawingBufferWidth} ${gl.drawingBufferHeight}`;
        if (layer.size === size) return;
        Object.assign(layer, { size, key: "" });
        gl.activeTexture(gl.TEXTURE1);
        gl.bindTexture(gl.TEXTURE_2D, layer.texture);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.drawingBufferWidth, gl.drawingBufferHeight, 0,
            gl.RGBA, gl.UNSIGNED_BYTE, null);
        this.nearest();
        gl.bindFramebuffer(gl.FRAMEBUFFER, layer.frame);
        gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, layer.texture, 0);
        gl.activeTexture(gl.TEXTURE0);
    }

    paste(texture) {
        const gl = this.gl;
        gl.useProgram(this.copy.made);
        gl.activeTexture(gl.TEXTURE1);
        gl.bindTexture(gl.TEXTURE_2D, texture);
        gl.uniform1i(this.copy.uniforms.u_layer, 1);
        gl.bindVertexArray(this.empty);
        gl.drawArrays(gl.TRIANGLES, 0, 3);
        gl.bindVertexArray(null);
        gl.activeTexture(gl.TEXTURE0);
    }

    close() { this.gl?.getExtension("WEBGL_lose_context")?.loseContext(); }
}

/** An image of points made by a loop, as the shaders would make it, for machines without a card. */
class Splats {
    constructor(gl) {
        Object.assign(this, { gl, texture: gl.createTexture(), w: 0, h: 0, key: "", end: 0 });
    }

    /** Empty the image, unless the pass only goes on; return the first point to add. */
    begin({ kept, from, to }, w, h) {
        const same = w === this.w && h === this.h;
        if (!same) Object.assign(this, { w, h, pixels: new Uint32Array(w * h), key: "", fresh: true });
        const goesOn = kept && this.key === kept && to >= this.end;
        if (!goesOn) {
            this.pixels.fill(0);
            this.key = kept ?? "";
            this.end = from;
            this.changed = true;
        }
        const first = this.end;
        this.end = to;
        this.changed ||= to > first;
        return first;
    }

    upload() {
        const { gl, w, h, fresh } = this;
        if (!this.changed) return false;
        const bytes = new Uint8Array(this.pixels.buffer);
        if (fresh) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, w, h, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
        else gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
        this.changed = this.fresh = false;
        return fresh;
    }

    /** Colours times their opacity as one whole number, and how much of what is below stays. */
    inks(paints, alpha) {
        const packed = paints.map(([r, g, b]) => {
            const [rr, gg, bb, aa] = [r, g, b, 255].map((part) => Math.floor(part * alpha));
            return ((aa << 24) | (bb << 16) | (gg << 8) | rr) >>> 0;
        });
        return [Uint32Array.from(packed), Math.floor((1 - alpha) * 256)];
    }

    add({ xy, codes }, list, { from, to, size, alpha }, view, paints) {
        const { pixels, w, h } = this;
        const [inks, stays] = this.inks(paints, alpha);
        const unknown = paints.length - 1;
        const [sx, sy] = [(view.kx * w) / view.w, (view.ky * h) / view.h];
        // Half a pixel less: a pixel is taken when its middle lies in the dot.
        const [ox, oy] = [w / 2 - view.cx * sx - 0.5, h / 2 - view.cy * sy - 0.5];
        const half = size / 2;
        const far = size >= 3 ? (half - 0.4) ** 2 : Infinity; // the shader softens the last pixel
        for (let k = from; k < to; k++) {
            const i = list === null ? k : list[k];
            const px = xy[2 * i] * sx + ox;
            const py = xy[2 * i + 1] * sy + oy;
            const left = Math.max(0, Math.ceil(px - half));
            const right = Math.min(w, Math.ceil(px + half));
            const high = Math.min(h, Math.ceil(py + half));
            const code = codes[i];
            const ink = inks[code === UNKNOWN ? unknown : code];
            for (let y = Math.max(0, Math.ceil(py - half)); y < high; y++) {
                for (let x = left; x < right; x++) {
                    if ((x - px) * (x - px) + (y - py) * (y - py) > far) continue;
                    const below = pixels[y * w + x];
                    const odd = (Math.imul(below & 0xff00ff, stays) >>> 8) & 0xff00ff;
                    pixels[y * w + x] = ink + (odd | (Math.imul((below >>> 8) & 0xff00ff, stays) & 0xff00ff00));
                }
            }
        }
    }
}

function channels(colour) { return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)); }

// ---------------------------------------------------------------- ink: axes, images, marks

function drawAxes(pen, view, origin, look, titles, lines) {
    const [x0, y0, x1, y1] = view.bounds();
    pen.font = FONT;
    pen.fillStyle = look.soft;
    pen.strokeStyle = look.grid;
    pen.lineWidth = 1;
    const axis = (from, to, most, at) => {
        const step = niceStep(to - from, most);
        for (let k = Math.ceil(from / step); k * step <= to; k++) at(k * step, decimal(k * step, step));
    };
    const line = (...xy) => {
        pen.beginPath();
        pen.moveTo(xy[0], xy[1]);
        pen.lineTo(xy[2], xy[3]);
        pen.stroke();
    };
    const { left, top } = MARGIN;
    const bottom = top + view.h;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    axis(x0 + origin[0], x1 + origin[0], view.w / 90, (value, text) => {
        const px = Math.round(left + view.toScreen(value - origin[0], 0)[0]) + 0.5;
        line(px, lines ? top : bottom, px, bottom + 4);
        pen.fillText(text, clamp(px, left + 4, left + view.w - 8), bottom + 7);
    });
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    axis(y0 + origin[1], y1 + origin[1], view.h / 55, (value, text) => {
        const py = Math.round(top + view.toScreen(0, value - origin[1])[1]) + 0.5;
        line(left - 4, py, lines ? left + view.w : left, py);
        pen.fillText(text, left - 7, clamp(py, top + 5, bottom - 5), left - 22);
    });
    pen.strokeRect(left + 0.5, top + 0.5, view.w - 1, view.h - 1);
    pen.font = LABEL_FONT;
    pen.textAlign = "center";
    pen.textBaseline = "alphabetic";
    pen.fillText(titles[0], left + view.w / 2, bottom + 37, view.w);
    pen.save();
    pen.translate(12, top + view.h / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(titles[1], 0, 0, view.h);
    pen.restore();
}

function clipped(pen, view, work) {
    pen.save();
    pen.translate(MARGIN.left, MARGIN.top);
    pen.beginPath();
    pen.rect(0, 0, view.w, view.h);
    pen.clip();
    work();
    pen.restore();
}

function drawImages(pen, view, origin, images) {
    for (const { bitmap, extent, opacity } of images) {
        if (!bitmap) continue;
        const [left, bottom] = view.toScreen(extent[0] - origin[0], extent[1] - origin[1]);
        const [right, top] = view.toScreen(extent[2] - origin[0], extent[3] - origin[1]);
        pen.globalAlpha = opacity;
        pen.drawImage(bitmap, left, top, right - left, bottom - top);
        pen.globalAlpha = 1;
    }
}

const SYMBOLS = {
    square: (pen, r) => pen.rect(-r, -r, 2 * r, 2 * r),
    circle: (pen, r) => pen.arc(0, 0, r, 0, 7),
    diamond: (pen, r) => polygon(pen, [[0, -1.3 * r], [1.3 * r, 0], [0, 1.3 * r], [-1.3 * r, 0]]),
    triangle: (pen, r) => polygon(pen, [[0, -1.25 * r], [1.2 * r, r], [-1.2 * r, r]]),
    cross: (pen, r) => {
        for (const s of [-1, 1]) { pen.moveTo(-r, -r * s); pen.lineTo(r, r * s); }
    },
};

function polygon(pen, corners) {
    corners.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
}

class Marks {
    constructor(marks) { this.marks = marks; }

    draw(pen, view, origin, look, above) {
        const taken = [];
        const mine = this.marks.filter((mark) => mark.above === above);
        const place = ([x, y]) => (x === null ? null : view.toScreen(x - origin[0], y - origin[1]));
        const placed = mine.map((mark) => ({ mark, at: mark.corners.map(place) }));
        for (const { mark, at } of placed) if (mark.kind !== "marker") this.path(pen, mark, at, look);
        for (const { mark, at } of placed) {
            if (mark.kind !== "marker") continue;
            for (const spot of at) if (spot) taken.push(this.symbol(pen, mark, spot, look));
        }
        for (const { mark, at } of placed) {
            const spot = mark.label && at.find((one) => one !== null);
            if (spot) this.label(pen, mark, spot, view, look, taken);
        }
    }

    path(pen, mark, at, look) {
        const colour = mark.colour ?? look.soft;
        pen.beginPath();
        let open = false;
        for (const spot of at) {
            if (!spot) {
                if (open && mark.kind === "area") pen.closePath();
                open = false;
            } else if (open) {
                pen.lineTo(...spot);
            } else {
                pen.moveTo(...spot);
                open = true;
            }
        }
        if (mark.kind === "area") {
            if (open) pen.closePath();
            pen.fillStyle = colour;
            pen.globalAlpha = 0.12;
            pen.fill();
            pen.globalAlpha = 1;
        }
        pen.strokeStyle = colour;
        pen.lineWidth = mark.width || 1.5;
        pen.lineJoin = "round";
        pen.setLineDash(mark.dashed ? [5, 4] : []);
        pen.stroke();
        pen.setLineDash([]);
    }

    symbol(pen, mark, [x, y], look) {
        const r = (mark.width || 9) / 2;
        pen.save();
        pen.translate(x, y);
        pen.beginPath();
        SYMBOLS[mark.symbol](pen, r);
        pen.fillStyle = mark.colour ?? look.ink;
        pen.strokeStyle = mark.symbol === "cross" ? pen.fillStyle : look.paper;
        pen.lineWidth = mark.symbol === "cross" ? 2 : 3;
        pen.stroke();
        if (mark.symbol !== "cross") pen.fill();
        pen.restore();
        return [x - r, y - r, x + r, y + r];
    }

    label(pen, mark, [x, y], view, look, taken) {
        if (x < -20 || y < -20 || x > view.w + 20 || y > view.h + 20) return;
        pen.font = LABEL_FONT;
        const text = mark.label.split("\n")[0].slice(0, 60);
        const wide = pen.measureText(text).width;
        const r = (mark.kind === "marker" ? mark.width || 9 : 2) / 2 + 4;
        const spots = [[x + r, y - 7], [x - r - wide, y - 7], [x - wide / 2, y - r - 15], [x - wide / 2, y + r + 1]];
        const boxes = spots.map(([left, top]) => [left - 1, top, left + wide + 1, top + 15]);
        const free = boxes.find((box) => box[0] >= 0 && box[2] <= view.w && box[1] >= 0 && box[3] <= view.h &&
            !taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]));
        if (!free) return;
        taken.push(free);
        pen.textAlign = "left";
        pen.textBaseline = "middle";
        pen.lineJoin = "round";
        pen.lineWidth = 4;
        pen.strokeStyle = look.veil;
        pen.strokeText(text, free[0] + 1, free[1] + 8);
        pen.fillStyle = look.ink;
        pen.fillText(text, free[0] + 1, free[1] + 8);
    }
}

// ---------------------------------------------------------------- the timeline

/** A histogram over time with a brush, below the points. */
class Strip {
    constructor(cloud, parent) {
        this.cloud = cloud;
        this.canvas = element("canvas", "wb-cloud-strip", parent);
        this.canvas.tabIndex = 0;
        this.canvas.setAttribute("role", "slider");
        this.canvas.title = "Drag to choose a stretch of time, drag its ends or its middle to change it; " +
            "double click or Escape for all of it; arrow keys move it";
        const { start, end } = cloud.points.frame;
        this.range = end > start ? [start, end] : [start - 0.5, start + 0.5];
        this.clock = new Clock(cloud.points.frame);
        this.drag = null;
        cloud.hear(this.canvas, {
            pointerdown: (e) => this.down(e),
            pointermove: (e) => this.move(e),
            pointerup: (e) => this.up(e),
            pointercancel: (e) => this.up(e),
            dblclick: () => this.set(null, true),
            keydown: (e) => this.key(e),
        });
    }

    get inner() { return Math.max(1, this.width - MARGIN.left - MARGIN.right); }

    toScreen(seconds) {
        const [begin, end] = this.range;
        return MARGIN.left + ((seconds - begin) / (end - begin)) * this.inner;
    }

    toTime(px) {
        const [begin, end] = this.range;
        return begin + clamp((px - MARGIN.left) / this.inner, 0, 1) * (end - begin);
    }

    set(window, final) { this.cloud.brush(window, final); }

    down(event) {
        if (event.button) return;
        const px = event.offsetX;
        const at = this.toTime(px);
        const window = this.cloud.window;
        const near = (seconds) => Math.abs(this.toScreen(seconds) - px) < 7;
        this.drag = { px, from: at, kind: "new", moved: false };
        if (window && near(window[0])) Object.assign(this.drag, { kind: "edge", from: window[1] });
        else if (window && near(window[1])) Object.assign(this.drag, { kind: "edge", from: window[0] });
        else if (window && at > window[0] && at < window[1]) Object.assign(this.drag, { kind: "all", window });
        this.canvas.setPointerCapture(event.pointerId);
    }

    move(event) {
        const { drag } = this;
        if (!drag) return this.cursor(event.offsetX);
        if (!drag.moved && Math.abs(event.offsetX - drag.px) < 3) return undefined;
        drag.moved = true;
        const at = this.toTime(event.offsetX);
        if (drag.kind !== "all") return this.set([Math.min(drag.from, at), Math.max(drag.from, at)], false);
        const [begin, end] = this.range;
        const wide = drag.window[1] - drag.window[0];
        const left = clamp(drag.window[0] + at - drag.from, begin, Math.max(begin, end - wide));
        return this.set([left, left + wide], false);
    }

    up(event) {
        const { drag } = this;
        this.drag = null;
        if (!drag) return;
        if (drag.moved) this.set(this.cloud.window, true);
        else if (this.cloud.now !== null) this.cloud.seek(this.toTime(event.offsetX));
        else if (drag.kind === "new" && this.cloud.window) this.set(null, true);
    }

    cursor(px) {
        const window = this.cloud.window;
        const near = window?.some((seconds) => Math.abs(this.toScreen(seconds) - px) < 7);
        const at = this.toTime(px);
        const inside = window && at > window[0] && at < window[1];
        this.canvas.style.cursor = near ? "ew-resize" : inside ? "grab" : "crosshair";
    }

    key(event) {
        if (event.key === "Escape") return this.set(null, true);
        const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!way) return undefined;
        event.preventDefault();
        event.stopPropagation();
        const [begin, end] = this.range;
        const window = this.cloud.window ?? [begin, begin + (end - begin) / 10];
        const wide = window[1] - window[0];
        const left = clamp(window[0] + (way * wide) / 4, begin, Math.max(begin, end - wide));
        return this.set(this.cloud.window ? [left, left + wide] : window, true);
    }

    /** Heights of the bars: how many shown points lie in each. */
    bars() {
        const { points } = this.cloud;
        const n = clamp(Math.floor(Math.min(this.inner / 3, points.n / 5)), 40, 600);
        const key = `${n} ${this.cloud.versions.shown}`;
        if (this.known?.key === key) return this.known.heights;
        const [begin, end] = this.range;
        const heights = new Float64Array(n);
        let last = 0;
        for (let k = 0; k < n; k++) {
            const to = k === n - 1 ? points.n : points.before(begin + ((k + 1) / n) * (end - begin));
            const [low, high] = points.part(points.shown, [last, to]);
            heights[k] = high - low;
            last = to;
        }
        this.known = { key, heights };
        return heights;
    }

    draw(ratio) {
        this.width = this.canvas.clientWidth;
        const high = this.canvas.clientHeight;
        if (!this.width || !high) return;
        fitted(this.canvas, this.width, high, ratio);
        this.canvas.style.width = "";
        const pen = flat(this.canvas, ratio);
        const { look, window } = this.cloud;
        const top = 18;
        const foot = high - 20;
        this.drawBars(pen, top, foot);
        if (window) {
            const [left, right] = window.map((seconds) => this.toScreen(seconds));
            pen.fillStyle = BLUE;
            pen.globalAlpha = 0.12;
            pen.fillRect(left, top, right - left, foot - top);
            pen.globalAlpha = 1;
            for (const px of [left, right]) {
                pen.fillStyle = look.ink;
                pen.fillRect(px - 1, top, 2, foot - top);
                pen.fillRect(px - 3, (top + foot) / 2 - 7, 6, 14);
            }
        }
        this.ticks(pen, foot);
        this.words(pen);
    }

    drawBars(pen, top, foot) {
        const { look, window, now } = this.cloud;
        const heights = this.bars();
        const most = heights.reduce((a, b) => Math.max(a, b), 1);
        const [begin, end] = this.range;
        const wide = this.inner / heights.length;
        heights.forEach((height, k) => {
            if (!height) return;
            const middle = begin + ((k + 0.5) / heights.length) * (end - begin);
            const inside = !window || (middle >= window[0] && middle <= window[1]);
            const tall = Math.max(1.5, (height / most) * (foot - top));
            pen.fillStyle = inside ? (look.name === "dark" ? "#56B4E9" : BLUE) : look.unknown;
            pen.globalAlpha = inside ? 0.9 : 0.5;
            pen.fillRect(MARGIN.left + k * wide, foot - tall, Math.max(1, wide - (wide > 3 ? 1 : 0)), tall);
        });
        pen.globalAlpha = 1;
        pen.strokeStyle = look.soft;
        pen.beginPath();
        pen.moveTo(MARGIN.left, foot + 0.5);
        pen.lineTo(MARGIN.left + this.inner, foot + 0.5);
        pen.stroke();
        if (now !== null) {
            pen.fillStyle = look.name === "dark" ? "#F0A030" : ORANGE;
            pen.fillRect(clamp(this.toScreen(now), MARGIN.left, MARGIN.left + this.inner) - 1, top - 4, 2, foot - top + 4);
        }
    }

    ticks(pen, foot) {
        const { look } = this.cloud;
        const [begin, end] = this.range;
        const rough = (end - begin) / Math.max(1, this.inner / 85);
        const step = STEPS.find((one) => one >= rough) ?? niceStep(end - begin, this.inner / 85);
        const shift = this.clock.shift(begin);
        pen.font = FONT;
        pen.fillStyle = look.soft;
        pen.textAlign = "center";
        pen.textBaseline = "top";
        for (let k = Math.ceil((begin + shift) / step); k * step - shift <= end; k++) {
            const seconds = k * step - shift;
            const px = this.toScreen(seconds);
            pen.fillRect(Math.round(px), foot, 1, 4);
            pen.fillText(this.clock.tick(seconds, step), clamp(px, 24, this.width - 24), foot + 6);
        }
    }

    words(pen) {
        const { look, window, now, points } = this.cloud;
        const shown = window ?? [points.frame.start, points.frame.end];
        const [low, high] = points.part(points.shown, points.within(window));
        pen.font = FONT;
        pen.textBaseline = "top";
        pen.textAlign = "left";
        pen.fillStyle = look.ink;
        const playing = now === null ? "" : `at ${this.clock.moment(now)}   ·   `;
        const text = `${playing}${this.clock.stretch(...shown)}   ·   ${count(high - low)} points`;
        pen.fillText(text, MARGIN.left, 1, this.inner);
        this.canvas.setAttribute("aria-valuetext", text);
    }
}

// ---------------------------------------------------------------- the whole

const TOOLS = {
    pan: ["Move", "Drag to move, wheel to zoom, double click for all (key M)", "grab"],
    lasso: ["Lasso", "Draw around points to select them; with Shift they are added (key L)", "crosshair"],
    box: ["Box", "Draw a box around points to select them; with Shift they are added (key B)", "crosshair"],
};

class Cloud {
    constructor(model, el) {
        this.model = model;
        this.ends = [];
        this.dirty = new Set();
        this.versions = { shown: 0, view: 0 };
        this.view = new View();
        this.points = new Points(model);
        this.look = model.get("_look");
        this.state();
        this.build(el);
        this.startGpu();
        this.setImages();
        this.setMarks();
        this.setLegend();
        this.listen();
        this.change("points", "ground", "over", "strip");
    }

    state() {
        const { model } = this;
        this.window = model.get("time_window");
        this.now = model.get("now");
        this.playing = false;
        this.tool = model.get("tool");
        this.hovered = -1;
        this.picked = -1;
        this.serial = Date.now() % 1e9;
    }

    // -------- the box

    build(el) {
        this.root = element("div", "wb-cloud", el);
        // JupyterLab would take the letters of the keyboard for commands of the notebook.
        this.root.dataset.lmSuppressShortcuts = "true";
        for (const [name, colour] of Object.entries(this.look)) this.root.style.setProperty(`--wb-${name}`, colour);
        this.buildBar();
        const body = element("div", "wb-cloud-body", this.root);
        this.stage = element("div", "wb-cloud-stage", body);
        this.ground = element("canvas", "wb-cloud-ground", this.stage);
        this.dots = element("canvas", "wb-cloud-points", this.stage);
        this.over = element("canvas", "wb-cloud-over", this.stage);
        this.over.tabIndex = 0;
        this.over.setAttribute("role", "img");
        this.over.setAttribute("aria-label", "points; keys: plus and minus zoom, arrows move, 0 shows all");
        this.words = element("div", "wb-cloud-words", this.stage);
        this.words.hidden = true;
        this.tip = element("div", "wb-cloud-tip", this.stage);
        this.tip.hidden = true;
        this.legend = element("div", "wb-cloud-legend", body);
        this.strip = this.points.timed ? new Strip(this, this.root) : null;
    }

    buildBar() {
        const bar = element("div", "wb-cloud-bar", this.root);
        const button = (text, title, work) => {
            const made = element("button", "", bar, text);
            made.type = "button";
            made.title = title;
            this.hear(made, { click: work });
            return made;
        };
        this.buttons = {};
        for (const [tool, [text, title]] of Object.entries(TOOLS)) {
            this.buttons[tool] = button(text, title, () => this.setTool(tool, true));
            this.buttons[tool].dataset.tool = tool;
        }
        element("span", "wb-cloud-gap", bar);
        button("Show all", "Show all of the points (key 0)", () => this.reset());
        this.buttons.clear = button("Clear selection", "Select nothing (Escape)", () => this.select(new Uint32Array(0)));
        if (this.playable()) {
            element("span", "wb-cloud-gap", bar);
            this.buttons.play = button("Play", "Let the time run (Space)", () => this.togglePlay());
            this.buttons.stop = button("All times", "End playing and show all times", () => this.stopPlaying());
        }
        this.status = element("span", "wb-cloud-status", bar);
        this.status.setAttribute("role", "status");
    }

    hear(target, handlers, options) {
        for (const [name, work] of Object.entries(handlers)) {
            target.addEventListener(name, work, options);
            this.ends.push(() => target.removeEventListener(name, work, options));
        }
    }

    listen() {
        const on = (names, work) => {
            for (const name of names.split(" ")) {
                this.model.on(`change:${name}`, work);
                this.ends.push(() => this.model.off(`change:${name}`, work));
            }
        };
        on("_points _ticks _frame", () => this.later("data", () => this.reload()));
        on("_codes _colours", () => this.later("codes", () => this.recolour()));
        on("_mask", () => this.remask());
        on("_selection", () => this.mine || this.showSelection());
        on("_ground", () => this.setImages());
        on("_marks", () => this.setMarks());
        on("_look height equal_axes x_title y_title", () => this.relook());
        on("_hover_text", () => this.answer());
        on("time_window", () => this.mine || this.setWindow(this.model.get("time_window")));
        on("now", () => this.mine || this.setNow(this.model.get("now")));
        on("trail_s", () => this.change("points"));
        on("playing", () => this.mine || this.play(this.model.get("playing")));
        on("tool", () => this.setTool(this.model.get("tool"), false));
        const watch = new ResizeObserver(() => this.resize());
        watch.observe(this.stage);
        this.ends.push(() => watch.disconnect());
        this.listenToMouse();
        this.setTool(this.tool, false);
        this.relook();
        if (this.model.get("playing")) this.play(true);
    }

    later(key, work) {
        // Several arrays that belong together arrive one after the other.
        clearTimeout(this[`wait_${key}`]);
        this[`wait_${key}`] = setTimeout(work, 0);
    }

    save(changes) {
        this.mine = true;
        for (const [name, value] of Object.entries(changes)) this.model.set(name, value);
        this.mine = false;
        this.model.save_changes();
    }

    // -------- the graphics card, and when it is gone

    startGpu() {
        try {
            this.gpu = new Gpu(this.dots);
        } catch (error) {
            this.say(`The points cannot be drawn here: ${error.message}`);
            return;
        }
        if (!this.gpu.gl) {
            this.say("This browser offers no WebGL2, and the points are drawn with it. Switch on graphics " +
                "acceleration in the settings of the browser, or use a newer one.");
            this.gpu = null;
            return;
        }
        this.hear(this.dots, {
            webglcontextlost: (event) => {
                event.preventDefault();
                this.gpu = null;
                if (!this.closed) this.say("The browser took the drawing surface away.", "Draw again");
            },
            webglcontextrestored: () => { this.say(""); this.feedGpu(new Gpu(this.dots)); },
        });
        this.feedGpu(this.gpu);
    }

    feedGpu(gpu) {
        this.gpu = gpu;
        gpu.putPalette(this.points.colours.palette, this.look.unknown);
        gpu.putPoints(this.points);
        this.change("points");
    }

    /** A canvas whose surface is gone for good is replaced. */
    anew() {
        const fresh = document.createElement("canvas");
        fresh.className = this.dots.className;
        this.dots.replaceWith(fresh);
        this.dots = fresh;
        this.say("");
        this.startGpu();
        this.resize();
    }

    say(text, offer) {
        this.words.replaceChildren();
        this.words.hidden = !text;
        if (!text) return;
        element("span", "", this.words, text);
        if (offer) element("button", "", this.words, offer).addEventListener("click", () => this.anew());
    }

    // -------- what changed

    reload() {
        this.points = new Points(this.model);
        this.strip?.canvas.remove();
        this.strip = this.points.timed ? new Strip(this, this.root) : null;
        if (this.gpu) this.feedGpu(this.gpu);
        this.hovered = this.picked = -1;
        this.versions.shown++;
        this.reset();
        this.setLegend();
    }

    recolour() {
        this.points.setCodes(this.model);
        this.gpu?.putPalette(this.points.colours.palette, this.look.unknown);
        this.gpu?.putCodes(this.points);
        this.setLegend();
        this.change("points");
    }

    remask() {
        this.points.setMask(this.model);
        this.gpu?.putList("shown", this.points.shown);
        this.gpu?.putList("selected", this.points.selected);
        this.versions.shown++;
        this.change("points", "over", "strip");
    }

    showSelection() {
        this.points.setSelection(this.model);
        this.gpu?.putList("selected", this.points.selected);
        this.change("points", "over");
    }

    relook() {
        this.look = this.model.get("_look");
        for (const [name, colour] of Object.entries(this.look)) this.root.style.setProperty(`--wb-${name}`, colour);
        this.stage.style.height = `${this.model.get("height")}px`;
        if (this.view.fitted) this.reset();
        this.change("points", "ground", "over", "strip");
    }

    setMarks() {
        this.marks = new Marks(this.model.get("_marks"));
        if (this.view.fitted) this.reset();
        this.change("ground", "over");
    }

    setImages() {
        const images = this.model.get("_ground").map((one) => ({ ...one, bitmap: null }));
        this.images = images;
        if (this.view.fitted) this.reset();
        for (const image of images) {
            createImageBitmap(new Blob([image.png])).then(
                (bitmap) => { image.bitmap = bitmap; this.change("ground"); },
                () => this.say("An image that should lie below the points cannot be read."),
            );
        }
        this.change("ground");
    }

    setLegend() {
        const { legend, unknown, more, bar, palette } = this.points.colours;
        this.legend.replaceChildren();
        const row = (colour, name, n) => {
            const made = element("div", "wb-cloud-row", this.legend);
            element("i", "", made).style.background = colour;
            element("span", "", made, name).title = name;
            element("b", "", made, count(n));
        };
        if (bar) this.setBar(bar, palette);
        for (const [name, colour, n] of legend) row(colour, name, n);
        if (more) element("div", "wb-cloud-row", this.legend, `and ${count(more)} more`);
        if (unknown && (legend.length || bar)) row(this.look.unknown, "unknown", unknown);
        this.legend.hidden = !this.legend.childElementCount;
        this.legend.style.maxHeight = `${this.model.get("height")}px`;
    }

    setBar({ low, high, title }, palette) {
        if (title) element("div", "", this.legend, title);
        const scale = element("div", "wb-cloud-scale", this.legend);
        const stops = palette.filter((_, k) => k % 15 === 0);
        element("i", "", scale).style.background = `linear-gradient(to top, ${stops.join(", ")})`;
        const numbers = element("div", "", scale);
        const digits = high > low ? (high - low) / 1000 : 1;
        for (const share of [1, 0.75, 0.5, 0.25, 0]) {
            const value = low + (high - low) * share;
            element("span", "", numbers, short(Math.abs(value) < digits ? 0 : value));
        }
    }

    // -------- size and view

    extent() {
        const { frame, n } = this.points;
        const [ox, oy] = frame.origin;
        const all = n ? [[...frame.bounds]] : [];
        for (const { extent: [a, b, c, d] } of this.images ?? []) {
            all.push([Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)]);
        }
        for (const { corners } of this.marks?.marks ?? []) {
            for (const [x, y] of corners) if (x !== null) all.push([x, y, x, y]);
        }
        if (!all.length) return [0, 0, 1, 1];
        const far = all.reduce((a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]),
            Math.max(a[2], b[2]), Math.max(a[3], b[3])]);
        return [far[0] - ox, far[1] - oy, far[2] - ox, far[3] - oy];
    }

    reset() {
        this.view.fit(this.extent(), this.model.get("equal_axes"));
        this.moved();
    }

    moved() {
        this.versions.view++;
        this.hideTip();
        this.change("points", "ground", "over");
    }

    resize() {
        const wide = this.stage.clientWidth;
        const high = this.stage.clientHeight;
        const w = wide - MARGIN.left - MARGIN.right;
        const h = high - MARGIN.top - MARGIN.bottom;
        if (w < 20 || h < 20) return;
        this.ratio = window.devicePixelRatio || 1;
        fitted(this.ground, wide, high, this.ratio);
        fitted(this.over, wide, high, this.ratio);
        fitted(this.dots, w, h, this.ratio);
        Object.assign(this.dots.style, { left: `${MARGIN.left}px`, top: `${MARGIN.top}px` });
        this.view.resize(w, h);
        if (this.view.fitted) this.view.fit(this.extent(), this.model.get("equal_axes"));
        this.sized = true;
        this.moved();
        this.change("strip");
    }

    // -------- drawing

    change(...what) {
        for (const one of what) this.dirty.add(one);
        this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
    }

    draw() {
        if (!this.sized || this.closed) return;
        if ((window.devicePixelRatio || 1) !== this.ratio) this.resize();
        const { dirty } = this;
        this.dirty = new Set();
        if (dirty.has("ground")) this.drawGround();
        if (dirty.has("points")) this.drawPoints();
        if (dirty.has("over")) this.drawOver();
        if (dirty.has("strip") && this.strip) this.strip.draw(this.ratio);
        this.tell();
        this.root.dispatchEvent(new CustomEvent("wb-drawn", { detail: [...dirty] }));
    }

    drawGround() {
        const pen = flat(this.ground, this.ratio);
        const { origin } = this.points.frame;
        const titles = [this.model.get("x_title"), this.model.get("y_title")];
        clipped(pen, this.view, () => drawImages(pen, this.view, origin, this.images));
        drawAxes(pen, this.view, origin, this.look, titles, !this.images.length);
        clipped(pen, this.view, () => this.marks.draw(pen, this.view, origin, this.look, false));
    }

    /** Diameter and opacity that let single points be seen and crowds be told apart. */
    style(n) {
        const { frame } = this.points;
        const [x0, y0, x1, y1] = frame.bounds;
        const wide = Math.max(1, (x1 - x0) * this.view.kx);
        const high = Math.max(1, (y1 - y0) * this.view.ky);
        const room = (wide * high) / Math.max(1, n); // square pixels a point, spread evenly
        const size = clamp(0.55 * Math.sqrt(room), n > 50_000 ? 1.5 : 3, 8.5);
        return { size, alpha: clamp(1.2 * Math.sqrt(room / (size * size)), 0.35, 0.92), ring: size >= 5 };
    }

    drawPoints() {
        if (!this.gpu) return;
        const { points } = this;
        const passes = [];
        const stretch = points.within(this.window);
        const [from, to] = points.part(points.shown, stretch);
        const look = this.style(to - from);
        const chosen = points.selection.length > 0;
        const list = points.shown ? "shown" : null;
        const faint = Math.max(0.12, look.alpha * 0.33);
        let end = stretch[1];
        if (this.now === null) {
            passes.push({ list, from, to, ...look, alpha: chosen ? faint : look.alpha, ring: look.ring && !chosen });
        } else {
            end = this.playingPasses(passes, list, stretch, look, faint);
        }
        if (chosen) {
            const [first, last] = points.part(points.selected, [stretch[0], end]);
            const size = Math.max(last - first > MANY ? 2 : 3, look.size * 1.25);
            passes.push({ list: "selected", from: first, to: last, alpha: 0.95, size, ring: size >= 5 });
        }
        this.prepare();
        this.gpu.draw(passes, this.view, this.ratio, channels(this.look.ink).map((c) => c / 255));
    }

    /** The grid is made while nobody waits for it. */
    prepare() {
        const { points } = this;
        if (points.cells || points.coming) return;
        points.coming = true;
        const soon = window.requestIdleCallback ?? ((work) => setTimeout(work, 300));
        soon(() => this.closed || points.grid());
    }

    playingPasses(passes, list, stretch, look, faint) {
        const { points, now } = this;
        const end = clamp(points.upTo(now), ...stretch);
        const old = clamp(points.upTo(now - this.model.get("trail_s")), stretch[0], end);
        const [from, middle] = points.part(points.shown, [stretch[0], old]);
        const to = points.part(points.shown, [stretch[0], end])[1];
        const kept = `${this.versions.view} ${this.versions.shown} ${from} ${look.size} ${faint}`;
        passes.push({ list, from, to: middle, ...look, alpha: faint, ring: false, kept });
        const size = clamp(look.size * 1.4, 4, 10);
        passes.push({ list, from: middle, to, alpha: 0.95, size, ring: size >= 5 });
        return end;
    }

    drawOver() {
        const pen = flat(this.over, this.ratio);
        const { view, points, look } = this;
        const { origin } = points.frame;
        clipped(pen, view, () => {
            this.marks.draw(pen, view, origin, look, true);
            this.drawRing(pen, this.picked, 2.5);
            this.drawRing(pen, this.hovered, 1.5);
            if (this.drag?.path) this.drawDrag(pen, this.drag.path);
        });
        if (!points.n) {
            pen.font = LABEL_FONT;
            pen.textAlign = "center";
            pen.fillStyle = look.ink;
            pen.fillText("There are no points to draw.", MARGIN.left + view.w / 2, MARGIN.top + view.h / 2);
        }
    }

    drawRing(pen, i, wide) {
        if (i < 0 || !this.accepts(i)) return;
        const [x, y] = this.view.toScreen(this.points.xy[2 * i], this.points.xy[2 * i + 1]);
        for (const [colour, width] of [[this.look.paper, wide + 2], [this.look.ink, wide]]) {
            pen.beginPath();
            pen.arc(x, y, 7, 0, 7);
            pen.strokeStyle = colour;
            pen.lineWidth = width;
            pen.stroke();
        }
    }

    drawDrag(pen, path) {
        pen.beginPath();
        path.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
        pen.closePath();
        pen.fillStyle = BLUE;
        pen.globalAlpha = 0.12;
        pen.fill();
        pen.globalAlpha = 1;
        pen.strokeStyle = this.look.ink;
        pen.lineWidth = 1.5;
        pen.setLineDash([4, 3]);
        pen.stroke();
        pen.setLineDash([]);
    }

    tell() {
        const { points } = this;
        const [from, to] = points.part(points.shown, points.within(this.window));
        const all = points.n === to - from ? `${count(points.n)} points` : `${count(to - from)} of ${count(points.n)} points`;
        const parts = [all];
        if (points.selection.length) parts.push(`${count(points.selection.length)} selected`);
        if (points.frame.left_out) parts.push(`${count(points.frame.left_out)} without a place left out`);
        const text = parts.join(" · ");
        if (this.status.textContent !== text) this.status.textContent = text;
        this.buttons.clear.hidden = !points.selection.length;
        if (this.buttons.play) {
            this.buttons.play.textContent = this.playing ? "Pause" : "Play";
            this.buttons.stop.hidden = this.now === null;
        }
    }

    // -------- mouse and keyboard

    listenToMouse() {
        this.hear(this.over, {
            pointerdown: (e) => this.down(e),
            pointermove: (e) => this.move(e),
            pointerup: (e) => this.up(e),
            pointercancel: () => this.cancel(),
            pointerleave: () => { if (!this.drag) this.hover(-1); },
            dblclick: () => this.reset(),
            keydown: (e) => this.key(e),
        });
        this.hear(this.over, { wheel: (e) => this.wheel(e) }, { passive: false });
    }

    at(event) { return [event.offsetX - MARGIN.left, event.offsetY - MARGIN.top]; }

    wheel(event) {
        event.preventDefault();
        const lines = [1, 16, 400][event.deltaMode];
        this.view.zoom(...this.at(event), Math.exp(clamp(-event.deltaY * lines, -400, 400) * 0.002));
        this.moved();
    }

    down(event) {
        if (event.button) return;
        const at = this.at(event);
        this.drag = { from: at, last: at, moved: false, add: event.shiftKey, path: null };
        this.over.setPointerCapture(event.pointerId);
    }

    move(event) {
        const at = this.at(event);
        const { drag } = this;
        if (!drag) return this.rest(at);
        if (!drag.moved && Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) < 4) return undefined;
        if (!drag.moved) this.hover(-1);
        drag.moved = true;
        if (this.tool === "pan") {
            this.over.style.cursor = "grabbing";
            this.view.pan(at[0] - drag.last[0], at[1] - drag.last[1]);
            this.moved();
        } else if (this.tool === "box") {
            const [a, b] = [drag.from, at];
            drag.path = [a, [b[0], a[1]], b, [a[0], b[1]]];
            this.change("over");
        } else {
            drag.path ??= [drag.from];
            drag.path.push(at);
            this.change("over");
        }
        drag.last = at;
        return undefined;
    }

    up(event) {
        const { drag } = this;
        this.drag = null;
        if (!drag) return;
        this.over.style.cursor = TOOLS[this.tool][2];
        if (!drag.moved) this.click(this.at(event));
        else if (drag.path) this.selectInside(drag);
        this.change("over");
    }

    cancel() {
        this.drag = null;
        this.change("over");
    }

    key(event) {
        const middle = [this.view.w / 2, this.view.h / 2];
        const keys = {
            "+": () => this.view.zoom(...middle, 1.4),
            "=": () => this.view.zoom(...middle, 1.4),
            "-": () => this.view.zoom(...middle, 1 / 1.4),
            0: () => this.reset(),
            ArrowLeft: () => this.view.pan(60, 0),
            ArrowRight: () => this.view.pan(-60, 0),
            ArrowUp: () => this.view.pan(0, 60),
            ArrowDown: () => this.view.pan(0, -60),
            m: () => this.setTool("pan", true),
            l: () => this.setTool("lasso", true),
            b: () => this.setTool("box", true),
            " ": () => this.playable() && this.togglePlay(),
            Escape: () => (this.drag ? this.cancel() : this.select(new Uint32Array(0))),
        };
        const work = event.ctrlKey || event.metaKey || event.altKey ? null : keys[event.key];
        if (!work) return;
        event.preventDefault();
        event.stopPropagation();
        work();
        this.moved();
    }

    setTool(tool, own) {
        this.tool = tool;
        for (const name of Object.keys(TOOLS)) this.buttons[name].setAttribute("aria-pressed", String(name === tool));
        this.over.style.cursor = TOOLS[tool][2];
        if (own) this.save({ tool });
    }

    // -------- which points

    accepts(i) { return this.accepting()(i); }

    /** Says of a point whether it is drawn now: in the filter, in the window, and not yet to come. */
    accepting() {
        const { points } = this;
        const [from, to] = points.within(this.window);
        const end = this.now === null ? to : Math.min(to, points.upTo(this.now));
        return points.bits ? (i) => i >= from && i < end && points.inMask(i) : (i) => i >= from && i < end;
    }

    meant([px, py]) {
        if (!this.points.n || px < 0 || py < 0 || px > this.view.w || py > this.view.h) return -1;
        const [x, y] = this.view.toPlane(px, py);
        return this.points.grid().nearest(x, y, HIT / this.view.kx, HIT / this.view.ky, this.accepting());
    }

    selectInside(drag) {
        const corners = drag.path.flatMap(([px, py]) => this.view.toPlane(px, py));
        const { points } = this;
        if (!points.n) return;
        let found = points.grid().inside(corners, this.accepting(), points.n);
        if (drag.add) {
            const both = new Uint8Array(points.n);
            for (const list of [found, points.selection]) for (const i of list) both[i] = 1;
            found = Uint32Array.from(both.keys()).filter((i) => both[i]);
        }
        this.select(found);
    }

    select(indices) {
        this.points.select(indices);
        this.gpu?.putList("selected", this.points.selected);
        this.change("points", "over");
        this.save({ _selection: new DataView(indices.slice().buffer) });
    }

    click(at) {
        const i = this.meant(at);
        if (i < 0) return;
        this.picked = i;
        this.serial += 1;
        this.change("over");
        this.save({ _click: [i, this.serial] });
    }

    rest(at) {
        this.mouse = at;
        this.looking ??= requestAnimationFrame(() => {
            this.looking = null;
            if (!this.drag && !this.closed) this.hover(this.meant(this.mouse));
        });
    }

    hover(i) {
        if (i === this.hovered) {
            if (i >= 0) this.placeTip();
            return;
        }
        this.hovered = i;
        this.change("over");
        if (this.tool === "pan") this.over.style.cursor = i < 0 ? "grab" : "pointer";
        clearTimeout(this.asking);
        this.asking = setTimeout(() => this.save({ _hovered: i }), CALM_MS);
        if (i < 0) this.hideTip();
        else this.showTip(this.about(i));
    }

    about(i) {
        const { colours, codes } = this.points;
        const labels = this.model.get("_labels");
        if (labels.length) return labels[i];
        const lines = [];
        const code = codes[i];
        if (colours.names.length) lines.push(code === UNKNOWN ? "unknown" : colours.names[code]);
        if (this.strip) lines.push(this.strip.clock.moment(this.points.seconds(i)));
        const [ox, oy] = this.points.frame.origin;
        const step = niceStep(this.view.w / this.view.kx, 400);
        lines.push(`${decimal(this.points.xy[2 * i] + ox, step)}, ${decimal(this.points.xy[2 * i + 1] + oy, step)}`);
        return lines.join("\n");
    }

    answer() {
        const [i, text] = this.model.get("_hover_text");
        if (i === this.hovered && text) this.showTip(text);
    }

    showTip(text) {
        this.tip.textContent = text;
        this.tip.hidden = !text;
        this.placeTip();
    }

    placeTip() {
        const i = this.hovered;
        if (i < 0 || this.tip.hidden) return;
        const [x, y] = this.view.toScreen(this.points.xy[2 * i], this.points.xy[2 * i + 1]);
        const { offsetWidth: wide, offsetHeight: high } = this.tip;
        const left = x + MARGIN.left + 14 + wide > this.stage.clientWidth ? x + MARGIN.left - 14 - wide : x + MARGIN.left + 14;
        const top = clamp(y + MARGIN.top - high / 2, 2, Math.max(2, this.stage.clientHeight - high - 2));
        Object.assign(this.tip.style, { left: `${Math.max(2, left)}px`, top: `${top}px` });
    }

    hideTip() { this.tip.hidden = true; }

    // -------- time

    setWindow(window) {
        this.window = window;
        this.change("points", "over", "strip");
    }

    /** The brush moved: draw at once, tell the kernel now and then. */
    brush(window, final) {
        this.setWindow(window);
        this.sendBrush ??= throttled(() => this.save({ time_window: this.window, brush: this.window }));
        if (final) this.sendBrush.flush();
        else this.sendBrush();
    }

    setNow(now) {
        this.now = now;
        this.change("points", "over", "strip");
    }

    seek(seconds) {
        this.setNow(seconds);
        this.save({ now: seconds });
    }

    playable() { return this.points.timed && this.model.get("controls"); }

    /** Where playing begins and ends. */
    span() {
        const { start, end } = this.points.frame;
        return this.window ?? [start, end];
    }

    togglePlay() {
        const [begin, end] = this.span();
        const on = !this.playing;
        if (on && (this.now === null || this.now >= end)) this.seek(begin);
        this.save({ playing: on });
        this.play(on);
    }

    stopPlaying() {
        this.play(false);
        this.setNow(null);
        this.save({ playing: false, now: null });
    }

    play(on) {
        if (on === this.playing || !this.points.timed) return;
        this.playing = on;
        this.change("strip");
        if (!on) {
            this.sendNow?.flush();
            return;
        }
        const [begin, end] = this.span();
        if (this.now === null || this.now < begin || this.now >= end) this.setNow(begin);
        this.sendNow ??= throttled(() => this.save({ now: this.now }));
        this.last = null;
        requestAnimationFrame((at) => this.step(at));
    }

    step(at) {
        if (!this.playing || this.closed) return;
        const passed = this.last === null ? 0 : Math.min(1, (at - this.last) / 1000);
        this.last = at;
        const end = this.span()[1];
        const now = Math.min(end, this.now + passed * this.model.get("speed"));
        this.setNow(now);
        this.sendNow();
        if (now >= end) {
            this.play(false);
            this.save({ playing: false });
            return;
        }
        requestAnimationFrame((next) => this.step(next));
    }

    close() {
        this.closed = true;
        clearTimeout(this.asking);
        this.sendBrush?.stop();
        this.sendNow?.stop();
        cancelAnimationFrame(this.frame);
        for (const end of this.ends) end();
        this.gpu?.close();
        this.root.remove();
    }
}

function render({ model, el }) {
    const cloud = new Cloud(model, el);
    return () => cloud.close();
}

export default { render };
