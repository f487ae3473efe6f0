/// The page's script. All that comes from the node is put in as text, never as markup.
extension PageDocument {
    static let helpers = #"""
        "use strict";
        const byId = id => document.getElementById(id);
        function element(tag, text, className) {
          const made = document.createElement(tag);
          if (text !== undefined && text !== null) made.textContent = text;
          if (className) made.className = className;
          return made;
        }
        function vector(tag, attributes, text) {
          const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
          for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
          if (text !== undefined) made.textContent = text;
          return made;
        }
        function age(seconds) {
          if (seconds === undefined) return "";
          const whole = Math.floor(seconds);
          const [d, h, m, s] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
          const two = n => String(n).padStart(2, "0");
          return d ? `${d}d${two(h)}h` : h ? `${h}h${two(m)}m` : m ? `${m}m${two(s)}s` : `${s}s`;
        }
        function memory(kib) {
          if (kib === undefined) return "";
          return kib >= 1048576 ? `${(kib / 1048576).toFixed(1)} GiB` : kib >= 1024 ? `${(kib / 1024).toFixed(1)} MiB` : `${kib} KiB`;
        }
        const clock = time => new Date(time).toLocaleTimeString([], { hour12: false }) + "." + time.slice(20, 23);
        const day = time => new Date(time).toLocaleString([], { hour12: false });
        const ends = ["release_installed", "install_refused", "install_aborted", "install_stopped", "install_failed"];
        const bad = kind => /failed|refused|aborted|lost|hung|dropped|fallback|error|exited/.test(kind);
        const stateClass = state => state === "running" ? "good" : ["undefined", "restarting"].includes(state) ? "bad" : "warn";

        async function ask(path) {
          const answer = await fetch(path, { cache: "no-store" });
          const body = await answer.json();
          if (!answer.ok) throw new Error(body.error ? body.error.message : `status ${answer.status}`);
          return body;
        }
        """#

    static let charts = #"""
        // Who was handed off, started, stopped, and when, from the install's beginning on.
        function drawInstall(svg, events) {
          svg.replaceChildren();
          const start = Date.parse(events[0].time);
          const marks = events.filter(event => event.worker);
          const rows = [...new Set(marks.map(event => event.worker))].slice(0, 40);
          if (!rows.length) return svg.removeAttribute("viewBox");
          const last = ends.includes(events.at(-1).kind) ? events.at(-1) : events.findLast(event => ends.includes(event.kind));
          const length = Math.max(last ? Date.parse(last.time) - start : Date.parse(events.at(-1).time) - start, 1);
          const [left, width, step] = [250, 1000, 20];
          const x = time => left + Math.min((Date.parse(time) - start) / length, 1) * (width - left - 20);
          const height = rows.length * step + 26;
          svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
          for (let part = 0; part <= 4; part++) {
            const at = left + (width - left - 20) * part / 4;
            svg.append(vector("line", { x1: at, x2: at, y1: 0, y2: height - 20, class: "grid" }));
            svg.append(vector("text", { x: at, y: height - 6, "text-anchor": part === 4 ? "end" : "middle" }, `${Math.round(length * part / 4)} ms`));
          }
          rows.forEach((worker, row) => {
            const y = row * step + 12;
            const name = worker.length > 36 ? "…" + worker.slice(-35) : worker;
            svg.append(vector("text", { x: 0, y: y + 4, class: "name" }, name));
            const own = marks.filter(event => event.worker === worker);
            svg.append(vector("line", { x1: left, x2: x(own.at(-1).time), y1: y, y2: y, class: "span" }));
            for (const event of own) {
              const mark = vector("circle", { cx: x(event.time), cy: y, r: 5, class: bad(event.kind) ? "mark bad" : "mark" });
              mark.append(vector("title", {}, `${event.message} (${Date.parse(event.time) - start} ms)`));
              svg.append(mark);
            }
          });
        }

