"use strict";
// The points of a study: columns, what is kept of them, and four views of that.
const data = JSON.parse(document.getElementById("data").textContent);
const at = id => document.getElementById(id);
const N = data.id.length, ROWS = 100, NEAR = 12;

// ---- columns ----

const columns = [];
const add = (key, value, more) => columns.push(Object.assign({ key, value }, more));
if (data.name.some(x => x !== null)) add("point", data.name, { text: true });
data.keys.forEach(k => add(k.name, k.value, { isKey: true }));
data.figures.forEach(f => add(f.key, f.value, { unit: f.unit, more: f.more, isFigure: true }));
if (data.error.some(x => x !== null)) add("error", data.error, { text: true });
add("id", data.id, { text: true });

for (const c of columns) {
    c.text = c.text || c.value.some(x => typeof x === "string");
    c.values = [...new Set(c.value.filter(x => x !== null))];
    c.values.sort((a, b) => typeof a === "number" && typeof b === "number" ? a - b
                          : String(a) < String(b) ? -1 : 1);
    c.level = new Map(c.values.map((v, i) => [v, i]));
    c.place = i => c.value[i] === null ? NaN : c.text ? c.level.get(c.value[i]) : c.value[i];
    c.least = c.text ? 0 : c.values[0];
    c.most = c.text ? c.values.length - 1 : c.values[c.values.length - 1];
}
const column = key => columns.find(c => c.key === key);
const varies = c => c.values.length > 1;
const show = v => v === null ? "" : typeof v === "number" ? String(+v.toPrecision(6)) : v;
const failed = i => data.error[i] !== null;

// ---- what is kept ----

const state = { filter: {}, brush: {}, box: null, sort: null, down: false, page: 0, chosen: -1 };
let kept = [], isKept = new Uint8Array(N);

// A filter as a function of a value; null: there is none.
function test_of(text, c) {
    const word = text.trim().toLowerCase();
    let m;
    if (word === "") return null;
    if (!c.text && (m = /^(-?[\d.e+-]+)\.\.(-?[\d.e+-]+)$/.exec(word)))
        return v => v !== null && v >= +m[1] && v <= +m[2];
    if (!c.text && (m = /^(<=|>=|<|>|=)\s*(-?[\d.e+-]+)$/.exec(word))) {
        const n = +m[2];
        const is = { "<": v => v < n, ">": v => v > n, "<=": v => v <= n, ">=": v => v >= n,
                     "=": v => v === n }[m[1]];
        return v => v !== null && is(v);
    }
    return v => v !== null && String(v).toLowerCase().includes(word);
}

function keep() {
    const tests = [];
    for (const c of columns) {
        const test = test_of(state.filter[c.key] || "", c);
        if (test) tests.push(i => test(c.value[i]));
        const b = state.brush[c.key];
        if (b) tests.push(i => c.place(i) >= b[0] && c.place(i) <= b[1]);
    }
    if (state.box)
        for (const [key, least, most] of state.box) {
            const c = column(key);
            tests.push(i => c.place(i) >= least && c.place(i) <= most);
        }
    kept = [];
    for (let i = 0; i < N; i++) {
        isKept[i] = tests.every(t => t(i)) ? 1 : 0;
        if (isKept[i]) kept.push(i);
    }
    const c = state.sort && column(state.sort);
    if (c) { // what has no value is last, either way
        const sign = state.down ? -1 : 1;
        kept.sort((a, b) => {
            const x = c.place(a), y = c.place(b);
            return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) || a - b : sign * (x - y) || a - b;
        });
    }
    state.page = Math.min(state.page, Math.max(0, Math.ceil(kept.length / ROWS) - 1));
}

function update() {
    keep();
    at("count").textContent = `${kept.length} of ${N} points`;
    draw_rows();
    draw_soon();
}

// The plots, once for all that happens before the next frame.
let frame = 0;
function draw_soon() {
    if (frame === 0)
        frame = requestAnimationFrame(() => {
            frame = 0;
            draw_scatter();
            draw_lines();
            draw_parallel();
        });
}

// ---- table ----

function cell(row, tag, text, name) {
    const e = document.createElement(tag);
    e.textContent = text;
    if (name) e.className = name;
    row.appendChild(e);
    return e;
}

