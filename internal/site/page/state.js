// The page's state, and the fragment of its address that holds it:
// #arch=amd64,386&fds=2&with=cred&show=message&explain=1400…&read=amd64
'use strict';

const usual = {archs: ['amd64'], fds: 1, with: [], parts: ['message'], text: '', read: ''};

const list = s => s.split(',').filter(Boolean);

// stateOf reads a fragment. What it does not name is as usual.
function stateOf(fragment) {
  const q = new URLSearchParams(fragment.replace(/^#/, ''));
  const get = (name, otherwise, read) => q.has(name) ? read(q.get(name)) : otherwise;
  return {
    archs: get('arch', usual.archs, list),
    fds: get('fds', usual.fds, number),
    with: get('with', usual.with, list),
    parts: get('show', usual.parts, list),
    text: get('explain', usual.text, String),
    read: get('read', usual.read, String),
  };
}

// fragmentOf is the shortest fragment that stateOf reads as s.
function fragmentOf(s) {
  const q = new URLSearchParams();
  const set = (name, value, usually) => String(value) === String(usually) || q.set(name, value);
  set('arch', s.archs, usual.archs);
  set('fds', s.fds, usual.fds);
  set('with', s.with, usual.with);
  set('show', s.parts, usual.parts);
  set('explain', s.text, usual.text);
  set('read', s.read, usual.read);
  return '#' + q.toString().replaceAll('%2C', ',');
}

// number is a count, or -1 for what is none, which the program refuses.
function number(s) {
  return /^\d{1,6}$/.test(s.trim()) ? Number(s) : -1;
}
