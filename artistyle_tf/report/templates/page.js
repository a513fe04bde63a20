for (const compare of document.querySelectorAll(".compare")) {
  const range = compare.querySelector("input");
  const cut = () => compare.style.setProperty("--cut", range.value + "%");
  range.addEventListener("input", cut);
  cut();
}

// Charts know nothing of style sheets: they are given the page's colours, on paper those for light.
const paint = () => {
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
  for (const chart of document.querySelectorAll(".plotly-graph-div")) {
    Plotly.relayout(chart, { "font.color": ink });
  }
};
const onPaper = (yes) => {
  document.documentElement.classList.toggle("paper", yes);
  paint();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
addEventListener("beforeprint", () => onPaper(true));
addEventListener("afterprint", () => onPaper(false));
paint();
