// What the page's own components share: language, safe rendering, charts, the run's events.
// Text only ever becomes a text node or an allowed attribute: no markup of anybody is read.
(() => {
  const query = new URLSearchParams(location.search);
  const stored = (() => { try { return localStorage.getItem("kantai_language"); } catch { return null; } })();
  const language = /^zh/i.test(query.get("lang") || stored || navigator.language || "en") ? "zh" : "en";
  // Gradio's own labels follow the browser's language: tell it the one that was chosen.
  Object.defineProperty(navigator, "language", { get: () => (language === "zh" ? "zh-CN" : "en"), configurable: true });

  const kantai = (window.kantai = { language, config: {} });

  kantai.setLanguage = (name) => {
    try { localStorage.setItem("kantai_language", name); } catch { /* private window: the address tells */ }
    const address = new URL(location.href);
    address.searchParams.set("lang", name);
    location.assign(address);
  };

  // The switch reloads the page: what stands in its fields is kept for the moment after.
  const kept = (() => {
    try { const found = sessionStorage.getItem("kantai_kept"); sessionStorage.removeItem("kantai_kept"); return JSON.parse(found); } catch { return null; }
  })();
  kantai.keep = (values) => {
    const tab = document.querySelector(".k-tabs > .tab-wrapper [role=tab][aria-selected=true]")?.dataset.tabId ?? "";
    try { sessionStorage.setItem("kantai_kept", JSON.stringify({ tab, values })); } catch { /* too much to keep */ }
    kantai.setLanguage(kantai.wanted);
  };
  const unchanged = () => ({ __type__: "update" });
  // Values of fields [start, start + count), once; after that, updates that change nothing.
  const given = new Set();
  kantai.kept = (start, count, tab) => {
    if (!kept || given.has(start) || (tab && tab !== kept.tab)) return Array.from({ length: count }, unchanged);
    given.add(start);
    return kept.values.slice(start, start + count);
  };

  // Values that nobody chose, in any language -> the same in the reader's, where no run is open.
  kantai.firsts = (firsts, run, values) => values.map((value, i) => {
    const own = firsts[i][language];
    return !run && value !== own && Object.values(firsts[i]).includes(value) ? own : unchanged();
  });

  // A sentence is offered in place of none, or of one that was offered: never of what was typed.
  // What is being written just now is left alone, too.
  kantai.offer = (now, offered, next) => {
    const writing = document.activeElement?.closest?.(".k-sentence");
    return next && !writing && (!now || now === offered) ? [next, next] : [unchanged(), unchanged()];
  };

  // The run that the address asks for.
  kantai.asked = () => new URLSearchParams(location.search).get("run") || "";

  // Whether what stands in the fields was kept for this run: then it is not set by the run again.
  kantai.isKept = (run) => Boolean(kept && run && run === query.get("run"));

  // --- text and nodes -------------------------------------------------------------------------

  const isSentence = (x) => x && typeof x === "object" && !Array.isArray(x) && "en" in x && "zh" in x;
  const say = (kantai.say = (x) => (isSentence(x) ? x[language] : String(x ?? "")));
  const TAGS = new Set("a article b br button caption code details div em h2 h3 i kbd label li mark ol p pre section small span strong summary table tbody td tfoot th thead tr u ul".split(" "));
  const ATTRIBUTES = /^(title|role|lang|colspan|open|tabindex|aria-[a-z]+|data-[a-z-]+)$/;

  const build = (kantai.build = (node) => {
    if (!Array.isArray(node)) return document.createTextNode(say(node));
    const [name, ...rest] = node;
    const [tag, ...classes] = name.split(".");
    const element = document.createElement(TAGS.has(tag) ? tag : "span");
    if (classes.length) element.className = classes.join(" ");
    const first = rest[0];
    if (first && typeof first === "object" && !Array.isArray(first) && !isSentence(first)) {
      rest.shift();
      for (const [key, value] of Object.entries(first)) {
        if (key.startsWith("--")) element.style.setProperty(key, value);
        else if (key === "run") element.setAttribute("href", "?run=" + encodeURIComponent(value));
        else if (key === "href" && /^https?:\/\//.test(value)) Object.assign(element, { href: value, target: "_blank", rel: "noopener noreferrer" });
        else if (ATTRIBUTES.test(key)) element.setAttribute(key, say(value));
      }
    }
    if (element.tagName === "BUTTON") element.type = "button";
    element.append(...rest.filter((child) => child !== null && child !== undefined).map(build));
    return element;
  });

  // What a reader did to a part of the page: opened, scrolled, searched, sorted, where the focus is.
  const FOCUSABLE = "a[href], button, input, summary, [tabindex]";
  const stateOf = (place) => {
    const all = (selector) => [...place.querySelectorAll(selector)];
    return {
      open: all("details").map((d) => d.open),
      scrolled: all(".k-scroll, pre, .k-text").map((s) => [s.scrollTop, s.scrollLeft]),
      searched: all("input[type=search]").map((i) => i.value),
      sorted: all("table[data-sort]").map((t) => [...t.querySelectorAll("th")].flatMap((h, i) => (h.hasAttribute("aria-sort") ? [[i, h.getAttribute("aria-sort")]] : []))),
      focus: all(FOCUSABLE).indexOf(document.activeElement),
    };
  };
  const restore = (place, was) => {
    const all = (selector) => [...place.querySelectorAll(selector)];
    all("details").forEach((d, i) => { if (was.open[i] !== undefined) d.open = was.open[i]; });
    all("table[data-sort]").forEach((table, i) => {
      for (const [column, order] of was.sorted[i] ?? []) {
        const head = table.querySelectorAll("th")[column];
        head?.click();
        if (order === "descending") head?.click();
      }
    });
    all("input[type=search]").forEach((field, i) => {
      if (was.searched[i]) { field.value = was.searched[i]; field.dispatchEvent(new Event("input")); }
    });
    all(".k-scroll, pre, .k-text").forEach((s, i) => { if (was.scrolled[i]) [s.scrollTop, s.scrollLeft] = was.scrolled[i]; });
    const found = all(FOCUSABLE);
    if (was.focus >= 0) found[Math.min(was.focus, found.length - 1)]?.focus({ preventScroll: true });
  };

  // Seconds since 1970 as the reader's own clock shows them: 2026-11-24 22:10.
  const clock = (seconds) => new Date(1000 * seconds).toLocaleString("sv-SE", { dateStyle: "short", timeStyle: "short" });

  kantai.view = (element, props, trigger, watch) => {
    const place = element.querySelector(".k-view");
    let drawn;
    const draw = () => {
      const now = JSON.stringify(props.value ?? null);
      if (now === drawn) return;
      drawn = now;
      const was = stateOf(place);
      place.replaceChildren(...(props.value ? [build(props.value)] : []));
      place.classList.toggle("k-empty", !props.value);
      place.querySelectorAll("[data-time]").forEach((e) => { e.textContent = clock(e.dataset.time); });
      place.querySelectorAll("table[data-sort]").forEach(enhance);
      restore(place, was);
      place.querySelectorAll("[data-lang]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.lang === language)));
    };
    place.addEventListener("click", (event) => {
      const act = event.target.closest("[data-act]");
      if (act && place.contains(act)) trigger("select", { act: act.dataset.act });
      const go = event.target.closest("[data-go]");
      if (go && place.contains(go)) kantai.go(go.dataset.go);
      const lang = event.target.closest("[data-lang]");
      if (lang) { kantai.wanted = lang.dataset.lang; trigger("select", { act: "language" }); }
      const link = event.target.closest("[data-link]");
      if (link) { const address = new URL(location.href); address.searchParams.delete("lang"); kantai.copy(link, address.href); }
      const sign = event.target.closest("[data-sign]");
      if (sign && place.contains(sign)) kantai.sign(sign.dataset.sign);
      const copy = event.target.closest("[data-copy]");
      if (copy && place.contains(copy)) kantai.copy(copy, copy.closest(".k-code")?.querySelector("pre")?.textContent ?? "");
    });
    watch("value", draw);
    draw();
  };

  // Behind a proxy the server may know its path, but not the host's name in this address.
  kantai.root = () => new URL(window.gradio_config?.root ?? location.href, location.href).pathname.replace(/\/$/, "");

  // Leave to sign in or out, and come back to this very address. A Space stands in a frame, which
  // must let the other page scroll.
  kantai.sign = (path) => {
    window.parent?.postMessage({ type: "SET_SCROLLING", enabled: true }, "*");
    location.assign(`${kantai.root()}/${path}?_target_url=${encodeURIComponent(location.pathname + location.search)}`);
  };

  kantai.copy = async (button, words) => {
    try { await navigator.clipboard.writeText(words); }
    catch {
      const area = Object.assign(document.createElement("textarea"), { value: words });
      document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
    const before = button.textContent;
    button.textContent = say(kantai.words.copied);
    setTimeout(() => { button.textContent = before; }, 1500);
  };

  // The address tells the tab too, so that a reload and a link show the same.
  // Open a tab as if it had been clicked; off screen at first, it may still have to come.
  kantai.openAtOnce = () => {
    document.documentElement.dataset.open = "1";  // from now on the server knows whose page this is
    document.addEventListener("click", (event) => {
      const tab = event.target.closest?.(".k-tabs > .tab-wrapper [role=tab]");
      if (!tab) return;
      const address = new URL(location.href);
      address.searchParams.set("tab", tab.dataset.tabId);
      history.replaceState(history.state, "", address);
    });
    // On a phone the tabs are wider than the screen: the chosen one is kept in sight.
    const centre = () => {
      const tab = document.querySelector(".k-tabs > .tab-wrapper [role=tab][aria-selected=true]"), bar = tab?.closest(".tab-wrapper");
      if (!bar) return;
      const [at, room] = [tab.getBoundingClientRect(), bar.getBoundingClientRect()];
      bar.scrollLeft += at.left - room.left - (room.width - at.width) / 2;
    };
    const list = document.querySelector(".k-tabs > .tab-wrapper");
    if (list) new MutationObserver(centre).observe(list, { childList: true, subtree: true, attributeFilter: ["aria-selected", "data-note"] });
    addEventListener("resize", () => setTimeout(centre, 100));
    const wanted = query.get("tab");
    if (wanted) kantai.go(wanted);
  };
  kantai.go = (name, tries = 20) => {
    const button = document.querySelector(`.k-tabs > .tab-wrapper [role=tab][data-tab-id="${name}"]`);
    if (button) button.click();
    else if (tries) setTimeout(() => kantai.go(name, tries - 1), 100);
  };

  // The tab to open when the demo's run has finished; another end, or another run, ends the demo.
  let afterwards = null;
  kantai.tour = (stop) => {
    if (!stop) return;
    kantai.go(stop.tab);
    afterwards = stop.then ? { tab: stop.then, run: stop.run } : null;
    if (afterwards) kantai.wake();
  };
  setTimeout(() => kantai.listen((what, store, news) => {
    if (!afterwards || !store.status) return;
    const { tab, run } = afterwards, state = store.status.state, here = store.run === run;
    if (here && (ACTIVE.has(state) || (state === "new" && !ACTIVE.has(news?.before)))) return;
    afterwards = null;
    if (here && state === "finished") setTimeout(() => { if (store.run === run) kantai.go(tab); }, 2500);
  }));

  const number = (words) => {
    const plain = words.replace(/[\s,%]/g, "");
    return plain !== "" && !isNaN(plain) ? Number(plain) : null;
  };

  function enhance(table) {
    const body = table.tBodies[0];
    table.tHead?.querySelectorAll("th").forEach((head, column) => {
      head.tabIndex = 0;
      const sort = () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent;
        const order = (a, b) => {
          const [x, y] = [number(key(a)), number(key(b))];
          return x !== null && y !== null ? x - y : key(a).localeCompare(key(b));
        };
        const rows = [...body.rows].sort(order);
        body.append(...(down ? rows.reverse() : rows));
      };
      head.addEventListener("click", sort);
      head.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(); } });
    });
    const bar = build(["div.k-bar"]);
    const search = Object.assign(document.createElement("input"), { type: "search", placeholder: say(kantai.words.search) });
    search.setAttribute("aria-label", say(kantai.words.search));
    search.addEventListener("input", () => {
      const wanted = search.value.toLowerCase();
      for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
    if (body.rows.length > 10) bar.append(search);  // a short table is seen at a glance
    if (table.dataset.csv) {
      const button = build(["button.k-quiet", kantai.words.csv]);
      button.addEventListener("click", () => {
        const rows = [...table.rows].map((row) => [...row.cells].map((cell) => cell.dataset.key ?? cell.textContent));
        kantai.download(table.dataset.csv + ".csv", kantai.csv(rows));
      });
      bar.append(button);
    }
    if (bar.firstChild) (table.closest(".k-scroll") ?? table).before(bar);
  }

  kantai.csv = (rows) => rows.map((row) => row.map((cell) => {
    let words = String(cell ?? "");
    // A spreadsheet would run a cell that begins so; figures stay figures.
    if (/^[=+\-@＝＋－＠\t\r\n]/.test(words) && !Number.isFinite(Number(words))) words = "'" + words;
    return /[",\r\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words;
  }).join(",")).join("\r\n") + "\r\n";

  kantai.download = (name, words) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff" + words], { type: "text/csv;charset=utf-8" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 5000);
  };

  // --- charts ---------------------------------------------------------------------------------

  let plotly = null;
  kantai.plotly = () => (plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = kantai.root() + "/gradio_api/file=" + kantai.config.plotly;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { plotly = null; reject(new Error("plotly.js did not load")); };
    document.head.append(script);
  }));

  // A figure names colours as "--k-accent" and sentences as {en, zh}: both are filled in here.
  kantai.filled = (value) => {
    if (isSentence(value)) return say(value);
    if (Array.isArray(value)) return value.map(kantai.filled);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, kantai.filled(v)]));
    if (typeof value === "string" && value.startsWith("--k-")) return getComputedStyle(document.body).getPropertyValue(value).trim();
    return value;
  };
  const CONFIG = { displaylogo: false, responsive: true, displayModeBar: false, doubleClick: "reset" };
  kantai.layout = (layout) => kantai.filled({
    autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 44, r: 12, t: 8, b: 36 }, showlegend: false, dragmode: "zoom",
    hoverlabel: { bgcolor: "--k-card", bordercolor: "--k-line", font: { color: "--k-ink" } },
    ...layout,
    font: { family: getComputedStyle(document.querySelector(".gradio-container") ?? document.body).fontFamily, size: 12.5, color: "--k-soft" },
    xaxis: { gridcolor: "--k-line", zerolinecolor: "--k-line", linecolor: "--k-line", automargin: true, ...layout.xaxis },
    yaxis: { gridcolor: "--k-line", zerolinecolor: "--k-line", linecolor: "--k-line", automargin: true, ...layout.yaxis },
  });
  const redraw = new Set();
  kantai.onTheme = (callback) => redraw.add(callback);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(() => redraw.forEach((f) => f()), 120));

  kantai.chart = (element, props, watch) => {
    const place = element.querySelector(".k-plot");
    const draw = async () => {
      const figure = props.value;
      place.hidden = !figure;
      if (!figure) return;
      place.style.height = (figure.height ?? 240) + "px";
      if (figure.title) place.setAttribute("aria-label", say(figure.title));
      const Plotly = await kantai.plotly();
      await Plotly.react(place, kantai.filled(figure.data), kantai.layout(figure.layout ?? {}), CONFIG);
    };
    new ResizeObserver(() => { if (place.data && place.offsetWidth) window.Plotly.Plots.resize(place); }).observe(element);
    watch("value", draw);
    kantai.onTheme(draw);
    draw();
  };
  kantai.chartConfig = CONFIG;

  // --- the followed run -----------------------------------------------------------------------

  const ACTIVE = new Set(["waiting", "preparing", "training"]);
  const fresh = (run) => ({ run, cursor: 0, mark: "", status: null, started: null, steps: [], looks: [], notes: [], lost: false, gone: null });
  const store = (kantai.store = fresh(""));
  const listeners = new Set();
  let pull = null, timer = null, busy = false;

  kantai.listen = (callback) => { listeners.add(callback); callback("reset", store); };
  const emit = (what, news) => listeners.forEach((f) => { try { f(what, store, news); } catch (error) { console.error(error); } });
  kantai.active = () => Boolean(store.status && ACTIVE.has(store.status.state));

  kantai.attach = (server) => { pull = server; poll(); };
  kantai.follow = (run) => {
    run = run || "";
    const address = new URL(location.href);
    if ((address.searchParams.get("run") || "") !== run) {
      if (run) address.searchParams.set("run", run); else address.searchParams.delete("run");
      history.replaceState(history.state, "", address);
    }
    if (run !== store.run) { Object.assign(store, fresh(run)); emit("reset"); }
    kantai.wake();
  };
  kantai.wake = () => { clearTimeout(timer); timer = setTimeout(poll, 10); };

  async function poll() {
    clearTimeout(timer);
    if (!pull || busy) return;
    if (!store.run || store.gone) return;
    const run = store.run;
    let wait = document.hidden ? 4000 : kantai.active() ? 1000 : 4000;
    busy = true;
    try {
      const news = await pull(run, store.cursor, store.mark);
      store.lost = false;
      if (run === store.run) { take(news); wait = news.more ? 0 : document.hidden ? 4000 : kantai.active() ? 1000 : 4000; }
      else wait = 0;
    } catch (error) { store.lost = true; emit("lost"); wait = 2500; }
    busy = false;
    timer = setTimeout(poll, wait);
  }

  // As RFC 7396 says: null takes away, an object is merged, all else is put in its place.
  const isObject = (x) => x && typeof x === "object" && !Array.isArray(x);
  const merge = (old, change) => {
    const merged = { ...old };
    for (const [key, value] of Object.entries(change)) {
      if (value === null) delete merged[key];
      else merged[key] = isObject(value) && isObject(merged[key]) ? merge(merged[key], value) : value;
    }
    return merged;
  };

  function take(news) {
    if (news.gone) { Object.assign(store, fresh(store.run), { gone: news.gone }); return emit("reset"); }
    if (news.cursor < store.cursor) {
      const { run, status, mark } = store;
      Object.assign(store, fresh(run), { status, mark });
      emit("reset");
    }
    store.cursor = news.cursor;
    for (const start of news.b ?? []) {
      // A run that goes on after a kill repeats some steps: what came after its checkpoint goes.
      store.started = start;
      const kept = store.steps.filter((s) => s[0] <= start.step);
      if (kept.length < store.steps.length) {
        store.steps = kept; store.looks = store.looks.filter((v) => v[0] <= start.step); emit("reset");
      } else emit("started");
    }
    const steps = news.s ?? [], looks = news.v ?? [], notes = news.n ?? [];
    store.steps.push(...steps); store.looks.push(...looks); store.notes.push(...notes);
    const before = store.status?.state;
    store.status = news.status ?? merge(store.status, news.change);
    store.mark = news.mark ?? store.mark;
    emit("news", { steps, looks, notes, before });
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) kantai.wake(); });
})();