        // Which release ran when, by what is kept of it.
        function drawBand(svg, records, running) {
          svg.replaceChildren();
          const parts = [];
          for (const record of records) {
            const release = record.kind === "release_installed" ? record.fields.to : record.release;
            if (release && (!parts.length || parts.at(-1).release !== release)) parts.push({ release, time: record.time });
          }
          if (running && (!parts.length || parts.at(-1).release !== running)) parts.push({ release: running, time: new Date().toISOString() });
          if (!parts.length) return svg.removeAttribute("viewBox");
          const [first, now, width] = [Date.parse(parts[0].time), Date.now(), 1000];
          const releases = [...new Set(parts.map(part => part.release))];
          svg.setAttribute("viewBox", `0 0 ${width} 44`);
          parts.forEach((part, index) => {
            const from = Date.parse(part.time);
            const to = index + 1 < parts.length ? Date.parse(parts[index + 1].time) : now;
            const scale = width / Math.max(now - first, 1);
            const size = Math.max((to - from) * scale, 2);
            const box = vector("rect", { x: (from - first) * scale, y: 0, width: size, height: 26, rx: 3, class: `r${releases.indexOf(part.release) % 5}` });
            box.append(vector("title", {}, `${part.release} from ${day(part.time)}`));
            svg.append(box);
            if (size > 12 + part.release.length * 7) svg.append(vector("text", { x: (from - first) * scale + 7, y: 17, class: "inside" }, part.release));
          });
          svg.append(vector("text", { x: 0, y: 40 }, day(parts[0].time)));
          svg.append(vector("text", { x: width, y: 40, "text-anchor": "end" }, "now"));
        }
        """#

    static let script = #"""
        let status = {}, records = [], install = null, shown = 0, versions = new Map();

        function showStatus() {
          byId("name").textContent = status.node || "release-handlerd";
          document.title = `${status.name} ${status.release} – ${status.node}`;
          const state = byId("state");
          state.textContent = status.state;
          state.className = `pill ${stateClass(status.state)}`;
          const facts = [["release", `${status.name} ${status.release}`], ["permanent", status.permanent], ["up for", age(status.uptime_s)],
            ["emulator", status.erts], ["pid", status.pid]];
          if (status.waiting_restarts) facts.push(["restarts that wait", status.waiting_restarts]);
          byId("facts").replaceChildren(...facts.map(([name, value]) => {
            const fact = element("div");
            fact.append(element("dt", name), element("dd", value));
            return fact;
          }));
          const notices = status.notices || [];
          byId("notices").hidden = !notices.length;
          byId("notices").replaceChildren(...notices.map(notice => element("li", notice.message)));
          showInstall();
        }

        function showTree(applications) {
          const head = ["Name", "Type", "State", "Pid", "Gen", "Version", "Restarts", "Memory", "Age"];
          const numeric = ["Pid", "Gen", "Restarts", "Memory", "Age"];
          const rows = [element("tr")];
          rows[0].append(...head.map(name => element("th", name, numeric.includes(name) ? "number" : "")));
          let workers = 0, running = 0;
          function add(node, prefix, isLast, depth) {
            const row = element("tr", undefined, node.kind);
            if (node.kind === "worker") {
              workers += 1;
              if (node.state === "running") running += 1;
              const before = versions.get(node.address);
              const now = `${node.vsn} ${node.generation}`;
              if (before && before.now !== now) before.until = Date.now() + 4000;
              versions.set(node.address, { now, until: before ? before.until : 0 });
              if (versions.get(node.address).until > Date.now()) row.className += " changed";
            }
            const tree = depth ? prefix + (isLast ? "└─ " : "├─ ") : "";
            const state = element("td", undefined, `dot ${stateClass(node.state)}`);
            state.append(element("span", node.restart_in_s === undefined ? node.state : `restarting in ${age(node.restart_in_s)}`));
            state.title = node.status || "";
            const isWorker = node.kind === "worker";
            const cell = (text, isNumber) => element("td", text === undefined ? "" : text, isNumber ? "number" : "");
            const kib = node.usage && node.usage.memory_kib !== undefined ? node.usage.memory_kib : node.rss_anon_kib;
            row.append(element("td", tree + node.id, "mono"), cell(node.strategy || (isWorker ? node.module : node.kind)), state,
              cell(node.pid, true), cell(node.generation, true), cell(node.vsn), cell(isWorker || node.restarts ? node.restarts : undefined, true),
              cell(memory(kib), true), cell(age(node.age_s), true));
            rows.push(row);
            node.children.forEach((child, index) =>
              add(child, depth ? prefix + (isLast ? "   " : "│  ") : "", index + 1 === node.children.length, depth + 1));
          }
          applications.forEach(application => add(application, "", true, 0));
          byId("tree").replaceChildren(...rows);
          byId("tree-count").textContent = `${running} of ${workers} workers run`;
        }

