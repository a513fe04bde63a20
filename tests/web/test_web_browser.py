"""The page in headless Chromium, as people use it: scenarios with one server, which the last
one ends.

They need the extra `dev` (Gradio, Playwright) and a Chromium, such as Debian's package `chromium`.
"""

import contextlib
import http.server
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest
from PIL import Image

from artistyle_tf.images import read, read_record
from commands import HANGING, children

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM or None in map(importlib.util.find_spec, ("gradio", "playwright")),
        reason="not installed: gradio, playwright or chromium",
    ),
]

PATIENCE = 300_000
"""Milliseconds after which something hangs, on however busy a machine."""

NAMELESS = """() => [...document.querySelectorAll("button, input, textarea, select")]
    .filter(e => e.offsetParent && e.type !== "file" && !e.closest("#mask"))
    .filter(e => !(e.innerText || "").trim() && !e.ariaLabel && !e.title && !e.labels?.length
        && !e.getAttribute("aria-labelledby"))
    .map(e => e.outerHTML.slice(0, 200))"""


SMALL_TARGETS = """() => [...document.querySelectorAll("button, input, textarea")]
    .filter(e => e.offsetParent && e.type !== "file" && e.getBoundingClientRect().height < 44)
    .map(e => e.outerHTML.slice(0, 200))"""

SEND = """async to => {
    const form = new FormData();
    form.append("files", new Blob(["foreign"]), "foreign.png");
    await fetch(to, {method: "POST", mode: "no-cors", body: form});
}"""


@contextlib.contextmanager
def serving(place, *flags):
    """(address, process, folder of results) of a server with a small network and low limits."""
    folder = place / "results"
    command = [
        sys.executable, "-m", "artistyle_tf.web", "--port=0", "--weights=preview",
        f"--folder={folder}", "--max_pixels=40000", "--max_megabytes=1", *flags,
    ]  # fmt: skip
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with children() as start:
        process = start(command, **pipes, env={**os.environ, "TMPDIR": str(place)})
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found, line + process.stderr.read()
        yield found[0], process, folder


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    """A function: options → a context of a new browser, with `asked`, all addresses it asked for,
    and `said`, the errors on its console."""
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=flags)

        def make(**options):
            context = chromium.new_context(**options)
            context.set_default_timeout(PATIENCE)
            context.asked, context.said = [], []
            context.on("dialog", lambda dialog: dialog.accept())
            context.on("request", lambda request: context.asked.append(request.url))
            context.on("weberror", lambda error: context.said.append(str(error.error)))
            context.on(
                "console",
                lambda note: context.said.append(note.text) if note.type == "error" else None,
            )
            return context

        try:
            yield make
        finally:
            chromium.close()


@pytest.fixture
def pair(picture, tmp_path):
    """Paths of a photo and a style image."""
    paths = [tmp_path / f"{name}.png" for name in ("photo", "style")]
    for number, path in enumerate(paths):
        Image.fromarray(picture(96, 128, number)).save(path)
    return [str(path) for path in paths]


def opened(context, url, pair=()):
    """A page with those pictures, at 128 px, with more iterations than a test waits for."""
    page = context.new_page()
    page.goto(url)
    page.locator("#paint").wait_for()
    page.locator("#style input[type=file]").wait_for(state="attached")
    for name, path in zip(("photo", "style"), pair, strict=False):
        page.locator(f"#{name} input[type=file]").set_input_files(path)
        page.locator(f"#{name} img").first.wait_for()
    if pair:
        page.locator("#set-size input").fill("128")
        page.keyboard.press("Tab")
        page.locator("#more button").first.click()
        page.locator("#more-run button").first.click()
        set_iterations(page, 100_000)
    return page


def set_iterations(page, count):
    page.locator("#set-iterations input").fill(str(count))
    page.keyboard.press("Tab")


def says(page, text):
    """Waits until the state is that."""
    page.locator("#state").get_by_text(text).wait_for()


def iteration(page):
    return int(page.locator("#outputs .figures").first.inner_text().split()[0])


def painted(page):
    """Waits for the end of a run, and sees that the page says all of it."""
    says(page, re.compile("saved as"))
    page.locator("#compare img").first.wait_for()
    for name in ("#download", "#report", "#go-on", "#change"):
        page.locator(name).wait_for()
    page.locator("#stop").wait_for(state="hidden")
    assert page.locator("#paint").is_enabled()