function make_head() {
    const row = document.createElement("tr");
    for (const c of columns) {
        const th = cell(row, "th", c.key);
        th.dataset.column = c.key;
        if (c.unit) th.title = c.unit;
        th.addEventListener("click", () => {
            state.down = state.sort === c.key ? !state.down : !!c.more;
            state.sort = c.key;
            update();
        });
        const input = cell(th, "input", "");
        input.addEventListener("click", e => e.stopPropagation());
        input.addEventListener("input", () => {
            state.filter[c.key] = input.value;
            state.page = 0;
            update();
        });
    }
    at("head").appendChild(row);
}

function draw_rows() {
    const body = at("rows"), first = state.page * ROWS;
    body.textContent = "";
    for (const i of kept.slice(first, first + ROWS)) {
        const row = document.createElement("tr");
        row.className = failed(i) ? "failed" : data.beyond[i] ? "beyond" : "";
        if (i === state.chosen) row.className += " chosen";
        row.dataset.point = i;
        for (const c of columns) cell(row, "td", show(c.value[i]), c.text ? "text" : "");
        row.addEventListener("click", () => choose(i));
        body.appendChild(row);
    }
    for (const th of at("head").querySelectorAll("th"))
        th.className = th.dataset.column === state.sort ? "sorted" : "";
    at("page").textContent = kept.length === 0 ? "none"
        : `${first + 1} to ${Math.min(first + ROWS, kept.length)}`;
}

