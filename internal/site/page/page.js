// Loads the program and keeps three things the same: the forms, what is shown
// for them, and the fragment of the page's address.
'use strict';

const $ = id => document.getElementById(id);
const ask = (name, question = {}) => JSON.parse(fdpass[name](JSON.stringify(question)));
const groups = ['archs', 'with', 'parts'];

// load unpacks the program and starts it. It says so with the event fdpass.
async function load() {
  const packed = Uint8Array.from(atob(program), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const go = new Go();
  const {instance} = await WebAssembly.instantiate(await new Response(stream).arrayBuffer(), go.importObject);
  const started = new Promise(resolve => addEventListener('fdpass', resolve, {once: true}));
  go.run(instance);
  await started;
}

// offer fills the forms with what the program knows.
function offer() {
  const known = ask('offer');
  for (const a of known.archs) {
    $('archs').append(choice('archs', a.name, a.kind));
    $('read').append(new Option(`${a.name}, ${a.kind}`, a.name));
  }
  for (const name of known.extras) $('with').append(choice('with', name));
  for (const name of known.parts) $('parts').append(choice('parts', name));
  $('fds').max = known.maxFDs;
  $('fds-note').textContent = `0 to ${known.maxFDs}, the kernel's limit`;
}

const boxes = group => [...$(group).querySelectorAll('input')];

function readForms() {
  const s = {fds: number($('fds').value), text: $('bytes').value, read: $('read').value};
  for (const g of groups) s[g] = boxes(g).filter(b => b.checked).map(b => b.value);
  return s;
}

function fillForms(s) {
  for (const g of groups) for (const b of boxes(g)) b.checked = s[g].includes(b.value);
  $('fds').value = s.fds < 0 ? '' : s.fds;
  $('bytes').value = s.text;
  $('read').value = s.read;
}

// say changes a live region only if its text is another, so that it is read
// once.
function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function showDrawing(s) {
  const d = ask('draw', s.fds < 0 ? {...s, fds: -1} : s);
  say('draw-error', d.error);
  say('draw-status', d.summary);
  $('drawing').replaceChildren(...drawing(d.figures || [], explainBytes));
}

function showExplanation(s) {
  const e = ask('explain', {text: s.text, arch: s.read});
  e.guessed = s.read === '';
  say('explain-error', e.error);
  say('explain-status', e.summary);
  $('explanation').replaceChildren(...explanation(e));
}

let shown = {};

// show shows what has changed, and the link to it.
function show(s) {
  const is = JSON.stringify;
  if (is([s.archs, s.fds, s.with, s.parts]) !== shown.drawing) showDrawing(s);
  if (is([s.text, s.read]) !== shown.explanation) showExplanation(s);
  shown = {drawing: is([s.archs, s.fds, s.with, s.parts]), explanation: is([s.text, s.read])};
  const fragment = fragmentOf(s);
  if (location.hash !== fragment) history.replaceState(null, '', fragment);
  $('link').value = location.href.replace(/#.*/, '') + fragment;
  $('copied').textContent = '';
}

function explainBytes(hex) {
  $('bytes').value = hex;
  show(readForms());
  $('bytes').focus();
}

// follow opens what a link holds. A link within the page keeps what it does not
// name.
function follow() {
  const s = stateOf(location.hash);
  const q = new URLSearchParams(location.hash.slice(1));
  const now = readForms();
  if (q.has('explain') && !q.has('arch')) Object.assign(s, {archs: now.archs, fds: now.fds, with: now.with, parts: now.parts});
  fillForms(s);
  show(readForms());
}

async function copy() {
  $('link').select();
  try {
    await navigator.clipboard.writeText($('link').value);
    $('copied').textContent = 'Copied.';
  } catch {
    $('copied').textContent = 'The link is selected; copy it with the keyboard.';
  }
}

async function main() {
  try {
    await load();
  } catch (e) {
    $('loading').textContent = `The program does not start in this browser: ${e}`;
    return;
  }
  offer();
  fillForms(stateOf(location.hash));
  for (const form of document.forms) {
    form.addEventListener('input', () => show(readForms()));
    form.addEventListener('submit', e => e.preventDefault());
  }
  addEventListener('hashchange', follow);
  $('copy').addEventListener('click', copy);
  document.querySelector('[data-skip]').addEventListener('click', e => { e.preventDefault(); $('drawing').focus(); });
  $('loading').hidden = true;
  document.querySelector('main').hidden = false;
  show(readForms());
}

main();
