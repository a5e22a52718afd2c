"""The report's style sheet: one column of text on paper, a list of sections beside it, dark where the reader's system is."""

from raylm.pipeline.report.palette import variables

_LIGHT, _DARK = variables()

CSS = f"""
:root {{ color-scheme: light dark; {_LIGHT} --back:#f5f6f8; --soft:#eef1f4; --ok:#0f7a5f; --bad:#b3261e; --link:#0b5c99 }}
@media (prefers-color-scheme: dark) {{
  :root {{ {_DARK} --back:#0f1216; --soft:#20262e; --ok:#4fd0ac; --bad:#ff8a80; --link:#79bdf0 }}
}}
""" + """
* { box-sizing: border-box }
html { scroll-behavior: smooth; scroll-padding-top: 16px }
body { margin: 0; background: var(--back); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif }
a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
h1, h2, h3 { line-height: 1.25; margin: 0; letter-spacing: -.01em; overflow-wrap: anywhere }
h1 { font-size: 30px } h2 { font-size: 22px } h3 { font-size: 16px }
p { margin: 6px 0; max-width: 74ch; overflow-wrap: anywhere }
.frame { max-width: 1120px; margin: 0 auto; padding: 32px 24px 64px; display: grid; gap: 36px;
  grid-template-columns: 148px minmax(0, 1fr) }
nav { position: sticky; top: 24px; align-self: start; font-size: 14px; max-height: calc(100vh - 48px); overflow-y: auto }
nav a { display: flex; gap: 8px; align-items: center; padding: 4px 0; color: var(--quiet) }
nav a:hover { color: var(--ink) }
nav b { font-size: 13px; letter-spacing: .02em }
.brand { font-weight: 700; color: var(--quiet); font-size: 14px; margin-bottom: 2px }
.lead { color: var(--quiet); font-size: 17px }
section, .card { background: var(--paper); border: 1px solid var(--grid); border-radius: 10px;
  padding: 22px 24px; margin-top: 20px }
header h1 + .lead { margin-top: 6px }
section > h2 { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: baseline }
.say { color: var(--quiet); margin: 4px 0 0 }
.panel { margin-top: 26px; padding-top: 20px; border-top: 1px solid var(--grid) }
.panel > p { color: var(--quiet); font-size: 15px }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(176px, 1fr)); gap: 10px; margin: 16px 0 0 }
.tiles div { background: var(--soft); border-radius: 8px; padding: 10px 14px; min-width: 0 }
.tiles dt { color: var(--quiet); font-size: 13px; overflow-wrap: anywhere }
.tiles dd { margin: 0; font-size: 19px; font-weight: 600; overflow-wrap: anywhere }
.state { font-size: 12px; font-weight: 600; padding: 1px 8px; border-radius: 99px; white-space: nowrap; letter-spacing: 0;
  border: 1px solid currentColor }
.done, .reused { color: var(--ok) } .failed { color: var(--bad) } .missing { color: var(--quiet) }
.dot { width: 8px; height: 8px; border-radius: 9px; background: currentColor; flex: none }
.dot.missing { background: none; border: 1.5px solid currentColor }
.seconds { display: block; height: 4px; border-radius: 2px; background: var(--c0); margin-top: 3px; margin-left: auto }
.stages td:nth-child(1) { white-space: nowrap; font-weight: 600 }
.figures span { display: inline-block; margin-right: 16px } .figures i { font-style: normal; color: var(--quiet);
  margin-right: 4px }
figure { margin: 14px 0 0 } figure svg { display: block; width: 100%; height: auto; overflow: visible }
figure svg text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial,
  sans-serif !important }
.narrow { display: none }
.keys { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 14px; margin: 0 0 6px; padding: 0; list-style: none }
.keys li { display: flex; align-items: center; gap: 6px; overflow-wrap: anywhere }
.key { flex: none; width: 18px; height: 0; border-top: 3px solid; border-radius: 1px }
.key.dashed { border-top-style: dashed } .key.again { border-top-style: dotted }
.key.points { width: 9px; height: 9px; border: 0; border-radius: 9px; background: currentColor }
.key.bar { width: 12px; height: 12px; border: 0; border-radius: 2px; background: currentColor }
.key.bar.again { background: repeating-linear-gradient(135deg, currentColor 0 2px, var(--paper) 2px 4px) }
.scroll { overflow-x: auto; margin-top: 12px } .scroll.tall { max-height: 430px; overflow-y: auto;
  border: 1px solid var(--grid);
  border-radius: 6px }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums }
th { text-align: left; color: var(--quiet); font-weight: 600; font-size: 13px; position: sticky; top: 0;
  background: var(--paper) }
th, td { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--grid); vertical-align: top }
.tall th, .tall td { padding-left: 12px }
th.n, td.n { text-align: right; white-space: nowrap }
th:not(:last-child).n, td:not(:last-child).n { padding-right: 20px }
td { white-space: pre-wrap; overflow-wrap: break-word; max-width: 62ch }
tr:last-child td { border-bottom: 0 }
details { margin-top: 14px } td details { margin: 0 }
summary { cursor: pointer; color: var(--link); font-size: 14px } td summary { color: inherit }
pre, code { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace }
pre { background: var(--soft); border-radius: 8px; padding: 10px 14px; margin: 8px 0 0; overflow: auto; max-height: 560px;
  tab-size: 4 }
.commands pre { user-select: all; -webkit-user-select: all; white-space: pre-wrap; overflow-wrap: anywhere }
.broken { border-left: 3px solid var(--bad); padding: 4px 0 4px 12px; margin-top: 14px; overflow-wrap: anywhere }
.note { color: var(--quiet); font-size: 13px }
@media (max-width: 820px) {
  .frame { display: block; padding: 20px 14px 40px } nav { position: static; margin-top: 16px; max-height: none }
  nav b { display: none } nav .links { display: flex; flex-wrap: wrap; gap: 0 14px }
  section, .card { padding: 16px } h1 { font-size: 25px }
}
@media (max-width: 560px) {
  .wide { display: none } .narrow { display: block } .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)) }
  .stages thead { display: none } .stages tr { display: block; padding: 8px 0; border-bottom: 1px solid var(--grid) }
  .stages td { display: block; border: 0; padding: 1px 0; max-width: none } .stages td.n { text-align: left }
  .stages td:nth-child(1), .stages td:nth-child(2) { display: inline-block; margin-right: 10px }
  .stages .seconds { margin-left: 0 } .figures span { display: block }
}
@media print { nav { display: none } .frame { display: block; padding: 0 } section, .card { border: 0; padding: 0 }
  figure, tr { break-inside: avoid } .scroll.tall { max-height: none } body { background: none } }
"""