// Of the points that are kept, as they are sorted.
function csv() {
    const quote = v => v === null ? "" : !/[",\n]/.test(v) ? v
                                       : `"${String(v).replace(/"/g, '""')}"`;
    const lines = [columns.map(c => quote(c.key)).join(",")];
    for (const i of kept) lines.push(columns.map(c => quote(c.value[i])).join(","));
    return lines.join("\n") + "\n";
}

function save(name, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// ---- scatter ----

let plot = null, shown = [];

function tip(event, i) {
    const t = at("tip");
    t.hidden = i < 0;
    if (i < 0) return;
    const told = columns.filter(c => c.isKey || [at("x").value, at("y").value].includes(c.key));
    t.textContent = told.map(c => `${c.key} ${show(c.value[i])}`).join("\n");
    t.style.left = `${Math.min(event.clientX + 14, innerWidth - 260)}px`;
    t.style.top = `${event.clientY + 14}px`;
}

// The point that is drawn nearest to a place of the plot, -1 where none is near.
function nearest(u, left, top) {
    let best = -1, least = NEAR * NEAR;
    const x = column(at("x").value), y = column(at("y").value);
    for (const i of shown) {
        const dx = u.valToPos(x.value[i], "x") - left, dy = u.valToPos(y.value[i], "y") - top;
        const d = dx * dx + dy * dy;
        if (d < least) { least = d; best = i; }
    }
    return best;
}

function select_box(u) {
    const s = u.select;
    if (s.width < 3 && s.height < 3) return;
    state.box = [
        [at("x").value, u.posToVal(s.left, "x"), u.posToVal(s.left + s.width, "x")],
        [at("y").value, u.posToVal(s.top + s.height, "y"), u.posToVal(s.top, "y")],
    ];
    state.page = 0;
    update();
}

function draw_scatter() {
    const x = column(at("x").value), y = column(at("y").value);
    if (!x || !y) return;
    const is_shown = i => !failed(i) && x.value[i] !== null && y.value[i] !== null;
    shown = [...Array(N).keys()].filter(is_shown);
    shown.sort((a, b) => x.value[a] - x.value[b]);
    const all = [shown.map(i => x.value[i]), shown.map(i => isKept[i] ? null : y.value[i]),
                 shown.map(i => isKept[i] ? y.value[i] : null)];
    if (plot) {
        plot.setData(all);
        return;
    }
    const dots = stroke => ({ paths: () => null, stroke, points: { show: true, size: 5, space: 0,
                                                                   fill: stroke, width: 0 } });
    const range = (u, least, most) => {
        const room = (most - least) * .05 || Math.abs(most) * .05 || 1;
        return [least - room, most + room];
    };
    plot = new uPlot({
        width: 560, height: 360, legend: { show: false },
        scales: { x: { time: false, range }, y: { range } },
        axes: [{ label: x.key }, { label: y.key, size: 70 }],
        series: [{}, dots("#ccc"), dots("#1a6fdf")],
        cursor: { drag: { x: true, y: true, setScale: false }, points: { show: false } },
        hooks: { setSelect: [select_box] },
    }, all, at("scatter"));
    const over = plot.over;
    over.addEventListener("mousemove", e => tip(e, nearest(plot, e.offsetX, e.offsetY)));
    over.addEventListener("mouseleave", e => tip(e, -1));
    over.addEventListener("dblclick", () => { state.box = null; update(); });
    over.addEventListener("click", e => {
        const i = nearest(plot, e.offsetX, e.offsetY);
        if (i >= 0) choose(i);
    });
}

function other_axes() {
    if (plot) plot.destroy();
    plot = null;
    state.box = null;
    update();
}

// ---- parallel coordinates ----

let axes = [], from = null;
const lines = document.createElement("canvas"); // of all points, as they were drawn last

function axis_x(a) { return 60 + a * (at("parallel").width - 120) / Math.max(1, axes.length - 1); }
function axis_y(c, place) {
    const share = c.most > c.least ? (place - c.least) / (c.most - c.least) : .5;
    return at("parallel").height - 30 - share * (at("parallel").height - 70);
}
function axis_place(c, y) {
    const h = at("parallel").height;
    return c.least + (h - 30 - y) / (h - 70) * (c.most - c.least);
}

function draw_line(g, i) {
    g.beginPath();
    axes.forEach((c, a) => {
        const y = axis_y(c, c.place(i));
        if (a === 0) g.moveTo(axis_x(a), y); else g.lineTo(axis_x(a), y);
    });
    g.stroke();
}

const whole = i => axes.every(c => !isNaN(c.place(i)));

function draw_lines() {
    lines.width = at("parallel").width; // which clears it
    lines.height = at("parallel").height;
    const g = lines.getContext("2d");
    for (const kind of [0, 1]) {
        g.strokeStyle = kind ? "#1a6fdf" : "#e4e4e4";
        g.globalAlpha = kind ? Math.min(1, Math.max(.05, 60 / (kept.length + 1))) : 1;
        for (let i = 0; i < N; i++)
            if (isKept[i] === kind && whole(i)) draw_line(g, i);
    }
}

function draw_parallel(marked = -1) {
    const canvas = at("parallel"), g = canvas.getContext("2d");
    g.clearRect(0, 0, canvas.width, canvas.height);
    g.drawImage(lines, 0, 0);
    for (const i of [state.chosen, marked])
        if (i >= 0 && whole(i)) {
            g.lineWidth = 2;
            g.strokeStyle = "#d33";
            draw_line(g, i);
        }
    g.lineWidth = 1;
    g.font = "11px sans-serif";
    g.textAlign = "center";
    axes.forEach((c, a) => {
        const x = axis_x(a), short = c.key.split(".").slice(-2).join(".");
        g.strokeStyle = g.fillStyle = "#444";
        g.strokeRect(x, axis_y(c, c.most), 0, axis_y(c, c.least) - axis_y(c, c.most));
        g.fillText(short, x, a % 2 ? 24 : 10);
        g.fillText(show(c.text ? c.values[c.most] : c.most), x, 36);
        g.fillText(show(c.text ? c.values[0] : c.least), x, canvas.height - 14);
        const b = state.brush[c.key];
        if (b) {
            g.fillStyle = "rgba(221, 51, 51, .3)";
            g.fillRect(x - 6, axis_y(c, b[1]), 12, axis_y(c, b[0]) - axis_y(c, b[1]));
        }
    });
}

function axis_at(e) {
    let best = 0;
    axes.forEach((c, a) => {
        if (Math.abs(axis_x(a) - e.offsetX) < Math.abs(axis_x(best) - e.offsetX)) best = a;
    });
    return best;
}

// The kept point whose line is nearest at the pointer, -1 where none is near.
function nearest_line(e) {
    const step = axes.length > 1 ? axis_x(1) - axis_x(0) : 1;
    const a = Math.min(axes.length - 2, Math.max(0, Math.floor((e.offsetX - axis_x(0)) / step)));
    const share = (e.offsetX - axis_x(a)) / step;
    let best = -1, least = NEAR;
    if (axes.length < 2) return -1;
    for (const i of kept) {
        const y = axis_y(axes[a], axes[a].place(i)) * (1 - share) +
                  axis_y(axes[a + 1], axes[a + 1].place(i)) * share;
        if (Math.abs(y - e.offsetY) < least) { least = Math.abs(y - e.offsetY); best = i; }
    }
    return best;
}

function listen_parallel() {
    const canvas = at("parallel");
    canvas.addEventListener("pointerdown", e => { from = { a: axis_at(e), y: e.offsetY }; });
    canvas.addEventListener("pointermove", e => {
        const i = from ? -1 : nearest_line(e);
        tip(e, i);
        if (!from) draw_parallel(i);
    });
    canvas.addEventListener("pointerleave", e => { from = null; tip(e, -1); draw_parallel(); });
    canvas.addEventListener("pointerup", e => {
        if (!from) return;
        const c = axes[from.a], ends = [from.y, e.offsetY].map(y => axis_place(c, y));
        if (Math.abs(e.offsetY - from.y) < 4) {
            const i = nearest_line(e);
            if (i >= 0) choose(i);
        } else {
            state.brush[c.key] = ends.sort((a, b) => a - b);
            state.page = 0;
        }
        from = null;
        update();
    });
    canvas.addEventListener("dblclick", e => {
        delete state.brush[axes[axis_at(e)].key];
        update();
    });
}

// ---- one point ----

// Its configuration: the first point's, with what differs.
function config_of(i) {
    const config = JSON.parse(JSON.stringify(data.config));
    for (const [path, value] of data.changes[i] || []) {
        let o = config;
        for (const part of path.slice(0, -1)) o = o[part];
        if (value === null) delete o[path[path.length - 1]];
        else o[path[path.length - 1]] = value;
    }
    return config;
}

function draw_timeline(i) {
    const box = at("timeline"), times = data.timelines[data.timeline[i]];
    box.textContent = "";
    if (!times) return;
    const layers = data.layers[times.layers], end = Math.max(...times.last) + 1, high = 12;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const put = (name, attributes, text) => {
        const e = document.createElementNS("http://www.w3.org/2000/svg", name);
        for (const k in attributes) e.setAttribute(k, attributes[k]);
        if (text) e.textContent = text;
        svg.appendChild(e);
        return e;
    };
    svg.setAttribute("width", 900);
    svg.setAttribute("height", high * (layers.length + 2));
    layers.forEach((name, l) => {
        const first = times.first[l], last = times.last[l], wide = 780 / end;
        const x = 100 + first * wide, y = high * (l + 1);
        put("text", { x: 94, y: y - 2, "text-anchor": "end", "font-size": 10 }, name);
        const bar = put("rect", { x, y: y - high + 2, height: high - 4, fill: "#1a6fdf",
                                  width: Math.max(1, (last + 1 - first) * wide) });
        const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
        title.textContent = `${name}: timesteps ${first} to ${last}`;
        bar.appendChild(title);
    });
    put("text", { x: 880, y: high * (layers.length + 1) + 6, "text-anchor": "end",
                  "font-size": 10 }, `${end} timesteps`);
    box.appendChild(svg);
}

function choose(i) {
    state.chosen = i;
    at("detail").hidden = false;
    at("what").textContent = `Point ${data.name[i] || data.id[i].slice(0, 8)}`;
    const run = `imcsim run --from ${data.title}:${data.id[i].slice(0, 12)}`;
    at("command").textContent = failed(i) ? data.error[i] : run;
    at("config").textContent = failed(i) ? "" : JSON.stringify(config_of(i), null, 2);
    at("copy").hidden = failed(i);
    draw_timeline(i);
    draw_rows();
    draw_parallel();
}

// ---- beginning ----

function begin() {
    const numbers = columns.filter(c => !c.text && c.values.length > 0);
    const figures = numbers.filter(c => c.isFigure && varies(c));
    const wanted = data.objective.map(column).filter(c => c);
    const two = [...wanted, ...figures, ...numbers];
    at("title").textContent = data.title;
    at("about").textContent = data.about;
    for (const [id, c] of [["x", two[0]], ["y", two.find(c => c !== two[0]) || two[0]]]) {
        for (const n of numbers) cell(at(id), "option", n.key).value = n.key;
        if (c) at(id).value = c.key;
        at(id).addEventListener("change", other_axes);
    }
    axes = [...columns.filter(c => c.isKey && varies(c)).slice(0, 6),
            ...[...new Set([...wanted, ...figures])].slice(0, 4)];
    state.sort = two.length > 0 ? two[0].key : null;
    state.down = two.length > 0 && !!two[0].more;
    make_head();
    listen_parallel();
    at("clear").addEventListener("click", () => {
        Object.assign(state, { filter: {}, brush: {}, box: null, page: 0 });
        for (const input of at("head").querySelectorAll("input")) input.value = "";
        update();
    });
    at("export").addEventListener("click", () => save(`${data.title}.csv`, csv()));
    at("copy").addEventListener("click", () => {
        navigator.clipboard.writeText(at("config").textContent);
    });
    at("before").addEventListener("click", () => { state.page -= state.page > 0; draw_rows(); });
    at("next").addEventListener("click", () => {
        state.page += (state.page + 1) * ROWS < kept.length;
        draw_rows();
    });
    update();
}
begin();
