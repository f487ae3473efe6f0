/// The page: one document that needs nothing from elsewhere.
enum PageDocument {
    /// - Parameter nonce: by which the browser knows the page's own script and style.
    static func text(nonce: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>release-handlerd</title>
        <style nonce="\(nonce)">
        \(style)
        </style>
        </head>
        <body>
        \(body)
        <script nonce="\(nonce)">
        \(helpers)
        \(charts)
        \(script)
        </script>
        </body>
        </html>

        """
    }

    private static let body = #"""
        <header>
          <div class="line"><h1 id="name">release-handlerd</h1><span id="state" class="pill">…</span></div>
          <dl id="facts"></dl>
          <ul id="notices" hidden></ul>
          <p id="trouble" role="alert" hidden></p>
        </header>
        <main>
          <section id="install" hidden>
            <h2 id="install-title">Install</h2>
            <progress id="install-bar" max="1" value="0" hidden></progress>
            <p id="install-step" class="mono quiet" hidden></p>
            <svg id="install-chart" role="img" aria-label="the install's events over time"></svg>
            <ol id="install-events" class="events"></ol>
          </section>
          <section>
            <h2>Supervision tree <span id="tree-count" class="quiet"></span></h2>
            <div class="scroll"><table id="tree"></table></div>
          </section>
          <div class="columns">
            <section>
              <h2>Releases</h2>
              <div class="scroll"><table id="releases"></table></div>
            </section>
            <section>
              <h2>What happens <span class="quiet">from now on</span></h2>
              <ol id="events" class="events"><li class="quiet">nothing yet</li></ol>
            </section>
          </div>
          <section>
            <h2>History <span class="quiet">which release ran when</span></h2>
            <svg id="band" role="img" aria-label="which release ran when"></svg>
            <ol id="history" class="events"></ol>
          </section>
        </main>
        """#

    static let style = #"""
        :root { --back: #f6f7f9; --card: #fff; --ink: #1b2430; --quiet: #5c6b7d; --line: #e0e5eb; --accent: #1769c5;
          --good: #1f8a4c; --warn: #b26a00; --bad: #c5303a; --soft: #edf3fb; }
        @media (prefers-color-scheme: dark) {
          :root { --back: #12161c; --card: #1a2028; --ink: #e3e9f0; --quiet: #94a2b3; --line: #2c3541; --accent: #6cb0ff;
            --good: #53c585; --warn: #e8aa4a; --bad: #ff7b82; --soft: #202b3a; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 78rem; padding: 1.2rem; background: var(--back); color: var(--ink);
          font: 15px/1.45 system-ui, "Segoe UI", "Noto Sans", sans-serif; }
        h1 { font-size: 1.45rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1rem; margin: 0 0 .6rem; }
        h2 .quiet { font-weight: normal; font-size: .85rem; }
        .line { display: flex; align-items: center; gap: .8rem; }
        .quiet { color: var(--quiet); } .mono, td.mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .86rem; }
        .pill { padding: .1rem .65rem; border-radius: 1rem; font-size: .85rem; border: 1px solid currentColor; color: var(--quiet); }
        .good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
        dl { display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; margin: .7rem 0 0; }
        dl div { display: flex; gap: .45rem; } dt { color: var(--quiet); } dd { margin: 0; font-variant-numeric: tabular-nums; }
        #notices { margin: .8rem 0 0; padding: .6rem .9rem .6rem 2rem; border-radius: .5rem; background: var(--soft); }
        #trouble { margin: .8rem 0 0; padding: .6rem .9rem; border-radius: .5rem; border: 1px solid var(--bad); color: var(--bad); }
        section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1rem; margin-top: 1rem; min-width: 0; }
        .columns { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; } .scroll { overflow-x: auto; }
        @media (max-width: 54rem) { .columns { grid-template-columns: 1fr; gap: 0; } }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th { text-align: left; font-weight: 500; color: var(--quiet); font-size: .8rem; }
        th, td { padding: .24rem .9rem .24rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
        td.mono { white-space: pre; } tr:last-child td { border-bottom: 0; } td.number, th.number { text-align: right; }
        tr.changed td { background: var(--soft); } tr.application td { font-weight: 600; }
        .dot::before { content: ""; display: inline-block; width: .55rem; height: .55rem; border-radius: 50%; background: currentColor; margin-right: .45rem; }
        .dot span { color: var(--ink); }
        .events { list-style: none; margin: 0; padding: 0; font-size: .9rem; max-height: 17rem; overflow: auto; }
        .events li { display: flex; gap: .8rem; padding: .16rem 0; } .events time { color: var(--quiet); flex: none; font-variant-numeric: tabular-nums; }
        .events span { overflow-wrap: anywhere; }
        progress { width: 100%; height: .6rem; accent-color: var(--accent); }
        svg { display: block; width: 100%; height: auto; margin-bottom: .5rem; } svg:not([viewBox]) { display: none; } svg text { fill: var(--quiet); font-size: 11px; }
        svg .grid { stroke: var(--line); } svg .mark { fill: var(--accent); } svg .mark.bad { fill: var(--bad); } svg .span { stroke: var(--accent); stroke-width: 2; opacity: .45; }
        svg .name { fill: var(--ink); } svg .inside { fill: #fff; }
        svg .r0 { fill: #2f6fb3; } svg .r1 { fill: #2c7f5e; } svg .r2 { fill: #8c5aa8; } svg .r3 { fill: #a8632c; } svg .r4 { fill: #5f6b7a; }
        """#
}