def wait_until(true):
    end = time.monotonic() + HANGING
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_from_upload_to_download(server, browser, pair, tmp_path):
    url, _, folder = server
    context = browser(viewport={"width": 1280, "height": 900})

    # Paint with the keyboard, stop, continue from the checkpoint.
    page = opened(context, url, pair)
    page.locator("#paint").focus()
    page.keyboard.press("Enter")
    page.locator("#outputs .figures").wait_for()
    assert not page.locator("#download").is_visible()
    page.locator("#stop").focus()
    page.keyboard.press("Space")
    painted(page)
    stopped = iteration(page)
    assert stopped >= 1
    assert page.evaluate(NAMELESS) == []
    page.locator("#go-on").click()
    page.locator("#stop").click()
    painted(page)
    assert iteration(page) > stopped

    # Continue with changed controls and a mask, drawn by brush on the left half. With the brush
    # open the browser is slow to draw updates, of which a long run has many.
    set_iterations(page, 200)
    page.locator("#part button").first.click()
    page.locator("#mask button[aria-label=Undo]:enabled").wait_for()  # the photo is there
    canvas = page.locator("#mask canvas").first
    canvas.hover()  # where it stays: accordions open slowly
    box = canvas.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 60, middle[1])
    page.mouse.down()
    page.mouse.move(middle[0] - 30, middle[1], steps=4)
    page.mouse.up()
    page.locator("#change").click()
    says(page, re.compile("^Done"))
    painted(page)
    with page.expect_download() as waiting:
        page.locator("#report").click()
    assert waiting.value.suggested_filename.endswith(".html")
    with page.expect_download() as waiting:
        page.locator("#download").click()
    waiting.value.save_as(tmp_path / "got.png")
    record = read_record(tmp_path / "got.png")
    assert (record["config"]["size"], record["config"]["iterations"]) == (128, 200)
    assert record["config"]["init"].endswith(".png")
    assert record["weights"]["kind"] == "preview"
    assert len(record["content_masks"]) == 1
    same = (read(pair[0]).rgb == read(tmp_path / "got.png").rgb).all(axis=-1)
    assert same[:, 96:].all()
    assert not same.all()
    page.locator("#objective button").first.click()
    page.locator(".chart polyline").nth(5).wait_for(state="attached")  # of five styles, a content

    # A large one, after it is said what it takes.
    page.locator("#large-box button").first.click()
    large = page.locator("#large-box")
    large.get_by_text("the result has 1024×768 px; this page accepts at most").wait_for()
    assert page.locator("#large").is_disabled()
    page.locator("#large-size input").fill("160")
    page.keyboard.press("Enter")
    large.get_by_text(re.compile("160×120 px: about .* of memory")).wait_for()
    page.locator("#large").click()
    page.get_by_text("200 of 200 iterations · 160×120 px").wait_for()  # it is over
    painted(page)

    assert {read(path).rgb.shape for path in folder.iterdir()} == {(96, 128, 3), (120, 160, 3)}
    hosts = {urllib.parse.urlsplit(asked).netloc for asked in context.asked}
    assert hosts - {""} == {urllib.parse.urlsplit(url).netloc}  # "": data in the page itself
    assert context.said == []


def test_a_phone_and_what_is_refused(server, browser, tmp_path):
    context = browser(viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True)
    page = opened(context, server[0])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 20, 18)"
    assert page.evaluate(SMALL_TARGETS) == []
    for name, label in (("photo", "Photo"), ("style", "Style image")):
        assert page.locator(f"#{name}").get_by_label(f"{label}: File upload").count() == 1
    page.locator("#paint").click()
    page.locator("#photo-note").get_by_text("choose a photo first").wait_for()
    page.wait_for_function("scrollY > 300")  # to the picture
    (tmp_path / "text.png").write_text("no picture at all")
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "text.png")
    page.locator("#photo-note").get_by_text(re.compile("^text.png is not a picture")).wait_for()
    assert context.said == []
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "heavy.png")
    page.get_by_text("each may have 1 MB").wait_for()
    page.locator("#style input[type=file]").set_input_files(tmp_path / "heavy.png")
    page.get_by_text(re.compile("exceed the maximum allowed size")).first.wait_for()
    Image.new("RGB", (300, 200)).save(tmp_path / "wide.png")
    page.locator("#style input[type=file]").set_input_files(tmp_path / "wide.png")
    said = page.locator("#style-note")
    said.get_by_text(re.compile("^wide.png has 300×200 px; this page accepts at most")).wait_for()
    Image.new("RGB", (200, 100), "red").save(tmp_path / "scan.tif")
    page.locator("#style input[type=file]").set_input_files(tmp_path / "scan.tif")
    said.get_by_text("scan.tif: 200×100 px").wait_for()
    page.wait_for_function("document.querySelector('#style img').naturalWidth == 200")


