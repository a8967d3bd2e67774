"""The page's style sheet: dark on white, from 320 px to a wide screen, and on A4."""

import base64
import hashlib
from typing import Final

from probe.show.report.markup import Markup

CSS: Final = """
:root { color-scheme: light; --ink: #1a1a1a; --quiet: #595959; --rule: #d0d0d0; --tint: #f5f7f9; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0 auto; padding: 1.25rem; max-width: 72rem; background: #fff; color: var(--ink);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
h1, h2, h3, h4, p, li, dt, dd, th, td, figcaption, caption { overflow-wrap: anywhere; }
h1 { font-size: clamp(1.5rem, 1rem + 2.4vw, 2.4rem); line-height: 1.15; margin: 0 0 .25rem; }
h2 { font-size: 1.4rem; line-height: 1.25; margin: 3rem 0 .75rem; padding-top: .75rem;
  border-top: 3px solid var(--ink); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
h3 { font-size: 1.1rem; line-height: 1.3; margin: 1.75rem 0 .5rem; }
h4 { font-size: 1rem; margin: .75rem 0 .25rem; }
p, ul { max-width: 46rem; margin: .5rem 0; }
ul { padding-left: 1.25rem; }
a { color: #00539b; text-underline-offset: .15em; }
a:focus-visible, .scroll:focus-visible { outline: 3px solid #E69F00; outline-offset: 2px; }
small { display: block; color: var(--quiet); font-size: .9em; font-weight: 400; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em; }
.byline, .left-out, .notes { color: var(--quiet); font-size: .9rem; }
.lead { font-size: 1.1rem; }
.nothing { border-left: 4px solid #D55E00; padding-left: .75rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0;
  max-width: none; font-size: .95rem; }
.counts { display: flex; flex-wrap: wrap; gap: .75rem; list-style: none; padding: 0; margin: 1rem 0;
  max-width: none; }
.counts li { border: 1px solid var(--rule); padding: .5rem .9rem; min-width: 8rem; }
.counts strong { display: block; font-size: 1.7rem; line-height: 1.1; }
.badge { font-weight: 600; }
.badge, .whole { white-space: nowrap; }
.supported { color: #00694c; }
.contradicted { color: #a33f00; }
.partly { color: #7a4f00; }
.inconclusive, .no_coverage { color: var(--quiet); }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: .93rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .7rem .5rem 0;
  border-bottom: 1px solid var(--rule); font-variant-numeric: tabular-nums; }
thead th { overflow-wrap: break-word; border-bottom: 2px solid var(--ink); font-size: .92em; }
tbody th { font-weight: 600; }
.answers tbody th { width: 27%; }
.answers td:nth-child(4) { width: 15%; }
.answers td:last-child { width: 36%; }
dl { margin: .5rem 0; }
dl > div { display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; gap: .1rem 1rem;
  padding: .3rem 0; border-bottom: 1px solid var(--rule); max-width: 58rem; }
dt { font-weight: 600; }
dd { margin: 0; }
article { border: 1px solid var(--rule); padding: .25rem 1.1rem .9rem; margin: 1rem 0; }
article:target { border-color: var(--ink); box-shadow: 0 0 0 1px var(--ink); }
article h3 { margin-top: .9rem; }
.facts { font-size: .92rem; }
figure { margin: 1.25rem 0 2rem; }
figcaption { margin: .4rem 0 0; max-width: 46rem; }
.scroll { overflow-x: auto; border: 1px solid var(--rule); background: #fff; padding: .5rem; }
.scroll img { display: block; width: 100%; min-width: 44rem; height: auto; }
footer { margin-top: 3rem; border-top: 1px solid var(--rule); color: var(--quiet);
  font-size: .9rem; }
@media (max-width: 44rem) {
  body { padding: .9rem; }
  .cards, .cards caption, .cards tbody, .cards tr, .cards th, .cards td { display: block;
    width: auto; }
  .answers tbody th, .answers td:nth-child(4), .answers td:last-child { width: auto; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden;
    clip-path: inset(50%); }
  .cards tr { border: 1px solid var(--rule); padding: .5rem .75rem; margin-bottom: .75rem; }
  .cards tbody th, .cards td { border: 0; padding: .2rem 0; }
  .cards td::before { content: attr(data-label) ": "; color: var(--quiet); font-size: .85rem; }
  .answers td:last-child::before { display: block; }
  dl > div { grid-template-columns: 1fr; }
  .counts li { flex: 1 1 8rem; }
  .hint { display: block; }
}
@media (min-width: 44.01rem) { .hint { display: none; } }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@page { size: A4; margin: 14mm; }
@media print {
  body { padding: 0; max-width: none; font-size: 9.5pt; }
  nav, .hint { display: none; }
  h2 { margin-top: 1.5rem; }
  table { font-size: 8pt; }
  th, td { padding: .3rem .4rem .3rem 0; }
  h2, h3, h4, caption { break-after: avoid; }
  figure, tr, dl > div, .counts li { break-inside: avoid; }
  .scroll { overflow: visible; border: 0; padding: 0; }
  .scroll img { min-width: 0; max-height: 235mm; width: auto; max-width: 100%; }
  a { color: inherit; }
  a[href^="http"]::after { content: " (" attr(href) ")"; font-size: .85em;
    overflow-wrap: anywhere; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""


def sheet() -> Markup:
    """The element that holds it."""
    return Markup(f"<style>{CSS}</style>")


def policy() -> str:
    """What the page may load: nothing but the pictures inside it, and this very style sheet."""
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
