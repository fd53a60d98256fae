#!/usr/bin/env python3
"""Shows the edited HTML mails of a folder in Chromium and says where a person would not see, read or reach the line.

render.py BINARY FOLDER… [--sample N] [--only TEXT] [--names LIST] [--shots FOLDER]

For every mail with a line in text/html, at 390 and 1280 pixels: the lead text and the link have a box on the page, nothing
clips or covers them, a tap on the link reaches it, their text stands in the page's visible text behind and in front of the
lines that the expectation names, and their contrast with what is behind them is at least 4.5 (link: 3) as light page, as
dark page (prefers-color-scheme) and where the reader turns colours by force. Contrast is measured on the pixels. Equal
pages are shown once.
"""
import argparse, hashlib, pathlib, random, sys, tempfile

import devtools, reading

WIDTHS, LOOKS = (390, 1280), ("light", "dark", "forced")
CONTRAST_MIN = 4.5

# What is asked of the page. The link is found by its address, the lead text by walking the visible text.
PROBE = """(() => {
  const link = [...document.querySelectorAll('a')].find(a => /^https:\\/\\/careerrelay\\.jp\\/r\\/[A-Za-z0-9-]+$/.test(a.href));
  if (!link) return { missing: 'no link' };
  link.scrollIntoView({ block: 'center' });
  const squash = s => s.replace(/\\s+/g, '');
  const lead = squash(%LEAD%);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let nodes = [], text = '';
  for (let n; (n = walker.nextNode());) {
    if (link.compareDocumentPosition(n) & Node.DOCUMENT_POSITION_FOLLOWING && !link.contains(n)) break;
    if (!link.contains(n)) nodes.push(n);
  }
  let range = document.createRange(), end = nodes.length - 1;
  while (end >= 0 && !squash(nodes[end].data)) end--;
  let start = end;
  while (start >= 0) { text = squash(nodes[start].data) + text; if (text.length >= lead.length) break; start--; }
  if (start < 0 || !text.endsWith(lead)) return { missing: 'the lead text is not in front of the link: ' + text.slice(-60) };
  let skip = text.length - lead.length, at = 0;
  while (skip > 0 || /\\s/.test(nodes[start].data[at])) { if (!/\\s/.test(nodes[start].data[at])) skip--; at++; }
  range.setStart(nodes[start], at); range.setEnd(nodes[end], nodes[end].data.trimEnd().length);
  const box = r => ({ x: r.x, y: r.y, width: r.width, height: r.height });
  const reached = r => [...r].every(q => { const e = document.elementFromPoint(q.x + q.width / 2, q.y + q.height / 2);
    return q.width > 0 && q.height > 0 && e && (link === e || link.contains(e)); });
  const open = r => [...r].filter(q => q.width > 2 && q.x + q.width / 2 < innerWidth).every(q => { const e = document.elementFromPoint(q.x + q.width / 2, q.y + q.height / 2);
    return e && e.contains(range.startContainer.parentElement) || e && range.startContainer.parentElement.contains(e); });
  const size = e => parseFloat(getComputedStyle(e).fontSize);
  return { link: box(link.getBoundingClientRect()), lead: box(range.getBoundingClientRect()),
    clickable: reached(link.getClientRects()), uncovered: open(range.getClientRects()),
    scroll: { x: scrollX, y: scrollY }, size: size(link), leadSize: size(range.startContainer.parentElement),
    text: document.body.innerText };
})()"""


def luminance(colour):
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(png):
    """Between the commonest colour and the one that differs most from it (WCAG 2.2, contrast ratio)."""
    _, rows = devtools.pixels(png)
    counts = {}
    for row in rows:
        for pixel in row:
            counts[pixel] = counts.get(pixel, 0) + 1
    ground = luminance(max(counts, key=counts.get))
    # A glyph has a few pixels that are wholly its colour; single ones may be stray.
    inks = [luminance(c) for c, n in counts.items() if n >= 2]
    return max((max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) for ink in inks)


def html_of(raw, expected):
    """The parts of markup that carry the line, with what is to be read in each."""
    for part in reading.leaves(raw):
        if part.media == "text/html" and part.path in expected.parts:
            yield part, expected.parts[part.path][1]


def clip(box, scroll):
    return {"x": max(0, box["x"] + scroll["x"]), "y": max(0, box["y"] + scroll["y"]), 
            "width": max(1, min(box["width"], 240)), "height": max(1, min(box["height"], 60))}


def order_faults(shown, lead, lines):
    """The page's own visible text against the lines of the expectation."""
    squash = lambda text: "".join(reading.squashed(text).split("\u200b")).translate({0x200c: None, 0x200d: None, 0xfeff: None})
    whole, at = squash(shown), lines.index(reading.LINE)
    line = squash(lead)
    spot = whole.find(line)
    if spot < 0 or whole.find(line, spot + 1) >= 0:
        return ["the page's text does not hold the lead text once"]
    before, after = squash("".join(lines[:at])), squash("".join(lines[at + 1:]))
    link = whole[spot + len(line):]
    behind = link[link.find("careerrelay.jp/r/") + len("careerrelay.jp/r/"):].lstrip("abcdefghijklmnopqrstuvwxyz0123456789-") if link.startswith(("careerrelay.jp/r/", "https://careerrelay.jp/r/")) else None
    if behind is None:
        return ["the link does not follow the lead text"]
    faults = []
    if whole[:spot] != before:
        faults.append(f"in front of the line the page reads …{whole[:spot][-40:]!r}, not …{before[-40:]!r}")
    # The link may be followed at once by letters that could be its own; then the end tells.
    if not after.endswith(behind) or len(after) - len(behind) > 0 and not link.endswith(after):
        faults.append(f"behind the line the page reads {behind[:40]!r}, not {after[:40]!r}")
    return faults


