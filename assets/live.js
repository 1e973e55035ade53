// The live training: tiles, progress line, loss chart and instruments, extended by what is new.
(() => {
  const kantai = window.kantai;
  const { build, say } = kantai;
  const BASELINES = ["uniform", "unigram", "bigram", "ngram"];
  // columns of a step as it is pulled; memory in MB
  const [STEP, SECONDS, SHARE, EPOCH, LOSS, RATE, NORM, SPEED, MEMORY] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const INSTRUMENTS = [["speed", SPEED], ["rate", RATE], ["norm", NORM], ["memory", MEMORY]];

  const short = (x, digits = 3) => {
    if (x === null || x === undefined || !isFinite(x)) return ["–", ""];
    for (const [limit, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]])
      if (Math.abs(x) >= limit) return [String(Number((x / limit).toPrecision(digits))), unit];
    return [Math.abs(x) < 0.01 && x !== 0 ? x.toExponential(1) : String(Number(x.toPrecision(digits))), ""];
  };
  const clock = (s) => {
    if (s === null) return ["–", ""];
    const whole = Math.max(0, Math.round(s)), { unit_s, unit_min } = kantai.words;
    return whole < 100 ? [String(whole), say(unit_s)] : [`${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`, say(unit_min)];
  };

  kantai.live = (element) => {
    const words = kantai.words;
    const place = element.querySelector(".k-live");
    const tile = (name, label, title) => ["div.k-tile", { "data-tile": name, ...(title ? { title } : {}) }, ["small", label], ["strong", ["span"], " ", ["u"]]];
    place.replaceChildren(
      build(["div.k-notice", { role: "alert", "data-part": "trouble" }]),
      build(["div.k-tiles.k-tiles-live",
        ["div.k-tile.k-say", ["small", { "data-part": "where" }, words.live_where], ["strong", { "data-part": "told", "aria-live": "polite" }]],
        tile("loss", words.live_loss, words.live_loss_hint), tile("speed", words.live_speed), tile("epoch", words.live_epoch), tile("left", words.live_left)]),
      build(["div.k-line", { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "data-part": "line", "aria-label": words.live_progress }, ["i"]]),
      build(["section.k-card",
        ["div.k-head", ["h3", words.live_chart], ["div.k-legend",
          ["button", { "data-trace": "0", "aria-pressed": "true" }, ["i.k-train"], words.live_training], ["button", { "data-trace": "1", "aria-pressed": "true" }, ["i.k-valid"], words.live_validation], ["button", { "data-trace": "refs", "aria-pressed": "true" }, ["i.k-ref"], words.live_references]]],
        ["div.k-plot.k-loss", { role: "img", "aria-label": words.live_chart }], ["p.k-hint", { "data-part": "hint" }, words.live_hint]]),
      build(["section.k-card.k-watch", { "data-part": "watch" }, ["div.k-head", ["h3", words.watch_title], ["span", words.watch_hint]], ["div", { "data-part": "sentences" }]]),
      build(["section.k-instruments", ...INSTRUMENTS.map(([name]) => ["div.k-instrument", { "data-gauge": name }, ["small", words["live_gauge_" + name]], ["strong", ["span"], " ", ["u"]], ["span.k-spark"]])]),
      build(["section.k-card.k-log-card", ["div.k-head", ["h3", words.live_log], ["span.k-bar", ["button.k-quiet", { "data-csv": "1" }, words.live_csv]]], ["ol.k-log", { tabindex: "0" }]]),
    );
    const part = (name) => place.querySelector(`[data-part="${name}"]`);
    const put = (selector, [value, unit]) => {
      const box = place.querySelector(selector);
      const [number, small] = [box.querySelector("strong > span"), box.querySelector("strong > u")];
      if (number.textContent !== value) number.textContent = value;
      if (small.textContent !== unit) small.textContent = unit;
    };
    const plot = place.querySelector(".k-loss");
    place.querySelector("[data-csv]").addEventListener("click", () => kantai.download("training.csv", table()));

    // --- the chart: one figure, extended --------------------------------------------------------
    let drawnFor = null;  // the seconds that the axis was drawn for
    let shown = [0, 0];  // how much of the store the figure has
    let Plotly = null, drawn = false, stale = false, width = 0, queue = Promise.resolve(), references = true;
    const narrow = () => plot.clientWidth < 520;
    const later = (work) => { queue = queue.then(work).catch((error) => console.error(error)); };
    const budget = () => kantai.store.status?.budget ?? null;
    // The last step may end a little after the budget.
    const axisEnd = () => budget() && Math.max(budget(), ...[kantai.store.steps, kantai.store.looks].map((rows) => rows.at(-1)?.[1] ?? 0));

    const marks = () => {
      const scores = kantai.store.started?.baselines ?? {};
      const known = references ? BASELINES.filter((name) => name in scores).sort((a, b) => scores[b] - scores[a]) : [];
      // Lines that lie close together would write over one another: a label gives way downwards.
      let last = Infinity;
      const gap = ((top() + 0.5) / plot.clientHeight || 0) * 15;
      const notes = known.map((name) => {
        const at = scores[name], below = last - at < gap;
        last = at;
        return { xref: "paper", x: 1, xanchor: "right", y: at, yanchor: below ? "top" : "bottom", showarrow: false,
          text: say(words["live_" + name]), hovertext: say(words[`live_${name}_hint`]), font: { size: narrow() ? 11.5 : 12.5 }, bgcolor: "--k-veil" };
      });
      const shapes = known.map((name) => ({ type: "line", layer: "below", xref: "paper", x0: 0, x1: 1, y0: scores[name], y1: scores[name], line: { color: "--k-warm", width: 1, dash: "dot" } }));
      return kantai.filled({ shapes, annotations: notes });
    };
    const top = () => Math.max(2, ...BASELINES.map((b) => kantai.store.started?.baselines?.[b] ?? 0), kantai.store.steps[0]?.[LOSS] ?? 0);
    const lineTraces = () => {
      const { steps, looks } = kantai.store;
      const hover = (name) => `%{y:.2f}<extra>${say(name)}</extra>`;
      return kantai.filled([
        { x: steps.map((s) => s[SECONDS]), y: steps.map((s) => s[LOSS]), mode: "lines", line: { color: "--k-soft", width: 1.5 }, opacity: 0.65, hovertemplate: hover(words.live_training) },
        { x: looks.map((v) => v[1]), y: looks.map((v) => v[2]), mode: "lines+markers", line: { color: "--k-accent", width: 2.5 }, marker: { size: 5 }, hovertemplate: hover(words.live_validation) },
      ]);
    };
    // A hidden tab has no width: what cannot be drawn now is drawn when the tab is seen again.
    const draw = () => later(async () => {
      if (plot.clientWidth) Plotly ??= await kantai.plotly();
      if (!plot.clientWidth) { stale = true; return; }
      stale = false;
      width = plot.clientWidth;
      const end = drawnFor = axisEnd();
      const seen = plot.data?.map((t) => t.visible ?? true) ?? [true, true];
      const data = lineTraces().map((t, i) => ({ ...t, visible: seen[i] }));
      const layout = kantai.layout({
        hovermode: "x unified", height: narrow() ? 300 : 360, margin: { l: 34, r: 20, t: 4, b: 30 },
        xaxis: { ticksuffix: " " + say(words.unit_s), range: end ? [0, end] : undefined, rangemode: "tozero", zeroline: false, nticks: narrow() ? 5 : 9 },
        yaxis: { range: [0, top() * 1.06], zeroline: false, nticks: 7, showticklabels: Boolean(kantai.store.started) },
        ...marks(),
      });
      shown = [kantai.store.steps.length, kantai.store.looks.length];
      await Plotly.newPlot(plot, data, layout, kantai.chartConfig);
      drawn = true;
    });
    const extend = () => later(async () => {
      if (!drawn || stale || !plot.clientWidth) return;
      const at = [], x = [], y = [];
      const steps = kantai.store.steps.slice(shown[0]), looks = kantai.store.looks.slice(shown[1]);
      shown = [kantai.store.steps.length, kantai.store.looks.length];
      if (steps.length) { at.push(0); x.push(steps.map((s) => s[SECONDS])); y.push(steps.map((s) => s[LOSS])); }
      if (looks.length) { at.push(1); x.push(looks.map((v) => v[1])); y.push(looks.map((v) => v[2])); }
      if (at.length) await Plotly.extendTraces(plot, { x, y }, at);
    });
    place.querySelectorAll("[data-trace]").forEach((button) => button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      later(async () => {
        if (!drawn) return;
        if (button.dataset.trace === "refs") { references = on; await Plotly.relayout(plot, marks()); }
        else await Plotly.restyle(plot, { visible: on }, [Number(button.dataset.trace)]);
      });
    }));
    new ResizeObserver(() => {
      if (!plot.clientWidth) return;
      if (stale || !drawn) return draw();
      extend();
      if (plot.clientWidth === width) return;
      width = plot.clientWidth;
      later(() => Plotly.relayout(plot, { width, ...marks() }).then(() => Plotly.relayout(plot, { width: undefined, autosize: true })));
    }).observe(plot);
    kantai.onTheme(() => drawn && draw());

    // --- figures --------------------------------------------------------------------------------
    const spark = (column) => {
      const values = kantai.store.steps.map((s) => s[column]).filter((x) => x !== null);
      const step = Math.max(1, Math.ceil(values.length / 80));
      const few = values.filter((_, i) => i % step === 0);
      const [low, high] = [Math.min(...few, Infinity), Math.max(...few, -Infinity)];
      const at = (x) => (high > low ? 26 - (24 * (x - low)) / (high - low) : 14);
      return few.length < 2 ? "" : "M" + few.map((x, i) => `${((100 * i) / (few.length - 1)).toFixed(1)} ${at(x).toFixed(1)}`).join("L");
    };
    place.querySelectorAll(".k-spark").forEach((box) => {
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("viewBox", "0 0 100 28"); svg.setAttribute("preserveAspectRatio", "none"); svg.setAttribute("aria-hidden", "true");
      svg.append(document.createElementNS("http://www.w3.org/2000/svg", "path"));
      box.append(svg);
    });

    const figures = () => {
      const { steps, looks, status } = kantai.store;
      const step = steps.at(-1), look = looks.at(-1);
      put('[data-tile="loss"]', look ? [look[2].toFixed(2), ""] : ["–", ""]);
      put('[data-tile="speed"]', step ? short(step[SPEED]) : ["–", ""]);
      put('[data-tile="epoch"]', step ? [step[EPOCH] < 10 ? step[EPOCH].toFixed(1) : String(Math.round(step[EPOCH])), ""] : ["–", ""]);
      const share = status?.state === "finished" ? 1 : step?.[SHARE] ?? 0;
      const left = step && share > 0 && status?.state === "training" ? (budget() ? budget() * (1 - share) : (step[SECONDS] / share) * (1 - share)) : null;
      put('[data-tile="left"]', status?.state === "finished" ? clock(0) : clock(left));
      part("line").classList.toggle("k-moving", status?.state === "preparing" || Boolean(status?.doing));
      part("line").firstChild.style.setProperty("--share", share);
      part("line").setAttribute("aria-valuenow", Math.round(100 * share));
      for (const [name, column] of INSTRUMENTS) {
        const value = step?.[column] ?? null;
        put(`[data-gauge="${name}"]`, name === "memory" ? bytes(1e6 * value) : short(value, name === "norm" ? 2 : 3));
        place.querySelector(`[data-gauge="${name}"] path`).setAttribute("d", name === "memory" && !value ? "" : spark(column));
      }
    };
    const bytes = (value) => { if (!value) return ["–", ""]; const [n, unit] = short(value, 2); return [n, unit + "B"]; };

    const told = () => {
      const { status, looks, lost, gone } = kantai.store;
      const trouble = part("trouble");
      const sentence = gone ? say(gone) : lost ? say(words.live_lost) : status?.state === "failed" ? say(status.message) : "";
      trouble.hidden = !sentence;
      if (trouble.dataset.said !== sentence) {
        trouble.dataset.said = sentence;
        trouble.replaceChildren(...(sentence ? [build(["b", sentence])] : []), ...(sentence && status?.log && !lost ? [build(["details", ["summary", words.live_worker_log], ["pre", status.log]])] : []));
      }
      const said = status?.told ?? (looks.length || (status && status.state !== "new") ? null : words.live_idle);
      const where = status?.where ?? words.live_where;
      for (const [name, value] of [["told", said], ["where", where]]) {
        const now = value ? say(value) : "";
        if (part(name).textContent !== now) part(name).textContent = now;
      }
      part("hint").hidden = Boolean(kantai.store.steps.length);
    };

    // --- watch it learn: sentences with a hidden word, one square a look ---------------------------
    const percent = (share) => (share < 0.001 && share > 0 ? "<0.1\u00a0%" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}\u00a0%`);
    let rows = "";  // the sentences and looks that are on the screen
    const watch = () => {
      const sentences = kantai.store.started?.watched ?? [];
      const looks = kantai.store.looks.filter((v) => v[5]);
      part("watch").hidden = !sentences.length || !looks.length;
      const now = sentences.join() + looks.length + (looks.at(-1)?.[0] ?? "");
      if (now === rows) return;
      rows = now;
      const few = looks.filter((_, i) => i % Math.ceil(looks.length / 24) === 0 || i === looks.length - 1);
      part("sentences").replaceChildren(...sentences.map(([before, word, after], i) => {
        const seen = few.filter((v) => v[5][i]), [share, ...said] = seen.at(-1)?.[5][i] ?? [0];
        const guesses = said.flatMap((text, n) => (n % 2 ? [] : [[text, said[n + 1]]]));
        const squares = seen.map((v) => ["i", { title: `${v[0]}: ${percent(v[5][i][0])}`, "--share": Math.sqrt(v[5][i][0]).toFixed(3) }]);
        const words = guesses.flatMap(([text, p], n) => [...(n ? [" · "] : []), [text === word ? "b.k-good" : "span", `${text || "␣"} ${percent(p)}`]]);
        return build(["div.k-watched", ["p", before, ["mark.k-gap", word], after],
          ["div.k-squares", { role: "img", "aria-label": percent(share) }, ...squares], ["div.k-said", ...words]]);
      }));
    };

    const log = place.querySelector(".k-log");
    const note = (notes) => {
      for (const [step, sentence] of notes) log.append(build(["li", ["code", String(step)], " ", sentence]));
      if (notes.length) log.scrollTop = log.scrollHeight;
      place.querySelector(".k-log-card").hidden = !log.children.length;
    };
    const table = () => {
      const { steps, looks } = kantai.store;
      const seen = new Map(looks.map((v) => [v[0], v]));
      const heads = ["step", "seconds", "epoch", "train_loss", "learning_rate", "gradient_norm", "tokens_per_second", "memory", "validation_loss", "top1", "top5"];
      const rows = steps.map((s) => [s[STEP], s[SECONDS], s[EPOCH], s[LOSS], s[RATE], s[NORM], s[SPEED], 1e6 * s[MEMORY], ...(seen.get(s[STEP])?.slice(2, 5) ?? ["", "", ""])]);
      const met = new Set(steps.map((s) => s[STEP]));
      for (const v of looks) if (!met.has(v[0])) rows.push([v[0], v[1], "", "", "", "", "", "", ...v.slice(2, 5)]);
      return kantai.csv([heads, ...rows.sort((a, b) => a[0] - b[0])]);
    };
    kantai.trainingTable = table;

    kantai.listen((what, store, news) => {
      if (what === "reset" || what === "started") { draw(); if (what === "reset") { log.replaceChildren(); note(store.notes); } }
      if (what === "news") { if (stale || (drawn && axisEnd() !== drawnFor)) draw(); else extend(); note(news.notes); }
      figures(); told(); watch();
    });
  };

  // --- the header: chips and the second lines of the tabs, wherever the person is ----------------
  kantai.header = (element) => {
    const [name, state] = ["name", "state"].map((part) => element.querySelector(`[data-part="${part}"]`));
    const line = (tab, words, done) => {
      const button = document.querySelector(`.k-tabs > .tab-wrapper [role=tab][data-tab-id="${tab}"]`);
      if (!button) return false;
      if (button.dataset.note !== words) button.dataset.note = words;
      button.classList.toggle("k-done", Boolean(done));
      return true;
    };
    const show = () => {
      const status = kantai.store.status;
      const chip = kantai.store.run && status ? status.name : say(kantai.store.gone ? kantai.words.chip_gone : kantai.words.chip_none);
      if (name.textContent !== chip) name.textContent = chip;
      const now = kantai.store.run && status ? " · " + say(kantai.words["state_" + status.state]) : "";
      if (state.textContent !== now) state.textContent = now;
      document.documentElement.dataset.state = kantai.store.run && status ? status.state : "none";
      const notes = kantai.store.run && status?.notes ? status.notes : kantai.words.notes;
      for (const [tab, [words, done]] of Object.entries(notes)) line(tab, say(words), done);
    };
    kantai.listen(show);
    // The tabs may be laid out later than this header, and anew when the page grows.
    const tabs = new MutationObserver(() => show());
    const wait = setInterval(() => {
      const list = document.querySelector(".k-tabs > .tab-wrapper");
      if (!list) return;
      clearInterval(wait);
      tabs.observe(list, { childList: true, subtree: true });
      show();
    }, 50);
  };
})();
