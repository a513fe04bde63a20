for (const compare of document.querySelectorAll(".compare")) {
  const range = compare.querySelector("input");
  const cut = () => compare.style.setProperty("--cut", range.value + "%");
  range.addEventListener("input", cut);
  cut();
}
