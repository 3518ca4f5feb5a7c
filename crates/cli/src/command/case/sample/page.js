'use strict';
const rows = [...document.querySelectorAll('fieldset')];
const done = document.getElementById('done');
const by = document.getElementById('by');
let saved = true;
function marked(row) { return row.querySelector('input:checked'); }
function tell() {
  const count = rows.filter(marked).length;
  done.textContent = count + ' / ' + rows.length;
}
function show(row) {
  const input = marked(row);
  if (input) row.dataset.mark = input.value;
  tell();
}
function go(from) {
  const after = rows.slice(from).concat(rows.slice(0, from)).find(row => !marked(row));
  if (after) { after.focus(); after.scrollIntoView({ block: 'center' }); }
}
function mark(row, value) {
  row.querySelector('input[value=' + value + ']').checked = true;
  saved = false;
  show(row);
}
document.addEventListener('change', event => {
  const row = event.target.closest('fieldset');
  if (row) { saved = false; show(row); }
});
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target === by) return;
  const value = { 1: 'true', 2: 'untrue', 3: 'unknown' }[event.key];
  const row = event.target.closest && event.target.closest('fieldset');
  if (!value || !row) return;
  event.preventDefault();
  mark(row, value);
  go(rows.indexOf(row) + 1);
});
document.getElementById('next').addEventListener('click', () => {
  const row = document.activeElement.closest('fieldset');
  go(row ? rows.indexOf(row) + 1 : 0);
});
document.getElementById('save').addEventListener('click', () => {
  const marks = {};
  for (const row of rows) if (marked(row)) marks[row.dataset.n] = marked(row).value;
  const what = { liuhen_marks: 1, sample: document.body.dataset.sample, by: by.value, marks };
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify(what, null, 1) + '\n'], { type: 'application/json' }));
  link.download = 'marks-' + document.body.dataset.sample.slice(0, 12) + '.json';
  link.click();
  URL.revokeObjectURL(link.href);
  saved = true;
});
document.getElementById('load').addEventListener('change', async event => {
  const file = event.target.files[0];
  if (!file) return;
  let what = null;
  try { what = JSON.parse(await file.text()); } catch { what = null; }
  if (!what || what.sample !== document.body.dataset.sample) { done.textContent = '不是本样本的标记 · marks of another sample'; return; }
  by.value = what.by || '';
  for (const row of rows) if (['true', 'untrue', 'unknown'].includes(what.marks[row.dataset.n])) mark(row, what.marks[row.dataset.n]);
  saved = true;
});
addEventListener('beforeunload', event => { if (!saved) event.preventDefault(); });
tell();
if (rows.length) rows[0].focus();
