"""Report pages as tests look at them: parsed, checked to be well-formed and to need nothing."""

import html.parser
import re

VOID = {"meta", "link", "img", "br", "input"}
FETCHING = {"src", "srcset", "href", "poster", "data", "action", "background", "formaction"}


class Page(html.parser.HTMLParser):
    """A page, read; AssertionError where its tags are not closed in their order."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.open = text, [], []
        self.tables, self.texts, self.scripts, self.styles = {}, {}, [], []
        self.marks = {}
        """Axis → what its charts say under the pointer."""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), (tag, names)
        found = dict(attributes)
        self.tags.append((tag, found))
        if tag not in VOID:
            self.open.append((tag, found))
        if tag == "table":
            self.tables[found["id"]] = []
        if tag == "tr":
            self._table().append([])
        if tag in ("th", "td"):
            self._table()[-1].append("")
        if tag == "data" and any(tag == "table" for tag, _ in self.open):
            self._table()[-1][-1] = float(found["value"])

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        opened = self.open.pop()[0]
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data):
        inside = [tag for tag, _ in self.open]
        if inside[-1:] == ["script"]:
            self.scripts.append(data)
        elif inside[-1:] == ["style"]:
            self.styles.append(data)
        elif inside[-2:] == ["circle", "title"]:
            (axis,) = [a["class"] for _, a in self.open if a.get("class", "").startswith("by-")]
            self.marks.setdefault(axis.removeprefix("by-"), []).append(data)
        elif inside:
            for _, attributes in self.open:
                if "id" in attributes:
                    key = attributes["id"]
                    self.texts[key] = self.texts.get(key, "") + data
            if inside[-1] in ("th", "td", "abbr") and "table" in inside:
                self._table()[-1][-1] += data.strip()

    def all(self, tag):
        """The attributes of each such tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    def rows(self, table):
        """Its rows below the head: texts, and the numbers behind those that are figures."""
        return self.tables[table][1:]

    def _table(self):
        (name,) = [found["id"] for tag, found in self.open if tag == "table"]
        return self.tables[name]


def check(page):
    """That the page is sound, and needs nothing but itself."""
    ids = [found["id"] for _, found in page.tags if "id" in found]
    assert len(ids) == len(set(ids))
    for _, found in page.tags:
        for name in ("for", "aria-labelledby"):
            assert name not in found or found[name] in ids
        for name in FETCHING & found.keys():
            assert re.match(r"data:(image/(png|jpeg);base64,[A-Za-z0-9+/=]+|,)$", found[name])
        assert not re.search(r"url\(|@import|//", found.get("style", ""))
        assert not any(name.startswith("on") for name in found)
    for image in page.all("img"):
        assert image["alt"].strip()
        assert int(image["width"]) > 0
        assert int(image["height"]) > 0
    (policy,) = [one["content"] for one in page.all("meta") if "http-equiv" in one]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "http" not in policy
    assert {tag for tag, _ in page.tags}.isdisjoint({"iframe", "object", "embed", "base", "a"})
    for text in page.styles:
        assert not re.search(r"url\(|@import|https?:", text)
    for text in page.scripts:
        assert not re.search(r"https?:|import\(|fetch\(", text)
    assert [tag for tag, _ in page.tags].count("h1") == 1
