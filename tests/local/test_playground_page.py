"""The playground's files, as far as they can be judged without a browser."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "infra" / "local" / "playground"
SCRIPTS = sorted(PAGE.glob("*.js"))


class Tags(HTMLParser):
    """Every start tag with its attributes, and whether text stood inside a script or a style."""

    def __init__(self):
        super().__init__()
        self.tags = []
        self.inline = ""

    def handle_starttag(self, tag, attrs):
        """Remember it."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        """Code inside the page would be blocked by the policy."""
        if self.tags and self.tags[-1][0] in {"script", "style"} and self.cdata_elem:
            self.inline += data


@pytest.fixture(params=["index.html", "site.html"])
def page(request):
    """A page's tags: the playground's, and those of the company's site in it."""
    tags = Tags()
    tags.feed((PAGE / request.param).read_text(encoding="utf-8"))
    return tags


def test_the_page_holds_no_code_and_no_style_of_its_own(page):
    """A strict Content-Security-Policy lets neither run."""
    assert page.inline.strip() == ""
    attributes = {name for _, attributes in page.tags for name in attributes}
    assert not {name for name in attributes if name == "style" or name.startswith("on")}


def test_everything_the_page_loads_is_beside_it(page):
    """No resource from elsewhere, and none that is missing."""
    loaded = [a.get("src") or a.get("href") for tag, a in page.tags if tag in {"script", "link", "img"}]
    assert loaded
    beside = [path for path in loaded if path != "/chat/widget.js"]
    assert all(
        path.startswith("/playground/") and (PAGE / path.removeprefix("/playground/")).is_file() for path in beside
    )
    imports = [name for script in SCRIPTS for name in re.findall(r'from "(.+?)"', script.read_text(encoding="utf-8"))]
    assert imports
    assert all(name.startswith("./") and (PAGE / name).is_file() for name in imports)
    assert not [path for path in PAGE.glob("*.css") if "url(" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", ["index.html"], indirect=True)
def test_every_element_the_scripts_ask_for_is_in_the_page(page):
    """An id that was renamed in one place only breaks the page silently."""
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    asked = {name for script in SCRIPTS for name in re.findall(r'byId\("(.+?)"\)', script.read_text(encoding="utf-8"))}
    assert asked
    assert len(set(ids)) == len(ids)
    assert asked <= set(ids)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_f41_text_goes_into_the_page_as_text_only(script):
    """No way for a message to become markup or code."""
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|new Function|createContextualFragment"
    )
    assert not re.search(forbidden, script.read_text(encoding="utf-8"))
