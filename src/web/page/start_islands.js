import start, * as bundle from "{script}";
await start({ module_or_path: "{wasm}" });
bundle.hydrate();
for (const island of document.querySelectorAll("leptos-island")) {
  bundle[island.dataset.component](island);
}
document.documentElement.dataset.islands = "alive";
