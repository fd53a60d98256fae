#!/usr/bin/env python3
"""Shows printed pages of ours in Chromium: they fit a phone and a desk, and print on at most two sides of A4 without a
request and without a script.

    page_fits.py FILE.html...  [--shots FOLDER]
"""
import base64, pathlib, re, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "inject_corpus"))
from devtools import Browser

SIDES_MAX = 2
# In points.
A4 = (0, 0, 595, 842)
# What stands beyond the right edge of its table or of the page, and text that is cut off.
WIDE = """(() => {
  const width = document.documentElement.clientWidth;
  const wide = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > width + 1);
  return [document.documentElement.scrollWidth, wide.slice(0, 3).map(e => e.tagName + ' ' + e.textContent.slice(0, 40))];
})()"""
BARE = """[...document.querySelectorAll('table')].filter(t => !t.caption || !t.tHead || !t.querySelector('tbody th')).length"""


def main():
    words = sys.argv[1:]
    shots = pathlib.Path(words.pop(words.index("--shots") + 1)) if "--shots" in words else None
    files = [pathlib.Path(word) for word in words if word != "--shots"]
    with Browser() as browser:
        for path in files:
            html = path.read_text("utf-8")
            for width in (390, 1280):
                browser.show(html, width)
                reached, wide = browser.evaluate(WIDE)
                if reached > width or wide:
                    sys.exit(f"{path.name}: {reached} pixels wide at {width}: {wide}")
                if shots:
                    (shots / f"{path.stem}-{width}.png").write_bytes(browser.shot())
            if browser.evaluate(BARE) or not browser.evaluate("document.documentElement.lang"):
                sys.exit(f"{path.name}: a table without caption or heads, or a page without a language")
            pdf = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])
            sides = pdf.count(b"/Type /Page\n")
            if shots:
                (shots / f"{path.stem}.pdf").write_bytes(pdf)
            papers = {tuple(round(float(points)) for points in box.split()) for box in re.findall(rb"/MediaBox \[([^]]*)\]", pdf)}
            if not 1 <= sides <= SIDES_MAX or papers != {A4}:
                sys.exit(f"{path.name}: {sides} sides of {papers}")
    print(f"{len(files)} pages fit")


main()
