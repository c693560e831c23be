// A classic script, run before the first paint, so that a chosen theme never flashes the other one.
;(() => {
  try {
    const theme = localStorage.getItem("testudo.theme")
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme
  } catch {
    // Storage is refused (private window): the system's theme holds.
  }
})()
