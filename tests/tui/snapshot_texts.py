"""What models say in the pictures."""

from __future__ import annotations

MARKDOWN = '''# A heading

## A second one with `code`

Some *emphasis*, some **weight**, some ~~struck~~ words, and `inline code` in a paragraph that is
long enough to be broken over several rows of a narrow pane, as paragraphs are.

- an item
- another one
  - a nested one with **weight**
  - and its neighbour
- the last

1. first
2. second

> A quote that somebody said,
> over two lines.

| language | year | note |
| :------- | ---: | :--: |
| C        | 1972 | *old* |
| Python   | 1991 | 蛇 |

```python
def greet(name: str) -> str:
    """Say hello."""
    return f"Hello, {name}!"  # 🎉
```

A [link](https://example.com/a_(b)) and <https://example.org>, never opened by itself.

---

Wide: 漢字かな交じり文, 한국어, emoji 👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽, and e\u0301 with a mark.

- [x] done
- [ ] to do
'''

THINKING = "91 is odd. Not divisible by 3: 9 + 1 = 10. By 7: 7 · 13 = 91. So it is not prime."

HOSTILE = (
    "Markup: [bold]not bold[/bold] [/] [x=1: [@click=app.bell]click[/]\n\n"
    "Colour: \x1b[31mred\x1b[0m, title: \x1b]0;owned\x07, clear: \x1b[2J, CSI: \x9b31m, "
    "back: abc\x08\x08, bell: \x07, null: \x00\n\n"
    "Order: \u202egnp.exe\u202c, isolate: \u2066x\u2069, "
    "marks: Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349algo, "
    "nothing: a\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200bb\n\n"
    "<script>alert(1)</script> and `[/INST]` and \u2028 a separator.\n"
)