        function showReleases(releases) {
          const head = element("tr");
          head.append(...["Release", "Version", "Status", "Emulator", "Applications"].map(name => element("th", name)));
          byId("releases").replaceChildren(head, ...releases.map(release => {
            const row = element("tr");
            const state = element("td", undefined, release.status === "permanent" ? "dot good" : release.status === "current" ? "dot warn" : "dot quiet");
            state.append(element("span", release.status));
            row.append(element("td", release.name), element("td", release.vsn), state, element("td", release.erts),
              element("td", release.applications.map(one => `${one.name}-${one.vsn}`).join(" ")));
            return row;
          }));
        }

        function line(time, message, isBad) {
          const item = element("li");
          item.append(element("time", time), element("span", message, isBad ? "bad" : ""));
          return item;
        }

        function showHistory() {
          byId("history").replaceChildren(...records.slice(-200).reverse().map(one => line(day(one.time), one.message, bad(one.kind))));
          drawBand(byId("band"), records, status.release);
          // One that nobody watched here has what is kept of it.
          if (!install) {
            const at = records.findLastIndex(one => one.kind === "install_release");
            if (at >= 0) {
              const rest = records.slice(at);
              const next = rest.findIndex((one, index) => index > 0 && one.kind === "boot");
              install = { fields: rest[0].fields, events: next < 0 ? rest : rest.slice(0, next) };
            }
          }
          showInstall();
        }

        function showInstall() {
          const step = status.install;
          byId("install").hidden = !install && !step;
          byId("install-bar").hidden = byId("install-step").hidden = !step;
          if (step) {
            byId("install-bar").value = step.count ? (step.index + 1) / step.count : 0;
            byId("install-step").textContent = step.count ? `${step.index + 1} of ${step.count}: ${step.text}` : "";
          }
          if (step || install) {
            const [from, to] = step ? [step.from, step.to] : [install.fields.from, install.fields.to];
            byId("install-title").textContent = `${step ? "Install" : "Last install"}: ${from} → ${to}`;
          }
          if (!install) return;
          const start = Date.parse(install.events[0].time);
          byId("install-events").replaceChildren(...install.events.slice(-200).map(one =>
            line(`+${((Date.parse(one.time) - start) / 1000).toFixed(3)} s`, one.message, bad(one.kind))));
          drawInstall(byId("install-chart"), install.events);
        }

        function heard(event) {
          if (event.kind === "install_release") install = { fields: event.fields, events: [], isOver: false };
          if (install && install.isOver === false) {
            install.events.push(event);
            if (install.events.length > 2000) install.events.splice(1, 1);
            if (ends.includes(event.kind)) install.isOver = true;
          } else if (install && /^(probation|made_permanent|install)/.test(event.kind)) {
            install.events.push(event);
          }
          const list = byId("events");
          if (!shown++) list.replaceChildren();
          list.prepend(line(clock(event.time), event.message, bad(event.kind)));
          while (list.children.length > 200) list.lastChild.remove();
          if (!["output", "log"].includes(event.kind)) soon();
        }

        // What is asked for again and again; at once where something has happened.
        let timer = 0, isAsking = false, isDue = false, rounds = 0;
        async function refresh() {
          clearTimeout(timer);
          if (document.hidden) return;
          if (isAsking) { isDue = true; return; }
          isAsking = true;
          try {
            status = await ask("/v1/status");
            showStatus();
            showTree((await ask("/v1/tree")).applications);
            if (rounds++ % 5 === 0 || isDue) {
              showReleases((await ask("/v1/releases")).releases);
              records = (await ask("/v1/history")).records;
              showHistory();
            }
            byId("trouble").hidden = true;
          } catch (error) {
            byId("trouble").textContent = `The node does not answer: ${error.message}`;
            byId("trouble").hidden = false;
          }
          isAsking = false;
          timer = setTimeout(refresh, isDue ? 400 : status.install ? 400 : 2000);
          isDue = false;
        }
        function soon() { isDue = true; clearTimeout(timer); timer = setTimeout(refresh, 300); }
        document.addEventListener("visibilitychange", refresh);

        async function follow() {
          try {
            const answer = await fetch("/v1/events", { cache: "no-store" });
            if (!answer.ok) throw new Error(`status ${answer.status}`);
            const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
            let rest = "";
            for (;;) {
              const { done, value } = await reader.read();
              if (done) break;
              const lines = (rest + value).split("\n");
              rest = lines.pop();
              for (const text of lines) if (text) heard(JSON.parse(text));
            }
          } catch { /* Asked for again below; what is not heard is seen. */ }
          setTimeout(follow, 3000);
        }
        refresh();
        follow();
        """#
}
