// What the program answers, as elements of the page. Text becomes text, never
// markup; the one exception is a drawing, in which there is nothing that
// somebody typed.
'use strict';

const element = (name, attributes = {}, ...children) => {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
};

// choice is a checkbox with its label.
function choice(group, name, note) {
  const box = element('input', {type: 'checkbox', name: group, value: name});
  const label = element('label', {class: 'choice'}, box, element('span', {}, name));
  if (note) label.append(element('small', {}, note));
  return label;
}

// figure is a drawing with its caption, its table and its bytes.
function figure(f, explain) {
  const picture = element('div', {class: 'picture', tabindex: '0', role: 'group', 'aria-label': f.title});
  picture.innerHTML = f.svg;
  const details = element('details', {}, element('summary', {}, 'As a table'), ...f.blocks.map(table));
  const all = element('figure', {}, element('figcaption', {}, f.title), picture, details);
  if (f.bytes) {
    const button = element('button', {type: 'button'}, 'Explain these bytes');
    button.addEventListener('click', () => explain(f.bytes));
    all.append(button);
  }
  return all;
}

// drawing is a row of figures for each part.
function drawing(figures, explain) {
  const rows = new Map();
  for (const f of figures) {
    if (!rows.has(f.part)) rows.set(f.part, element('div', {class: 'part'}));
    rows.get(f.part).append(figure(f, explain));
  }
  return [...rows.values()];
}

// table is a struct or a message, a row for each field.
function table(block) {
  const columns = [['offset', 'Offset'], ['size', 'Size'], ['bytes', 'Bytes'], ['decl', 'Field'], ['meaning', 'Meaning']]
    .filter(([key]) => block.rows.some(row => row[key] !== ''));
  const head = element('tr', {}, ...columns.map(([, title]) => element('th', {scope: 'col'}, title)));
  const body = block.rows.map(row => element('tr', {class: row.decl === 'padding' ? 'padding-row' : ''},
    ...columns.map(([key]) => element('td', {class: 'of-' + key}, String(row[key])))));
  const all = element('table', {}, element('caption', {}, block.heading),
    element('thead', {}, head), element('tbody', {}, ...body));
  const box = element('div', {class: 'scroll', tabindex: '0', role: 'group', 'aria-label': block.heading}, all);
  for (const note of block.notes || []) box.append(element('p', {class: 'odd'}, 'Note: ' + note));
  return box;
}

// explanation is what bytes mean.
function explanation(e) {
  const all = [];
  if (e.suits && e.suits.length) {
    all.push(element('p', {}, 'This makes sense for'),
      element('ul', {class: 'suits'}, ...e.suits.map(s => element('li', {}, s))));
  } else if (e.suits === null && e.arch && e.guessed) {
    all.push(element('p', {}, `This makes sense for no architecture; below is how ${e.arch} reads it.`));
  }
  return all.concat((e.blocks || []).map(table));
}
