// Small comforts of the console: copy, print, confirm, password hint, unsaved file names. Every page works without it.

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const source = document.getElementById(copy.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      copy.textContent = copy.dataset.done;
    } catch {
      getSelection().selectAllChildren(source);
    }
    return;
  }
  if (event.target.closest("[data-print]")) print();
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

// A rough guide, by length and variety only; the server decides what is accepted.
function strength(password) {
  const sorts = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^\x21-\x7e]/, /[!-/:-@[-`{-~ ]/].filter((sort) => sort.test(password)).length;
  const distinct = new Set(password).size;
  return Math.min(4, Math.floor((Math.min(password.length, distinct * 1.6) + sorts * 2) / 6));
}

for (const meter of document.querySelectorAll("meter[data-for]")) {
  const input = document.getElementById(meter.dataset.for);
  const words = meter.dataset.words.split("|");
  const said = document.getElementById(meter.dataset.say);
  meter.hidden = false;
  input.addEventListener("input", () => {
    const level = input.value ? strength(input.value) : 0;
    meter.value = level;
    said.textContent = input.value ? words[level] : "";
  });
}