def test_a_draft_is_shown_while_controls_change(server, browser, pair):
    page = opened(browser(), server[0])
    page.locator("#part button").first.click()
    page.locator("#mask button[aria-label=Brush]").wait_for()
    undo = page.locator("#mask button[aria-label=Undo]:enabled")
    assert not undo.count()
    for name, path in zip(("photo", "style"), pair, strict=True):
        page.locator(f"#{name} input[type=file]").set_input_files(path)
    undo.wait_for()  # the photo is under the brush
    says(page, re.compile("A draft"))
    drawn = page.locator("#canvas img").get_attribute("src")
    page.locator("#set-strength input[type=number]").fill("1")
    page.keyboard.press("Tab")
    page.wait_for_function("old => document.querySelector('#canvas img').src != old", arg=drawn)
    assert not page.locator("#stop").is_visible()
    page.locator("#set-color input").focus()
    page.locator("#set-color ul").wait_for()
    page.keyboard.press("Tab")
    page.locator("#set-color ul").wait_for(state="hidden")


def test_what_strangers_ask_for_is_refused(server, browser, picture, tmp_path):
    url, _, folder = server
    with pytest.raises(urllib.error.HTTPError, match="421"):
        urllib.request.urlopen(urllib.request.Request(url, headers={"Host": "evil.example"}))
    with urllib.request.urlopen(url) as answer:
        assert answer.headers["X-Frame-Options"] == "DENY"

    def stored():
        names = {path.name for path in folder.parent.glob("artistyle-web-*/**/*")}
        return {"own.png", "foreign.png"} & names

    Image.fromarray(picture(48, 64, 7)).save(tmp_path / "own.png")
    context = browser()
    page = opened(context, url, [str(tmp_path / "own.png")])
    assert stored() == {"own.png"}
    page.close()
    wait_until(lambda: not stored())
    # From another port of this machine.
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), http.server.BaseHTTPRequestHandler
    ) as at:
        threading.Thread(target=at.serve_forever, daemon=True).start()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{at.server_port}/")
        for path in ("upload", "queue/join"):
            page.evaluate(SEND, f"{url}gradio_api/{path}")
        at.shutdown()
    assert not stored()


def test_a_password_is_asked_for(tmp_path):
    with serving(tmp_path, "--auth=me:secret") as (url, *_):
        visit = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with pytest.raises(urllib.error.HTTPError, match="401"):
            visit.open(f"{url}config")
        with pytest.raises(urllib.error.HTTPError, match="400"):
            visit.open(f"{url}login", b"username=me&password=wrong")
        visit.open(f"{url}login", b"username=me&password=secret")
        assert visit.open(f"{url}config").status == 200


def test_two_tabs_a_reload_a_closed_tab_and_the_end_of_the_server(server, browser, pair):
    url, process, folder = server
    context = browser()
    before = len(list(folder.iterdir()))
    first, second = (opened(context, url, pair) for _ in range(2))
    first.locator("#paint").click()
    first.locator("#outputs .figures").wait_for()
    second.locator("#paint").click()
    says(second, "Waiting for one other run to finish: number 1 in the queue")
    first.reload()  # ends its run, and the next one begins
    second.locator("#outputs .figures").wait_for()
    assert len(list(folder.iterdir())) == before + 1
    first.reload()  # the first time the list may have been made before the picture was saved
    first.locator("#recent img").first.click()  # what was painted is still there
    says(first, re.compile("^photo-.*png: 128×96 px"))
    with first.expect_download():
        first.locator("#download").click()

    third = opened(context, url, pair)
    third.locator("#paint").click()
    says(third, "Waiting for one other run to finish: number 1 in the queue")
    second.close()
    third.locator("#outputs .figures").wait_for()
    assert len(list(folder.iterdir())) == before + 2

    os.kill(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=HANGING)
    assert process.returncode == 0, err
    assert f"{before + 3} saved in {folder}, the latest as photo-" in out
    assert len(list(folder.iterdir())) == before + 3
    assert "Traceback" not in err
