"""A reader of a report: looks, scrolls and clicks with a mouse, and is timed like a person.

    seconds = sum over actions (mental 1.35 + pointing 1.1 + key 0.2) + 4 a screen that passes

The first three are the operators of the keystroke-level model (Card, Moran and Newell 1980,
Communications of the ACM 23, 396); a screen takes about ten fixations of 0.25 s to skim and a
turn of the wheel (Rayner 1998, Psychological Bulletin 124, 372), rounded up.
"""

import json
import math

MENTAL, POINT, KEY, SCREEN = 1.35, 1.1, 0.2, 4.0

_FIND = """
(() => {
  const shown = (node) => node.getClientRects().length && node.checkVisibility();
  const nodes = [...document.querySelectorAll(%s)].filter(shown);
  const node = nodes.find((one) => one.textContent.includes(%s));
  if (!node) return null;
  const before = node.getBoundingClientRect();
  const out = before.bottom < 0 || before.top > innerHeight;
  const far = Math.abs(before.top) / innerHeight;
  if (out || before.bottom > innerHeight) node.scrollIntoView({ block: "center" });
  const box = node.getClientRects()[0];  // a link may go on in the next line
  return { text: node.innerText ?? node.textContent, screens: out ? far : 0,
    x: box.left + box.width / 2, y: box.top + Math.min(box.height / 2, 20) };
})()
"""


class Reader:
    """Somebody who has only the page, and the time that passes."""

    def __init__(self, window):
        self.window, self.seconds = window, 0.0
        window.run("scrollTo(0, 0)")

    def look(self, css, words=""):
        """Scroll to the first visible element with some words; return its text."""
        place = self._find(css, words)
        self.seconds += MENTAL + SCREEN * (1 + math.ceil(place["screens"]))
        return place["text"]

    def click(self, css, words=""):
        """Click the first visible element with some words."""
        place = self._find(css, words)
        self.seconds += MENTAL + POINT + KEY + SCREEN * math.ceil(place["screens"])
        self.window.click(place["x"], place["y"])
        self.window.run("new Promise(done => setTimeout(done, 60))")

    def _find(self, css, words):
        place = self.window.run(_FIND % (json.dumps(css), json.dumps(words)))
        assert place is not None, f"nothing visible is {css} with {words!r}"
        return place
