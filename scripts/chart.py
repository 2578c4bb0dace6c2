"""Curves as an SVG picture, by the standard library alone: panels side by side, both axes logarithmic, one legend.

The same figures give the same bytes, so that a picture can be compared with the one that is kept.
"""
import math
from xml.sax.saxutils import escape

# Colours that people with any colour vision tell apart (Okabe and Ito), and a mark each for print.
STYLES = (("#0072b2", "circle"), ("#d55e00", "square"), ("#009e73", "triangle"), ("#cc79a7", "diamond"), ("#56b4e9", "cross"),
          ("#e69f00", "circle"))
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 430, 320, 62, 34, 14, 46  # a panel, and its margins
LEGEND = 34


def number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


def text(x, y, what, anchor="middle", size=12, more=""):
    return f'<text x="{number(x)}" y="{number(y)}" text-anchor="{anchor}" font-size="{size}"{more}>{escape(what)}</text>'


def mark(shape, x, y, colour):
    corners = {"square": ((-3, -3), (3, -3), (3, 3), (-3, 3)), "triangle": ((0, -4), (4, 3), (-4, 3)),
               "diamond": ((0, -4.5), (4.5, 0), (0, 4.5), (-4.5, 0)),
               "cross": ((-4, -1), (-1, -1), (-1, -4), (1, -4), (1, -1), (4, -1), (4, 1), (1, 1), (1, 4), (-1, 4), (-1, 1), (-4, 1))}
    if shape == "circle":
        return f'<circle cx="{number(x)}" cy="{number(y)}" r="3.3" fill="{colour}"/>'
    points = " ".join(f"{number(x + dx)},{number(y + dy)}" for dx, dy in corners[shape])
    return f'<polygon points="{points}" fill="{colour}"/>'


class Axis:
    """Places between low and high, logarithmically, on begin to end."""

    def __init__(self, low, high, begin, end):
        self.low, self.scale = math.log(low), (end - begin) / (math.log(high) - math.log(low))
        self.begin = begin

    def at(self, value):
        return self.begin + (math.log(value) - self.low) * self.scale


def panel(left, top, what, y_range):
    """what: title, x, y (words), ticks (of x), curves: [(name, [(x, y), ...])]."""
    x0, x1, y0, y1 = left + LEFT, left + WIDTH - RIGHT, top + HEIGHT - BOTTOM, top + TOP
    x, y = Axis(what["ticks"][0], what["ticks"][-1], x0 + 6, x1 - 6), Axis(*y_range, y0, y1)
    out = [text((x0 + x1) / 2, top + 20, what["title"], size=13, more=' font-weight="bold"')]
    decade = 10.0 ** math.floor(math.log10(y_range[0]))
    while decade <= y_range[1]:
        for step in range(1, 10):
            value = decade * step
            if not y_range[0] <= value * 1.0001 <= y_range[1] * 1.001:
                continue
            shade = "#bbb" if step == 1 else "#e8e8e8"
            out.append(f'<path d="M{x0} {number(y.at(value))}H{x1}" stroke="{shade}"/>')
            if step in (1, 2, 5):
                out.append(text(x0 - 6, y.at(value) + 4, f"{value:g}", "end", 11))
        decade *= 10
    for tick in what["ticks"]:
        out.append(f'<path d="M{number(x.at(tick))} {y0}v4" stroke="#444"/>')
        out.append(text(x.at(tick), y0 + 17, f"{tick:g}", size=11))
    out.append(f'<path d="M{x0} {y1}V{y0}H{x1}" fill="none" stroke="#444"/>')
    out.append(text((x0 + x1) / 2, y0 + 36, what["x"]))
    out.append(text(0, 0, what["y"], more=f' transform="translate({left + 16} {number((y0 + y1) / 2)}) rotate(-90)"'))
    for index, (_, points) in enumerate(what["curves"]):
        colour, shape = STYLES[index % len(STYLES)]
        places = [(x.at(a), y.at(b)) for a, b in points]
        line = "L".join(f"{number(a)} {number(b)}" for a, b in places)
        out.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        out += [mark(shape, a, b, colour) for a, b in places]
    return out


def legend(names, width):
    out, step = [], 110
    at = (width - step * len(names)) / 2 + 20
    for index, name in enumerate(names):
        colour, shape = STYLES[index % len(STYLES)]
        out.append(f'<path d="M{number(at)} {LEGEND / 2}h28" stroke="{colour}" stroke-width="1.8"/>')
        out.append(mark(shape, at + 14, LEGEND / 2, colour))
        out.append(text(at + 34, LEGEND / 2 + 4, name, "start"))
        at += step
    return out


def curves(title, panels, columns=2):
    """The picture's text. All panels have one scale of y, from the figures, and the same curves in the same order."""
    values = [value for what in panels for _, points in what["curves"] for _, value in points]
    y_range = min(values) * 0.8, max(values) * 1.25
    rows = -(-len(panels) // columns)
    width, height = WIDTH * columns, LEGEND + HEIGHT * rows
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           'font-family="Helvetica, Arial, sans-serif" fill="#222">', f"<title>{escape(title)}</title>",
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    out += legend([name for name, _ in panels[0]["curves"]], width)
    for index, what in enumerate(panels):
        out += panel(WIDTH * (index % columns), LEGEND + HEIGHT * (index // columns), what, y_range)
    return "\n".join(out) + "\n</svg>\n"