def own_width(browser, before, width):
    """How wide the mail was without the line: readers of it scroll sideways anyway."""
    browser.show(before, width)
    return browser.evaluate("document.documentElement.scrollWidth")


def page_faults(browser, before, html, lines, lead):
    faults = []
    for width in WIDTHS:
        browser.look("light")
        wide = own_width(browser, before, width) if width == WIDTHS[0] else width
        browser.show(html, width)
        seen = browser.evaluate(PROBE.replace("%LEAD%", repr(lead)))
        if "missing" in seen:
            return [f"{width}: {seen['missing']}"]
        for name in ("link", "lead"):
            box = seen[name]
            if box["width"] < 20 or box["height"] < 8:
                faults.append(f"{width}: the {name} is {box['width']:.0f} by {box['height']:.0f}")
            reach = box["x"] + box["width"]
            if box["x"] < -1 or reach > max(width, wide) + 1:
                faults.append(f"{width}: the {name} reaches from {box['x']:.0f} to {reach:.0f}")
        if not seen["clickable"]:
            faults.append(f"{width}: a tap on the link does not reach it")
        if not seen["uncovered"]:
            faults.append(f"{width}: something covers or clips the lead text")
        if min(seen["size"], seen["leadSize"]) < 9:
            faults.append(f"{width}: letters of {min(seen['size'], seen['leadSize'])} pixels")
        if width == WIDTHS[0]:
            faults += order_faults(seen["text"], lead, lines)
        for look in LOOKS if width == WIDTHS[0] else LOOKS[:1]:
            browser.look(look)
            for name in ("lead", "link"):
                if min(seen[name]["width"], seen[name]["height"]) < 1:
                    continue
                ratio = contrast(browser.shot(clip(seen[name], seen["scroll"])))
                if ratio < CONTRAST_MIN - (1.5 if name == "link" else 0):
                    faults.append(f"{width} {look}: the contrast of the {name} is {ratio:.1f}")
    return faults


def pages(binary, folders, options, scratch):
    """(name, markup, lines, lead) of each page, equal ones once."""
    known = set()
    paths = sorted(p for folder in folders for p in folder.glob("*.eml") if not p.name.endswith(".expected.eml"))
    if options.names:
        paths = [p for p in paths if p.stem in options.names]
    if options.only:
        paths = [p for p in paths if options.only in p.stem]
    if options.sample:
        paths = random.Random(0).sample(paths, min(options.sample, len(paths)))
    for folder in folders:
        reading.edit(binary, [p for p in paths if p.parent == folder], scratch / folder.name)
    for path in paths:
        expected = reading.expectation(path.with_suffix(".expected.txt").read_text("utf-8"))
        if not any(media == "text/html" for media, _ in expected.parts.values()):
            continue
        edited = (scratch / path.parent.name / path.name).read_bytes()
        if edited == path.read_bytes() and expected.codes:
            continue
        whole = {part.path: part for part in reading.leaves(path.read_bytes())}
        for part, lines in html_of(edited, expected):
            html, before = (reading.characters(p.octets, p.charset) for p in (part, whole[part.path]))
            key = hashlib.sha256(html.encode()).digest()
            if key not in known:
                known.add(key)
                yield path.stem, before, html, lines, reading.LEADS[expected.language]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--only")
    parser.add_argument("--names", type=reading.names_in, default=frozenset(), help="a list of the mails to show")
    parser.add_argument("--shots", type=pathlib.Path)
    options = parser.parse_args()
    shown = wrong = 0
    with tempfile.TemporaryDirectory() as scratch, devtools.Browser() as browser:
        for name, before, html, lines, lead in pages(options.binary, options.folders, options, pathlib.Path(scratch)):
            shown += 1
            faults = page_faults(browser, before, html, lines, lead)
            wrong += bool(faults)
            for fault in faults:
                print(f"{name}\t{fault}", flush=True)
            if options.shots:
                take_shots(browser, html, options.shots / name)
    print(f"{shown - wrong} passed, {wrong} failed")
    return 1 if wrong or not shown else 0


def take_shots(browser, html, stem):
    stem.parent.mkdir(parents=True, exist_ok=True)
    for look in LOOKS:
        browser.look(look)
        for width in WIDTHS if look == "light" else WIDTHS[:1]:
            browser.show(html, width)
            height = browser.evaluate("Math.ceil(document.documentElement.scrollHeight)")
            png = browser.shot({"x": 0, "y": 0, "width": width, "height": min(height, 1600)})
            pathlib.Path(f"{stem}-{look}-{width}.png").write_bytes(png)


if __name__ == "__main__":
    sys.exit(main())
