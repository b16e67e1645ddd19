/** Columns of a terminal that are filled at most. */
const WIDTH = 100;

/**
 * A page of Markdown as plain text for a terminal: tables in columns, or a row below the other where they are too wide, links
 * to other pages as the command that prints them, links to other files as `whereIs` says. All else is as it is written.
 */
export function renderPage(markdown: string, whereIs: (path: string) => string): string {
  const out: string[] = [];
  let table: string[][] = [];
  let isCode = false;
  const endTable = (): void => {
    if (table.length > 0) out.push(...renderTable(table));
    table = [];
  };
  // What is for people who change the page is not for those who read it.
  const text = markdown.replace(/<!--[\s\S]*?-->\n?/g, '').replace(/^Made by `scripts\/.*\n\n?/m, '');
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) isCode = !isCode;
    if (!isCode && /^\|.*\|\s*$/.test(line)) {
      if (!/^[|\s:-]+$/.test(line)) table.push(cellsOf(line, whereIs));
      else if (table.length === 0) table.push([]);
      continue;
    }
    endTable();
    out.push(isCode || line.startsWith('    ') ? line : renderLinks(line, whereIs));
  }
  endTable();
  return `${out.join('\n').trimEnd()}\n`;
}

function cellsOf(line: string, whereIs: (path: string) => string): string[] {
  const cells = line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/);
  return cells.map((cell) => renderLinks(cell.trim().replaceAll('\\|', '|'), whereIs));
}

function renderLinks(text: string, whereIs: (path: string) => string): string {
  return text.replace(/\[([^\]]+)\]\(([^)]+)\)/g, (_, label: string, to: string) => {
    const page = /^(?:\.\/)?([\w-]+)\.md(?:#.*)?$/.exec(to)?.[1];
    if (page === undefined) {
      const isFile = !/^(#|[a-z]+:)/.test(to);
      const place = !isFile ? to : whereIs(to.startsWith('../') ? to.slice('../'.length) : `docs/${to}`);
      return to.includes(label) ? place : `${label} (${place})`;
    }
    const command = `prescore help ${page}`;
    return label === `${page}.md` || label === page ? command : `${label} (${command})`;
  });
}

function renderTable([header = [], ...rows]: readonly string[][]): string[] {
  const all = [header, ...rows];
  const columns = Math.max(...all.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)));
  const total = widths.reduce((sum, width) => sum + width + 2, -2);
  if (total > WIDTH) return rows.flatMap((row) => renderRow(row, header));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  const isNamed = header.some((cell) => cell !== '');
  const head = isNamed ? [line(header), line(widths.map((width) => '-'.repeat(width)))] : [];
  return [...head, ...rows.map(line)];
}

function renderRow([first = '', ...rest]: readonly string[], header: readonly string[]): string[] {
  const named = rest.flatMap((cell, i) => {
    const name = header[i + 1] ?? '';
    if (cell === '') return [];
    return wrap(rest.length > 1 && name !== '' ? `${name}: ${cell}` : cell);
  });
  return [first, ...named, ''];
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '   ';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH && line.trim() !== '') {
      lines.push(line);
      line = '   ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
