"""How a report looks: dark or light as the reader's system is, and readable at the width of a phone."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e24; --faint: #667; --paper: #f6f6f8; --card: #fff; --line: #dcdde3; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaee; --faint: #9298a5; --paper: #111216; --card: #1e2026; --line: #33363f; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 16px; }
h1 { font-size: 22px; margin: 4px 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 10px; }
header p, .how, figcaption, dt { color: var(--faint); }
header p { margin: 0 0 14px; }
a { color: inherit; }
video, .preview { display: block; width: 100%; height: auto; border-radius: 10px; margin-bottom: 16px; }
section { background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--person, var(--line));
  border-radius: 10px; padding: 14px 16px; margin-bottom: 16px; }
.who { display: flex; flex-wrap: wrap; gap: 16px; }
.faces { display: flex; flex-wrap: wrap; gap: 8px; }
.faces figure { width: 126px; }
figure { margin: 0; }
.faces img { display: block; width: 100%; height: auto; border-radius: 6px; }
figcaption { font-size: 12px; overflow-wrap: anywhere; }
dl { flex: 1 1 260px; display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 0; font-size: 14px;
  align-content: start; }
dd { margin: 0; overflow-wrap: anywhere; }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: 10px 14px;
  margin-top: 14px; }
.curves svg { display: block; width: 100%; height: 48px; border: solid var(--line); border-width: 1px 0; }
.curves path { fill: var(--person); fill-opacity: .35; stroke: var(--person); stroke-width: 1;
  vector-effect: non-scaling-stroke; }
@media (prefers-color-scheme: light) { .curves path { fill-opacity: .55; } }
figcaption b, li b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
.how { font-size: 13px; margin: 8px 0 0; }
details { margin-top: 10px; font-size: 14px; }
summary { cursor: pointer; }
details ul { columns: 3 200px; margin: 8px 0 0; padding-left: 18px; font-size: 13px; color: var(--faint); }
.notes { margin: 0; padding-left: 18px; overflow-wrap: anywhere; }
"""
